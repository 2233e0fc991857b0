//! Writing everything out.

use super::super::statement::{Row, Statement, Value};
use super::super::{StateError, Store};
use super::FORMAT;
use super::tables::{TABLES, Table};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, json};
use std::io::Write;

impl Store {
    /// Writes everything as JSON lines, as it is at one moment, and gives the number of rows. The next
    /// [`Store::import`] of it makes an equal store, of whichever kind. Who holds a lock is left out.
    ///
    /// # Errors
    /// The store cannot be read, or `out` not written.
    pub fn export(&self, out: &mut dyn Write) -> Result<u64, StateError> {
        let now = jiff::Timestamp::now().to_string();
        line(out, &json!({ "rhapsode": "state", "format": FORMAT, "exported": now }))?;
        let questions = TABLES.iter().map(|table| Statement { sql: table.select().into(), ..Statement::new("", []) });
        let mut rows = 0_u64;
        self.backend.snapshot(questions.collect(), &mut |number, row| {
            rows += 1;
            let table = &TABLES[number];
            line(out, &json!({ table.name: object(table, row) }))
        })?;
        line(out, &json!({ "end": { "rows": rows } }))?;
        out.flush().map_err(unwritten)?;
        Ok(rows)
    }
}

fn object(table: &Table, row: Row) -> serde_json::Value {
    let pairs = table.columns.iter().zip(row.values);
    pairs.map(|((name, _), value)| ((*name).to_owned(), plain(value))).collect::<Map<_, _>>().into()
}

fn plain(value: Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.into(),
        Value::Int(number) => number.into(),
        Value::Bytes(bytes) => bytes.map(|bytes| STANDARD.encode(bytes)).into(),
        Value::Texts(texts) => texts.into(),
    }
}

fn line(out: &mut dyn Write, value: &serde_json::Value) -> Result<(), StateError> {
    writeln!(out, "{value}").map_err(unwritten)
}

fn unwritten(error: std::io::Error) -> StateError {
    StateError::Stream("write the export", error)
}
