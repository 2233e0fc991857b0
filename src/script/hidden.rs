//! Filters of templates on values that nobody may look at.
//!
//! A hidden value inside a template is a token. A filter that makes a text of a text works on the value, and its
//! result is hidden as well; one that tells something about the value (`length`, `int`) is refused. A list or a map with
//! hidden values in it is a list or a map like others, as long as nothing compares what is hidden.

use super::compared::looked;
use crate::secret::{RevealError, conceal, contains_token, contains_unknown, reveal, scrub};
use minijinja::value::{Kwargs, Rest, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters};
use std::sync::OnceLock;

/// Filters that look into texts.
const TEXTS: &[&str] = &[
    "upper",
    "lower",
    "title",
    "capitalize",
    "replace",
    "trim",
    "split",
    "lines",
    "int",
    "float",
    "bool",
    "abs",
    "round",
    "string",
    "indent",
    "tojson",
    "urlencode",
    "escape",
    "e",
    "format",
    "pprint",
];

/// Filters of lists and maps, as they are.
fn of_items() -> [(&'static str, Value); 25] {
    [
        ("length", Value::from_function(filters::length)),
        ("count", Value::from_function(filters::length)),
        ("first", Value::from_function(filters::first)),
        ("last", Value::from_function(filters::last)),
        ("list", Value::from_function(filters::list)),
        ("reverse", Value::from_function(filters::reverse)),
        ("batch", Value::from_function(filters::batch)),
        ("slice", Value::from_function(filters::slice)),
        ("items", Value::from_function(filters::items)),
        ("zip", Value::from_function(filters::zip)),
        ("chain", Value::from_function(filters::chain)),
        ("join", Value::from_function(filters::join)),
        ("map", Value::from_function(filters::map)),
        ("select", Value::from_function(filters::select)),
        ("reject", Value::from_function(filters::reject)),
        ("selectattr", Value::from_function(filters::selectattr)),
        ("rejectattr", Value::from_function(filters::rejectattr)),
        ("default", Value::from_function(filters::default)),
        ("d", Value::from_function(filters::default)),
        ("dictsort", Value::from_function(filters::dictsort)),
        ("groupby", Value::from_function(filters::groupby)),
        ("unique", Value::from_function(filters::unique)),
        ("sort", Value::from_function(filters::sort)),
        ("min", Value::from_function(filters::min)),
        ("max", Value::from_function(filters::max)),
    ]
}

/// Puts itself before the filters of an environment.
pub(super) fn guard(environment: &mut Environment<'static>) {
    for &name in TEXTS.iter().chain(&["sum"]) {
        environment.add_filter(name, move |values: Rest<ValueOrKwargs>| text_filter(name, &values.into_values()));
    }
    for (name, filter) in of_items() {
        let filter = move |state: &mut State, values: Rest<ValueOrKwargs>| {
            item_filter(name, &filter, state, &values.into_values())
        };
        environment.add_filter(name, filter);
    }
}

/// The filters as they are.
pub(super) fn plain() -> &'static Environment<'static> {
    static PLAIN: OnceLock<Environment<'static>> = OnceLock::new();
    PLAIN.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment
    })
}

/// True when a hidden value is in a value, at any depth.
pub(super) fn holds(value: &Value) -> bool {
    contains_token(&value.to_string())
}

fn is_hidden_text(value: &Value) -> bool {
    value.as_str().is_some_and(contains_token)
}

/// Whether a value counts as true: a secret does when it is not empty.
pub(super) fn truth(value: &Value) -> Result<Value, Error> {
    if !is_hidden_text(value) {
        return Ok(value.clone());
    }
    match unknown(value) {
        Some(unknown) => Err(refused(&unknown.to_string())),
        None => Ok(revealed("if", value)?.is_true().into()),
    }
}

/// Makes one hidden text of a list or a map with hidden values that is written out.
pub(super) fn conceal_shown(value: &mut Value) -> Result<(), Error> {
    if value.as_str().is_none() && holds(value) {
        *value = match unknown(value) {
            Some(unknown) => unknown,
            None => conceal(revealed("string", value)?.to_string()).to_string().into(),
        };
    }
    Ok(())
}

