//! Secrets that are kept in the project, encrypted.

use super::local::at_home;
use super::{Provider, one_line};
use crate::secret::sops::{Document, Format, Identities, KeyPath, SopsError, decrypt_age};
use crate::secret::{SecretError, Store, random_text};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Names without a scheme: the project's own secrets.
pub struct Names(pub Arc<Store>);

impl Provider for Names {
    fn fetch(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        self.0.get(name)
    }
}

/// `sops:FILE#KEY`, from the project's folder; without a key the whole file.
pub struct Sops {
    store: Arc<Store>,
    opened: Mutex<HashMap<PathBuf, Arc<Opened>>>,
}

enum Opened {
    ByUs(Box<Document>),
    /// What the program `sops` decrypted.
    ByProgram(Format, Zeroizing<Vec<u8>>),
}

impl Sops {
    /// Opens files by the keys of this store.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, opened: Mutex::default() }
    }

    fn open(&self, file: &str) -> Result<Arc<Opened>, SecretError> {
        let path = at_home(file);
        // Held while a file is opened: a passphrase is asked for once.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened.get(&path) {
            return Ok(Arc::clone(known));
        }
        let document = match self.store.open(&path) {
            Ok(document) => Opened::ByUs(Box::new(document)),
            Err(error) if is_foreign(&error) => {
                let format = Format::of(&path);
                let plain = crate::secret::sops::decrypt_outside(&self.store.root().join(&path), format);
                Opened::ByProgram(format, plain.map_err(|tried| error.hint(tried.to_string()))?)
            }
            Err(error) => return Err(error),
        };
        let document = Arc::new(document);
        opened.insert(path, Arc::clone(&document));
        Ok(document)
    }
}

/// Whether the program may open what we cannot.
fn is_foreign(error: &SecretError) -> bool {
    matches!(error.cause(), Some(SopsError::NoKey { .. } | SopsError::Format(_)))
}

impl Provider for Sops {
    fn fetch(&self, reference: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let (file, key) = reference.rsplit_once('#').map_or((reference, None), |(file, key)| (file, Some(key)));
        let opened = self.open(file)?;
        let failed = |error: SopsError| error.of(format!("cannot read the secret `sops:{reference}`"));
        let read = |entries: &[crate::secret::sops::Entry], key: &str| {
            let path = KeyPath::parse(key)?;
            path.get(entries).map(|node| node.to_secret())
        };
        match (&*opened, key) {
            (Opened::ByUs(document), Some(key)) => read(document.entries(), key).map_err(failed),
            (Opened::ByUs(document), None) => document.clear().map(Zeroizing::new).map_err(failed),
            (Opened::ByProgram(_, plain), None) => Ok(plain.clone()),
            (Opened::ByProgram(format, plain), Some(key)) => {
                let documents = format.read_clear(plain).map_err(failed)?;
                read(documents.first().map_or(&[], Vec::as_slice), key).map_err(failed)
            }
        }
    }
}

/// `age:FILE`, from the project's folder.
pub struct Age(pub PathBuf);

impl Provider for Age {
    fn fetch(&self, file: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let path: &Path = &self.0.join(at_home(file));
        let failed = || format!("cannot open the age file `{file}`");
        let bytes = std::fs::read(path).map_err(|error| SecretError::new(failed()).because(error))?;
        let identities = Identities::of_user().map_err(|error| error.of("cannot read your keys"))?;
        match decrypt_age(&bytes, &identities).map_err(|error| error.of(failed()))? {
            Some(plain) => Ok(one_line(plain)),
            None => {
                let error = SecretError::new(format!("none of your keys opens `{file}`"));
                Err(error.hint(format!("looked for keys in {}", identities.tried())))
            }
        }
    }
}

/// `generate:NAME?length=32&charset=alnum`: made when it is not there yet.
pub struct Generate(pub Arc<Store>);

/// Characters of a value that nobody asked to be longer or shorter.
const LENGTH: usize = 32;
const LONGEST: usize = 4096;

impl Provider for Generate {
    fn fetch(&self, reference: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let (name, query) = reference.split_once('?').unwrap_or((reference, ""));
        let mut length = LENGTH;
        let mut charset = charset("alnum");
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "length" => length = parse_length(name, value)?,
                "charset" => charset = self::charset(value),
                _ => return Err(SecretError::new(format!("`generate:` has no option `{key}`"))),
            }
        }
        let made = made(name, length, &charset)?;
        self.0.get_or_put(name, || made.as_bytes().to_vec())
    }
}

/// A random value for a name.
///
/// # Errors
/// It would be too short or too long, or is to be made of fewer than two characters.
pub fn random_value(name: &str, length: usize, charset: &str) -> Result<Zeroizing<String>, SecretError> {
    parse_length(name, &length.to_string())?;
    made(name, length, &self::charset(charset))
}

fn made(name: &str, length: usize, charset: &[char]) -> Result<Zeroizing<String>, SecretError> {
    match charset.len() {
        0 | 1 => Err(SecretError::new(format!("`{name}` cannot be made of fewer than two characters"))),
        _ => Ok(Zeroizing::new(random_text(length, charset))),
    }
}

fn parse_length(name: &str, value: &str) -> Result<usize, SecretError> {
    let length = value.parse().ok().filter(|length| (1..=LONGEST).contains(length));
    length.ok_or_else(|| SecretError::new(format!("`length` of `{name}` is from 1 to {LONGEST}, not `{value}`")))
}

fn charset(name: &str) -> Vec<char> {
    let (lower, upper, digits) = ('a'..='z', 'A'..='Z', '0'..='9');
    let mut characters: Vec<char> = match name {
        "alnum" => lower.chain(upper).chain(digits).collect(),
        "hex" => digits.chain('a'..='f').collect(),
        "base64" => lower.chain(upper).chain(digits).chain(['+', '/']).collect(),
        "digits" => digits.collect(),
        // Without blanks, quotes, `$` and backslash: it can stand in most files as it is.
        "printable" => ('!'..='~').filter(|c| !"\"'`\\$".contains(*c)).collect(),
        other => other.chars().collect(),
    };
    characters.sort_unstable();
    characters.dedup();
    characters
}
