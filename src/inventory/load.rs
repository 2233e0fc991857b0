//! From the words after `-i` to an inventory.

use super::builder::InventoryBuilder;
use super::data::Block;
use super::data_files::is_hidden;
use super::files::Files;
use super::node::{Data, Node};
use super::{Inventory, InventoryError, Spot, ansible, command, nearest, overrides, resolve, words};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Evaluates `.rhai` inventories; the script layer does it.
pub trait RhaiLoader {
    /// Runs the script and declares what it says. `path` can be opened; `shown` is its name for errors.
    ///
    /// # Errors
    /// At the place in the script.
    fn load(&mut self, path: &Path, shown: &str, into: &mut InventoryBuilder) -> Result<(), InventoryError>;
}

/// Loads inventories into one.
pub struct Loader<'a> {
    builder: InventoryBuilder,
    files: Files,
    /// Folders that may hold `group_data` and `host_data`.
    folders: Vec<PathBuf>,
    overrides: Vec<String>,
    rhai: Option<&'a mut dyn RhaiLoader>,
}

impl<'a> Loader<'a> {
    /// A loader for a project; relative paths begin at `root`, commands run there.
    pub fn new(root: &Path) -> Self {
        let files = Files::new(root);
        Self { builder: InventoryBuilder::default(), files, folders: Vec::new(), overrides: Vec::new(), rhai: None }
    }

    /// Adds what `--data` says: `key=value`, `key+=value` to merge.
    pub fn data<S: Into<String>>(mut self, pairs: impl IntoIterator<Item = S>) -> Self {
        self.overrides.extend(pairs.into_iter().map(Into::into));
        self
    }

    /// Takes who evaluates `.rhai` inventories.
    pub fn rhai(mut self, loader: &'a mut dyn RhaiLoader) -> Self {
        self.rhai = Some(loader);
        self
    }

    /// Loads what the words name, later ones over earlier ones.
    ///
    /// A word is a `.yaml`, `.yml`, `.json` or `.rhai` file, an executable file or `cmd:COMMAND` that prints one, a
    /// folder of them, the name of one in `inventories/`, `@local`, `@docker/NAME`, `@podman/NAME`, `@ssh/NAME`, or
    /// a list of ssh hosts with a comma: `web-1,` or `web-1,admin@web-2:2222`.
    ///
    /// # Errors
    /// The first thing that is wrong, at its place.
    pub fn load<S: AsRef<str>>(mut self, inventories: &[S]) -> Result<Inventory, InventoryError> {
        let overrides: Block = overrides::read(&self.overrides)?;
        for word in inventories {
            self.word(word.as_ref())?;
        }
        resolve::resolve(self.builder, self.files, &self.folders, overrides)
    }

    fn word(&mut self, word: &str) -> Result<(), InventoryError> {
        if let Some(line) = word.strip_prefix("cmd:") {
            self.folder(Path::new("inventories"));
            let output = command::line(line, self.files.root(), word)?;
            return self.printed(word, output);
        }
        if word.starts_with('@') || (word.contains(',') && !self.files.real(Path::new(word)).exists()) {
            self.folder(Path::new("inventories"));
            self.builder.begin();
            return words::read(word, &mut self.builder);
        }
        let path = self.find(word)?;
        if self.files.real(&path).is_dir() {
            return self.folder_of_inventories(&path);
        }
        self.folder(path.parent().unwrap_or(Path::new("")));
        self.file(&path)
    }

    fn folder(&mut self, folder: &Path) {
        if !self.folders.iter().any(|known| known == folder) {
            self.folders.push(folder.to_owned());
        }
    }

    /// The path, or the inventory of that name in `inventories/`.
    fn find(&self, word: &str) -> Result<PathBuf, InventoryError> {
        let there = |path: &Path| self.files.real(path).exists();
        if there(Path::new(word)) {
            return Ok(PathBuf::from(word));
        }
        let named = ["yaml", "yml", "rhai", "json"].map(|ext| PathBuf::from(format!("inventories/{word}.{ext}")));
        named.into_iter().find(|path| there(path)).ok_or_else(|| self.not_found(word))
    }

