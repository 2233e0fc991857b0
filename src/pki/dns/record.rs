//! Records of a zone, as people write them and as they are checked.

use super::name::ascii;
use super::{DnsError, DomainName};
use domain::base::iana::{Class, Rtype};
use domain::rdata::ZoneRecordData;
use domain::zonefile::inplace::{Entry, Zonefile};
use serde_json::Value;
use std::net::IpAddr;
use std::str::FromStr;

/// Types that a signer or this program writes itself.
const OURS: [Rtype; 6] = [Rtype::SOA, Rtype::RRSIG, Rtype::NSEC, Rtype::NSEC3, Rtype::NSEC3PARAM, Rtype::ZONEMD];
/// The longest a record can be kept (RFC 2181, 8).
const LONGEST_TTL: u64 = i32::MAX as u64;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub owner: DomainName,
    pub ttl: Option<u32>,
    pub kind: Rtype,
    /// As it stands in the file.
    pub data: String,
    /// What it says about other names, or about addresses.
    pub meaning: Meaning,
}

/// What the checks of a zone need to know of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Address(IpAddr),
    Alias,
    /// The name of a server, which has to have an address itself (RFC 2181, 10.3; RFC 2782).
    Server(DomainName),
    Other,
}

impl Record {
    /// Reads the data of a record; names in it are relative to the origin.
    pub(super) fn read(
        owner: DomainName,
        ttl: Option<u32>,
        kind: Rtype,
        data: &str,
        origin: &DomainName,
    ) -> Result<Self, DnsError> {
        let wrong = |problem: String| DnsError::wrong(format!("`{kind} {data}`: {problem}"));
        if data.chars().any(char::is_control) {
            return Err(wrong("a record is one line".into()));
        }
        let data = data.split(' ').map(|word| if word.is_ascii() { Ok(word.to_owned()) } else { ascii(word) });
        let data = data.collect::<Result<Vec<_>, _>>()?.join(" ");
        let mut file = Zonefile::from(format!("{owner} {LONGEST_TTL} {kind} {data}\n").as_str());
        file.set_default_class(Class::IN);
        file.set_origin(domain::base::name::Name::bytes_from_str(&origin.to_string()).expect("a name"));
        let entry = file.next_entry().map_err(|error| wrong(error.to_string()))?;
        let Some(Entry::Record(parsed)) = entry else {
            return Err(wrong("it is no record".into()));
        };
        if !matches!(file.next_entry(), Ok(None)) {
            return Err(wrong("it is more than one record".into()));
        }
        let meaning = match parsed.data() {
            ZoneRecordData::A(a) => Meaning::Address(a.addr().into()),
            ZoneRecordData::Aaaa(a) => Meaning::Address(a.addr().into()),
            ZoneRecordData::Cname(_) => Meaning::Alias,
            ZoneRecordData::Ns(ns) => Meaning::Server(DomainName::of(ns.nsdname())),
            ZoneRecordData::Mx(mx) => Meaning::Server(DomainName::of(mx.exchange())),
            ZoneRecordData::Srv(srv) => Meaning::Server(DomainName::of(srv.target())),
            _ => Meaning::Other,
        };
        Ok(Self { owner, ttl, kind, data, meaning })
    }

    /// A record of an address.
    pub(super) fn address(owner: DomainName, ttl: Option<u32>, address: IpAddr) -> Self {
        let kind = if address.is_ipv4() { Rtype::A } else { Rtype::AAAA };
        Self { owner, ttl, kind, data: address.to_string(), meaning: Meaning::Address(address) }
    }

    /// Its line in a zone file.
    pub(super) fn line(&self, origin: &DomainName) -> String {
        let (owner, kind, data) = (self.owner.relative_to(origin), self.kind, &self.data);
        match self.ttl {
            Some(ttl) => format!("{owner} {ttl} IN {kind} {data}\n"),
            None => format!("{owner} IN {kind} {data}\n"),
        }
    }
}

/// Reads what a host has: an address, several, or a map of types of records.
pub(super) fn of_host(owner: &DomainName, want: &Value, origin: &DomainName) -> Result<Vec<Record>, DnsError> {
    let Value::Object(map) = want else {
        return addresses(owner, None, want);
    };
    let ttl = map.get("ttl").map(ttl).transpose()?;
    let mut records = Vec::new();
    for (key, value) in map.iter().filter(|(key, _)| *key != "ttl") {
        if key == "address" {
            records.extend(addresses(owner, ttl, value)?);
            continue;
        }
        let kind = kind(key)?;
        for value in items(value) {
            let data = data(kind, value).map_err(|error| error.at(format!("`{key}`")))?;
            records.push(Record::read(owner.clone(), ttl, kind, &data, origin)?);
        }
    }
    Ok(records)
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

fn addresses(owner: &DomainName, ttl: Option<u32>, value: &Value) -> Result<Vec<Record>, DnsError> {
    let read = |value: &Value| {
        let text = value.as_str().ok_or_else(|| wrong_value(value, "an address"))?;
        let address: IpAddr = text.parse().map_err(|_| {
            DnsError::wrong(format!("`{text}` is no address")).hinted("other records are a map: `#{ cname: \"web1\" }`")
        })?;
        Ok(Record::address(owner.clone(), ttl, address))
    };
    items(value).iter().map(read).collect()
}

fn ttl(value: &Value) -> Result<u32, DnsError> {
    let seconds = value.as_u64().filter(|seconds| *seconds <= LONGEST_TTL);
    seconds.map(|seconds| seconds as u32).ok_or_else(|| wrong_value(value, "a number of seconds below 2^31"))
}

fn kind(key: &str) -> Result<Rtype, DnsError> {
    let known = Rtype::from_str(&key.to_ascii_uppercase()).ok();
    match known {
        Some(kind) if OURS.contains(&kind) => {
            Err(DnsError::wrong(format!("records of type {kind} are not given: they follow from the others")))
        }
        Some(kind) => Ok(kind),
        None => Err(DnsError::wrong(format!("`{key}` is no type of records")).hinted(
            "a host has `address`, `ttl`, and types such as `cname`, `mx`, `txt`, `srv`, `ns`, `caa`, `sshfp`",
        )),
    }
}

/// The data of a record; texts of TXT records are quoted.
fn data(kind: Rtype, value: &Value) -> Result<String, DnsError> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong_value(value, "a text"));
    match (kind, value) {
        (Rtype::TXT | Rtype::SPF, Value::Array(strings)) => {
            let strings = strings.iter().map(|string| Ok(quoted(&text(string)?)));
            Ok(strings.collect::<Result<Vec<_>, DnsError>>()?.join(" "))
        }
        (Rtype::TXT | Rtype::SPF, value) => Ok(quoted(&text(value)?)),
        (_, value) => text(value),
    }
}

