//! Texts that hold U+0000: SQLite keeps it, PostgreSQL has no room for it in a text.
//!
//! U+10FFFE, which Unicode promises never to assign, stands before `0` for U+0000 and before `1` for itself.

const MARK: char = '\u{10FFFE}';

/// A text as it is kept.
pub(super) fn stored(text: String) -> String {
    if !text.contains(['\0', MARK]) {
        return text;
    }
    text.replace(MARK, "\u{10FFFE}1").replace('\0', "\u{10FFFE}0")
}

/// A text as it was.
pub(super) fn read(text: String) -> String {
    if !text.contains(MARK) {
        return text;
    }
    text.replace("\u{10FFFE}0", "\0").replace("\u{10FFFE}1", "\u{10FFFE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_as_it_was() {
        for text in ["", "plain", "a\0b", "\u{10FFFE}", "\u{10FFFE}0", "\u{10FFFE}1\0\u{10FFFE}\0", "\0\u{10FFFE}x"] {
            let kept = stored(text.to_owned());
            assert!(!kept.contains('\0'), "{kept:?}");
            assert_eq!(read(kept), text);
        }
    }
}