    fn not_found(&self, word: &str) -> InventoryError {
        let error = InventoryError::at(&Spot::whole(word), format!("there is no inventory `{word}`"));
        let wanted = Path::new(word);
        let folder = wanted.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("inventories"));
        let entries = std::fs::read_dir(self.files.real(folder)).into_iter().flatten().flatten();
        let data = |name: &std::ffi::OsString| name == "group_data" || name == "host_data";
        let names = entries.map(|entry| entry.file_name()).filter(|name| !data(name));
        let paths: Vec<String> = names.map(|name| folder.join(name).display().to_string()).collect();
        let whole = if wanted.parent() == Some(Path::new("")) { folder.join(wanted) } else { wanted.to_owned() };
        error.nearest(&whole.display().to_string(), paths.iter().map(String::as_str), || {
            format!("a single ssh host is written with a comma: `{word},`")
        })
    }

    fn folder_of_inventories(&mut self, folder: &Path) -> Result<(), InventoryError> {
        self.folder(folder.parent().unwrap_or(Path::new("")));
        self.folder(folder);
        let shown = folder.display().to_string();
        let entries = std::fs::read_dir(self.files.real(folder)).map_err(|cause| {
            InventoryError::at(&Spot::whole(shown.as_str()), format!("cannot list `{shown}`"))
                .hint("check its permissions")
                .because(cause)
        })?;
        let names = entries.flatten().map(|entry| entry.file_name()).filter(|name| !is_hidden(name));
        let mut paths: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
        paths.retain(|path| kind(&self.files.real(path)).is_some());
        paths.sort();
        if paths.is_empty() {
            let error = InventoryError::at(&Spot::whole(shown.as_str()), format!("`{shown}` holds no inventory"));
            return Err(error.hint("put a `.yaml` file with `hosts:` into it"));
        }
        paths.iter().try_for_each(|path| self.file(path))
    }

    fn file(&mut self, path: &Path) -> Result<(), InventoryError> {
        let shown = path.display().to_string();
        let real = self.files.real(path);
        match kind(&real) {
            Some(Kind::Document) => {
                self.builder.begin();
                let document = self.files.document(path)?;
                self.builder.read(document)
            }
            Some(Kind::Json) => {
                let document = self.files.document(path)?;
                self.either(document)
            }
            Some(Kind::Program) => {
                let output = command::program(&real, self.files.root(), &shown)?;
                self.printed(&shown, output)
            }
            Some(Kind::Script) => self.script(&real, &shown),
            None => Err(InventoryError::at(&Spot::whole(shown.as_str()), format!("`{shown}` is no inventory"))
                .hint("an inventory is a `.yaml`, `.json` or `.rhai` file, or a program (chmod +x)")),
        }
    }

    fn printed(&mut self, shown: &str, output: Vec<u8>) -> Result<(), InventoryError> {
        let document = self.files.parse(shown, output)?;
        if document.data == Data::Null {
            let error = InventoryError::at(&Spot::whole(shown), format!("`{shown}` printed no inventory"));
            return Err(error.hint("it must print JSON on stdout"));
        }
        self.either(document)
    }

    /// JSON is of our own form or of Ansible's.
    fn either(&mut self, document: Node) -> Result<(), InventoryError> {
        self.builder.begin();
        match ansible::is_list(&document) {
            true => ansible::read(&mut self.builder, document),
            false => self.builder.read(document),
        }
    }

    fn script(&mut self, real: &Path, shown: &str) -> Result<(), InventoryError> {
        self.builder.begin();
        let spot = Spot::whole(shown);
        let Some(rhai) = self.rhai.as_mut() else {
            let error = InventoryError::at(&spot, "nothing here can evaluate a `.rhai` inventory");
            return Err(error.hint("write it as YAML"));
        };
        let text = std::fs::read(real).map_err(|cause| {
            InventoryError::at(&spot, format!("cannot read `{shown}`")).hint("check its permissions").because(cause)
        })?;
        self.files.note(shown, &text);
        rhai.load(real, shown, &mut self.builder)
    }
}

enum Kind {
    Document,
    Json,
    Script,
    Program,
}

/// What a file is; `None` when it is no inventory.
fn kind(path: &Path) -> Option<Kind> {
    let metadata = path.metadata().ok().filter(|metadata| metadata.is_file())?;
    match path.extension().and_then(|ext| ext.to_str()) {
        Some("yaml" | "yml") => Some(Kind::Document),
        Some("json") => Some(Kind::Json),
        Some("rhai") => Some(Kind::Script),
        _ => (metadata.permissions().mode() & 0o111 != 0).then_some(Kind::Program),
    }
}

/// The keys of the special words, for hints.
pub(super) fn nearest_special(word: &str) -> Option<&'static str> {
    nearest(word, ["@local", "@docker", "@podman", "@ssh"])
}
