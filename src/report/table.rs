//! Tables of text.

use console::measure_text_width;

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// One field: its text, and how it looks.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    painted: String,
}

impl Cell {
    /// Text in colours; the width is that of the text.
    pub fn painted(text: impl Into<String>, paint: impl FnOnce(&str) -> String) -> Self {
        let text = text.into();
        let painted = paint(&text);
        Self { text, painted }
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        let text = text.to_string();
        Self { painted: text.clone(), text }
    }
}

/// Columns as wide as their widest field, two blanks apart.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Align>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table of these columns.
    pub fn new(columns: &[Align]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, a field for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, without blanks at their ends.
    pub fn lines(&self) -> Vec<String> {
        let width = |column: usize| {
            let fields = self.rows.iter().filter_map(|row| row.get(column));
            fields.map(|cell| measure_text_width(&cell.text)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        self.rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize]) -> String {
        let fields = row.iter().zip(widths).zip(&self.columns).map(|((cell, width), align)| {
            let blank = " ".repeat(width.saturating_sub(measure_text_width(&cell.text)));
            match align {
                Align::Left => format!("{}{blank}", cell.painted),
                Align::Right => format!("{blank}{}", cell.painted),
            }
        });
        fields.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Paint;

    #[test]
    fn colours_do_not_move_columns() {
        let mut table = Table::new(&[Align::Left, Align::Right]);
        table.row(["host".into(), "ok".into()]);
        table.row([Cell::painted("grün-1", |text| Paint::COLOUR.bad(text)), 12.into()]);
        assert_eq!(table.lines(), ["host    ok", "\u{1b}[31mgrün-1\u{1b}[0m  12"]);
    }
}
