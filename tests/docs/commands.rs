//! Every command line of the documentation is one that the program takes: verbs, options and their values.

use super::{fences, markdown, shown};
use std::fs;
use std::path::Path;
use std::process::{Command as Process, Output};

/// A command line, and where it stands.
struct Line {
    at: String,
    text: String,
}

/// The lines of shell blocks that call the program, and what stands in the text as code.
fn lines() -> Vec<Line> {
    let mut found = Vec::new();
    for page in markdown().iter().filter(|page| !shown(page).contains("changelog")) {
        for fence in fences(page, "sh", None) {
            let lines = fence.text.lines().enumerate();
            found.extend(lines.filter_map(|(number, line)| {
                Some(Line { at: format!("{}:{}", fence.page, number + 1), text: called(line)? })
            }));
        }
        found.extend(spans(page));
    }
    found
}

/// Code in the text: `rhapsode plan` and the like.
fn spans(page: &Path) -> Vec<Line> {
    let text = fs::read_to_string(page).expect("a page");
    let spans = |(number, line): (usize, &str)| {
        let parts = line.split('`').skip(1).step_by(2).filter_map(called).map(|text| text.replace("\\|", "|"));
        let at = format!("{}:{}", shown(page), number + 1);
        parts.map(|text| Line { at: at.clone(), text }).collect::<Vec<_>>()
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.starts_with("```") && !line.starts_with("<!--"))
        .flat_map(spans)
        .collect()
}

/// What stands behind the name of the program, without what a shell does with its output.
fn called(line: &str) -> Option<String> {
    let names = ["rhapsode ", "cargo run --release -- ", "cargo run -- "];
    let words = names.iter().find_map(|name| line.trim().strip_prefix(name))?;
    let mut quote = None;
    for (at, sign) in words.char_indices() {
        match (quote, sign) {
            (None, '\'' | '"') => quote = Some(sign),
            (Some(open), sign) if open == sign => quote = None,
            (None, ' ') if [" | ", " > ", " && ", " || ", " # "].iter().any(|end| words[at..].starts_with(end)) => {
                return Some(words[..at].trim().to_owned());
            }
            _ => {}
        }
    }
    Some(words.trim().to_owned())
}

/// Words in capitals stand for a value, and `...` for further ones.
fn example(word: &str) -> Option<String> {
    match word {
        "..." | "…" => None,
        "SECS" | "SECONDS" | "N" => Some("60".into()),
        word => Some(word.to_owned()),
    }
}

/// Asks for help behind the words: all of them are read before.
fn asked(line: &str) -> Output {
    let split = Process::new("sh").args(["-fc", &format!("printf '%s\\n' {line}")]).output().expect("sh starts");
    assert!(split.status.success(), "the shell does not take `{line}`");
    let mut words: Vec<String> = String::from_utf8_lossy(&split.stdout).lines().filter_map(example).collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.insert(end, "--help".into());
    Process::new(env!("CARGO_BIN_EXE_rhapsode")).args(words).output().expect("the binary starts")
}

#[test]
fn every_command_line_is_one_that_the_program_takes() {
    let lines = lines();
    assert!(lines.len() >= 60, "only {} command lines were found", lines.len());
    assert_eq!(refused(&lines), "");
}

/// The lines that the program does not take, with what it says.
fn refused(lines: &[Line]) -> String {
    let wrong = |line: &Line| {
        let output = asked(&line.text);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let first = said.lines().next().unwrap_or_default();
        (!output.status.success()).then(|| format!("{}: {}: {first}\n", line.at, line.text))
    };
    lines.iter().filter_map(wrong).collect()
}

#[test]
fn every_example_of_a_help_is_a_command_line_that_the_program_takes() {
    let verbs = listed(&[]);
    let shown = |verb: &String| {
        let help = help(&[verb.as_str()]);
        let examples = help.split("Examples:").nth(1).unwrap_or_default().lines().filter_map(called);
        examples.map(|text| Line { at: format!("rhapsode {verb} -h"), text }).collect::<Vec<_>>()
    };
    let lines: Vec<Line> = verbs.iter().flat_map(shown).collect();
    assert!(lines.len() >= 20, "only {} examples were found", lines.len());
    assert_eq!(refused(&lines), "");
}

fn help(words: &[&str]) -> String {
    let output = Process::new(env!("CARGO_BIN_EXE_rhapsode")).args(words).arg("-h").output().expect("it starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The commands that a help lists.
fn listed(words: &[&str]) -> Vec<String> {
    let help = help(words);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// `| secret set NAME | ... |`: the tables of commands name each verb of the program.
#[test]
fn the_tables_of_commands_name_every_verb() {
    for (page, verb) in [("docs/guide/secrets.md", "secret"), ("docs/guide/pki.md", "pki")] {
        let text = fs::read_to_string(super::root().join(page)).expect("a page");
        let missing: Vec<String> =
            listed(&[verb]).into_iter().filter(|name| !text.contains(&format!("{verb} {name}"))).collect();
        assert!(missing.is_empty(), "{page} is silent about {missing:?}");
    }
}
