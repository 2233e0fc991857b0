//! The folder that playbooks belong to: where paths start, and what was read from it.

use super::syntax;
use crate::event::{Failure, remedy};
use rhai::{AST, Engine};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// A project: the folder of `rhapsode.yaml`, or of the git work tree, or the working directory.
///
/// Shared by all hosts of a run: every script and template is read and compiled once.
pub struct Project {
    /// Its folder, absolute.
    pub root: PathBuf,
    scripts: Mutex<HashMap<PathBuf, Arc<AST>>>,
    files: Mutex<BTreeMap<PathBuf, String>>,
    locals: Mutex<BTreeSet<PathBuf>>,
    templates: Mutex<HashMap<PathBuf, Arc<str>>>,
    listener: Mutex<Option<Arc<Listener>>>,
}

/// Told of a file or directory that is read for the first time.
type Listener = dyn Fn(&Path) + Send + Sync;

impl Project {
    /// The project of a folder.
    pub fn new(root: impl Into<PathBuf>) -> Arc<Self> {
        let root = root.into();
        let root = root.canonicalize().unwrap_or(root);
        let (scripts, files, locals, templates, listener) = Default::default();
        Arc::new(Self { root, scripts, files, locals, templates, listener })
    }

    /// Finds the project around a folder.
    pub fn around(folder: &Path) -> Arc<Self> {
        let marked = |folder: &&Path| folder.join("rhapsode.yaml").exists() || folder.join(".git").exists();
        Self::new(folder.ancestors().find(marked).unwrap_or(folder))
    }

    /// A path as people write it: from the root of the project where it is below it.
    pub fn shown(&self, path: &Path) -> String {
        let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        absolute.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// The file that a script names: from the project's root, or from the folder of the script.
    ///
    /// # Errors
    /// A text with the places that were tried.
    pub fn find(&self, name: &str, source: Option<&str>) -> Result<PathBuf, String> {
        let name = match name.strip_prefix("~/") {
            Some(rest) => std::env::home_dir().unwrap_or_default().join(rest),
            None => PathBuf::from(name),
        };
        let beside = source.and_then(|source| Some(self.root.join(source).parent()?.join(&name)));
        let tried: Vec<PathBuf> = std::iter::once(self.root.join(&name)).chain(beside).collect();
        match tried.iter().find(|path| path.exists()) {
            Some(path) => Ok(path.clone()),
            None => {
                let shown: Vec<String> = tried.iter().map(|path| format!("`{}`", path.display())).collect();
                Err(format!("no such file on this machine: {}", shown.join(" or ")))
            }
        }
    }

    /// A compiled script; compiled once a run.
    ///
    /// # Errors
    /// [`Failure`] with the place of a mistake in it, or why it cannot be read.
    pub fn compile(&self, engine: &Engine, path: &Path) -> Result<Arc<AST>, Failure> {
        if let Some(ast) = lock(&self.scripts).get(path) {
            return Ok(Arc::clone(ast));
        }
        let shown = self.shown(path);
        let text = self.read(path).map_err(|reason| Failure {
            message: format!("cannot read `{shown}`"),
            causes: vec![reason.to_string()],
            hint: remedy(&reason).map(str::to_owned),
            ..Failure::default()
        })?;
        let ast = Arc::new(syntax::compile(engine, &text, &shown)?);
        lock(&self.scripts).insert(path.to_owned(), Arc::clone(&ast));
        Ok(ast)
    }

    /// A text file, read once a run and noted with its hash.
    ///
    /// # Errors
    /// Any error of reading.
    pub fn read(&self, path: &Path) -> std::io::Result<Arc<str>> {
        if let Some(text) = lock(&self.templates).get(path) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = std::fs::read_to_string(path)?.into();
        let hash = Sha256::digest(text.as_bytes());
        lock(&self.files).insert(path.to_owned(), hash.iter().map(|byte| format!("{byte:02x}")).collect());
        if lock(&self.templates).insert(path.to_owned(), Arc::clone(&text)).is_none() {
            self.tell(path);
        }
        Ok(text)
    }

    /// True when a script or template that was read has this word.
    pub fn mentions(&self, word: &str) -> bool {
        lock(&self.templates).values().any(|text| super::needed::mentions(text, word))
    }

    /// Notes a file or directory whose content an operation sends.
    pub fn note_local(&self, path: &Path) {
        if lock(&self.locals).insert(path.to_owned()) {
            self.tell(path);
        }
    }

    /// From now on this one is told, and nobody else, of files and directories that were not read before.
    pub fn listen(&self, listener: impl Fn(&Path) + Send + Sync + 'static) {
        *lock(&self.listener) = Some(Arc::new(listener));
    }

    fn tell(&self, path: &Path) {
        // It reads the file: who reads another one meanwhile does not wait for it.
        let listener = lock(&self.listener).clone();
        if let Some(listener) = listener {
            listener(path);
        }
    }

    /// Files and directories whose content operations send.
    pub fn locals(&self) -> BTreeSet<PathBuf> {
        lock(&self.locals).clone()
    }

    /// Scripts and templates read so far, with their SHA-256 in hexadecimal.
    pub fn files_read(&self) -> BTreeMap<PathBuf, String> {
        lock(&self.files).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
