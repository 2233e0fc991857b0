//! Which of the common options the help of a command shows: those that it has a use for.

use super::args::App;
use super::examples;
use clap::{Command, CommandFactory};

/// What most commands have a use for.
const MOST: &[&str] = &["verbose", "quiet", "no_color", "project"];

/// The options that a command has a use for; nothing when it is all of them.
fn useful(command: &str) -> Option<Vec<&'static str>> {
    let own: &[&str] = match command {
        "init" => return Some(vec!["quiet", "no_color"]),
        "completions" => return Some(Vec::new()),
        "docs" => return Some(vec!["json", "no_color"]),
        "check" => &["inventory", "data"],
        "inventory" => &["inventory", "limit", "exclude", "data", "json"],
        "facts" => &["inventory", "exclude", "data", "forks", "json", "keep_logins"],
        "history" => &["json", "state"],
        "show" => &["json", "diff", "no_diff", "state"],
        "staging" => &["inventory", "limit", "exclude"],
        "secret" | "pki" => &["json"],
        "state" => &["inventory", "json", "state", "lock_wait"],
        _ => return None,
    };
    Some([own, MOST].concat())
}

/// The command line. An option that a command has no use for is accepted there, and its help is silent about it.
pub fn command() -> Command {
    let whole = App::command();
    let common: Vec<clap::Arg> = whole.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    let names: Vec<String> = whole.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    names.iter().fold(whole, |whole, name| {
        let useful = useful(name);
        let is_silent =
            |arg: &&clap::Arg| useful.as_ref().is_some_and(|useful| !useful.contains(&arg.get_id().as_str()));
        let silent: Vec<clap::Arg> = common.iter().filter(is_silent).map(|arg| arg.clone().hide(true)).collect();
        whole.mut_subcommand(name, |one| match examples::of(name) {
            Some(examples) => one.args(silent).after_help(examples),
            None => one.args(silent),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_that_is_named_here_is_there() {
        let whole = App::command();
        let known: Vec<&str> = whole.get_arguments().map(|arg| arg.get_id().as_str()).collect();
        for command in whole.get_subcommands() {
            let useful = useful(command.get_name()).unwrap_or_default();
            assert!(useful.iter().all(|name| known.contains(name)), "{}: {useful:?}", command.get_name());
        }
    }

    #[test]
    fn an_option_without_use_is_accepted_and_not_shown() {
        let help = |words: &[&str]| command().try_get_matches_from(words).expect_err("help").to_string();
        assert!(!help(&["rhapsode", "completions", "-h"]).contains("--prune"));
        assert!(!help(&["rhapsode", "state", "list", "-h"]).contains("--prune"));
        assert!(help(&["rhapsode", "plan", "-h"]).contains("--prune"));
        assert!(command().try_get_matches_from(["rhapsode", "state", "list", "--prune"]).is_ok());
        let after = command().try_get_matches_from(["rhapsode", "history", "-C", "/x"]).expect("a command line");
        assert!(after.get_one::<std::path::PathBuf>("project").is_some());
    }
}
