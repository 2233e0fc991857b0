//! Text from hosts, made harmless for a terminal.

use std::borrow::Cow;

/// Text as one line that cannot move the cursor, change colours or reorder what stands beside it.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if harmful(c) { clean.extend(c.escape_default()) } else { clean.push(c) }
    }
    Cow::Owned(clean)
}

/// The lines of a file or a diff, each harmless; a carriage return is shown, as it may be what differs.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.strip_suffix('\n').unwrap_or(text).split('\n').map(one_line)
}

/// The lines that a program printed, without the colours and the carriage returns it meant for a terminal.
pub(super) fn printed(text: &str) -> Vec<String> {
    let plain = console::strip_ansi_codes(text);
    let plain = plain.trim_end_matches(['\n', '\r']);
    plain.split('\n').map(|line| one_line(line.trim_end_matches('\r')).into_owned()).collect()
}

/// Control characters but for the tab, and those that turn the direction of text.
///
/// Spec: Unicode Standard Annex 9, 2 "Directional Formatting Characters"; CVE-2021-42574.
fn harmful(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(one_line("a\u{1b}[2Jb\rc\u{9b}d"), "a\\u{1b}[2Jb\\rc\\u{9b}d");
        assert_eq!(one_line("a\nb"), "a\\nb");
        assert_eq!(one_line("user\u{202e}txt"), "user\\u{202e}txt");
        assert_eq!(one_line("\tgrün"), "\tgrün");
    }

    #[test]
    fn what_a_program_printed_loses_its_colours() {
        assert_eq!(printed("\u{1b}[32mdone\u{1b}[0m\r\nnext\u{7}\n\n"), ["done", "next\\u{7}"]);
    }

    #[test]
    fn a_carriage_return_in_a_diff_stays_visible() {
        assert_eq!(lines("-a\r\n+a\n").collect::<Vec<_>>(), ["-a\\r", "+a"]);
    }
}
