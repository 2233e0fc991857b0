//! Whole runs as people make them: the built binary, a project, an inventory, hosts that are shells of this machine,
//! containers or sshd.

mod access;
mod arguments;
mod both_stores;
mod collectives;
mod crash;
mod custom;
mod drift;
mod faults;
mod goes_back;
mod interrupt;
mod interrupt_machines;
mod ledger;
mod locks;
mod lost;
mod machine;
mod mistakes;
mod order;
mod payloads;
mod resume;
mod rollback;
mod rollback_machines;
mod rollback_trees;
mod sweep;
mod taken_back;
mod unknown;

pub use interrupt::Running;

use crate::support::cli::Cli;
use crate::support::project::Project;
use crate::support::store::Bed;
use serde_json::Value;

/// A project with one inventory, `inv.yaml`, and one playbook, `site.rhai`.
pub struct Scene {
    pub project: Project,
}

impl Scene {
    /// With this inventory.
    pub fn with(inventory: &str) -> Self {
        Self { project: Project::new().file("inv.yaml", inventory).file("rhapsode.yaml", "inventory: inv.yaml\n") }
    }

    /// With hosts that are shells of this machine, each in a folder of its own: `$PWD` is the folder.
    pub fn shells(names: &[&str]) -> Self {
        let scene = Self::with("");
        let hosts: String = names.iter().map(|name| format!("  {name}: {}\n", scene.shell(name))).collect();
        scene.file("inv.yaml", format!("hosts:\n{hosts}"))
    }

    /// The connection of a host that is a shell in a folder of its own; its data `here` is the folder.
    pub fn shell(&self, name: &str) -> String {
        let folder = self.project.path(&format!("hosts/{name}"));
        std::fs::create_dir_all(&folder).expect("the project takes a folder");
        let folder = folder.display();
        format!(
            "{{ connect: exec, command: [sh, -c, 'cd \"$1\" && exec sh', sh, '{folder}'], data: {{ here: '{folder}' }} }}"
        )
    }

    /// With its state in this store.
    pub fn state_in(self, bed: &Bed) -> Self {
        let settings = format!("inventory: inv.yaml\nstate: \"{}\"\n", bed.url());
        self.file("rhapsode.yaml", settings)
    }

    /// Another checkout of the project, with the same hosts.
    pub fn copy(&self) -> Self {
        let copy = Self::with(&self.project.read("inv.yaml"));
        copy.file("site.rhai", self.project.read("site.rhai"))
    }

    /// With a file.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.project.write(path, content);
        self
    }

    /// With this playbook.
    pub fn playbook(self, script: &str) -> Self {
        self.file("site.rhai", script)
    }

    /// A verb, without a playbook.
    pub fn cli<const N: usize>(&self, words: [&str; N]) -> Cli {
        Cli::new(words).within(&self.project)
    }

    /// `rhapsode apply site.rhai --yes`.
    pub fn apply(&self) -> Cli {
        self.cli(["apply", "site.rhai", "--yes"])
    }

    /// `rhapsode plan site.rhai`.
    pub fn plan(&self) -> Cli {
        self.cli(["plan", "site.rhai"])
    }

    /// The document of an apply that exits with `code`.
    #[track_caller]
    pub fn applied(&self, code: i32) -> Document {
        Document(self.apply().arg("--json").any_stderr().json(code))
    }

    /// The document of a plan that exits with `code`.
    #[track_caller]
    pub fn planned(&self, code: i32) -> Document {
        Document(self.plan().arg("--json").any_stderr().json(code))
    }
}

/// The JSON document of a run.
#[derive(Debug)]
pub struct Document(pub Value);

impl Document {
    /// The status of a host.
    pub fn status(&self, host: &str) -> &str {
        self.0["hosts"][host]["status"].as_str().unwrap_or_else(|| panic!("no host {host} in {:#}", self.0))
    }

    /// What a host's script logged.
    pub fn log(&self, host: &str) -> Vec<&str> {
        self.0["hosts"][host]["log"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The operations of a host as `target: status`.
    pub fn operations(&self, host: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let operations = self.0["hosts"][host]["operations"].as_array().into_iter().flatten();
        operations.map(|op| format!("{}: {}", text(&op["target"]), text(&op["status"]))).collect()
    }

    /// The message of the error of a host, with its causes.
    pub fn error(&self, host: &str) -> String {
        let error = &self.0["hosts"][host]["error"];
        let causes = error["causes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        std::iter::once(error["message"].as_str().unwrap_or_default()).chain(causes).collect::<Vec<_>>().join("; ")
    }

    /// Names of all hosts.
    pub fn hosts(&self) -> Vec<&str> {
        self.0["hosts"].as_object().expect("hosts").keys().map(String::as_str).collect()
    }
}
