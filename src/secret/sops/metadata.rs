//! The `sops` block. What it holds beside what we read is kept as it is.

use super::cipher::DataKey;
use super::error::SopsError;
use super::identities::Identities;
use super::recipients::{Recipient, decrypt_locked, decrypt_open, encrypt_age};
use super::tree::{Element, Entry, Node, find, put, take};
use regex::Regex;
use zeroize::Zeroizing;

/// What a file says about its encryption.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata(pub Vec<Entry>);

/// Which leaves are encrypted.
pub struct Selection {
    rule: Rule,
    /// The MAC covers encrypted values alone.
    pub mac_only_encrypted: bool,
}

enum Rule {
    AllBut(Matcher),
    Only(Matcher),
}

enum Matcher {
    Suffix(String),
    Key(Regex),
    Comment(Regex),
}

const RULES: &[&str] = &[
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
];

/// Lists of recipients that only the `sops` program can serve.
const FOREIGN: &[&str] = &["pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms"];

impl Metadata {
    /// That of a new file.
    pub fn new(key: &DataKey, recipients: &[Recipient], rule: Option<(String, String)>) -> Result<Self, SopsError> {
        let mut metadata = Self(Vec::new());
        metadata.wrap(key, recipients)?;
        let (name, value) = rule.unwrap_or_else(|| ("unencrypted_suffix".into(), "_unencrypted".into()));
        metadata.set("lastmodified", "");
        metadata.set("mac", "");
        metadata.set(&name, &value);
        metadata.set("version", "3.10.2");
        Ok(metadata)
    }

    /// A text of the block.
    pub fn text(&self, key: &str) -> Option<&str> {
        match find(&self.0, key)? {
            Node::Text(text) => Some(text),
            Node::Time(text) => Some(text),
            _ => None,
        }
    }

    /// Sets a text of the block.
    pub fn set(&mut self, key: &str, text: &str) {
        put(&mut self.0, key, Node::text(text));
    }

    /// Whom it is encrypted to: age recipients, then the names of other kinds.
    pub fn recipients(&self) -> (Vec<String>, Vec<&'static str>) {
        let own = self.age().map(|(recipient, _)| recipient.to_owned()).collect();
        let filled = |kind: &&&str| matches!(find(&self.0, kind), Some(Node::List(items)) if !items.is_empty());
        (own, FOREIGN.iter().filter(filled).copied().collect())
    }

    fn age(&self) -> impl Iterator<Item = (&str, &str)> {
        let items = match find(&self.0, "age") {
            Some(Node::List(items)) => items.as_slice(),
            _ => &[],
        };
        items.iter().filter_map(|item| match item {
            Element::Item(Node::Map(entries)) => match (find(entries, "recipient")?, find(entries, "enc")?) {
                (Node::Text(recipient), Node::Text(enc)) => Some((recipient.as_str(), enc.as_str())),
                _ => None,
            },
            _ => None,
        })
    }

    /// Unwraps the key of the file.
    ///
    /// # Errors
    /// [`SopsError::NoKey`]; a file that needs several keys at once.
    pub fn unwrap(&self, identities: &Identities) -> Result<DataKey, SopsError> {
        if find(&self.0, "key_groups").is_some() || find(&self.0, "shamir_threshold").is_some() {
            return Err(SopsError::Format("several key groups at once: only the `sops` program opens it".into()));
        }
        let open = self.age().map(|(_, wrapped)| decrypt_open(wrapped.as_bytes(), identities));
        let locked = self.age().map(|(recipient, wrapped)| {
            decrypt_locked(wrapped.as_bytes(), identities, |locked| locked.may_be(recipient))
        });
        for bytes in open.chain(locked) {
            if let Some(bytes) = bytes? {
                let key = DataKey::from_bytes(&bytes);
                return key.ok_or_else(|| SopsError::Format("its data key is not 32 bytes long".into()));
            }
        }
        let (own, foreign) = self.recipients();
        let all: Vec<String> = own.into_iter().chain(foreign.into_iter().map(|kind| format!("{kind} keys"))).collect();
        Err(SopsError::NoKey { recipients: all.join(", "), tried: identities.tried() })
    }

    /// Wraps the key of the file for these recipients; one that has it already keeps his copy.
    pub fn wrap(&mut self, key: &DataKey, recipients: &[Recipient]) -> Result<(), SopsError> {
        let mut items = Vec::new();
        for recipient in recipients {
            let known =
                self.age().find(|(known, _)| recipient.is(known)).map(|(name, enc)| (name.to_owned(), enc.to_owned()));
            let (name, enc) = match known {
                Some(known) => known,
                None => {
                    (recipient.to_string(), encrypt_age(key.bytes(), std::slice::from_ref(recipient), true)?.text())
                }
            };
            let pair = |name: &str, text: String| Entry::Pair(name.into(), Node::Text(Zeroizing::new(text)));
            items.push(Element::Item(Node::Map(vec![pair("recipient", name), pair("enc", enc)])));
        }
        put(&mut self.0, "age", Node::List(items));
        Ok(())
    }

    /// Forgets all wrapped copies of the key.
    pub fn unwrap_all(&mut self) {
        take(&mut self.0, "age");
    }

    /// Which leaves are encrypted.
    ///
    /// # Errors
    /// More than one rule, or a broken expression.
    pub fn selection(&self) -> Result<Selection, SopsError> {
        let mut given =
            RULES.iter().filter_map(|rule| Some((*rule, self.text(rule)?))).filter(|(_, text)| !text.is_empty());
        let (rule, text) = given.next().unwrap_or(("unencrypted_suffix", "_unencrypted"));
        if let Some((other, _)) = given.next() {
            return Err(SopsError::Format(format!("`{rule}` and `{other}` exclude each other")));
        }
        let expression =
            || Regex::new(text).map_err(|_| SopsError::Format(format!("`{rule}` is no regular expression: `{text}`")));
        let matcher = match rule {
            "unencrypted_suffix" | "encrypted_suffix" => Matcher::Suffix(text.to_owned()),
            "unencrypted_regex" | "encrypted_regex" => Matcher::Key(expression()?),
            _ => Matcher::Comment(expression()?),
        };
        let rule = if rule.starts_with("un") { Rule::AllBut(matcher) } else { Rule::Only(matcher) };
        let only = find(&self.0, "mac_only_encrypted");
        let mac_only_encrypted = match only {
            Some(Node::Bool(truth)) => *truth,
            Some(Node::Text(text)) => text.as_str() == "true",
            _ => false,
        };
        Ok(Selection { rule, mac_only_encrypted })
    }
}

impl Selection {
    /// Whether a leaf is encrypted; a match on any key above it counts. `comments` are those just before it and before
    /// what holds it.
    pub fn encrypts(&self, path: &[String], comments: &[Vec<String>], is_comment: bool) -> bool {
        match &self.rule {
            Rule::AllBut(matcher) => !matcher.matches(path, comments, false),
            Rule::Only(matcher) => matcher.matches(path, comments, is_comment),
        }
    }
}

impl Matcher {
    fn matches(&self, path: &[String], comments: &[Vec<String>], but_last: bool) -> bool {
        match self {
            Self::Suffix(suffix) => path.iter().any(|key| key.ends_with(suffix.as_str())),
            Self::Key(expression) => path.iter().any(|key| expression.is_match(key)),
            // A comment that asks for encryption stays readable itself.
            Self::Comment(expression) => {
                let mut all: Vec<&String> = comments.iter().flatten().collect();
                if but_last {
                    all.pop();
                }
                all.into_iter().any(|comment| expression.is_match(comment))
            }
        }
    }
}
