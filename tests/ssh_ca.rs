//! Keys of OpenSSH and authorities for them: the library beside ssh-keygen, and playbooks against a real sshd.

mod library;
mod login;
mod playbook;

use crate::scenes::{Document, Scene};
use crate::secrets::Person;

/// A project whose secrets are open to its person.
struct Bed {
    ada: Person,
    scene: Scene,
}

impl Bed {
    fn of(scene: Scene) -> Self {
        let ada = Person::new();
        ada.cli(&scene.project, ["secret", "init", "-q"]).success();
        Self { ada, scene }
    }

    fn playbook(&self, script: &str) {
        self.scene.project.write("site.rhai", script);
    }

    #[track_caller]
    fn applied(&self, code: i32) -> Document {
        let cli = self.ada.cli(&self.scene.project, ["apply", "site.rhai", "--yes", "--json"]);
        Document(cli.any_stderr().json(code))
    }

    #[track_caller]
    fn planned(&self, code: i32) -> Document {
        Document(self.ada.cli(&self.scene.project, ["plan", "site.rhai", "--json"]).any_stderr().json(code))
    }

    fn has(&self, path: &str) -> bool {
        self.scene.project.path(path).exists()
    }
}

/// The texts of the changes of an operation on all hosts.
fn told(document: &Document, op: &str) -> Vec<String> {
    let operations = |host: &str| document.0["hosts"][host]["operations"].as_array().cloned().unwrap_or_default();
    let of_op = document.hosts().into_iter().flat_map(operations).filter(|one| one["op"] == op);
    let changes = of_op.flat_map(|one| one["changes"].as_array().cloned().unwrap_or_default());
    changes.map(|change| change["text"].as_str().unwrap_or_default().to_owned()).collect()
}
