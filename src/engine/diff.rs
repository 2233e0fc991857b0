//! Unified diffs of texts, for people.

use similar::TextDiff;

/// A unified diff with three lines of context; secrets redacted. Empty texts mean that there is no file.
pub fn unified(path: &str, before: &str, after: &str) -> String {
    let (before, after) = (crate::secret::redact(before), crate::secret::redact(after));
    let path = path.trim_start_matches('/');
    let name = |text: &str, side: &str| if text.is_empty() { "/dev/null".to_owned() } else { format!("{side}/{path}") };
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    let (old, new) = (name(&before, "a"), name(&after, "b"));
    diff.unified_diff().context_radius(3).header(&old, &new).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_comes_from_nothing() {
        assert_eq!(unified("/etc/motd", "", "hi\n"), "--- /dev/null\n+++ b/etc/motd\n@@ -0,0 +1 @@\n+hi\n");
        assert!(unified("anna", "hi\n", "").starts_with("--- a/anna\n+++ /dev/null\n"));
    }
}