fn text_filter(name: &str, values: &[Value]) -> Result<Value, Error> {
    let original = |values: &[Value]| plain().empty_state().apply_filter(name, values);
    if !values.iter().any(holds) {
        return original(values);
    }
    if let Some(unknown) = values.iter().find_map(unknown) {
        return Ok(unknown);
    }
    let values = values.iter().map(|value| revealed(name, value)).collect::<Result<Vec<_>, _>>()?;
    // What a filter says of a value that it does not like may hold the value.
    let made = original(&values).map_err(|error| refused(&scrub(&error.to_string())))?;
    match made.as_str() {
        Some(text) => Ok(conceal(text).to_string().into()),
        None => Err(refused(&format!("the filter `{name}` would look at a secret"))),
    }
}

fn item_filter(name: &str, filter: &Value, state: &mut State, values: &[Value]) -> Result<Value, Error> {
    let (Some(first), true) = (values.first(), values.iter().any(holds)) else {
        return filter.call(state, values);
    };
    match name {
        "default" | "d" => {
            let lax = values.get(2).is_some_and(Value::is_true);
            let missing = lax && !truth(first)?.is_true();
            return if missing { Ok(values[1].clone()) } else { filter.call(state, values) };
        }
        "join"
            if !is_hidden_text(first)
                && values.len() < 3
                && texts_only(first)
                && !values[1..].iter().any(Value::is_kwargs) =>
        {
            return filter.call(state, values);
        }
        "join" => return text_filter(name, values),
        // Of a text, its letters.
        _ if values
            .iter()
            .any(|value| is_hidden_text(value) && (value == first || ["zip", "chain"].contains(&name))) =>
        {
            return text_filter(name, values);
        }
        "select" | "reject" if values.len() == 1 => return chosen(first, first, name == "select"),
        "selectattr" | "rejectattr" if values.len() == 2 => {
            let keys = attributes(state, first, &values[1])?;
            return chosen(first, &keys, name == "selectattr");
        }
        "dictsort" | "groupby" | "unique" | "sort" | "min" | "max" => {
            let keys = compared_keys(name, state, values)?;
            if holds(&keys) {
                return Err(looked(&format!("the filter `{name}`"), &[keys]));
            }
        }
        _ => {}
    }
    filter.call(state, values)
}

fn texts_only(list: &Value) -> bool {
    list.try_iter().is_ok_and(|mut items| items.all(|item| item.as_str().is_some() || !holds(&item)))
}

/// The items whose keys are true, or those whose keys are not.
fn chosen(items: &Value, keys: &Value, wanted: bool) -> Result<Value, Error> {
    let mut chosen = Vec::new();
    for (item, key) in items.try_iter()?.zip(keys.try_iter()?) {
        if truth(&key)?.is_true() == wanted {
            chosen.push(item);
        }
    }
    Ok(chosen.into())
}

fn attributes(state: &mut State, items: &Value, attribute: &Value) -> Result<Value, Error> {
    let options = Kwargs::from_iter([("attribute", attribute.clone()), ("default", Value::from(()))]);
    Value::from_function(filters::map).call(state, &[items.clone(), options.into()])
}

/// What a filter compares of the items that it is given.
fn compared_keys(name: &str, state: &mut State, values: &[Value]) -> Result<Value, Error> {
    let (items, rest) = values.split_first().expect("it has a value");
    let option = |key: &str| {
        let options = rest.iter().find(|value| value.is_kwargs()).cloned().map(Kwargs::try_from)?.ok()?;
        options.get::<Value>(key).ok().filter(|value| !value.is_undefined())
    };
    if name == "dictsort" {
        let by_value = option("by").is_some_and(|by| by.as_str() == Some("value"));
        let keys = || items.try_iter().map(Iterator::collect::<Vec<Value>>).map(Value::from);
        return if by_value { Ok(items.clone()) } else { keys() };
    }
    let positional = rest.first().filter(|value| name == "groupby" && value.as_str().is_some()).cloned();
    let Some(attribute) = positional.or_else(|| option("attribute")) else { return Ok(items.clone()) };
    let Some(paths) = attribute.as_str() else { return attributes(state, items, &attribute) };
    let keys = paths.split(',').map(|path| attributes(state, items, &path.trim().into()));
    Ok(keys.collect::<Result<Vec<Value>, Error>>()?.into())
}

