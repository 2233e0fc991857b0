//! Reading everything in.

use super::super::statement::{Statement, Value};
use super::super::{StateError, Store};
use super::FORMAT;
use super::tables::{Kind, TABLES, Table};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;
use std::io::BufRead;

type Object = Map<String, serde_json::Value>;

impl Store {
    /// Fills an empty store with what [`Store::export`] wrote, all or nothing, and gives the number of rows.
    ///
    /// # Errors
    /// [`StateError::NotEmpty`]; [`StateError::Import`] with the line that is no part of an export; the store cannot
    /// be written.
    pub fn import(&self, input: &mut dyn BufRead) -> Result<u64, StateError> {
        self.is_empty()?;
        let mut lines = Lines { input, line: 0, rows: 0, ended: false };
        lines.header()?;
        self.backend.carry_out(&mut std::iter::from_fn(|| lines.statement().transpose()))?;
        Ok(lines.rows)
    }

    fn is_empty(&self) -> Result<(), StateError> {
        // A token in `locks` is no content: a lock may be held while importing.
        for table in TABLES.iter().filter(|table| table.name != "locks") {
            let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name);
            let question = Statement { sql: sql.into(), ..Statement::new("", []) };
            if !self.backend.read(question)?.is_empty() {
                return Err(StateError::NotEmpty { path: self.place().clone(), table: table.name });
            }
        }
        Ok(())
    }
}

struct Lines<'a> {
    input: &'a mut dyn BufRead,
    line: u64,
    rows: u64,
    ended: bool,
}

impl Lines<'_> {
    /// The next line; `None` at the end of the input.
    fn next(&mut self) -> Result<Option<Object>, StateError> {
        let mut text = String::new();
        self.line += 1;
        let read = self.input.read_line(&mut text).map_err(|error| StateError::Stream("read the import", error))?;
        if read == 0 {
            return Ok(None);
        }
        serde_json::from_str(&text).map(Some).map_err(|_| self.wrong("is no JSON object"))
    }

    fn header(&mut self) -> Result<(), StateError> {
        let header = self.next()?.filter(|header| header.get("rhapsode").is_some_and(|what| what == "state"));
        let header = header.ok_or_else(|| self.wrong("is not the first line of an export"))?;
        match header.get("format").and_then(serde_json::Value::as_u64) {
            Some(1..=FORMAT) => Ok(()),
            Some(format) => Err(self.wrong(format!("has format {format}, newer than this rhapsode knows"))),
            None => Err(self.wrong("names no format")),
        }
    }

    /// The statement that takes in the next row; `None` behind the last one.
    fn statement(&mut self) -> Result<Option<Statement>, StateError> {
        let next = self.next()?;
        if self.ended {
            return next.map_or(Ok(None), |_| Err(self.wrong("stands behind the end")));
        }
        let entry = next.and_then(|object| object.into_iter().next());
        let Some((name, value)) = entry else { return Err(self.wrong("is missing: it was cut off")) };
        let serde_json::Value::Object(row) = value else { return Err(self.wrong(format!("has no row for `{name}`"))) };
        if name == "end" {
            return self.end(&row);
        }
        let table = Table::named(&name).ok_or_else(|| self.wrong(format!("names a table `{name}`")))?;
        self.rows += 1;
        self.insert(table, row).map(Some)
    }

    fn end(&mut self, row: &Object) -> Result<Option<Statement>, StateError> {
        if row.get("rows").and_then(serde_json::Value::as_u64) != Some(self.rows) {
            return Err(self.wrong(format!("counts other than the {} rows before it", self.rows)));
        }
        self.ended = true;
        self.statement()
    }

    fn insert(&self, table: &Table, mut row: Object) -> Result<Statement, StateError> {
        let mut values = Vec::with_capacity(table.columns.len());
        for (name, kind) in table.columns {
            let value = row.remove(*name).ok_or_else(|| self.wrong(format!("has no `{name}`")))?;
            let value = stored(*kind, value).ok_or_else(|| self.wrong(format!("has no fitting value in `{name}`")))?;
            values.push(value);
        }
        if let Some(name) = row.keys().next() {
            return Err(self.wrong(format!("has a column `{name}` of which nobody knows")));
        }
        let mut sql = table.insert();
        if table.name == "locks" {
            sql.push_str(" ON CONFLICT (project, inventory) DO NOTHING");
        }
        Ok(Statement { sql: sql.into(), values, required: false })
    }

    fn wrong(&self, what: impl Into<String>) -> StateError {
        StateError::Import { line: self.line, what: what.into() }
    }
}

fn stored(kind: Kind, value: serde_json::Value) -> Option<Value> {
    use serde_json::Value::{Null, Number, String};
    Some(match (kind, value) {
        (Kind::Text, Null) => Value::Text(None),
        (Kind::Int, Null) => Value::Int(None),
        (Kind::Bytes, Null) => Value::Bytes(None),
        (Kind::Text, String(text)) => text.into(),
        (Kind::Int, Number(number)) => Value::Int(Some(number.as_i64()?)),
        (Kind::Bytes, String(text)) => Value::Bytes(Some(STANDARD.decode(text).ok()?)),
        _ => return None,
    })
}
