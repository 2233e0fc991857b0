//! Rows that go into the same table, one statement for many: a round trip each would cost more than the writing.

use super::StateError;
use super::backend::Statements;
use super::statement::{Statement, Value};
use std::iter::Peekable;

/// Rows in one statement. Few sizes, so that few texts need to be prepared.
const SIZES: [usize; 3] = [64, 8, 1];

/// The same writes in the same order, with neighbours of the same text joined where it is a plain `INSERT`.
pub(super) fn batched(statements: Statements<'_>) -> impl Iterator<Item = Result<Statement, StateError>> {
    let mut batches = Batches { statements: statements.peekable(), ready: Vec::new() };
    std::iter::from_fn(move || batches.next())
}

struct Batches<'a> {
    statements: Peekable<Statements<'a>>,
    /// In reverse order.
    ready: Vec<Statement>,
}

impl Batches<'_> {
    fn next(&mut self) -> Option<Result<Statement, StateError>> {
        if let Some(ready) = self.ready.pop() {
            return Some(Ok(ready));
        }
        let first = match self.statements.next()? {
            Ok(first) => first,
            Err(error) => return Some(Err(error)),
        };
        let Some(insert) = Insert::of(&first) else { return Some(Ok(first)) };
        let mut same = vec![first];
        while same.len() < SIZES[0]
            && let Some(Ok(next)) = self.statements.next_if(|next| {
                next.as_ref().is_ok_and(|next| next.sql == same[0].sql && next.values.len() == same[0].values.len())
            })
        {
            same.push(next);
        }
        while !same.is_empty() {
            let size = SIZES.into_iter().find(|size| *size <= same.len()).expect("one row is a size");
            let rest = same.split_off(size);
            self.ready.push(insert.join(same));
            same = rest;
        }
        self.ready.reverse();
        self.ready.pop().map(Ok)
    }
}

/// `INSERT INTO runs (run) VALUES ($1) ON CONFLICT (run) DO NOTHING`, taken apart at its row.
struct Insert {
    head: String,
    tail: String,
    columns: usize,
}

impl Insert {
    fn of(statement: &Statement) -> Option<Self> {
        let (head, rest) = statement.sql.split_once(" VALUES (")?;
        let (row, tail) = rest.split_once(')')?;
        let columns = statement.values.len();
        let plain = row.split(", ").enumerate().all(|(index, place)| place == format!("${}", index + 1));
        // `DO UPDATE` may not meet the same row twice in one statement.
        let simple = tail.is_empty() || tail.starts_with(" ON CONFLICT (") && tail.ends_with(") DO NOTHING");
        let fits = plain && simple && !statement.required && row.split(", ").count() == columns;
        fits.then(|| Self { head: head.to_owned(), tail: tail.to_owned(), columns })
    }

    fn join(&self, rows: Vec<Statement>) -> Statement {
        let mut sql = format!("{} VALUES ", self.head);
        for row in 0..rows.len() {
            let places: Vec<String> = (1..=self.columns).map(|n| format!("${}", row * self.columns + n)).collect();
            let comma = if row == 0 { "" } else { ", " };
            sql.push_str(&format!("{comma}({})", places.join(", ")));
        }
        sql.push_str(&self.tail);
        let values: Vec<Value> = rows.into_iter().flat_map(|row| row.values).collect();
        Statement { sql: sql.into(), values, required: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSERT: &str = "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO NOTHING";

    fn row(n: u64) -> Statement {
        Statement::new(INSERT, [n.into(), "x".into()])
    }

    fn batches(statements: Vec<Statement>) -> Vec<Statement> {
        let mut statements = statements.into_iter().map(Ok);
        batched(&mut statements).collect::<Result<_, _>>().expect("all are at hand")
    }

    #[test]
    fn neighbours_of_the_same_text_become_one_statement() {
        let joined = batches((0..8).map(row).collect());
        assert_eq!(joined.len(), 1);
        assert!(joined[0].sql.starts_with("INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4), "), "{}", joined[0].sql);
        assert!(joined[0].sql.ends_with(", ($15, $16) ON CONFLICT (a) DO NOTHING"), "{}", joined[0].sql);
        assert_eq!(joined[0].values[14], 7_u64.into());
    }

    #[test]
    fn no_row_is_lost_and_the_order_stays() {
        for count in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
            let joined = batches((0..count).map(row).collect());
            let firsts: Vec<Value> = joined.iter().flat_map(|one| one.values.iter().step_by(2).cloned()).collect();
            assert_eq!(firsts, (0..count).map(Value::from).collect::<Vec<_>>());
            let mut texts: Vec<_> = joined.iter().map(|one| one.sql.to_string()).collect();
            texts.sort();
            texts.dedup();
            assert!(texts.len() <= SIZES.len());
        }
    }

    #[test]
    fn what_is_no_plain_insert_stays_alone() {
        for sql in [
            "UPDATE t SET a = $1 WHERE b = $2",
            "INSERT INTO t (a, b) VALUES ($1, (SELECT $2))",
            "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = excluded.b",
        ] {
            let statement = || Statement::new(sql, [1_u64.into(), "x".into()]);
            assert_eq!(batches(vec![statement(), statement()]), [statement(), statement()]);
        }
    }
}
