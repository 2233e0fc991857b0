//! What the documentation and the shipped scripts say is true: names, arguments, files, links, pages.

#[path = "docs/bindings.rs"]
mod bindings;
#[path = "docs/commands.rs"]
mod commands;
#[path = "docs/examples.rs"]
mod examples;
#[path = "docs/pages.rs"]
mod pages;
#[path = "docs/terminal.rs"]
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages of the documentation, README.md among them.
fn markdown() -> Vec<PathBuf> {
    let mut pages = files(&root().join("docs"), "md");
    pages.push(root().join("README.md"));
    pages
}

/// A path as people write it.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// One block of code of a page.
struct Fence {
    /// `docs/guide/plays.md`.
    page: String,
    /// The line that opens it, from 1.
    line: usize,
    /// Its content, below as many empty lines as stand before it on the page: so that errors name the right one.
    text: String,
}

/// The blocks of a language on a page; `sign` is what stands before every line of a comment in a script.
fn fences(path: &Path, language: &str, sign: Option<&str>) -> Vec<Fence> {
    let text = fs::read_to_string(path).expect("a page");
    let page = shown(path);
    let mut found = Vec::new();
    let mut open: Option<(bool, Fence)> = None;
    for (number, line) in text.lines().enumerate() {
        let line = match sign {
            None => Some(line),
            Some(sign) => line.trim_start().strip_prefix(sign),
        };
        let Some(line) = line else {
            assert!(open.is_none(), "{page}:{number}: a block is not closed");
            continue;
        };
        match (&mut open, line.trim().strip_prefix("```")) {
            (None, Some(info)) => {
                let fence = Fence { page: page.clone(), line: number + 1, text: "\n".repeat(number + 1) };
                open = Some((info == language, fence));
            }
            (Some(_), Some("")) => found.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, fence)| fence)),
            (Some((_, fence)), _) => fence.text.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a block is not closed");
    found
}
