//! Runs `tests/cases/<family>.<op>/*.yaml`: what is wanted, what the tools print, and the plan that follows.

use crate::support::shell::{Replies, Reply};
use rhapsode::ops::{OPERATIONS, Overlay, Plan, Step, View, entry};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Arguments, the target among them.
    want: serde_json::Value,
    /// Raw answers to the reads, in order.
    #[serde(default)]
    seen: Vec<Reply>,
    /// One line a change: its sign and text, then its steps, indented by two blanks.
    #[serde(default)]
    plan: Option<Vec<String>>,
    /// The error instead of a plan.
    #[serde(default)]
    error: Option<String>,
}

#[test]
fn every_case_gives_its_plan() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut failures = Vec::new();
    let mut covered = BTreeSet::new();
    for folder in std::fs::read_dir(&root).expect("tests/cases is there").flatten() {
        let name = folder.file_name().to_string_lossy().replace('.', "::");
        for file in std::fs::read_dir(folder.path()).expect("a folder of cases").flatten() {
            covered.insert(name.clone());
            if let Err(why) = run(&name, &file.path()) {
                failures.push(format!("{}\n{why}", file.path().display()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    let all: BTreeSet<String> = OPERATIONS.iter().map(|entry| entry.name.to_owned()).collect();
    assert_eq!(covered, all, "each operation has a folder of cases, and each folder an operation");
}

fn run(op: &str, path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let case: Case = serde_yaml::from_str(&text).map_err(|error| error.to_string())?;
    let entry = entry(op).ok_or_else(|| format!("no operation `{op}`"))?;
    let mut shell = Replies::new(case.seen);
    let overlay = Overlay::default();
    let planned = match (entry.accept)(case.want) {
        Ok(planned) => planned.plan(&mut View::new(&mut shell, &overlay)).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match (planned, case.plan, case.error) {
        (Ok(plan), Some(wanted), None) => same(&wanted, &lines(&plan)),
        (Err(error), None, Some(wanted)) => same(&[wanted], &[error]),
        (planned, ..) => Err(format!("got {:?}", planned.map(|plan| lines(&plan)))),
    }
}

fn same(wanted: &[String], got: &[String]) -> Result<(), String> {
    if wanted == got {
        return Ok(());
    }
    Err(format!("wanted:\n  {}\ngot:\n  {}", wanted.join("\n  "), got.join("\n  ")))
}

fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for change in &plan.changes {
        let sign = match change.sign {
            rhapsode::event::Sign::Create => '+',
            rhapsode::event::Sign::Update => '~',
            rhapsode::event::Sign::Remove => '-',
            rhapsode::event::Sign::Run => '!',
        };
        lines.push(format!("{sign} {}", change.text));
        lines.extend(change.steps.iter().flat_map(step_lines));
    }
    lines.extend(plan.waits.iter().flat_map(step_lines));
    lines.extend(plan.output.iter().map(|output| format!("= {}", output.text())));
    lines
}

fn first_line(command: &str) -> String {
    command.split_once('\n').map_or_else(|| command.to_owned(), |(first, _)| format!("{first} …"))
}

fn step_lines(step: &Step) -> Vec<String> {
    match step {
        Step::Run(command) => vec![format!("  {}", first_line(&command.shown()))],
        Step::Write(write) => vec![format!("  write {}", write.path)],
        Step::Tree(tree) => {
            let sent = tree.items.iter().map(|item| format!("  send {}/{}", tree.root, item.name));
            tree.clear.iter().map(|name| format!("  clear {}/{name}", tree.root)).chain(sent).collect()
        }
        Step::Wait { what, .. } => vec![format!("  wait for {what}")],
        Step::Reboot { command, .. } => vec![format!("  reboot by {}", first_line(&command.shown()))],
        Step::Guarded { steps, undo, .. } => {
            let mut lines: Vec<String> = steps.iter().flat_map(step_lines).collect();
            lines.extend(undo.iter().flat_map(step_lines).map(|line| format!("  undo:{line}")));
            lines
        }
    }
}
