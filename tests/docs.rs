//! What the documentation and the shipped scripts say can be parsed.

use rhai::Engine;
use std::fs;
use std::path::{Path, PathBuf};

/// One block of code of a page.
struct Example {
    page: PathBuf,
    line: usize,
    text: String,
}

#[test]
fn every_rhai_example_of_the_documentation_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = files(&root.join("docs"), "md");
    pages.push(root.join("README.md"));
    let examples: Vec<Example> = pages.iter().flat_map(|page| examples(page)).collect();
    assert!(examples.len() >= 20, "only {} examples were found", examples.len());
    let wrong: Vec<String> = examples.iter().filter_map(mistake).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_shipped_script_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scripts = files(&root.join("playbooks"), "rhai");
    scripts.extend(files(&root.join("modules"), "rhai"));
    assert!(scripts.len() >= 4, "only {scripts:?} were found");
    let read =
        |page: &PathBuf| Example { page: page.clone(), line: 0, text: fs::read_to_string(page).expect("a script") };
    let wrong: Vec<String> = scripts.iter().map(read).filter_map(|script| mistake(&script)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_link_between_pages_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = files(&root.join("docs"), "md");
    pages.push(root.join("README.md"));
    let mut wrong = Vec::new();
    for page in pages {
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
fn the_summary_names_every_guide() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).expect("the summary");
    let listed: Vec<&str> = links(&summary).collect();
    for page in files(&docs.join("guide"), "md") {
        let name = page.strip_prefix(&docs).expect("below docs").display().to_string();
        assert!(listed.contains(&name.as_str()), "SUMMARY.md lacks {name}");
    }
}

fn mistake(example: &Example) -> Option<String> {
    let mut engine = Engine::new();
    // As in the program: the depth a debug build allows would refuse a nested call with closures.
    engine.set_max_expr_depths(64, 64);
    let error = engine.compile(&example.text).err()?;
    let line = example.line + error.position().line().unwrap_or(0);
    Some(format!("{}:{line}: {error}", example.page.display()))
}

/// The ```rhai blocks of a page; indented ones belong to a list.
fn examples(page: &Path) -> Vec<Example> {
    let text = fs::read_to_string(page).expect("a page");
    let mut found: Vec<Example> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        match (inside, line.trim()) {
            (false, "```rhai") => {
                inside = true;
                found.push(Example { page: page.to_owned(), line: number + 1, text: String::new() });
            }
            (true, "```") => inside = false,
            (true, _) => {
                let example = found.last_mut().expect("a block is open");
                example.text.push_str(line);
                example.text.push('\n');
            }
            _ => {}
        }
    }
    assert!(!inside, "{}: a block is not closed", page.display());
    found
}

/// Targets of the links of a page that stay inside the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with('#') && !target.is_empty())
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
