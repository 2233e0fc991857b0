//! Comparisons in templates, of which none may look at a hidden value.
//!
//! minijinja asks nobody before it compares: its comparisons become tests, and those are guarded here.

use super::hidden::{plain, refused, unknown};
use crate::secret::contains_token;
use minijinja::machinery::{CodeGenerator, Instruction, Instructions, eval, make_string_output, parse};
use minijinja::value::Rest;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value};

/// Operators, and the tests that do the same.
const OPERATORS: [&str; 7] = ["==", "!=", "<", "<=", ">", ">=", "in"];
/// Tests that look at values.
const TESTS: [&str; 14] =
    ["==", "eq", "equalto", "!=", "ne", "<", "lt", "lessthan", "<=", "le", ">", "gt", "greaterthan", ">="];
const MORE_TESTS: [&str; 4] = ["ge", "in", "startingwith", "endingwith"];

/// The name of the test that an operator becomes; none of these can be written in a template.
fn operator(instruction: &Instruction<'_>) -> Option<&'static str> {
    Some(match instruction {
        Instruction::Eq => "operator==",
        Instruction::Ne => "operator!=",
        Instruction::Lt => "operator<",
        Instruction::Lte => "operator<=",
        Instruction::Gt => "operator>",
        Instruction::Gte => "operator>=",
        Instruction::In => "operatorin",
        _ => return None,
    })
}

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
    if values.iter().any(|value| contains_token(&value.to_string())) {
        return Err(match values.iter().find_map(unknown) {
            // What the template would be is not known either: whoever renders it finds the token.
            Some(unknown) => refused(&unknown.to_string()),
            None => refused(&format!("`{name}` would look at a secret")),
        });
    }
    plain().empty_state().perform_test(name, values)
}

/// Renders a template that was compiled without an error before.
///
/// # Errors
/// As the template.
pub fn render<'a>(
    environment: &'a Environment<'a>,
    (name, text): (&'a str, &'a str),
    root: Value,
) -> Result<String, Error> {
    let template = parse(text, name, environment.syntax().clone())?;
    let mut code = CodeGenerator::new(name, text);
    code.compile_stmt(&template);
    let (mut main, mut blocks) = code.finish();
    std::iter::once(&mut main).chain(blocks.values_mut()).for_each(by_tests);
    let mut rendered = String::new();
    eval(environment, &main, root, &blocks, &mut make_string_output(&mut rendered), AutoEscape::None)?;
    Ok(rendered)
}

/// Both take two values from the stack and put one there. The last number says that nothing is to be remembered.
fn by_tests(code: &mut Instructions<'_>) {
    let mut at = 0;
    while let Some(instruction) = code.get_mut(at) {
        if let Some(test) = operator(instruction) {
            *instruction = Instruction::PerformTest(test, Some(2), !0);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{conceal, contains_unknown};
    use minijinja::{UndefinedBehavior, context};

    fn rendered(template: &str, value: &str) -> Result<String, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        guard(&mut environment);
        let users = vec![context! { name => "ada", password => value }];
        let shown = render(&environment, ("text", template), context! { value, users });
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