pub(super) fn refused(message: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.to_owned())
}

/// What hangs on a value that nobody knows yet is not known either: the token itself stands for it.
pub(super) fn unknown(value: &Value) -> Option<Value> {
    let text = value.to_string();
    let tokens = crate::secret::tokens(&text);
    let token = tokens.iter().find(|token| contains_unknown(&token.to_string()))?;
    Some(token.to_string().into())
}

fn revealed(name: &str, value: &Value) -> Result<Value, Error> {
    let plain = |text: &str| match reveal(text) {
        Ok(plain) => Ok(plain.to_string()),
        Err(RevealError::Unknown(what)) => Ok(crate::secret::unknown(what).to_string()),
        Err(error) => Err(refused(&format!("filter `{name}`: {error}"))),
    };
    if let Some(text) = value.as_str() {
        return Ok(plain(text)?.into());
    }
    if value.is_kwargs() {
        let options = Kwargs::try_from(value.clone())?;
        let pairs = options.args().map(|key| Ok((key, revealed(name, &options.get::<Value>(key)?)?)));
        return Ok(Kwargs::from_iter(pairs.collect::<Result<Vec<_>, Error>>()?).into());
    }
    let mut json = serde_json::to_value(value).map_err(|error| refused(&error.to_string()))?;
    each_text(&mut json, &mut |text| plain(text))?;
    Ok(Value::from(minijinja::value::Serde(json)))
}

fn each_text(json: &mut serde_json::Value, change: &mut dyn FnMut(&str) -> Result<String, Error>) -> Result<(), Error> {
    match json {
        serde_json::Value::String(text) => *text = change(text)?,
        serde_json::Value::Array(items) => items.iter_mut().try_for_each(|item| each_text(item, change))?,
        serde_json::Value::Object(map) => {
            map.values_mut().try_for_each(|item| each_text(item, change))?;
            let hidden = map.keys().any(|key| contains_token(key));
            if hidden {
                let entries = std::mem::take(map).into_iter();
                *map = entries.map(|(key, item)| Ok((change(&key)?, item))).collect::<Result<_, Error>>()?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    fn rendered(template: &str, value: &str) -> Result<String, String> {
        let mut environment = Environment::new();
        guard(&mut environment);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let shown = environment.render_str(template, context! { value, map => context! { value } });
        shown.map_err(|error| error.to_string())
    }

    #[test]
    fn a_filter_works_on_the_value_and_hides_its_result() {
        let secret = conceal("it's a \"Value\"\nof two lines").to_string();
        for (template, expected) in [
            ("{{ value | upper }}", "IT'S A \"VALUE\"\nOF TWO LINES"),
            ("{{ value | tojson }}", r#""it\u0027s a \"Value\"\nof two lines""#),
            ("{{ map | tojson }}", r#"{"value": "it\u0027s a \"Value\"\nof two lines"}"#),
            ("{{ value | indent(2) }}", "it's a \"Value\"\n  of two lines"),
            ("{{ value | replace('two', 'more') }}", "it's a \"Value\"\nof more lines"),
        ] {
            let text = rendered(template, &secret).expect(template);
            assert!(contains_token(&text), "{template}: {text}");
            assert_eq!(reveal(&text).expect("known").as_str(), expected);
        }
    }

    #[test]
    fn a_filter_that_tells_about_the_value_is_refused() {
        let secret = conceal("template-value-4711").to_string();
        for filter in ["length", "split('-')", "int", "list", "bool"] {
            let error = rendered(&format!("{{{{ value | {filter} }}}}"), &secret).expect_err(filter);
            assert!(!error.contains("4711"), "{error}");
        }
    }

    #[test]
    fn texts_without_secrets_are_treated_as_ever() {
        assert_eq!(
            rendered("{{ value | upper }} {{ value | length }} {{ map | tojson }}", "ab"),
            Ok("AB 2 {\"value\": \"ab\"}".into())
        );
        assert!(
            rendered("{{ value | upper }}", &crate::secret::unknown("x").to_string())
                .is_ok_and(|text| contains_unknown(&text))
        );
    }
}
