//! The direction of dependencies: a folder uses only what its line in the style guide names.

use std::path::Path;

/// Each folder with what it may use besides `event`; as in the style guide.
const MAY_USE: &[(&str, &[&str])] = &[
    ("secret", &[]),
    ("remote", &["secret"]),
    ("inventory", &["secret"]),
    ("connect", &["remote", "inventory", "secret"]),
    ("ops", &["remote", "secret"]),
    ("engine", &["ops", "connect", "remote", "inventory", "secret"]),
    ("state", &[]),
    ("report", &[]),
    ("pki", &["secret"]),
    ("script", &["engine", "ops", "inventory", "secret", "pki", "image", "remote"]),
];

#[test]
fn a_folder_uses_only_what_stands_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (folder, allowed) in MAY_USE {
        for file in rust_files(&src.join(folder)) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            for (number, line) in text.lines().enumerate() {
                let used = line
                    .split("crate::")
                    .skip(1)
                    .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default());
                for used in used.filter(|used| !used.is_empty()) {
                    if used != *folder && used != "event" && !allowed.contains(&used) {
                        wrong.push(format!("{}:{}: uses crate::{used}", file.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of src").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
    files
}
