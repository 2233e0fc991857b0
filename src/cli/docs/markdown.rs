//! The Markdown of our documentation, made fit for a terminal.

use crate::report::Paint;
use anstyle::{AnsiColor, Style};

const CODE: Style = AnsiColor::Cyan.on_default();
const EXAMPLE: Style = AnsiColor::Green.on_default();
const STRONG: Style = Style::new().bold();

/// Where text goes.
#[derive(Debug, Clone, Copy)]
pub struct Sheet {
    /// Columns.
    pub width: usize,
    /// Colours.
    pub paint: Paint,
    /// Whether signs of Markdown give way to colours.
    pub coloured: bool,
}

impl Sheet {
    /// Renders paragraphs, lists, tables and blocks of code.
    pub fn page(&self, markdown: &str) -> String {
        let mut text = String::new();
        let mut lines = markdown.lines().peekable();
        while let Some(line) = lines.next() {
            if line.starts_with("```") {
                for code in lines.by_ref().take_while(|line| !line.starts_with("```")) {
                    text.push_str(&format!("    {}\n", self.paint.with(EXAMPLE, code)));
                }
            } else if line.starts_with('|') {
                let mut rows = vec![cells(line)];
                while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                    rows.push(cells(row));
                }
                text.push_str(&self.table(&rows));
            } else if line.is_empty() {
                text.push('\n');
            } else if let Some(title) = line.strip_prefix('#') {
                text.push_str(&format!("{}\n", self.paint.with(STRONG, title.trim_start_matches('#').trim())));
            } else {
                let mut paragraph = line.to_owned();
                while let Some(more) = lines.next_if(|line| goes_on(line)) {
                    paragraph.push_str(&format!(" {}", more.trim_start()));
                }
                let indent = if paragraph.starts_with("* ") { 2 } else { 0 };
                text.push_str(&self.paragraph(&paragraph, 0, indent));
            }
        }
        text
    }

    /// Rows of cells; the last one is wrapped.
    pub fn table(&self, rows: &[Vec<String>]) -> String {
        let rows: Vec<&Vec<String>> =
            rows.iter().filter(|row| !is_rule(row) && !row.iter().all(String::is_empty)).collect();
        let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| self.visible(cell)).max();
        let widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in rows {
            let mut line = String::new();
            let mut at = 0;
            for (cell, width) in row.iter().zip(&widths).take(columns - 1) {
                let gap = " ".repeat(width + 2 - self.visible(cell));
                line.push_str(&format!("{}{gap}", self.inline(cell)));
                at += width + 2;
            }
            let last = row.get(columns - 1).map(String::as_str).unwrap_or_default();
            let last = self.paragraph(last, at, at);
            text.push_str(&format!("{line}{last}"));
        }
        text
    }

    /// Words in lines of the width, the first beginning at column `at`, the others at `indent`.
    pub fn paragraph(&self, markdown: &str, at: usize, indent: usize) -> String {
        let mut text = String::new();
        let mut column = at;
        for word in words(markdown) {
            let width = self.visible(&word);
            if column > at.max(indent) && column + width > self.width {
                text = format!("{}\n{}", text.trim_end(), " ".repeat(indent));
                column = indent;
            }
            text.push_str(&format!("{} ", self.inline(&word)));
            column += width + 1;
        }
        format!("{}\n", text.trim_end())
    }

    fn visible(&self, word: &str) -> usize {
        let signs = if self.coloured { word.matches('`').count() } else { 0 };
        word.chars().count() - signs
    }

    /// Code in colour where there is any, else between its signs.
    fn inline(&self, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let parts = text.split('`').enumerate();
        parts
            .map(|(number, part)| if number % 2 == 1 { self.paint.with(CODE, part) } else { part.to_owned() })
            .collect()
    }
}

/// True for a line that belongs to the paragraph before it.
fn goes_on(line: &str) -> bool {
    !line.is_empty() && !line.starts_with("* ") && !line.starts_with(['|', '#']) && !line.starts_with("```")
}

fn cells(line: &str) -> Vec<String> {
    const BAR: &str = "\u{1}";
    let line = line.replace("\\|", BAR);
    line.trim().trim_matches('|').split('|').map(|cell| cell.trim().replace(BAR, "|")).collect()
}

/// The line between the head of a table and its body.
fn is_rule(row: &[String]) -> bool {
    row.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| c == '-' || c == ':'))
}

/// Words between blanks; a span of code is one word, whatever it holds.
fn words(markdown: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut code = false;
    for letter in markdown.chars() {
        match letter {
            ' ' if !code => words.push(String::new()),
            _ => {
                code ^= letter == '`';
                words.last_mut().expect("there is one from the start").push(letter);
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: usize) -> Sheet {
        Sheet { width, paint: Paint::default(), coloured: false }
    }

    #[test]
    fn paragraphs_are_filled_and_code_is_never_broken() {
        let text = plain(21).page("Writes `a b c d` into\na file, and more.\n\n```rhai\nlet a  = 1;\n```");
        assert_eq!(text, "Writes `a b c d` into\na file, and more.\n\n    let a  = 1;\n");
    }

    #[test]
    fn the_last_column_of_a_table_is_wrapped_below_itself() {
        let text = plain(24).page("| a | what |\n|---|---|\n| `port` | a number \\| a text, long |");
        assert_eq!(text, "a       what\n`port`  a number | a\n        text, long\n");
    }

    #[test]
    fn colours_replace_the_signs_of_code() {
        let sheet = Sheet { width: 80, paint: Paint::COLOUR, coloured: true };
        assert_eq!(sheet.page("see `x`"), "see \u{1b}[36mx\u{1b}[0m\n");
    }
}
