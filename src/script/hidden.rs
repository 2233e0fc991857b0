//! Filters of templates on values that nobody may look at.
//!
//! A hidden value inside a template is a token. A filter that makes a text of a text works on the value, and its
//! result is hidden as well; one that tells something about the value (`length`, `int`) is refused.

use crate::secret::{RevealError, conceal, contains_token, contains_unknown, reveal, scrub};
use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use std::sync::OnceLock;

/// Filters that look into texts.
const FILTERS: &[&str] = &[
    "upper",
    "lower",
    "title",
    "capitalize",
    "replace",
    "length",
    "count",
    "reverse",
    "trim",
    "split",
    "lines",
    "int",
    "float",
    "bool",
    "abs",
    "round",
    "first",
    "last",
    "list",
    "indent",
    "tojson",
    "urlencode",
    "escape",
    "e",
    "batch",
    "slice",
    "format",
    "pprint",
    "sort",
    "min",
    "max",
    "sum",
];

/// Puts itself before the filters of an environment.
pub(super) fn guard(environment: &mut Environment<'static>) {
    for &name in FILTERS {
        let filter = move |_: &State, values: Rest<Value>| apply(name, &values.0);
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

fn apply(name: &str, values: &[Value]) -> Result<Value, Error> {
    let original = |values: &[Value]| plain().empty_state().apply_filter(name, values);
    if !values.iter().any(|value| contains_token(&value.to_string())) {
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
        serde_json::Value::Object(map) => map.values_mut().try_for_each(|item| each_text(item, change))?,
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
