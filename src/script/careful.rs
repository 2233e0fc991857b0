//! Compiled templates that ask before they look at a value: nobody may look at a hidden one.
//!
//! minijinja asks nobody before it compares, decides, cuts, iterates or concatenates. So a question is put before each
//! such instruction: a filter that gives the value on, or refuses it.

use super::compared;
use super::hidden::{conceal_shown, holds, truth};
use minijinja::machinery::{CodeGenerator, Instruction, Instructions, eval, make_string_output, parse};
use minijinja::{AutoEscape, Environment, Error, Output, State, Value};

/// Says that nothing is to be remembered of a filter or a test.
const UNCACHED: u8 = !0;

// None of these can be written in a template.
const TRUTH: &str = "operator-truth";
const LOOP: &str = "operator-for";
const UNPACK: &str = "operator-unpack";
const CHANGED: &str = "operator-changed";
const SLICE: &str = "operator-slice";
const ITEM: &str = "operator-item";
const COMPARE: &str = "operator-compare";
const JOIN: &str = "operator-join";

/// Teaches an environment the questions, and how values are written into the text.
pub fn guard(environment: &mut Environment<'static>) {
    environment.add_filter(TRUTH, |value: Value| truth(&value));
    for (name, word) in [(LOOP, "`for`"), (UNPACK, "unpacking"), (CHANGED, "`changed`")] {
        environment.add_filter(name, move |value: Value| whole(word, value));
    }
    environment
        .add_filter(SLICE, |values: Vec<Value>| several(values, |values| whole("`[:]`", values[0].clone()).map(drop)));
    environment.add_filter(ITEM, |values: Vec<Value>| {
        several(values, |values| match holds(&values[1]) {
            true => none_of("`[]`", &values[1..]),
            false => whole("`[]`", values[0].clone()).map(drop),
        })
    });
    environment.add_filter(COMPARE, |values: Vec<Value>| several(values, |values| compared::allowed("==", values)));
    environment.add_filter(JOIN, |mut values: Vec<Value>| {
        values.iter_mut().try_for_each(conceal_shown)?;
        several(values, |_| Ok(()))
    });
    environment.set_formatter(|out: &mut Output, state: &mut State, value: &Value| {
        let mut value = value.clone();
        conceal_shown(&mut value)?;
        minijinja::escape_formatter(out, state, &value)
    });
}

/// Refuses a text with a hidden value in it; a list of them may be walked through.
fn whole(word: &str, value: Value) -> Result<Value, Error> {
    match value.as_str().is_some() || word == "`changed`" {
        true => none_of(word, std::slice::from_ref(&value)).map(|()| value),
        false => Ok(value),
    }
}

fn none_of(word: &str, values: &[Value]) -> Result<(), Error> {
    match values.iter().find(|value| holds(value)) {
        None => Ok(()),
        Some(value) => Err(compared::looked(word, std::slice::from_ref(value))),
    }
}

/// Gives the values back in the order in which they are unpacked onto the stack.
fn several(values: Vec<Value>, ask: impl FnOnce(&[Value]) -> Result<(), Error>) -> Result<Value, Error> {
    ask(&values)?;
    Ok(Value::from(values.into_iter().rev().collect::<Vec<Value>>()))
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
    let (main, blocks) = code.finish();
    let main = careful(&main);
    let blocks = blocks.into_iter().map(|(name, block)| (name, careful(&block))).collect();
    let mut rendered = String::new();
    eval(environment, &main, root, &blocks, &mut make_string_output(&mut rendered), AutoEscape::None)?;
    Ok(rendered)
}

/// The same code with questions in it.
fn careful<'a>(code: &Instructions<'a>) -> Instructions<'a> {
    let mut asking = Instructions::new(code.name(), code.source());
    // Where each instruction of before begins, and where the last one ends: jumps lead there.
    let mut places = vec![0];
    let mut before = None;
    for at in 0.. {
        let Some(instruction) = code.get(at) else { break };
        let mut next = 0;
        for one in asked(instruction, before) {
            next = 1 + match (code.get_span(at), code.get_line(at)) {
                (Some(span), _) => asking.add_with_span(one, span),
                (None, Some(line)) => asking.add_with_line(one, u16::try_from(line).unwrap_or(u16::MAX)),
                (None, None) => asking.add(one),
            };
        }
        places.push(next);
        before = Some(instruction);
    }
    for at in 0.. {
        let Some(instruction) = asking.get_mut(at) else { break };
        if let Some(target) = target(instruction) {
            *target = places.get(*target as usize).copied().unwrap_or(*target);
        }
    }
    asking
}

