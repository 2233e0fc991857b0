//! The key signing keys of a project: made once, the private ones kept in its secrets.

use super::anchor::ds_records;
use super::folder::plain;
use super::key::dnskey_text;
use super::{Algorithm, Anchors, Dns, DnsError, DomainName, Key, PublicKey, Verdict};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The key of who names none.
const ONLY: &str = "ksk";

/// What is wanted of the keys of some zones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KskWant {
    /// Zones that share the keys; the name of the keys when there are none.
    #[serde(deserialize_with = "super::one_or_more")]
    pub zones: Vec<String>,
    /// Of keys that are made now.
    pub algorithm: Algorithm,
    /// Keys by name, the one that signs first: a new one beside the old one begins a roll-over.
    #[serde(deserialize_with = "super::one_or_more")]
    pub keys: Vec<String>,
    /// Keys that are published as revoked (RFC 5011).
    #[serde(deserialize_with = "super::one_or_more")]
    pub revoked: Vec<String>,
    /// Anchors of others, as DNSKEY and DS records.
    pub extra_anchors: String,
    /// Seconds that DNSKEY records are kept by others.
    pub ttl: Option<u32>,
}

/// The public half of some zones' keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ksk {
    /// What the keys are called in the project.
    pub name: String,
    /// The zones.
    pub zones: Vec<DomainName>,
    /// The keys, the one that signs first.
    pub keys: Vec<SigningKey>,
    ttl: u32,
    extra: Anchors,
}

/// One of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name.
    pub label: String,
    /// What everybody may know.
    pub public: PublicKey,
    /// Whether it is given up.
    pub revoked: bool,
}

/// `dns/ksk/NAME.json`: public keys, so that anchors need no secret.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    keys: IndexMap<String, Recorded>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    algorithm: Algorithm,
    key_tag: u16,
    public_key: String,
}

impl KskWant {
    /// The names of all keys, and whether each is revoked.
    fn labels(&self, name: &str) -> Result<Vec<(String, bool)>, DnsError> {
        plain("keys", name)?;
        let one = [ONLY.to_owned()];
        let live: &[String] = if self.keys.is_empty() { &one } else { &self.keys };
        let all = live.iter().map(|label| (label, false)).chain(self.revoked.iter().map(|label| (label, true)));
        let mut labels: Vec<(String, bool)> = Vec::new();
        for (label, revoked) in all {
            plain("a key", label)?;
            // The secrets would take a dot for a step down.
            if label.contains('.') {
                return Err(DnsError::wrong(format!("`{label}` cannot name a key: it has a dot")));
            }
            if labels.iter().any(|(known, _)| known == label) {
                return Err(DnsError::wrong(format!("the key `{label}` of `{name}` is named twice"))
                    .hinted("a key is either in `keys` or in `revoked`"));
            }
            labels.push((label.clone(), revoked));
        }
        Ok(labels)
    }

    fn zones(&self, name: &str) -> Result<Vec<DomainName>, DnsError> {
        match self.zones.as_slice() {
            [] => Ok(vec![DomainName::absolute(name)?]),
            zones => zones.iter().map(|zone| DomainName::absolute(zone)).collect(),
        }
    }

    /// The keys of the record that are wanted, or the names of those that are not in it.
    fn find(&self, name: &str, record: &Record) -> Result<Result<Ksk, Vec<String>>, DnsError> {
        let (zones, extra) = (self.zones(name)?, Anchors::parse(&self.extra_anchors)?);
        let (mut keys, mut missing) = (Vec::new(), Vec::new());
        for (label, revoked) in self.labels(name)? {
            match record.keys.get(&label) {
                None if revoked => {
                    return Err(DnsError::wrong(format!("there is no key `{label}` of `{name}` to revoke")));
                }
                None => missing.push(label),
                Some(known) => {
                    let public = PublicKey::from_base64(known.algorithm, &known.public_key)
                        .map_err(|error| error.at(file_of(name)))?;
                    keys.push(SigningKey { label, public, revoked });
                }
            }
        }
        let ttl = self.ttl.unwrap_or(3600);
        Ok(if missing.is_empty() { Ok(Ksk { name: name.into(), zones, keys, ttl, extra }) } else { Err(missing) })
    }
}

impl Ksk {
    /// The DNSKEY records that the zones publish, revoked keys among them.
    pub fn dnskeys(&self) -> String {
        let ttl = self.ttl;
        let of_zone = |zone: &DomainName| {
            let line = |key: &SigningKey| {
                let data = dnskey_text(&key.public.dnskey(key.revoked));
                format!("{zone} {ttl} IN DNSKEY {data}\n")
            };
            self.keys.iter().map(line).collect::<String>()
        };
        self.zones.iter().map(of_zone).collect()
    }

    /// What resolvers are told to trust: every key of every zone that is not revoked, and the anchors of others.
    pub fn anchors(&self) -> Anchors {
        let mut anchors = Anchors::default();
        self.live().for_each(|key| anchors.add(&self.zones, &key.public));
        anchors.and(self.extra.clone())
    }

