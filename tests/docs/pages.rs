//! The generated pages are those of the bindings, and the site holds together.

use super::{files, markdown, root};
use crate::support::cli::Cli;
use crate::support::project::Project;
use std::fs;

/// What brings the pages up to date.
const AGAIN: &str = "cargo run -- docs --write docs/reference";

#[test]
fn the_reference_pages_are_those_that_the_bindings_give() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).expect("the summary");
    let fresh = Project::new().file("SUMMARY.md", &summary);
    Cli::new(["docs", "--write", "reference"]).within(&fresh).success();
    let names = |folder: &std::path::Path| -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}: {AGAIN}", folder.display()));
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let committed = root().join("docs/reference");
    assert_eq!(names(&committed), names(&fresh.path("reference")), "other pages than the bindings give: run `{AGAIN}`");
    for name in names(&committed) {
        let (old, new) =
            (fs::read_to_string(committed.join(&name)), fs::read_to_string(fresh.path("reference").join(&name)));
        assert!(old.expect("a page") == new.expect("a page"), "docs/reference/{name} is out of date: run `{AGAIN}`");
    }
    assert!(fresh.read("SUMMARY.md") == summary, "docs/SUMMARY.md is out of date: run `{AGAIN}`");
}

#[test]
fn a_page_of_a_module_that_is_gone_goes_too_and_pages_of_others_stay() {
    let project = Project::new().file("reference/notes.md", "mine\n").file("mine.md", "mine\n");
    Cli::new(["docs", "--write", "reference"]).within(&project).success();
    let page = project.read("reference/cmd.md");
    project.write("reference/gone.md", page);
    Cli::new(["docs", "--write", "reference"]).within(&project).success();
    assert!(!project.path("reference/gone.md").exists(), "the page of a module that is gone");
    assert_eq!(project.read("reference/notes.md"), "mine\n");
    assert!(!project.path("SUMMARY.md").exists(), "a summary that nobody asked for");
}

#[test]
fn every_link_between_pages_leads_to_a_file() {
    let mut wrong = Vec::new();
    for page in markdown() {
        let text = fs::read_to_string(&page).expect("a page");
        for target in links(&text) {
            let file = page.parent().expect("a folder").join(target.split('#').next().unwrap_or_default());
            if !file.exists() {
                wrong.push(format!("{}: no `{target}`", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_summary_names_every_page() {
    let docs = root().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).expect("the summary");
    let listed: Vec<&str> = links(&summary).collect();
    for page in files(&docs, "md") {
        let name = page.strip_prefix(&docs).expect("below docs").display().to_string();
        assert!(name == "SUMMARY.md" || listed.contains(&name.as_str()), "SUMMARY.md lacks {name}");
    }
}

/// Targets of the links of a page that stay inside the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with('#') && !target.is_empty())
}
