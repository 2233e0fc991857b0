//! Comparisons in templates, of which none may look at a hidden value.
//!
//! The operators of a compiled template become tests (see `careful`), and tests are guarded here.

use super::hidden::{holds, plain, refused, unknown};
use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

/// Operators, and the tests that do the same.
const OPERATORS: [&str; 7] = ["==", "!=", "<", "<=", ">", ">=", "in"];
/// Tests that look at values.
const TESTS: [&str; 14] =
    ["==", "eq", "equalto", "!=", "ne", "<", "lt", "lessthan", "<=", "le", ">", "gt", "greaterthan", ">="];
const MORE_TESTS: [&str; 7] = ["ge", "in", "startingwith", "endingwith", "lower", "upper", "sameas"];

/// Puts itself before the tests of an environment.
pub fn guard(environment: &mut Environment<'static>) {
    for name in TESTS.into_iter().chain(MORE_TESTS) {
        environment.add_test(name, move |_: &State, values: Rest<Value>| compare(name, &values.0));
    }
    for name in OPERATORS {
        let compare = move |_: &State, values: Rest<Value>| match values.0.iter().any(Value::is_undefined) {
            true => Err(Error::from(ErrorKind::UndefinedError)),
            false => compare(name, &values.0),
        };
        environment.add_test(format!("operator{name}"), compare);
    }
}

fn compare(name: &str, values: &[Value]) -> Result<bool, Error> {
    allowed(name, values)?;
    plain().empty_state().perform_test(name, values)
}

/// Lets a comparison pass that looks at no hidden value.
///
/// # Errors
/// It would.
pub fn allowed(name: &str, values: &[Value]) -> Result<(), Error> {
    match looks(name, values) {
        true => Err(looked(&format!("`{name}`"), values)),
        false => Ok(()),
    }
}

fn looks(name: &str, values: &[Value]) -> bool {
    match (name, values) {
        // Only the keys of a map are searched.
        ("in", [one, map]) if map.kind() == ValueKind::Map => {
            holds(one) || map.try_iter().is_ok_and(|mut keys| keys.any(|key| holds(&key)))
        }
        // No text is none, whatever it says.
        ("==" | "eq" | "equalto" | "!=" | "ne", values) if values.iter().any(Value::is_none) => false,
        _ => values.iter().any(holds),
    }
}

/// The error for a look at hidden values. For one that nobody knows yet it is the token: what the template would be is
/// not known either, and whoever renders it finds the token.
pub fn looked(word: &str, values: &[Value]) -> Error {
    match values.iter().find_map(unknown) {
        Some(unknown) => refused(&unknown.to_string()),
        None => refused(&format!("{word} would look at a secret")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::careful;
    use crate::secret::{conceal, contains_unknown};
    use minijinja::{UndefinedBehavior, context};

    fn rendered(template: &str, value: &str) -> Result<String, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        guard(&mut environment);
        careful::guard(&mut environment);
        let users = vec![context! { name => "ada", password => value }];
        let shown = careful::render(&environment, ("text", template), context! { value, users });
        shown.map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_compared_with_nothing() {
        let secret = conceal("compared-4711").to_string();
        for template in [
            "{% if value == 'compared-4711' %}yes{% endif %}",
            "{% if 'x' != value %}yes{% endif %}",
            "{% if value < 'x' or value >= 'y' %}yes{% endif %}",
            "{{ 'yes' if value in ['x'] else 'no' }}",
            "{% if 'x' not in value %}yes{% endif %}",
            "{% if value is eq('x') %}yes{% endif %}",
            "{% if value is startingwith 'comp' %}yes{% endif %}",
            "{% for user in users if user.password == '' %}yes{% endfor %}",
            "{% set other = value ~ '!' %}{{ other == 'x' }}",
            "{% macro same(a) %}{{ a == 'x' }}{% endmacro %}{{ same(value) }}",
        ] {
            let error = rendered(template, &secret).expect_err(template);
            assert!(error.contains("would look at a secret") && !error.contains("4711"), "{template}: {error}");
        }
        assert_eq!(rendered("{{ users[0].name == 'ada' }} {{ 1 < 2 }}", &secret).as_deref(), Ok("True True"));
    }

    #[test]
    fn what_hangs_on_an_unknown_value_says_so() {
        let value = crate::secret::unknown("the output").to_string();
        let error = rendered("{% if value == 'x' %}yes{% endif %}", &value).expect_err("nobody knows");
        assert!(contains_unknown(&error), "{error}");
    }

    #[test]
    fn other_values_are_compared_as_ever() {
        let all = "{{ value == 'ab' }} {{ value != 'ab' }} {{ 1 < 1.5 }} {{ 2 <= 1 }} {{ 2 > 1 }} {{ 1 >= 2 }} {{ 'a' in value }} \
                   {{ 3 not in [1, 2] }} {{ value is in ['ab'] }} {{ value is eq 'ab' }} {{ 1 < 2 < 3 }} {{ none == 0 }}";
        assert_eq!(
            rendered(all, "ab").as_deref(),
            Ok("True False True False True False True True True True True False")
        );
        for undefined in ["{{ missing == 1 }}", "{{ 1 in missing }}", "{{ missing in [1] }}"] {
            assert!(rendered(undefined, "").expect_err(undefined).contains("undefined"), "{undefined}");
        }
    }
}
