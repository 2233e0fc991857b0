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
    pub fn save_traces(&self, playbook: &str, traces: &[Trace]) -> Result<(), StateError> {
        let traces = digested(traces.iter().filter(|trace| trace.json.len() <= CAP));
        // In the order of their names: two runs that write the same rows in different orders would block each other.
        let mut hosts: Digests = traces.iter().map(|(trace, digest)| (trace.host.as_str(), &**digest)).collect();
        let mut groups = Digests::new();
        for (trace, digest) in &traces {
            groups.extend(trace.groups.iter().map(|group| (group.as_str(), &**digest)));
        }
        let known = self.host_traces(playbook, hosts.keys().map(|host| (*host).to_owned()).collect())?;
        hosts.retain(|host, digest| known.get(*host).is_none_or(|known| known != *digest));
        let known = self.group_traces(playbook)?;
        groups.retain(|group, digest| known.get(*group).is_none_or(|known| known != *digest));
        if hosts.is_empty() && groups.is_empty() {
            return Ok(());
        }
        let now = self.backend.now_ms()?;
        let used: HashSet<&str> = hosts.values().chain(groups.values()).copied().collect();
        let contents: BTreeMap<&str, &Trace> = traces.iter().map(|(trace, digest)| (&**digest, *trace)).collect();
        let contents = contents.into_iter().filter(|(digest, _)| used.contains(digest));
        let kept = contents.map(|(digest, trace)| keep(digest, trace.json.as_bytes(), now));
        let (hosts, groups) = (replace(HOSTS, playbook, &hosts), replace(GROUPS, playbook, &groups));
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

/// The digest of the trace of each host or group, by name.
type Digests<'a> = BTreeMap<&'a str, &'a str>;

/// Each trace with its digest; the same reads of many hosts are looked at once.
fn digested<'a>(traces: impl Iterator<Item = &'a Trace>) -> Vec<(&'a Trace, Arc<str>)> {
    let mut known = HashMap::<&str, Arc<str>>::new();
    let mut digest = |json: &'a str| known.entry(json).or_insert_with(|| digest(json.as_bytes()).into()).clone();
    traces.map(|trace| (trace, digest(&trace.json))).collect()
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

fn replace([delete, insert]: Replace, playbook: &str, rows: &Digests<'_>) -> impl Iterator<Item = Statement> + use<> {
    let names: Vec<String> = rows.keys().map(|name| (*name).to_owned()).collect();
    let row =
        |(name, digest): (&&str, &&str)| Statement::new(insert, [playbook.into(), (*name).into(), (*digest).into()]);
    let inserts: Vec<_> = rows.iter().map(row).collect();
    std::iter::once(Statement::new(delete, [playbook.into(), names.into()])).chain(inserts)
}
