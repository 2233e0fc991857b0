//! `docs` at the terminal.

use crate::support::cli::Cli;

#[test]
fn a_name_is_shown_with_signatures_documentation_and_example() {
    let shown = Cli::new(["docs", "op::custom"]).any_stdout().success().stdout;
    assert!(
        shown.starts_with("op::custom(kind: string, target: any, want: map) -> Done\n\nRuns an operation "),
        "{shown}"
    );
    assert!(shown.contains("\n    op::custom(\"nala::installed\", [\"curl\"], #{\n        read: |h| "), "{shown}");
    let longest = shown.lines().map(str::len).max().unwrap_or(0);
    assert!(longest <= 100, "a line of {longest}:\n{shown}");
}

#[test]
fn the_last_part_of_a_name_is_enough_where_only_one_ends_so() {
    let short = Cli::new(["docs", "custom"]).any_stdout().success().stdout;
    let full = Cli::new(["docs", "op::custom"]).any_stdout().success().stdout;
    assert_eq!(short, full);
}

#[test]
fn a_module_is_listed_and_so_is_everything() {
    let module = Cli::new(["docs", "cmd"]).any_stdout().success().stdout;
    assert!(module.contains("\n  cmd::read "), "{module}");
    assert!(!module.contains("op::custom"), "{module}");
    let all = Cli::new(["docs"]).any_stdout().success().stdout;
    for part in ["\n  cmd::run ", "\n  op::custom ", "\n  host.data ", "\n  done.changed ", "\n  play "] {
        assert!(all.contains(part), "no `{part}` in\n{all}");
    }
}

#[test]
fn any_other_word_searches_names_arguments_and_text() {
    Cli::new(["docs", "batches"]).stdout_contains("  play ").stdout_contains("  rolling ").success();
    Cli::new(["docs", "creates"]).stdout_contains("  cmd::run ").success();
    Cli::new(["docs", "retry_until"]).stdout_contains("`retry_until`").success();
}

#[test]
fn a_misspelt_name_is_an_error_with_the_nearest_one() {
    let said = "error: nothing is known about `cmd::rnu`\nhint: did you mean `cmd::run`?\n";
    Cli::new(["docs", "cmd::rnu"]).stderr(said).exit(1);
}

#[test]
fn programs_get_json() {
    let listed = Cli::new(["docs", "cmd::run", "--json"]).json(0);
    assert_eq!(listed[0]["name"], "cmd::run");
    assert_eq!(listed[0]["operation"], true);
    let arguments = listed[0]["arguments"].as_array().expect("an array");
    assert!(arguments.contains(&"creates".into()), "{arguments:?}");
}
