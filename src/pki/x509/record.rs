//! `record.json`: what was issued under a name, and by an authority.

use super::want::{Kind, Want};
use crate::pki::PkiError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What `record.json` holds. Its text is stable, so that a diff shows what changed: one line for each certificate, in the
/// order of serials. What two branches issued is merged by keeping the lines of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub format: u32,
    pub name: String,
    pub serial: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// SHA-256 of the certificate.
    pub sha256: String,
    /// SHA-256 of the certificates of its chain.
    pub chain_sha256: String,
    /// The name of its private key in the secrets.
    pub key: String,
    pub want: Want,
    /// What the kept PKCS#12 file was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pkcs12: Option<Packed>,
    /// The number of the newest revocation list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotating>,
    #[serde(default)]
    pub issued: Vec<Issued>,
}

/// What a PKCS#12 file was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packed {
    /// SHA-256 of certificate, chain and public key.
    pub of: String,
    pub friendly_name: String,
}

/// How far a root's rotation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotating {
    pub stage: RotationStage,
    /// The other root: the next one until issuing switches, the previous one afterwards.
    pub serial: String,
    pub sha256: String,
    pub key: String,
    /// What the next root shall be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want: Option<Want>,
}

/// The stages of a root's rotation that take time; without one there is one root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationStage {
    /// The next root is made, and in every trust bundle; the current one still issues.
    Announced,
    /// The next root has become the current one; the previous one is still trusted.
    Switched,
}

/// A certificate in the books of its authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// In hexadecimal.
    pub serial: String,
    /// Under which name.
    pub name: String,
    /// Valid until then.
    pub not_after: Timestamp,
    /// Whether and why it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
}

/// A revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// Why a certificate is revoked (RFC 5280, 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing is said.
    Unspecified,
    /// Somebody else has its key.
    KeyCompromise,
    /// Somebody else has the key of an authority.
    CaCompromise,
    /// Its subject changed.
    AffiliationChanged,
    /// Another one took its place.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// For the time being; it is the one revocation that can be lifted.
    CertificateHold,
    /// Lifts a hold.
    RemoveFromCrl,
    /// What it allowed is allowed no more.
    PrivilegeWithdrawn,
    /// Somebody else has the key of an attribute authority.
    AaCompromise,
}

const REASONS: [(&str, Reason); 10] = [
    ("unspecified", Reason::Unspecified),
    ("key_compromise", Reason::KeyCompromise),
    ("ca_compromise", Reason::CaCompromise),
    ("affiliation_changed", Reason::AffiliationChanged),
    ("superseded", Reason::Superseded),
    ("cessation_of_operation", Reason::CessationOfOperation),
    ("certificate_hold", Reason::CertificateHold),
    ("remove_from_crl", Reason::RemoveFromCrl),
    ("privilege_withdrawn", Reason::PrivilegeWithdrawn),
    ("aa_compromise", Reason::AaCompromise),
];

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = REASONS.iter().find(|(_, reason)| reason == self).expect("every reason has a name");
        f.write_str(&name.replace('_', " "))
    }
}

impl FromStr for Reason {
    type Err = PkiError;

    /// `key_compromise`, `key-compromise`, or as OpenSSL writes it: `keyCompromise`.
    fn from_str(text: &str) -> Result<Self, PkiError> {
        let plain = |text: &str| text.replace(['_', '-', ' '], "").to_ascii_lowercase();
        let known = REASONS.iter().find(|(name, _)| plain(name) == plain(text)).map(|(_, reason)| *reason);
        known.ok_or_else(|| {
            let all = REASONS.map(|(name, _)| name).join(", ");
            PkiError::invalid_hint(format!("there is no reason `{text}`"), format!("there are {all}"))
        })
    }
}

/// The only format so far.
pub(super) const FORMAT: u32 = 1;

