//! Every function that scripts can call is documented, and its example passes the check.

use rhapsode::ops::OPERATIONS;
use rhapsode::script::reference::{Kind, Topic, functions, groups, topics};
use rhapsode::script::{Project, World, check_text};

#[test]
fn every_operation_can_be_called_by_scripts() {
    let missing: Vec<&str> =
        OPERATIONS.iter().map(|op| op.name).filter(|name| !topics().iter().any(|topic| topic.path == *name)).collect();
    assert!(missing.is_empty(), "without a binding in src/script: {}", missing.join(", "));
}

#[test]
fn every_function_has_documentation_and_every_module_too() {
    let bare = functions().iter().filter(|function| function.doc.is_empty()).map(|function| function.signature.clone());
    let modules = groups().iter().filter(|group| group.doc.is_empty()).map(|group| group.name.clone());
    let bare: Vec<String> = bare.chain(modules).collect();
    assert!(bare.is_empty(), "without documentation: {}", bare.join(", "));
}

#[test]
fn every_summary_is_a_sentence() {
    let odd = |topic: &&Topic| {
        let summary = topic.summary();
        !summary.ends_with('.') || summary.chars().count() > 200 || summary.starts_with(char::is_lowercase)
    };
    let odd: Vec<String> =
        topics().iter().filter(odd).map(|topic| format!("{}: {}", topic.path, topic.summary())).collect();
    assert!(odd.is_empty(), "no short sentence with a full stop:\n{}", odd.join("\n"));
}

#[test]
fn every_function_has_an_example_that_passes_the_check() {
    let project = super::examples::project();
    let world = World::alone(Project::new(project.root()));
    let mut wrong = Vec::new();
    for topic in topics() {
        let property = functions().iter().any(|one| one.kind == Kind::Property && one.path() == topic.path);
        let examples = examples(topic);
        if examples.is_empty() && !property {
            wrong.push(format!("{}: no example", topic.path));
        }
        for example in examples {
            if let Err(failure) = check_text(&world, &with_handler(&example), &topic.path) {
                let hint = failure.hint.unwrap_or_default();
                wrong.push(format!("{}: {} {hint}", failure.at.unwrap_or_default(), failure.message));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_documentation_of_an_operation_names_each_of_its_arguments() {
    let mut missing = Vec::new();
    for topic in topics() {
        let silent: Vec<&str> =
            topic.arguments().into_iter().filter(|argument| !topic.doc.contains(&format!("`{argument}"))).collect();
        if !silent.is_empty() {
            missing.push(format!("{}: {}", topic.path, silent.join(", ")));
        }
    }
    assert!(missing.is_empty(), "arguments that the documentation does not name:\n{}", missing.join("\n"));
}

/// A handler may be defined elsewhere in the playbook that an example is part of.
fn with_handler(example: &str) -> String {
    format!("{example}\nlet elsewhere = \"\"; handler(elsewhere, || ());")
}

fn examples(topic: &Topic) -> Vec<String> {
    let blocks = topic.doc.split("```rhai\n").skip(1);
    blocks.filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}