fn wrong_value(value: &Value, wanted: &str) -> DnsError {
    DnsError::wrong(format!("`{value}` is not {wanted}"))
}

/// A text as strings of at most 255 octets (RFC 1035, 3.3 and 5.1), which who reads it joins again.
fn quoted(text: &str) -> String {
    let escape = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        other => format!("\\{other:03}"),
    };
    let string = |octets: &[u8]| format!("\"{}\"", octets.iter().map(escape).collect::<String>());
    match text {
        "" => string(&[]),
        text => text.as_bytes().chunks(255).map(string).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin() -> DomainName {
        DomainName::absolute("internal.example").expect("a name")
    }

    fn lines(want: Value) -> Result<Vec<String>, String> {
        let owner = DomainName::within("web", &origin()).expect("a name");
        let records = of_host(&owner, &want, &origin()).map_err(|error| error.to_string())?;
        Ok(records.iter().map(|record| record.line(&origin()).trim_end().to_owned()).collect())
    }

    #[test]
    fn a_host_is_an_address_or_a_map_of_records() {
        use serde_json::json;
        for (want, expected) in [
            (json!("10.0.0.1"), vec!["web IN A 10.0.0.1"]),
            (json!(["10.0.0.1", "fd00::1"]), vec!["web IN A 10.0.0.1", "web IN AAAA fd00::1"]),
            (json!({"cname": "bücher", "ttl": 60}), vec!["web 60 IN CNAME xn--bcher-kva"]),
            (json!({"mx": ["10 mail", "20 mx.example."]}), vec!["web IN MX 10 mail", "web IN MX 20 mx.example."]),
            (
                json!({"txt": ["v=spf1 -all", ["a\"b", "ü"]]}),
                vec!["web IN TXT \"v=spf1 -all\"", "web IN TXT \"a\\\"b\" \"\\195\\188\""],
            ),
            (json!({"caa": "0 issue \"ca.example\""}), vec!["web IN CAA 0 issue \"ca.example\""]),
            (json!({"srv": "0 5 5060 sip"}), vec!["web IN SRV 0 5 5060 sip"]),
        ] {
            assert_eq!(lines(want), Ok(expected.into_iter().map(str::to_owned).collect()));
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        use serde_json::json;
        for (want, words) in [
            (json!("10.0.0.256"), "is no address"),
            (json!({"a": "fd00::1"}), "`A fd00::1`"),
            (json!({"mx": "mail"}), "`MX mail`"),
            (json!({"mx": "10 mail extra"}), "`MX 10 mail extra`"),
            (json!({"cname": "a\n@ IN NS evil."}), "a record is one line"),
            (json!({"cname": "( a"}), "`CNAME ( a`"),
            (json!({"soa": "a b 1 2 3 4 5"}), "they follow from the others"),
            (json!({"adress": "10.0.0.1"}), "`adress` is no type of records"),
            (json!({"ttl": -1}), "is not a number of seconds"),
            (json!({"cname": 7}), "`7` is not a text"),
        ] {
            let error = lines(want.clone()).expect_err(&want.to_string());
            assert!(error.contains(words), "{want}: {error}");
        }
    }

    proptest! {
        /// Whatever the text, the record holds it, and nothing else.
        #[test]
        fn a_text_record_holds_its_text(text in "\\PC{0,600}") {
            let owner = DomainName::within("web", &origin()).expect("a name");
            let records = of_host(&owner, &serde_json::json!({ "txt": [text] }), &origin()).expect("a record");
            let line = format!("{owner} 60 IN TXT {}\n", records[0].data);
            let mut file = Zonefile::from(line.as_str());
            let Some(Entry::Record(record)) = file.next_entry().expect("a record") else { panic!("no record") };
            let ZoneRecordData::Txt(txt) = record.data() else { panic!("no text") };
            prop_assert_eq!(txt.text::<Vec<u8>>(), text.as_bytes());
        }

        /// No data breaks out of its record, or breaks the program.
        #[test]
        fn data_stays_in_its_record(text in "[ -~ü\n]{0,60}") {
            for kind in ["cname", "mx", "srv", "caa", "ns", "type65280", "sshfp", "tlsa", "ptr", "hinfo"] {
                if let Ok(lines) = lines(serde_json::json!({ kind: text })) {
                    prop_assert!(lines.len() == 1 && !lines[0].contains('\n'), "{:?}", lines);
                }
            }
        }
    }
}
