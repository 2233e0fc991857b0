//! What is inside a directory: its children, or everything below.

use super::Resource;
use super::path::Path;
use super::path_read::{FALLBACK, FORMAT, one};
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output, quote};

/// The entries of a directory, without itself; empty when it is not there.
///
/// Other file systems mounted inside are shown and not entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<const DEEP: bool> {
    /// Names from the directory, `a/b`, each with what stands there; links have no target here.
    pub entries: Vec<(String, Path)>,
}

/// Everything below a directory.
pub type Tree = Listing<true>;

/// What a directory holds itself.
pub type Children = Listing<false>;

impl<const DEEP: bool> Resource for Listing<DEEP> {
    const KIND: &'static str = if DEEP { "tree" } else { "children" };
    const CHEAP: bool = !DEEP;

    fn script(keys: &[String]) -> Command {
        let prune = if DEEP { "" } else { " -prune" };
        let mut text = format!("LC_ALL=C; export LC_ALL; F={}\n", quote(FORMAT));
        // A missing `-c` must be seen before: `find -exec ... +` hides which of its processes failed.
        text.push_str(&format!("L={}\n", quote(&format!("{FALLBACK}for p do l \"$p\"; done"))));
        text.push_str("n() {\nif stat -c %n / >/dev/null 2>&1; then\n");
        text.push_str(&format!("find . -xdev ! -name .{prune} -exec stat -c \"$F\" -- {{}} +\n"));
        text.push_str(&format!(
            "else find . -xdev ! -name .{prune} -exec sh -c \"$L\" sh {{}} +\nfi 2>/dev/null\n}}\n"
        ));
        for key in keys {
            text.push_str(&format!("(cd -- {} 2>/dev/null && n); printf '//@\\n'\n", quote(key)));
        }
        Command::script(text)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let confused = || OpError::answer("find", &output.stdout);
        let text = String::from_utf8_lossy(&output.stdout);
        let mut all: Vec<Self> = Vec::with_capacity(keys.len());
        let mut entries = Vec::new();
        for record in text.split("//").skip(1) {
            if record == "@\n" {
                all.push(Self { entries: std::mem::take(&mut entries) });
                continue;
            }
            let (name, path) = one(record).ok_or_else(confused)?;
            entries.push((name.strip_prefix("./").ok_or_else(confused)?.to_owned(), path));
        }
        if all.len() == keys.len() { Ok(all) } else { Err(confused()) }
    }

    /// An empty directory and a missing one look the same here; [`Path`] tells them apart.
    fn is_absent(&self) -> bool {
        false
    }

    fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        let entries = || self.entries.iter().map(|(_, entry)| entry);
        !entries().any(|entry| change.renames_owners(entry)) && change.spares_tree(key, entries())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_entries_of_each_directory() {
        let answer = "//41ed 0 0 5 17 65 12:root:root:./a\n//81a4 0 0 5 17 65 12:root:root:./a/x\ny\n//@\n//@\n";
        let keys = ["/one".to_owned(), "/two".to_owned()];
        let output = Output { stdout: answer.into(), ..Output::default() };
        let trees = Tree::parse(&keys, &output).expect("a good answer");
        let names: Vec<&str> = trees[0].entries.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names, trees[1].entries.len()), (vec!["a", "a/x\ny"], 0));
    }
}
