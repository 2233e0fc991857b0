//! What Rhai refuses while a script runs, in the words of playbooks.

use super::error::{fragment, names_hidden};
use super::opaque;
use super::reference::{self, Kind, functions, names};
use crate::inventory::nearest;
use rhai::EvalAltResult;

/// Message and hint of an error that Rhai raised.
pub(super) fn refused(error: &EvalAltResult) -> (String, Option<String>) {
    let known = match error {
        _ if names_hidden(error) => Some(takes_no_secret(error)),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => no_function(signature),
        EvalAltResult::ErrorDotExpr(text, _) => no_property(text),
        EvalAltResult::ErrorPropertyNotFound(key, _) => Some((
            format!("the map has no key `{key}`"),
            "look how it is spelt; where it may be missing, ask with `\"key\" in map` first".to_owned(),
        )),
        _ => None,
    };
    match known {
        Some((message, hint)) => (message, Some(hint)),
        None => (fragment(&error.to_string()), hint(error)),
    }
}

fn hint(error: &EvalAltResult) -> Option<String> {
    match error {
        EvalAltResult::ErrorTooManyOperations(_) => {
            Some("is there a loop without an end? `max_operations` in rhapsode.yaml raises the limit".into())
        }
        EvalAltResult::ErrorStackOverflow(_) => Some("is there a function that calls itself without an end?".into()),
        _ => None,
    }
}

fn takes_no_secret(error: &EvalAltResult) -> (String, String) {
    let message = match error {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            format!("`{}` takes no secret", signature.split(" (").next().unwrap_or_default())
        }
        _ => "a secret stands where a plain value is wanted".to_owned(),
    };
    (message, opaque::HINT.to_owned())
}

/// `file::put (&str | ImmutableString | String, map)`: a name, and the types it was called with.
fn no_function(signature: &str) -> Option<(String, String)> {
    let (name, given) = signature.split_once(" (")?;
    let given = in_words(given.strip_suffix(')')?);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        let hint = "`type_of(value)` tells what a value is; `to_string()`, `to_int()`, `to_float()` make another of it";
        return Some((format!("`{name}` cannot be used with {}", given.replace(", ", " and ")), hint.to_owned()));
    }
    let message = match given.as_str() {
        "" => format!("`{name}` cannot be called without arguments"),
        given => format!("`{name}` cannot be called with ({given})"),
    };
    Some((message, ways(name)))
}

/// How a function can be called.
pub(super) fn ways(name: &str) -> String {
    let method = |one: &reference::Function| one.of.is_some() && one.name == name;
    let known = functions().iter().filter(|one| one.kind != Kind::Property && (one.path() == name || method(one)));
    let mut ways: Vec<String> = known.map(|one| format!("`{}`", one.signature)).collect();
    ways.dedup();
    if !ways.is_empty() {
        return format!("it is called as {}", ways.join(" or "));
    }
    match nearest(name, names().plain.iter().map(String::as_str)).filter(|near| *near != name) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("compare number and types of the arguments with those of `{name}`"),
    }
}

/// `Unknown property 'nme' - a getter is not registered for type 'Host'`.
fn no_property(text: &str) -> Option<(String, String)> {
    let mut quoted = text.split('\'').skip(1).step_by(2);
    let (name, of) = (quoted.next()?, in_words(quoted.next()?));
    if !text.contains("getter") {
        return Some((format!("`{name}` of a {of} cannot be set"), "give it to a variable of its own".to_owned()));
    }
    let members = || {
        let own = functions().iter().filter(|one| one.kind != Kind::Operator);
        own.filter(|one| one.of.as_ref().is_some_and(|owner| owner.eq_ignore_ascii_case(&of)))
    };
    let near = nearest(name, members().map(|one| one.name.as_str()));
    let hint = match (near, members().next().and_then(|one| one.of.as_deref())) {
        (Some(near), Some(owner)) => format!("did you mean `{owner}.{near}`?"),
        (None, Some(owner)) => format!("`rhapsode docs {owner}` lists what it has"),
        _ => "`type_of(value)` tells what a value is".to_owned(),
    };
    Some((format!("a {of} has no property `{name}`"), hint))
}

/// Types as Rhai names them in errors.
fn in_words(types: &str) -> String {
    reference::in_words(&types.replace("&str | ImmutableString | String", "string"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhai::Position;

    #[test]
    fn a_call_that_fits_nothing_is_told_with_the_ways_that_fit() {
        let signature = "file::put (&str | ImmutableString | String, i64)".to_owned();
        let (message, hint) = refused(&EvalAltResult::ErrorFunctionNotFound(signature, Position::NONE));
        assert_eq!(message, "`file::put` cannot be called with (string, int)");
        assert_eq!(hint.as_deref(), Some("it is called as `file::put(path: any, want: map) -> Done`"));
        let (message, hint) = refused(&EvalAltResult::ErrorFunctionNotFound("+ (i64, map)".into(), Position::NONE));
        assert_eq!(message, "`+` cannot be used with int and map");
        assert!(hint.is_some_and(|hint| hint.contains("type_of")));
    }

    #[test]
    fn a_property_that_is_not_there_is_answered_with_the_nearest() {
        let text = "Unknown property 'chnged' - a getter is not registered for type 'Done'".to_owned();
        let (message, hint) = refused(&EvalAltResult::ErrorDotExpr(text, Position::NONE));
        assert_eq!(message, "a Done has no property `chnged`");
        assert_eq!(hint.as_deref(), Some("did you mean `done.changed`?"));
    }
}