fn target<'t>(instruction: &'t mut Instruction<'_>) -> Option<&'t mut u32> {
    match instruction {
        Instruction::Iterate(target)
        | Instruction::Jump(target)
        | Instruction::JumpIfFalse(target)
        | Instruction::JumpIfFalseOrPop(target)
        | Instruction::JumpIfTrueOrPop(target)
        | Instruction::BuildMacro(_, target, _) => Some(target),
        _ => None,
    }
}

/// The name of the test that an operator becomes.
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

/// An instruction with the question before it. What the stack holds afterwards is what it held before.
fn asked<'a>(instruction: &Instruction<'a>, before: Option<&Instruction<'a>>) -> Vec<Instruction<'a>> {
    let ask = |question| Instruction::ApplyFilter(question, Some(1), UNCACHED);
    let same = || instruction.clone();
    if let Some(test) = operator(instruction) {
        return vec![Instruction::PerformTest(test, Some(2), UNCACHED)];
    }
    let together = |count: usize, question| {
        vec![Instruction::BuildList(Some(count)), ask(question), Instruction::UnpackList(count), same()]
    };
    match instruction {
        Instruction::JumpIfFalse(_) | Instruction::Not => vec![ask(TRUTH), same()],
        // The value itself is the result where it decides.
        Instruction::JumpIfFalseOrPop(target) => {
            vec![Instruction::DupTop, ask(TRUTH), Instruction::JumpIfFalse(*target), Instruction::DiscardTop]
        }
        Instruction::JumpIfTrueOrPop(target) => vec![
            Instruction::DupTop,
            ask(TRUTH),
            Instruction::Not,
            Instruction::JumpIfFalse(*target),
            Instruction::DiscardTop,
        ],
        Instruction::PushLoop(_) => vec![ask(LOOP), same()],
        Instruction::UnpackList(_) => vec![ask(UNPACK), same()],
        Instruction::CallMethod("changed", Some(2)) => {
            vec![Instruction::DupTop, ask(CHANGED), Instruction::DiscardTop, same()]
        }
        Instruction::Slice => together(4, SLICE),
        Instruction::CompareAndPreserve(_) => together(2, COMPARE),
        Instruction::StringConcat => together(2, JOIN),
        // A key that stands in the template holds nothing.
        Instruction::GetItem if !matches!(before, Some(Instruction::LoadConst(_))) => together(2, ITEM),
        _ => vec![same()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{conceal, reveal, unknown};
    use minijinja::{UndefinedBehavior, context};

    fn rendered(template: &str, value: &str) -> Result<String, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        super::super::hidden::guard(&mut environment);
        compared::guard(&mut environment);
        guard(&mut environment);
        let users = vec![context! { name => "bob", password => value }, context! { name => "ada", password => "" }];
        let empty = conceal("").to_string();
        let root = context! { value, users, empty, map => context! { value, it => value } };
        let shown = render(&environment, ("text", template), root).map_err(|error| error.to_string())?;
        reveal(&shown).map(|plain| plain.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_would_look_at_a_secret_is_refused_with_its_line() {
        let secret = conceal("careful-4711").to_string();
        for template in [
            "{{ value[:3] }}",
            "{{ value[-4:] }}",
            "{% for letter in value %}{{ letter }}{% endfor %}",
            "{% set a, b = value %}",
            "{{ 'a' < value < 'z' }}",
            "{{ 'a' == 'a' == value }}",
            "{{ value != 'x' != 'y' }}",
            "{{ map[value] | default('none') }}",
            "{{ map[value] is defined }}",
            "{% for user in users %}{{ loop.changed(user.password) }}{% endfor %}",
            "{{ value | length }}",
            "{{ value | list }}",
            "{{ users | sort(attribute='password') | length }}",
            "{{ users | map(attribute='password') | sort | join }}",
            "{{ users | map(attribute='password') | unique | length }}",
            "{{ users | groupby('password') | length }}",
            "{{ map | dictsort(by='value') }}",
            "{{ users | selectattr('password', 'eq', 'x') | list | length }}",
            "{{ users | rejectattr('password', 'in', ['x']) | list | length }}",
            "{{ [value] | select('startingwith', 'c') | list | length }}",
            "{{ users | map(attribute='password') | map('length') | join }}",
            "{{ [value] | min }}",
            "{{ value is lower }}",
            "{{ value is sameas('x') }}",
            "{{ value | select | list }}",
            "{{ value | zip([1, 2]) | list }}",
        ] {
            let error = rendered(&format!("\n{template}"), &secret).expect_err(template);
            assert!(error.contains("would look at a secret") && !error.contains("4711"), "{template}: {error}");
            assert!(error.contains("text:2"), "{template}: {error}");
        }
    }

    #[test]
    fn what_only_passes_it_on_works_on_the_value() {
        let secret = conceal("it's \"4711\"").to_string();
        for (template, expected) in [
            ("{% if value %}set{% else %}empty{% endif %}", "set"),
            ("{% if empty %}set{% else %}empty{% endif %}", "empty"),
            ("{% if not empty and value %}{{ value }}{% endif %}", "it's \"4711\""),
            ("{{ empty or value }}", "it's \"4711\""),
            ("{{ value and 'x' }} {{ empty and 'x' }}", "x "),
            ("{{ 'a' if empty else 'b' }}", "b"),
            ("{{ empty | default('none', true) }}", "none"),
            ("{{ value | default('none', true) }}", "it's \"4711\""),
            ("{{ value == none }} {{ none != value }}", "False True"),
            ("{{ users | length }} {{ users | map(attribute='name') | sort | join(',') }}", "2 ada,bob"),
            ("{{ users | sort(attribute='name') | map(attribute='password') | join('-') }}", "-it's \"4711\""),
            ("{{ (users | first).password }}", "it's \"4711\""),
            ("{{ (users | last).name }}", "ada"),
            ("{{ users | selectattr('password') | map(attribute='name') | join }}", "bob"),
            ("{{ users | rejectattr('password') | map(attribute='name') | join }}", "ada"),
            ("{{ users | selectattr('name', 'eq', 'bob') | map(attribute='password') | first }}", "it's \"4711\""),
            ("{{ [empty, value] | select | join }}", "it's \"4711\""),
            ("{{ 'value' in map }} {{ 'x' in map }}", "True False"),
            ("{{ map['value'] }}", "it's \"4711\""),
            (
                "{% for key, it in map | items %}{{ key }}={{ it }};{% endfor %}",
                "value=it's \"4711\";it=it's \"4711\";",
            ),
            ("{{ users[:1] | map(attribute='name') | join }}", "bob"),
            ("{{ value | first }}{{ value | last }}", "i\""),
            ("{{ [value] }}", "['it\\'s \"4711\"']"),
            ("{{ 'x' ~ [value] }}", "x['it\\'s \"4711\"']"),
            ("{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 in [1] in [[2]] }}", "True False False"),
            (
                "{% macro m(a) %}{% for x in [1, 2] if x > 1 %}{{ a }}{{ x }}{% endfor %}{% endmacro %}{{ m(value) }}",
                "it's \"4711\"2",
            ),
            ("{% for x in [] %}{% else %}{{ value }}{% endfor %}", "it's \"4711\""),
            ("{% block b %}{% if value %}{{ value }}{% endif %}{% endblock %}", "it's \"4711\""),
        ] {
            assert_eq!(rendered(template, &secret).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn what_an_unknown_value_decides_is_unknown() {
        let value = unknown("the output").to_string();
        for template in ["{% if value %}x{% endif %}", "{{ value or 'x' }}", "{{ value[1:] }}", "{{ [value] }}"] {
            let error = rendered(template, &value).expect_err(template);
            assert!(error.contains("the output") || crate::secret::contains_unknown(&error), "{template}: {error}");
        }
    }
}
