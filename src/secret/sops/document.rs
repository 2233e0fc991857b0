//! One encrypted file, opened.

use super::cipher::{DataKey, Stash};
use super::error::SopsError;
use super::formats::Format;
use super::identities::Identities;
use super::metadata::Metadata;
use super::path::{KeyPath, leaves};
use super::recipients::Recipient;
use super::seal::{Direction, Walk};
use super::tree::{Entry, Node};

/// A file in clear, with what is needed to write it back.
#[derive(Clone)]
pub struct Document {
    format: Format,
    documents: Vec<Vec<Entry>>,
    /// As it was opened: without a change, nothing of the file changes.
    opened: Option<Vec<Vec<Entry>>>,
    pub(super) metadata: Metadata,
    pub(super) key: DataKey,
    pub(super) stash: Stash,
}

impl Document {
    /// An empty one for these recipients.
    ///
    /// # Errors
    /// No recipient.
    pub fn new(format: Format, recipients: &[Recipient], rule: Option<(String, String)>) -> Result<Self, SopsError> {
        if recipients.is_empty() {
            return Err(SopsError::Shape("there is nobody to encrypt it to".into()));
        }
        let key = DataKey::generate();
        let metadata = Metadata::new(&key, recipients, rule)?;
        Ok(Self { format, documents: vec![Vec::new()], opened: None, metadata, key, stash: Stash::default() })
    }

    /// Opens a file: decrypts every value, and checks the MAC over all of them.
    ///
    /// # Errors
    /// [`SopsError`]; nothing of a file that was changed is given out.
    pub fn open(bytes: &[u8], format: Format, identities: &Identities) -> Result<Self, SopsError> {
        let (sealed, block) = format.read_encrypted(bytes)?;
        let metadata = Metadata(block.ok_or(SopsError::Plain)?);
        let key = metadata.unwrap(identities)?;
        let mut stash = Stash::default();
        let selection = metadata.selection()?;
        let mut walk = Walk::new(&key, &selection, &mut stash, Direction::Open);
        let documents = sealed.iter().map(|document| walk.map(document)).collect::<Result<Vec<_>, _>>()?;
        let mac = walk.mac();
        let sealed_mac = metadata.text("mac").ok_or(SopsError::Mac)?;
        let modified = metadata.text("lastmodified").ok_or(SopsError::Mac)?;
        let (expected, _) = key.decrypt(sealed_mac, modified, &mut stash).map_err(|_| SopsError::Mac)?;
        if *expected != mac.as_bytes() {
            return Err(SopsError::Mac);
        }
        Ok(Self { format, opened: Some(documents.clone()), documents, metadata, key, stash })
    }

    /// The text of the file. What did not change is written as it was.
    ///
    /// # Errors
    /// A value that the format does not have.
    pub fn seal(&mut self) -> Result<Vec<u8>, SopsError> {
        if self.opened.as_ref() != Some(&self.documents) {
            self.metadata.set("lastmodified", "");
        }
        let selection = self.metadata.selection()?;
        let mut walk = Walk::new(&self.key, &selection, &mut self.stash, Direction::Seal);
        let sealed = self.documents.iter().map(|document| walk.map(document)).collect::<Result<Vec<_>, _>>()?;
        let mac = walk.mac();
        if self.metadata.text("lastmodified").is_none_or(str::is_empty) {
            let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let sealed = self.key.encrypt(mac.as_bytes(), "str", &now, &mut self.stash);
            self.metadata.set("lastmodified", &now);
            self.metadata.set("mac", &sealed);
        }
        self.opened = Some(self.documents.clone());
        self.format.write_encrypted(&sealed, &self.metadata.0)
    }

    /// How the file is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The first document, which is the only one in all formats but YAML.
    pub fn entries(&self) -> &[Entry] {
        self.documents.first().map_or(&[], Vec::as_slice)
    }

    pub(super) fn entries_mut(&mut self) -> &mut Vec<Entry> {
        if self.documents.is_empty() {
            self.documents.push(Vec::new());
        }
        &mut self.documents[0]
    }

    /// A value.
    ///
    /// # Errors
    /// [`SopsError::Missing`].
    pub fn get(&self, path: &KeyPath) -> Result<&Node, SopsError> {
        path.get(self.entries())
    }

    /// Sets a value.
    ///
    /// # Errors
    /// [`SopsError::Shape`] where it has no room; a name that the `sops` block has.
    pub fn set(&mut self, path: &KeyPath, value: Node) -> Result<(), SopsError> {
        if path.to_string().split(['.', '[']).next() == Some("sops") {
            return Err(SopsError::Shape("`sops` is the name of the block that SOPS keeps".into()));
        }
        path.set(self.entries_mut(), value)
    }

    /// Takes a value out; false when there is none.
    pub fn remove(&mut self, path: &KeyPath) -> bool {
        path.remove(self.entries_mut())
    }

    /// The path and the type of every value.
    pub fn leaves(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        leaves(self.entries(), "", &mut found);
        found
    }

    /// The text for an editor.
    ///
    /// # Errors
    /// A value that the format does not have.
    pub fn clear(&self) -> Result<Vec<u8>, SopsError> {
        self.format.write_clear(&self.documents)
    }

