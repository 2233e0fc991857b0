//! The secrets of a project: `secrets/*.sops.yaml` in its repository, encrypted to the keys of its people.

use super::SecretError;
use super::committed::{Locked, write_whole};
use super::name::{ENDING, FOLDER, MAIN, Name};
use super::sops::{Document, Format, Identities, KeyPath, Node, Recipient, Rules, SopsError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// The secrets of one project.
///
/// Values are bytes; texts are kept as such, so that `sops` shows them. Every call reads and writes the files: another
/// process may change them meanwhile.
pub struct Store {
    root: PathBuf,
    identities: Mutex<Option<Identities>>,
}

impl Store {
    /// That of a project.
    pub fn of_project(root: &Path) -> Self {
        Self { root: root.to_owned(), identities: Mutex::default() }
    }

    /// The same, opened by these keys instead of the user's own.
    pub fn opened_by(root: &Path, identities: Identities) -> Self {
        Self { root: root.to_owned(), identities: Mutex::new(Some(identities)) }
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The value of a secret.
    ///
    /// # Errors
    /// There is none, no key of the user opens it, or it was changed without its key.
    pub fn get(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let name = Name::parse(name)?;
        let document = self.open(Path::new(&name.file()))?;
        let failed = |error: SopsError| error.of(format!("cannot read the secret `{name}`"));
        let path = name.path(&document).map_err(failed)?;
        Ok(document.get(&path).map_err(failed)?.to_secret())
    }

    /// Whether there is a secret of this name. Names are in clear: nothing is opened, and nobody vouches for the file.
    ///
    /// # Errors
    /// The file cannot be read, or is none of ours.
    pub fn has(&self, name: &str) -> Result<bool, SecretError> {
        let name = Name::parse(name)?;
        let file = name.file();
        let bytes = match std::fs::read(self.root.join(&file)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            read => read.map_err(|error| SecretError::new(format!("cannot read `{file}`")).because(error))?,
        };
        let sealed = Format::of(Path::new(&file)).read_encrypted(&bytes);
        let (documents, _) = sealed.map_err(|error| error.of(format!("cannot read `{file}`")))?;
        let entries = documents.first().map_or(&[][..], Vec::as_slice);
        let is_there = |path: &KeyPath| path.get(entries).is_ok();
        Ok(is_there(&KeyPath::key(&name.key)) || KeyPath::parse(&name.key).is_ok_and(|path| is_there(&path)))
    }

    /// Keeps a value under a name, instead of the one before; its file is made when there is none.
    ///
    /// # Errors
    /// The project has no recipients, the file cannot be opened or written, or another name is in the way.
    pub fn put(&self, name: &str, value: &[u8]) -> Result<(), SecretError> {
        let name = Name::parse(name)?;
        let _lock = self.lock()?;
        self.put_locked(&name, value)
    }

    fn put_locked(&self, name: &Name, value: &[u8]) -> Result<(), SecretError> {
        let file = name.file();
        let mut document = self.open_or_new(&file)?;
        let failed = |error: SopsError| error.of(format!("cannot keep the secret `{name}`"));
        let path = name.path(&document).map_err(failed)?;
        document.set(&path, Node::of_bytes(value.to_vec())).map_err(failed)?;
        self.save(Path::new(&file), &mut document)
    }

    /// The value of a name, or the one that `make` gives, which is kept; nobody else makes one at the same time.
    ///
    /// # Errors
    /// As for [`Store::get`] and [`Store::put`].
    pub fn get_or_put(&self, name: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let _lock = self.lock()?;
        let parsed = Name::parse(name)?;
        if self.root.join(parsed.file()).exists() {
            let document = self.open(Path::new(&parsed.file()))?;
            let path = parsed.path(&document).map_err(|error| error.of(format!("`{name}` names no value")))?;
            if let Ok(node) = document.get(&path) {
                return Ok(node.to_secret());
            }
        }
        let made = Zeroizing::new(make());
        self.put_locked(&parsed, &made)?;
        Ok(made)
    }

    /// Removes a secret; false when there is none.
    ///
    /// # Errors
    /// The file cannot be opened or written.
    pub fn rm(&self, name: &str) -> Result<bool, SecretError> {
        let _lock = self.lock()?;
        let name = Name::parse(name)?;
        let file = name.file();
        if !self.root.join(&file).exists() {
            return Ok(false);
        }
        let mut document = self.open(Path::new(&file))?;
        let path = name.path(&document).map_err(|error| error.of(format!("`{name}` names no value")))?;
        let removed = document.remove(&path);
        if removed {
            self.save(Path::new(&file), &mut document)?;
        }
        Ok(removed)
    }

    /// The names of all secrets with their types, sorted by file. The files are opened: their names are in clear, but
    /// only a key tells that nobody changed them.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub fn list(&self) -> Result<Vec<(String, &'static str)>, SecretError> {
        let mut all = Vec::new();
        for file in self.files()? {
            let document = self.open(&file)?;
            let shown = file.to_string_lossy().into_owned();
            let stem = shown.strip_prefix("secrets/").and_then(|name| name.strip_suffix(ENDING)).unwrap_or(&shown);
            let named = document.leaves().into_iter().map(|(key, kind)| match stem {
                MAIN => (key, kind),
                stem => (format!("{stem}/{key}"), kind),
            });
            all.extend(named);
        }
        Ok(all)
    }

    /// The files, from the project, sorted.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn files(&self) -> Result<Vec<PathBuf>, SecretError> {
        let mut found = Vec::new();
        walk(&self.root.join(FOLDER), &mut found)
            .map_err(|error| SecretError::new("cannot list the folder `secrets`").because(error))?;
        let mut files: Vec<PathBuf> =
            found.into_iter().filter_map(|path| path.strip_prefix(&self.root).ok().map(Path::to_owned)).collect();
        files.sort();
        Ok(files)
    }

    /// Opens a file of the project, of any format.
    ///
    /// # Errors
    /// It cannot be read or opened, or was changed without its key.
    pub fn open(&self, file: &Path) -> Result<Document, SecretError> {
        let shown = file.display();
        let bytes = std::fs::read(self.root.join(file)).map_err(|error| {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let error = SecretError::new(format!("cannot read `{shown}`")).because(error);
            if missing { error.hint("`rhapsode secret set NAME` makes the first one") } else { error }
        })?;
        let identities = self.identities()?;
        let identities = identities.as_ref().expect("just found");
        Document::open(&bytes, Format::of(file), identities).map_err(|error| error.of(format!("cannot open `{shown}`")))
    }

    /// Opens a file, or begins one by the rules of the project.
    ///
    /// # Errors
    /// As for [`Store::open`]; nobody is named to encrypt it to.
    pub fn open_or_new(&self, file: &str) -> Result<Document, SecretError> {
        if self.root.join(file).exists() {
            return self.open(Path::new(file));
        }
        let failed = |error: SopsError| error.of(format!("cannot make `{file}`"));
        let rule = Rules::of_project(&self.root).and_then(|rules| rules.of(file)).map_err(failed)?;
        let Some(rule) = rule.filter(|rule| !rule.recipients.is_empty()) else {
            let error = SecretError::new("this project has no secrets yet: nobody is named to encrypt them to");
            return Err(error.hint("run `rhapsode secret init`, which takes your ssh or age key"));
        };
        Document::new(Format::of(Path::new(file)), &rule.recipients, rule.selection).map_err(failed)
    }

    /// Sees that a value could be kept under a name, before anybody is asked for it.
    ///
    /// # Errors
    /// It is no name; its file cannot be opened, or made.
    pub fn expect(&self, name: &str) -> Result<(), SecretError> {
        self.open_or_new(&Name::parse(name)?.file()).map(drop)
    }

    /// Writes a file whole, or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, file: &Path, document: &mut Document) -> Result<(), SecretError> {
        let failed = || format!("cannot write `{}`", file.display());
        let bytes = document.seal().map_err(|error| error.of(failed()))?;
        let written = write_whole(&self.root.join(file), &bytes);
        written.map_err(|error| SecretError::new(failed()).because(error))
    }

    /// Encrypts every file to the recipients that these rules name, which are written as well; `rotate` takes new keys for
    /// the values too. Gives the files that changed.
    ///
    /// # Errors
    /// A file that cannot be opened: then nothing is written.
    pub fn rekey(&self, rules: &Rules, rotate: bool) -> Result<Vec<PathBuf>, SecretError> {
        let _lock = self.lock()?;
        let mut opened = Vec::new();
        for file in self.files()? {
            let mut document = self.open(&file)?;
            let shown = file.display().to_string();
            let failed = |error: SopsError| error.of(format!("cannot encrypt `{shown}` anew"));
            let recipients: Vec<Recipient> = match rules.of(&shown).map_err(failed)? {
                Some(rule) => rule.recipients,
                None => return Err(SecretError::new(format!("no rule of .sops.yaml names recipients for `{shown}`"))),
            };
            let done = if rotate { document.rotate(&recipients) } else { document.rekey(&recipients) };
            done.map_err(failed)?;
            opened.push((file, document));
        }
        rules.save().map_err(|error| SecretError::new("cannot write .sops.yaml").because(error))?;
        let mut changed = Vec::new();
        for (file, mut document) in opened {
            let before = std::fs::read(self.root.join(&file)).ok();
            self.save(&file, &mut document)?;
            if std::fs::read(self.root.join(&file)).ok() != before {
                changed.push(file);
            }
        }
        Ok(changed)
    }

    fn identities(&self) -> Result<MutexGuard<'_, Option<Identities>>, SecretError> {
        let mut identities = self.identities.lock().unwrap_or_else(PoisonError::into_inner);
        if identities.is_none() {
            let found = Identities::of_user().map_err(|error| error.of("cannot read your keys"))?;
            *identities = Some(found);
        }
        Ok(identities)
    }

    /// Keeps other processes from changing the files; readers need no lock, as files are replaced whole.
    pub(super) fn lock(&self) -> Result<Locked, SecretError> {
        let locked = Locked::to_change(&self.root.join(FOLDER));
        locked.map_err(|error| SecretError::new("cannot lock the project's secrets").because(error))
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else if path.to_string_lossy().contains(".sops.") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("a folder");
        let key = age::x25519::Identity::generate();
        let recipient: Recipient = key.to_public().to_string().parse().expect("a recipient");
        let mut rules = Rules::of_project(dir.path()).expect("none");
        rules.change("secrets/x.sops.yaml", &[recipient], &[]).expect("a rule");
        rules.save().expect("written");
        let identities = Identities::of_text(key.to_string().expose_secret()).expect("a key");
        let store = Store::opened_by(dir.path(), identities);
        (dir, store)
    }

    #[test]
    fn what_is_put_away_is_found_again_and_nobody_else_reads_it() {
        let (dir, store) = store();
        store.put("pki/root", b"-----BEGIN KEY-----\nstore-secret\n").expect("kept");
        store.put("token", &[0xff, 0, 1]).expect("kept");
        store.put("db.password", b"dotted").expect("kept");
        assert_eq!(store.get("pki/root").expect("there").as_slice(), b"-----BEGIN KEY-----\nstore-secret\n");
        assert_eq!(store.get("token").expect("there").as_slice(), [0xff, 0, 1]);
        let names: Vec<String> = store.list().expect("listed").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["token", "db.password", "pki/root"]);
        let text = std::fs::read_to_string(dir.path().join("secrets/pki.sops.yaml")).expect("a file");
        assert!(!text.contains("store-secret") && text.contains("root: ENC["), "{text}");
        let has =
            ["token", "db.password", "pki/root", "pki/none", "none/token"].map(|name| store.has(name).expect("read"));
        assert_eq!(has, [true, true, true, false, false]);
        assert!(store.rm("token").expect("removed") && !store.rm("token").expect("gone"));
        assert!(!store.has("token").expect("read"));
        assert!(store.get("token").is_err());
    }

    #[test]
    fn a_value_that_is_there_is_not_made_again() {
        let (_dir, store) = store();
        let first = store.get_or_put("made", || b"one".to_vec()).expect("made");
        let second = store.get_or_put("made", || b"two".to_vec()).expect("found");
        assert_eq!((first.as_slice(), second.as_slice()), (b"one".as_slice(), b"one".as_slice()));
    }
}
