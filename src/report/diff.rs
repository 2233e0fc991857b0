//! Unified diffs in colour.

use super::Paint;
use super::clean::lines;

/// Lines of a diff that are shown without being asked for more.
const MOST: usize = 60;
/// Characters of a line, so that a minified file does not fill the screen.
const WIDEST: usize = 400;

/// The lines of a unified diff, cut after [`MOST`] unless all are wanted. The name of a single file is left out, as the
/// operation above has told it.
pub(super) fn diff_lines(diff: &str, all: bool, paint: Paint) -> Vec<String> {
    let diff = without_names(diff);
    let total = lines(diff).count();
    let shown = if all || total <= MOST + 3 { total } else { MOST };
    let mut text: Vec<String> = lines(diff).take(shown).map(|line| painted(&narrow(&line, all), paint)).collect();
    if shown < total {
        text.push(paint.faint(format!("… {} more lines, -v shows them", total - shown)));
    }
    text
}

fn without_names(diff: &str) -> &str {
    let rest = diff.strip_prefix("--- ").and_then(|rest| rest.split_once("\n+++ ")?.1.split_once('\n'));
    match rest {
        Some((_, hunks)) if !hunks.contains("\n+++ ") => hunks,
        _ => diff,
    }
}

fn narrow(line: &str, all: bool) -> String {
    match line.char_indices().nth(WIDEST) {
        Some((end, _)) if !all => format!("{}…", &line[..end]),
        _ => line.to_owned(),
    }
}

fn painted(line: &str, paint: Paint) -> String {
    match line.as_bytes().first() {
        Some(b'+') => paint.good(line),
        Some(b'-') => paint.bad(line),
        Some(b'@') => paint.note(line),
        Some(b'\\') => paint.faint(line),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_diff_is_cut_with_a_note_unless_all_is_wanted() {
        let diff: String = (0..200).map(|n| format!("+{n}\n")).collect();
        let short = diff_lines(&diff, false, Paint::default());
        assert_eq!(short.len(), 61);
        assert_eq!(short[60], "… 140 more lines, -v shows them");
        assert_eq!(diff_lines(&diff, true, Paint::default()).len(), 200);
    }

    #[test]
    fn a_file_is_named_where_there_are_several() {
        let one = "--- /dev/null\n+++ b/etc/a\n@@ -0,0 +1 @@\n+a\n";
        assert_eq!(diff_lines(one, false, Paint::default()), ["@@ -0,0 +1 @@", "+a"]);
        let two = format!("{one}{}", one.replace("/a", "/b"));
        assert_eq!(diff_lines(&two, false, Paint::default()).len(), 8);
    }

    #[test]
    fn a_diff_that_is_hardly_too_long_is_not_cut() {
        let diff: String = (0..63).map(|n| format!("+{n}\n")).collect();
        assert_eq!(diff_lines(&diff, false, Paint::default()).len(), 63);
    }

    #[test]
    fn a_line_that_never_ends_is_cut() {
        let line = diff_lines(&format!("+{}", "é".repeat(5_000)), false, Paint::default()).remove(0);
        assert_eq!(line.chars().count(), 401);
    }
}
