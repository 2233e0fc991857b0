//! Every table with its columns, in an order in which rows find those that they refer to.

/// A table as it is exported.
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [Column],
    /// What its rows are ordered by.
    pub key: &'static str,
}

/// A column with the kind of its values.
pub(super) type Column = (&'static str, Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Bytes,
}

use Kind::{Bytes, Int, Text};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "runs",
        columns: &[
            ("run", Text),
            ("mode", Text),
            ("playbook", Text),
            ("revision", Text),
            ("dirty", Int),
            ("inventory", Text),
            ("arguments", Text),
            ("who", Text),
            ("started", Text),
            ("host_count", Int),
            ("finished", Text),
            ("exit_code", Int),
            ("duration_ms", Int),
            ("totals", Text),
            ("sources", Text),
            ("resumes", Text),
            ("undoes", Text),
        ],
        key: "run",
    },
    Table {
        name: "hosts",
        columns: &[
            ("run", Text),
            ("position", Int),
            ("host", Text),
            ("status", Text),
            ("exchanges", Int),
            ("error", Text),
        ],
        key: "run, position, host",
    },
    Table { name: "diffs", columns: &[("digest", Text), ("content", Text)], key: "digest" },
    Table {
        name: "operations",
        columns: &[
            ("run", Text),
            ("seq", Int),
            ("host", Text),
            ("id", Text),
            ("op", Text),
            ("target", Text),
            ("name", Text),
            ("status", Text),
            ("changes", Text),
            ("diff", Text),
            ("reason", Text),
            ("error", Text),
            ("output", Text),
            ("script_at", Text),
            ("play", Text),
            ("duration_ms", Int),
            ("drift", Text),
        ],
        key: "run, seq",
    },
    Table { name: "events", columns: &[("run", Text), ("seq", Int), ("event", Text)], key: "run, seq" },
    Table {
        name: "blobs",
        columns: &[("digest", Text), ("size", Int), ("stored", Int), ("content", Bytes)],
        key: "digest",
    },
    Table { name: "traces", columns: &[("playbook", Text), ("host", Text), ("digest", Text)], key: "playbook, host" },
    Table {
        name: "group_traces",
        columns: &[("playbook", Text), ("host_group", Text), ("digest", Text)],
        key: "playbook, host_group",
    },
    Table {
        name: "resources",
        columns: &[
            ("inventory", Text),
            ("playbook", Text),
            ("host", Text),
            ("kind", Text),
            ("id", Text),
            ("want", Text),
            ("script_at", Text),
            ("revision", Text),
            ("run", Text),
            ("first_seen", Text),
            ("last_seen", Text),
            ("existed", Int),
            ("prior", Text),
            ("prior_content", Text),
            ("keep", Int),
            ("settled", Int),
            ("seq", Int),
            ("actor", Text),
            ("origin", Text),
        ],
        key: "inventory, playbook, host, kind, id",
    },
    Table {
        name: "notifications",
        columns: &[
            ("inventory", Text),
            ("playbook", Text),
            ("host", Text),
            ("handler", Text),
            ("run", Text),
            ("since", Text),
        ],
        key: "inventory, playbook, host, handler",
    },
    Table {
        name: "intents",
        columns: &[
            ("inventory", Text),
            ("host", Text),
            ("id", Text),
            ("playbook", Text),
            ("run", Text),
            ("op", Text),
            ("target", Text),
            ("script_at", Text),
            ("begun", Text),
        ],
        key: "inventory, host, id",
    },
    Table {
        name: "plans",
        columns: &[
            ("id", Text),
            ("playbook", Text),
            ("inventory", Text),
            ("created", Text),
            ("size", Int),
            ("content", Bytes),
        ],
        key: "id",
    },
    Table {
        name: "outputs",
        columns: &[
            ("inventory", Text),
            ("playbook", Text),
            ("host", Text),
            ("name", Text),
            ("value", Text),
            ("run", Text),
        ],
        key: "inventory, playbook, host, name",
    },
    // Who holds a lock stays behind; the token goes on from where it was.
    Table {
        name: "locks",
        columns: &[("project", Text), ("inventory", Text), ("token", Int)],
        key: "project, inventory",
    },
];

impl Table {
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// `SELECT` of every row, in the order of the key.
    pub fn select(&self) -> String {
        format!("SELECT {} FROM {} ORDER BY {}", self.names(), self.name, self.key)
    }

    /// `INSERT` of one row.
    pub fn insert(&self) -> String {
        let places: Vec<String> = (1..=self.columns.len()).map(|n| format!("${n}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, self.names(), places.join(", "))
    }

    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Store;
    use super::super::super::statement::Statement;
    use super::*;

    fn ask(store: &Store, sql: String) -> Vec<(String, String)> {
        let question = Statement { sql: sql.into(), values: Vec::new(), required: false };
        let rows = store.backend.read(question).expect("an answer");
        rows.into_iter().map(|mut row| (row.text(0).expect("a name"), row.text(1).expect("a type"))).collect()
    }

    #[test]
    fn every_column_of_the_schema_is_exported() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let store = Store::open(&dir.path().join("state.db")).expect("a store");
        let sql = "SELECT name, type FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'";
        let mut there: Vec<String> = ask(&store, sql.to_owned()).into_iter().map(|(name, _)| name).collect();
        let mut known: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        there.sort();
        known.sort_unstable();
        assert_eq!(there, known);
        for table in TABLES.iter().filter(|table| table.name != "locks") {
            let columns = ask(&store, format!("SELECT name, type FROM pragma_table_info('{}')", table.name));
            let kind = |kind: &str| match kind {
                "BIGINT" => Int,
                "BLOB" => Bytes,
                _ => Text,
            };
            let columns: Vec<_> = columns.iter().map(|(name, found)| (name.as_str(), kind(found))).collect();
            assert_eq!(columns, table.columns, "{}", table.name);
        }
    }
}