    /// The DS records for the zones above.
    pub fn ds(&self) -> String {
        self.live().map(|key| ds_records(&self.zones, &key.public)).collect()
    }

    fn live(&self) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(|key| !key.revoked)
    }
}

/// The two files that BIND reads a key of a zone from.
pub struct BindFiles {
    /// Their name without the endings `.key` and `.private`.
    pub file: String,
    /// The zone.
    pub zone: DomainName,
    /// The content of the one that everybody may read.
    pub public: String,
    /// The content of the other.
    pub private: Zeroizing<String>,
}

impl Ksk {
    /// The files of BIND for every key and zone.
    ///
    /// # Errors
    /// A private key cannot be read.
    pub fn bind_files(&self, dns: &Dns) -> Result<Vec<BindFiles>, DnsError> {
        let mut files = Vec::new();
        for key in &self.keys {
            let private = dns.ksk_key(&self.name, &key.label)?.bind_private();
            files.extend(self.zones.iter().map(|zone| BindFiles {
                file: key.public.bind_file(zone, key.revoked),
                zone: zone.clone(),
                public: key.bind_public(zone),
                private: private.clone(),
            }));
        }
        Ok(files)
    }
}

impl SigningKey {
    /// Its key tag, as it is published.
    pub fn key_tag(&self) -> u16 {
        self.public.key_tag(self.revoked)
    }

    /// The content of the `K*.key` file of BIND.
    pub fn bind_public(&self, zone: &DomainName) -> String {
        let revoked = if self.revoked { "revoked " } else { "" };
        let data = dnskey_text(&self.public.dnskey(self.revoked));
        format!("; {revoked}key-signing key, keyid {}, for {zone}\n{zone} IN DNSKEY {data}\n", self.key_tag())
    }
}

impl Dns {
    /// Whether the keys are there, and what would be made; needs no secret.
    ///
    /// # Errors
    /// A name, an algorithm or an anchor that is none.
    pub fn look_ksk(&self, name: &str, want: &KskWant) -> Result<Verdict<Ksk>, DnsError> {
        let reason = |label: String| format!("key `{label}` of `{name}` is not made yet");
        Ok(match want.find(name, &self.record(name)?)? {
            Ok(ksk) => Verdict::Keep(ksk),
            Err(missing) => Verdict::Make(missing.into_iter().map(reason).collect()),
        })
    }

    /// The keys; those that are not there are made and kept.
    ///
    /// # Errors
    /// As for [`Dns::look_ksk`]; the project has no secrets yet, or they cannot be opened.
    pub fn ensure_ksk(&self, name: &str, want: &KskWant) -> Result<Ksk, DnsError> {
        let held = self.lock()?;
        let mut record = self.record(name)?;
        let missing = match want.find(name, &record)? {
            Ok(ksk) => return Ok(ksk),
            Err(missing) => missing,
        };
        for label in missing {
            // A run that ended before the record was written has left the private key: it is the one.
            let make = || Key::generate(want.algorithm).pem().as_bytes().to_vec();
            let pem = self.store.get_or_put(&Self::ksk_secret(name, &label), make)?;
            let key = read_pem(&pem).map_err(|error| error.at(Self::ksk_secret(name, &label)))?;
            let public = key.public();
            let (key_tag, public_key) = (public.key_tag(false), public.to_base64());
            record.keys.insert(label, Recorded { algorithm: public.algorithm, key_tag, public_key });
        }
        self.write(&held, &format!("ksk/{name}.json"), &record)?;
        want.find(name, &record)?.map_err(|_| DnsError::wrong(format!("`{}` was changed meanwhile", file_of(name))))
    }

    /// A private key.
    ///
    /// # Errors
    /// It cannot be read, or is not the one that `dns/ksk/NAME.json` tells of.
    pub fn ksk_key(&self, name: &str, label: &str) -> Result<Key, DnsError> {
        let secret = Self::ksk_secret(name, label);
        let key = read_pem(&self.store.get(&secret)?).map_err(|error| error.at(&secret))?;
        let recorded = self.record(name)?.keys.swap_remove(label);
        match recorded.is_none_or(|recorded| recorded.public_key == key.public().to_base64()) {
            true => Ok(key),
            false => Err(DnsError::wrong(format!("the secret `{secret}` is not the key of `{}`", file_of(name)))
                .hinted("bring back the one that belongs to the other from git")),
        }
    }

    /// The name of the secret that holds a private key, as PKCS#8 PEM.
    pub fn ksk_secret(name: &str, label: &str) -> String {
        format!("dns/ksk/{name}/{label}")
    }

    fn record(&self, name: &str) -> Result<Record, DnsError> {
        plain("keys", name)?;
        self.read(&format!("ksk/{name}.json"))
    }
}

fn read_pem(pem: &Zeroizing<Vec<u8>>) -> Result<Key, DnsError> {
    Key::from_pem(std::str::from_utf8(pem).map_err(|_| DnsError::wrong("the private key is no text"))?)
}

fn file_of(name: &str) -> String {
    format!("{}/ksk/{name}.json", super::folder::FOLDER)
}
