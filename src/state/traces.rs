//! The reads that a playbook made, for the prefetch of its next run.

use super::contents::{CAP, digest, keep, unpack};
use super::statement::Statement;
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
    pub fn save_traces<'a>(&self, playbook: &str, traces: &'a [Trace]) -> Result<(), StateError> {
        let traces: Vec<_> = traces.iter().filter(|trace| trace.json.len() <= CAP).collect();
        let digests = digests(&traces);
        // In the order of their names: two runs that write the same rows in different orders would block each other.
        let mut hosts: Texts = traces.iter().map(|trace| (trace.host.as_str(), trace.json.as_str())).collect();
        let of_groups = |trace: &&'a Trace| trace.groups.iter().map(|group| (group.as_str(), trace.json.as_str()));
        let mut groups: Texts = traces.iter().flat_map(of_groups).collect();
        let known = self.host_traces(playbook, hosts.keys().map(|host| (*host).to_owned()).collect())?;
        hosts.retain(|host, json| known.get(*host) != digests.get(json));
        let known = self.group_traces(playbook)?;
        groups.retain(|group, json| known.get(*group) != digests.get(json));
        if hosts.is_empty() && groups.is_empty() {
            return Ok(());
        }
        let now = self.backend.now_ms()?;
        let contents: BTreeMap<_, _> =
            hosts.values().chain(groups.values()).map(|json| (&digests[json], json)).collect();
        let kept = contents.into_iter().map(|(digest, json)| keep(digest, json.as_bytes(), now));
        let hosts = replace(HOSTS, playbook, &hosts, &digests);
        let groups = replace(GROUPS, playbook, &groups, &digests);
        self.backend.write(kept.chain(hosts).chain(groups).collect())?;
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

/// The trace of each host or group, by name.
type Texts<'a> = BTreeMap<&'a str, &'a str>;

/// The digest of each text; the same reads of many hosts are looked at once.
fn digests<'a>(traces: &[&'a Trace]) -> HashMap<&'a str, String> {
    let mut digests = HashMap::new();
    for trace in traces {
        digests.entry(trace.json.as_str()).or_insert_with_key(|json| digest(json.as_bytes()));
    }
    digests
}

/// `DELETE` and `INSERT` of a table: rows of a plain `INSERT` go in one statement.
type Replace = [&'static str; 2];

const HOSTS: Replace = [
    "DELETE FROM traces WHERE playbook = $1 AND host IN (EACH($2))",
    "INSERT INTO traces (playbook, host, digest) VALUES ($1, $2, $3) ON CONFLICT (playbook, host) DO NOTHING",
];
const GROUPS: Replace = [
    "DELETE FROM group_traces WHERE playbook = $1 AND host_group IN (EACH($2))",
    "INSERT INTO group_traces (playbook, host_group, digest) VALUES ($1, $2, $3) \
     ON CONFLICT (playbook, host_group) DO NOTHING",
];

fn replace(
    [delete, insert]: Replace,
    playbook: &str,
    rows: &Texts<'_>,
    digests: &HashMap<&str, String>,
) -> impl Iterator<Item = Statement> {
    let names: Vec<String> = rows.keys().map(|name| (*name).to_owned()).collect();
    let row = |(name, json): (&&str, &&str)| {
        Statement::new(insert, [playbook.into(), (*name).into(), digests[*json].as_str().into()])
    };
    let inserts: Vec<_> = rows.iter().map(row).collect();
    std::iter::once(Statement::new(delete, [playbook.into(), names.into()])).chain(inserts)
}