impl Record {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if record.format != FORMAT {
            return Err(format!("format {} is not known", record.format));
        }
        // Whoever merged two branches kept the lines of both, in any order.
        record.issued.sort_by(|one, other| one.serial.cmp(&other.serial));
        record.issued.dedup();
        if let Some(pair) = record.issued.windows(2).find(|pair| pair[0].serial == pair[1].serial) {
            return Err(format!("serial {} stands in it twice", pair[1].serial));
        }
        Ok(record)
    }

    /// The text of its file.
    pub fn text(&self) -> String {
        let head = Self { issued: Vec::new(), ..self.clone() };
        let text = serde_json::to_string_pretty(&head).expect("a record has a JSON form");
        let head = text.strip_suffix("[]\n}").expect("the list stands last");
        let lines: Vec<String> = self
            .issued
            .iter()
            .map(|issued| format!("    {}", serde_json::to_string(issued).expect("it has a JSON form")))
            .collect();
        match lines.is_empty() {
            true => format!("{head}[]\n}}\n"),
            false => format!("{head}[\n{}\n  ]\n}}\n", lines.join(",\n")),
        }
    }

    /// What was issued.
    pub fn kind(&self) -> Kind {
        self.want.kind()
    }

    /// Notes a certificate, in its place.
    pub fn note(&mut self, issued: Issued) {
        let at = self.issued.partition_point(|known| known.serial < issued.serial);
        self.issued.insert(at, issued);
    }

    /// The entry of a serial.
    pub fn entry(&self, serial: &str) -> Option<&Issued> {
        let at = self.issued.binary_search_by(|known| known.serial.as_str().cmp(serial)).ok()?;
        self.issued.get(at)
    }

    /// The same, to be changed.
    pub fn entry_mut(&mut self, serial: &str) -> Option<&mut Issued> {
        let at = self.issued.binary_search_by(|known| known.serial.as_str().cmp(serial)).ok()?;
        self.issued.get_mut(at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::want::{Authority, Leaf};
    use super::*;

    fn record() -> Record {
        let at = Timestamp::from_second(1_800_000_000).expect("a time");
        let issued =
            |serial: &str, revoked| Issued { serial: serial.into(), name: "a/b".into(), not_after: at, revoked };
        let mut record = Record {
            format: FORMAT,
            name: "a".into(),
            serial: "01".into(),
            not_before: at,
            not_after: at,
            sha256: "00".into(),
            chain_sha256: "01".into(),
            key: "pki/a/key".into(),
            want: Want::Root(Authority { path_length: Some(1), ..Authority::default() }),
            pkcs12: None,
            crl: Some(3),
            rotation: None,
            issued: Vec::new(),
        };
        record.note(issued("0b", None));
        record.note(issued("0a", Some(Revoked { at, reason: Reason::KeyCompromise })));
        record
    }

    #[test]
    fn a_record_is_read_as_it_is_written() {
        let text = record().text();
        assert_eq!(Record::parse(&text).expect("read"), record());
        insta::assert_snapshot!(text, @r#"
        {
          "format": 1,
          "name": "a",
          "serial": "01",
          "not_before": "2027-01-15T08:00:00Z",
          "not_after": "2027-01-15T08:00:00Z",
          "sha256": "00",
          "chain_sha256": "01",
          "key": "pki/a/key",
          "want": {
            "kind": "root",
            "path_length": 1
          },
          "crl": 3,
          "issued": [
            {"serial":"0a","name":"a/b","not_after":"2027-01-15T08:00:00Z","revoked":{"at":"2027-01-15T08:00:00Z","reason":"key_compromise"}},
            {"serial":"0b","name":"a/b","not_after":"2027-01-15T08:00:00Z"}
          ]
        }
        "#);
        let alone = Record { issued: Vec::new(), want: Want::Leaf(Leaf::default()), ..record() };
        assert_eq!(Record::parse(&alone.text()).expect("read"), alone);
    }

    #[test]
    fn entries_are_found_by_their_serial() {
        let mut record = record();
        assert!(record.entry("0a").is_some_and(|entry| entry.revoked.is_some()));
        assert!(record.entry("0c").is_none());
        record.entry_mut("0b").expect("there").name = "x".into();
        assert_eq!(record.entry("0b").expect("there").name, "x");
    }

    #[test]
    fn lines_of_two_branches_are_read_in_any_order_but_no_serial_twice() {
        let text = record().text();
        let lines: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("{\"serial\"")).collect();
        let (first, second) = (lines[0].trim_end_matches(','), lines[1]);
        let merged = text.replace(&format!("{first},\n{second}"), &format!("{second},\n{first},\n{second}"));
        assert_ne!(merged, text);
        assert_eq!(Record::parse(&merged).expect("read"), record());
        assert!(Record::parse(&text.replace("\"0b\"", "\"0a\"")).expect_err("twice").contains("stands in it twice"));
    }

    #[test]
    fn reasons_are_read_in_every_spelling() {
        for text in ["key_compromise", "keyCompromise", "key-compromise", "Key Compromise"] {
            assert_eq!(text.parse::<Reason>().expect(text), Reason::KeyCompromise);
        }
        assert!("lost".parse::<Reason>().is_err());
    }
}
