//! What playbooks say of keys and zones, as the library wants it.

use crate::ops::{ArgumentError, Entry, OpError, Plan, Planned, View, all_known, arguments, fields};
use crate::pki::dns::{DnsError, DomainName, KskWant, Prefix, ReverseWant, TsigAlgorithm, ZoneWant};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::OnceLock;

/// Operations on the project: no host knows of them, and `check` asks here what they take.
pub static ENTRIES: [Entry; 5] = [
    Entry::of_project("dns::ksk", "name", of_ksk, |want| accepted("dns::ksk", want, |_: KskWant| Ok(()), a_name)),
    Entry::of_project("dns::tsig", "name", of_tsig, |want| accepted("dns::tsig", want, |_: TsigWant| Ok(()), a_name)),
    Entry::of_project("dns::tsig_set", "zone", of_set, |want| {
        accepted("dns::tsig_set", want, |_: TsigWant| Ok(()), a_name)
    }),
    Entry::of_project("dns::zone", "name", of_zone, |want| {
        accepted("dns::zone", want, |want: ZoneWant| want.check_hosts(), a_name)
    }),
    Entry::of_project("dns::reverse", "network", of_reverse, |want| {
        accepted("dns::reverse", want, |_: ReverseWant| Ok(()), a_network)
    }),
];

/// What is wanted of a TSIG key.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TsigWant {
    /// How messages are signed.
    pub algorithm: TsigAlgorithm,
}

fn with<T: DeserializeOwned>(more: &[&'static str]) -> Vec<&'static str> {
    more.iter().copied().chain(fields::<T>().iter().copied()).collect()
}

fn of_ksk() -> &'static [&'static str] {
    static FIELDS: OnceLock<Vec<&'static str>> = OnceLock::new();
    FIELDS.get_or_init(|| with::<KskWant>(&["name"]))
}

fn of_tsig() -> &'static [&'static str] {
    &["name", "algorithm"]
}

fn of_set() -> &'static [&'static str] {
    &["zone", "algorithm"]
}

fn of_zone() -> &'static [&'static str] {
    static FIELDS: OnceLock<Vec<&'static str>> = OnceLock::new();
    FIELDS.get_or_init(|| with::<ZoneWant>(&["name"]))
}

fn of_reverse() -> &'static [&'static str] {
    static FIELDS: OnceLock<Vec<&'static str>> = OnceLock::new();
    FIELDS.get_or_init(|| with::<ZoneWant>(&["network", "from", "classless"]))
}

/// Stands for an operation that does nothing on a host.
struct Nothing;

impl Planned for Nothing {
    fn plan(&self, _: &mut View<'_>) -> Result<Plan, OpError> {
        Ok(Plan::new())
    }
}

fn a_name(text: &str) -> Result<(), DnsError> {
    DomainName::absolute(text).map(drop)
}

fn a_network(text: &str) -> Result<(), DnsError> {
    text.parse::<Prefix>().map(drop)
}

/// Whether options make sense, and then what they are about: `check` asks for one at a time.
fn accepted<T: DeserializeOwned>(
    op: &'static str,
    want: Value,
    check: fn(T) -> Result<(), DnsError>,
    target: fn(&str) -> Result<(), DnsError>,
) -> Result<Box<dyn Planned>, ArgumentError> {
    let field = super::entry(op).expect("one of ours").target;
    let name = want[field].as_str().unwrap_or_default().to_owned();
    let wrong = |field: &str, error: DnsError| {
        let problem = std::iter::once(error.to_string()).chain(error.hint()).collect::<Vec<_>>().join("; ");
        ArgumentError::Value { op, field: field.to_owned(), problem }
    };
    check(read::<T>(op, want)?).map_err(|error| wrong("hosts", error))?;
    target(&name).map_err(|error| wrong(field, error))?;
    Ok(Box::new(Nothing))
}

/// What is wanted, from options; the target may be among them.
///
/// # Errors
/// An option that there is none of, or a wrong value.
pub fn read<T: DeserializeOwned>(op: &'static str, mut options: Value) -> Result<T, ArgumentError> {
    let entry = super::entry(op).expect("one of ours");
    all_known(op, (entry.fields)(), &options)?;
    if let Some(map) = options.as_object_mut() {
        map.remove(entry.target);
    }
    arguments(op, options)
}
