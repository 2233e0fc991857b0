//! Inventories: what is refused and where, which layer wins, who is selected, what is shown.

mod errors;
mod layers;
mod selectors;
mod shown;
mod sources;

use rhapsode::inventory::{Inventory, InventoryError, Loader};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

/// A project in a temporary folder.
struct Project(tempfile::TempDir);

impl Project {
    fn new<const N: usize>(files: [(&str, &str); N]) -> Self {
        let project = Self(tempfile::tempdir().expect("a temporary folder"));
        files.into_iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    /// A project with one inventory, `inv.yaml`.
    fn of(text: &str) -> Self {
        Self::new([("inv.yaml", text)])
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    fn program(&self, path: &str, text: &str) {
        self.write(path, text);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.0.path().join(path), mode).expect("a mode");
    }

    fn load(&self, word: &str) -> Result<Inventory, InventoryError> {
        Loader::new(self.0.path()).load(&[word])
    }

    fn loaded(&self, word: &str) -> Inventory {
        self.load(word).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn error(&self, word: &str) -> (String, String, String) {
        let error = self.load(word).expect_err("refused");
        (error.position().unwrap_or_default(), error.message.clone(), error.hint.unwrap_or_default())
    }
}

fn data(inventory: &Inventory, host: &str, key: &str) -> Value {
    inventory.host(host).expect("a host").data.get(key).cloned().unwrap_or(Value::Null)
}