    /// Takes the text of an editor.
    ///
    /// # Errors
    /// [`SopsError::Syntax`].
    pub fn take_clear(&mut self, bytes: &[u8]) -> Result<(), SopsError> {
        let documents = self.format.read_clear(bytes)?;
        let taken = |entry: &Entry| matches!(entry, Entry::Pair(key, _) if key == "sops");
        if documents.iter().flatten().any(taken) {
            return Err(SopsError::Shape("`sops` is the name of the block that SOPS keeps".into()));
        }
        self.documents = documents;
        Ok(())
    }

    /// Whom it is encrypted to.
    pub fn recipients(&self) -> Vec<String> {
        let (own, foreign) = self.metadata.recipients();
        own.into_iter().chain(foreign.into_iter().map(str::to_owned)).collect()
    }

    /// Encrypts its key to these recipients; no value changes.
    ///
    /// # Errors
    /// No recipient.
    pub fn rekey(&mut self, recipients: &[Recipient]) -> Result<(), SopsError> {
        if recipients.is_empty() {
            return Err(SopsError::Shape("there is nobody to encrypt it to".into()));
        }
        self.metadata.wrap(&self.key, recipients)
    }

    /// Takes a new key and encrypts everything anew.
    ///
    /// # Errors
    /// No recipient.
    pub fn rotate(&mut self, recipients: &[Recipient]) -> Result<(), SopsError> {
        self.key = DataKey::generate();
        self.stash = Stash::default();
        self.metadata.unwrap_all();
        self.metadata.set("lastmodified", "");
        self.rekey(recipients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret;
    use proptest::prelude::*;

    fn keys() -> (Identities, Recipient) {
        let key = age::x25519::Identity::generate();
        let recipient = key.to_public().to_string().parse().expect("a recipient");
        (Identities::of_text(key.to_string().expose_secret()).expect("a key"), recipient)
    }

    fn sealed(text: &str, format: Format, recipient: &Recipient) -> Vec<u8> {
        let mut document = Document::new(format, std::slice::from_ref(recipient), None).expect("a recipient");
        document.take_clear(text.as_bytes()).expect("readable");
        document.seal().expect("sealed")
    }

    const YAML: &str = "# who: everybody\ndb:\n    password: hunter2\n    port: 5432\n    ratio: 0.5\n    ready: true\n    note_unencrypted: clear\nempty: \"\"\nnone: null\nlist:\n    - a\n    # between\n    - 2\n";

    #[test]
    fn every_format_comes_back_as_it_was() {
        let (identities, recipient) = keys();
        for (format, text) in [
            (Format::Yaml, YAML),
            (Format::Yaml, "a: 1\n---\nb: 2\n"),
            (Format::Json, "{\n\t\"a\": {\n\t\t\"b\": [\n\t\t\t1,\n\t\t\ttrue,\n\t\t\t\"x\"\n\t\t]\n\t}\n}\n"),
            (Format::Dotenv, "# comment\nA=1\nB=two words\nC=one\\ntwo\n"),
            (Format::Ini, "[db]\n; the port\nport = 5432\npassword = hunter2\n"),
            (Format::Binary, "any\0bytes"),
        ] {
            let file = sealed(text, format, &recipient);
            let shown = String::from_utf8_lossy(&file);
            assert!(
                !shown.contains("hunter2") && !shown.contains("two words") && !shown.contains("everybody"),
                "{shown}"
            );
            let mut document = Document::open(&file, format, &identities).expect("ours");
            assert_eq!(String::from_utf8_lossy(&document.clear().expect("clear")), text);
            assert_eq!(document.seal().expect("sealed"), file, "nothing changed, nothing is written otherwise");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_kept() {
        let (identities, recipient) = keys();
        let mut document = Document::new(Format::Binary, &[recipient], None).expect("a recipient");
        document.take_clear(&[0xff, 0, 0xfe]).expect("anything");
        let file = document.seal().expect("sealed");
        let document = Document::open(&file, Format::Binary, &identities).expect("ours");
        assert_eq!(document.clear().expect("clear"), [0xff, 0, 0xfe]);
    }

    #[test]
    fn one_changed_value_changes_its_line_and_the_block_alone() {
        let (identities, recipient) = keys();
        let file = String::from_utf8(sealed(YAML, Format::Yaml, &recipient)).expect("text");
        let mut document = Document::open(file.as_bytes(), Format::Yaml, &identities).expect("ours");
        document.set(&KeyPath::parse("db.password").expect("a path"), Node::text("changed")).expect("room");
        let after = String::from_utf8(document.seal().expect("sealed")).expect("text");
        let differ: Vec<&str> = file.lines().filter(|line| !after.contains(line)).map(str::trim_start).collect();
        assert!(
            differ.iter().all(|line| ["password:", "mac:", "lastmodified:"].iter().any(|key| line.starts_with(key))),
            "{differ:?}"
        );
        assert!(differ.len() >= 2 && differ[0].starts_with("password:"), "{differ:?}");
    }

    #[test]
    fn a_recipient_more_changes_no_value() {
        let (identities, recipient) = keys();
        let (others, other) = keys();
        let file = String::from_utf8(sealed(YAML, Format::Yaml, &recipient)).expect("text");
        assert!(matches!(Document::open(file.as_bytes(), Format::Yaml, &others), Err(SopsError::NoKey { .. })));
        let mut document = Document::open(file.as_bytes(), Format::Yaml, &identities).expect("ours");
        document.rekey(&[recipient, other]).expect("two");
        let after = String::from_utf8(document.seal().expect("sealed")).expect("text");
        assert!(file.lines().all(|line| after.contains(line)), "nothing of the file is gone");
        assert!(Document::open(after.as_bytes(), Format::Yaml, &others).is_ok());
    }

    #[test]
    fn a_new_key_changes_every_value() {
        let (identities, recipient) = keys();
        let file = String::from_utf8(sealed(YAML, Format::Yaml, &recipient)).expect("text");
        let mut document = Document::open(file.as_bytes(), Format::Yaml, &identities).expect("ours");
        document.rotate(&[recipient]).expect("one");
        let after = String::from_utf8(document.seal().expect("sealed")).expect("text");
        assert!(!file.lines().any(|line| line.contains("ENC[") && after.contains(line)));
        let opened = Document::open(after.as_bytes(), Format::Yaml, &identities).expect("ours");
        assert_eq!(String::from_utf8(opened.clear().expect("clear")).expect("text"), YAML);
    }

    /// Lines of the block that say nothing about values: whose copy of the key it is, who wrote the file, and which
    /// names mean clear values, of which there are none here.
    const IDLE: &[&str] = &["recipient", "version", "unencrypted_suffix"];

    #[test]
    fn no_flipped_byte_of_a_value_its_name_or_the_mac_is_accepted() {
        let (identities, recipient) = keys();
        let texts = [
            (Format::Yaml, "a: secret\nb: 1\n"),
            (Format::Json, "{\"a\":\"secret\",\"b\":1}"),
            (Format::Dotenv, "a=secret\nb=1\n"),
            (Format::Ini, "[s]\na = secret\nb = 1\n"),
        ];
        for (format, text) in texts {
            let file = sealed(text, format, &recipient);
            let before = Document::open(&file, format, &identities).expect("ours").clear().expect("clear");
            for (at, bit) in (0..file.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut flipped = file.clone();
                flipped[at] ^= 1 << bit;
                let Ok(document) = Document::open(&flipped, format, &identities) else { continue };
                assert_eq!(document.clear().expect("clear"), before, "byte {at}");
                let from = file[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                let to = file[at..].iter().position(|byte| *byte == b'\n').map_or(file.len(), |end| at + end);
                let line = String::from_utf8_lossy(&file[from..to]);
                let blank = file[at].is_ascii_whitespace();
                assert!(blank || IDLE.iter().any(|idle| line.contains(idle)), "byte {at}, bit {bit}: {line}");
            }
        }
    }

    #[test]
    fn a_file_without_its_mac_is_refused() {
        let (identities, recipient) = keys();
        let file = String::from_utf8(sealed("a: 1\n", Format::Yaml, &recipient)).expect("text");
        let without: String = file
            .lines()
            .filter(|line| !line.trim_start().starts_with("mac:"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert!(matches!(Document::open(without.as_bytes(), Format::Yaml, &identities), Err(SopsError::Mac)));
        assert!(matches!(Document::open(b"a: 1\n", Format::Yaml, &identities), Err(SopsError::Plain)));
    }

    #[test]
    fn branches_are_merged_by_value() {
        let (identities, recipient) = keys();
        let file = sealed("a: 1\nb: 2\nc: 3\n", Format::Yaml, &recipient);
        let open = || Document::open(&file, Format::Yaml, &identities).expect("ours");
        let with = |changes: &[(&str, &str)]| {
            let mut document = open();
            for (key, value) in changes {
                document.set(&KeyPath::key(*key), Node::text(*value)).expect("room");
            }
            document
        };
        let (mut ours, mut theirs) =
            (with(&[("a", "ours"), ("c", "ours")]), with(&[("b", "theirs"), ("c", "theirs"), ("d", "new")]));
        theirs.remove(&KeyPath::key("a"));
        let conflicts = super::super::merge(Some(&open()), &mut ours, &theirs).expect("merged");
        assert_eq!(conflicts, ["a", "c"]);
        let merged = ours.seal().expect("sealed");
        let merged = Document::open(&merged, Format::Yaml, &identities).expect("ours").clear().expect("clear");
        assert_eq!(String::from_utf8(merged).expect("text"), "a: ours\nb: theirs\nc: ours\nd: new\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_text_breaks_the_reader(text in "(sops|mac|a|age|enc|:|\\[|\\]|\\{|\\}|\n| |-|\"|ENC\\[AES256_GCM,data:x,iv:|#|=){0,40}") {
            let identities = Identities::default();
            for format in [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary] {
                prop_assert!(Document::open(text.as_bytes(), format, &identities).is_err());
            }
        }
    }
}
