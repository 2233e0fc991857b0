//! Certificates in playbooks: issued in the project, deployed to real hosts, read by openssl, curl and nginx.

mod custody;
mod drifted;
mod once;
mod present;
mod refused;
mod resumed;
mod rollback;
mod rotation;
mod s23;
mod tls;
mod trust;

use crate::scenes::{Document, Scene};
use crate::secrets::{Person, run};
use crate::support::docker::Container;
use std::path::Path;
use std::process::Command;

/// A project whose secrets are open to its person, with these hosts.
pub struct Bed {
    pub ada: Person,
    pub scene: Scene,
}

impl Bed {
    /// Hosts that are shells of this machine.
    pub fn shells(names: &[&str]) -> Self {
        Self::of(Scene::shells(names))
    }

    /// Containers, by their names in the inventory.
    pub fn containers(hosts: &[(&str, &Container)]) -> Self {
        let host = |(name, container): &(&str, &Container)| {
            format!("  {name}: {{ connect: docker, container: {} }}\n", container.name())
        };
        Self::of(Scene::with(&format!("hosts:\n{}", hosts.iter().map(host).collect::<String>())))
    }

    fn of(scene: Scene) -> Self {
        let ada = Person::new();
        ada.cli(&scene.project, ["secret", "init", "-q"]).success();
        Self { ada, scene }
    }

    /// With this playbook from now on.
    pub fn playbook(&self, script: &str) {
        self.scene.project.write("site.rhai", script);
    }

    /// The document of an apply that exits with `code`.
    #[track_caller]
    pub fn applied(&self, code: i32) -> Document {
        let cli = self.ada.cli(&self.scene.project, ["apply", "site.rhai", "--yes", "--json"]);
        Document(cli.any_stderr().json(code))
    }

    /// The document of an apply, however it exits.
    pub fn applied_any(&self) -> Document {
        let cli = self.ada.cli(&self.scene.project, ["apply", "site.rhai", "--yes", "--json"]);
        Document(cli.any_stderr().json_of_any_exit())
    }

    /// The document of a plan that exits with `code`.
    #[track_caller]
    pub fn planned(&self, code: i32) -> Document {
        Document(self.ada.cli(&self.scene.project, ["plan", "site.rhai", "--json"]).any_stderr().json(code))
    }

    /// What changed on a host, as `op target`.
    pub fn changed(document: &Document, host: &str) -> Vec<String> {
        let operations = document.0["hosts"][host]["operations"].as_array().into_iter().flatten();
        let changed = operations.filter(|op| op["status"] == "changed");
        changed
            .map(|op| format!("{} {}", op["op"].as_str().unwrap_or(""), op["target"].as_str().unwrap_or("")))
            .collect()
    }

    /// The texts of the changes of an operation on a host.
    pub fn texts(document: &Document, host: &str, op: &str) -> Vec<String> {
        let operations = document.0["hosts"][host]["operations"].as_array().into_iter().flatten();
        let changes = operations.filter(|one| one["op"] == op).flat_map(|one| one["changes"].as_array().cloned());
        changes.flatten().map(|change| change["text"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// What openssl prints.
#[track_caller]
pub fn openssl(words: &[&str]) -> String {
    let output = run(Command::new("openssl").args(words));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// An authority that is none of ours, and a certificate that it issued for a server: made by openssl.
pub struct Foreign {
    pub folder: tempfile::TempDir,
}

impl Foreign {
    /// With this common name.
    pub fn new(cn: &str) -> Self {
        let foreign = Self { folder: tempfile::tempdir().expect("a folder") };
        let (key, cert) = (foreign.path("ca.key"), foreign.path("ca.crt"));
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
            "-subj",
            &format!("/CN={cn}"),
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout",
            &key,
            "-out",
            &cert,
        ]);
        let (leaf_key, request, leaf) = (foreign.path("leaf.key"), foreign.path("leaf.csr"), foreign.path("leaf.crt"));
        openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-keyout",
            &leaf_key,
            "-out",
            &request,
        ]);
        std::fs::write(foreign.path("ext"), "subjectAltName=DNS:localhost\n").expect("written");
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &cert,
            "-CAkey",
            &key,
            "-days",
            "20",
            "-extfile",
            &foreign.path("ext"),
            "-out",
            &leaf,
        ]);
        foreign
    }

    /// A file of it.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The content of a file of it.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("made")
    }

    /// The subject hash of the authority.
    pub fn hash(&self) -> String {
        openssl(&["x509", "-noout", "-subject_hash", "-in", &self.path("ca.crt")]).trim().to_owned()
    }
}

/// A file of a project or a folder, as text.
pub fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
