//! The reads that a playbook made, for the prefetch of its next run.

use super::contents::{CAP, contents_first, digest, keep, unpack};
use super::statement::{Statement, Value};
use super::{StateError, Store};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The reads of a playbook on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Host name.
    pub host: String,
    /// Its groups, lowest precedence first, as the inventory has them.
    pub groups: Vec<String>,
    /// The reads, as JSON; what is in it is up to the engine.
    pub json: String,
}

impl Store {
    /// Remembers the reads of one host; see [`Store::save_traces`].
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn save_trace(&self, playbook: &str, host: &str, groups: &[String], json: &str) -> Result<(), StateError> {
        self.save_traces(playbook, &[Trace { host: host.into(), groups: groups.into(), json: json.into() }])
    }

    /// Remembers the reads of all hosts of a run, for themselves and for others of their groups. Writes nothing for
    /// those that read the same as in the run before; equal reads are kept once. A trace of more than 1 MiB is left
    /// out.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn save_traces(&self, playbook: &str, traces: &[Trace]) -> Result<(), StateError> {
        let mut traces: Vec<_> = traces.iter().filter(|trace| trace.json.len() <= CAP).collect();
        // All who write take the hosts in one order; otherwise two runs could wait for each other.
        traces.sort_by(|one, other| one.host.cmp(&other.host));
        let digests: Vec<String> = traces.iter().map(|trace| digest(trace.json.as_bytes())).collect();
        let hosts = traces.iter().map(|trace| trace.host.clone()).collect();
        let (known, known_groups) = (self.host_traces(playbook, hosts)?, self.group_traces(playbook)?);
        let mut groups = BTreeMap::new();
        let (mut statements, mut contents) = (Vec::new(), HashMap::new());
        for (trace, digest) in traces.iter().zip(&digests) {
            groups.extend(trace.groups.iter().map(|group| (group, (digest, &trace.json))));
            if known.get(&trace.host) != Some(digest) {
                contents.insert(digest, &trace.json);
                statements.push(put(HOST, playbook, &trace.host, digest));
            }
        }
        for (group, (digest, json)) in groups {
            if known_groups.get(group) != Some(digest) {
                contents.insert(digest, json);
                statements.push(put(GROUP, playbook, group, digest));
            }
        }
        if statements.is_empty() {
            return Ok(());
        }
        let now = self.backend.now_ms()?;
        let kept = contents.into_iter().map(|(digest, json)| keep(digest, json.as_bytes(), now));
        self.backend.carry_out(&mut contents_first(kept.chain(statements)).map(Ok))?;
        Ok(())
    }

    /// The reads to send ahead on each host, given with its groups: its own of the last run, else the newest of any
    /// host of one of its groups, the most specific group first. A host for which nothing is known is left out, and
    /// so is a trace that cannot be read: it could only have saved time.
    ///
    /// Asks a fixed number of questions, however many hosts there are.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn traces<'a>(
        &self,
        playbook: &str,
        hosts: impl IntoIterator<Item = (&'a str, &'a [String])>,
    ) -> Result<HashMap<String, Arc<str>>, StateError> {
        let hosts: Vec<_> = hosts.into_iter().collect();
        let names = hosts.iter().map(|(host, _)| (*host).to_owned()).collect();
        let (own, of_groups) = (self.host_traces(playbook, names)?, self.group_traces(playbook)?);
        let find = |host: &str, groups: &[String]| {
            own.get(host).or_else(|| groups.iter().rev().find_map(|group| of_groups.get(group))).cloned()
        };
        let found: Vec<_> = hosts.iter().filter_map(|(host, groups)| Some((*host, find(host, groups)?))).collect();
        let contents = self.trace_contents(found.iter().map(|(_, digest)| digest.clone()).collect())?;
        let with_content = |(host, digest): (&str, String)| Some((host.to_owned(), contents.get(&digest)?.clone()));
        Ok(found.into_iter().filter_map(with_content).collect())
    }

    fn host_traces(&self, playbook: &str, hosts: Vec<String>) -> Result<HashMap<String, String>, StateError> {
        let sql = "SELECT host, digest FROM traces WHERE playbook = $1 AND host IN (EACH($2))";
        self.pairs(Statement::new(sql, [playbook.into(), hosts.into()]))
    }

    fn group_traces(&self, playbook: &str) -> Result<HashMap<String, String>, StateError> {
        let sql = "SELECT host_group, digest FROM group_traces WHERE playbook = $1";
        self.pairs(Statement::new(sql, [playbook.into()]))
    }

    fn pairs(&self, question: Statement) -> Result<HashMap<String, String>, StateError> {
        let rows = self.backend.read(question)?;
        rows.into_iter().map(|mut row| Ok((row.text(0)?, row.text(1)?))).collect()
    }

    fn trace_contents(&self, digests: HashSet<String>) -> Result<HashMap<String, Arc<str>>, StateError> {
        let sql = "SELECT digest, size, content FROM blobs WHERE digest IN (EACH($1))";
        let digests: Vec<String> = digests.into_iter().collect();
        let mut contents = HashMap::new();
        for mut row in self.backend.read(Statement::new(sql, [digests.into()]))? {
            let (digest, size) = (row.text(0)?, row.number(1)?);
            let Some(packed) = row.maybe_bytes(2)? else { continue };
            let text = unpack(&packed, size).and_then(|bytes| String::from_utf8(bytes).map_err(StateError::record));
            match text {
                Ok(text) => {
                    contents.insert(digest, text.into());
                }
                Err(error) => tracing::debug!(%digest, %error, "a prefetch trace cannot be read"),
            }
        }
        Ok(contents)
    }
}

const HOST: &str = "INSERT INTO traces (playbook, host, digest) VALUES ($1, $2, $3) \
                    ON CONFLICT (playbook, host) DO UPDATE SET digest = excluded.digest";
const GROUP: &str = "INSERT INTO group_traces (playbook, host_group, digest) VALUES ($1, $2, $3) \
                     ON CONFLICT (playbook, host_group) DO UPDATE SET digest = excluded.digest";

fn put(sql: &'static str, playbook: &str, name: &str, digest: &str) -> Statement {
    let values: [Value; 3] = [playbook.into(), name.into(), digest.into()];
    Statement::new(sql, values)
}
