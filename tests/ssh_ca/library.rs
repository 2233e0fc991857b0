//! What the library makes, as ssh-keygen(1) reads it.

mod certificates;
mod keys;

use crate::secrets::run;
use age::secrecy::ExposeSecret;
use jiff::Timestamp;
use rhapsode::pki::ssh::{CertificateWant, Issued, KeyType, KeyWant, Kind, Ssh};
use rhapsode::secret::Store;
use rhapsode::secret::sops::{Identities, Recipient, Rules};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// A project whose secrets a key of the test opens.
pub struct Bed {
    pub folder: TempDir,
    pub ssh: Ssh,
    pub store: Arc<Store>,
}

impl Bed {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = age::x25519::Identity::generate();
        let recipient: Recipient = key.to_public().to_string().parse().expect("a recipient");
        let mut rules = Rules::of_project(folder.path()).expect("none");
        rules.change("secrets/x.sops.yaml", &[recipient], &[]).expect("a rule");
        rules.save().expect("written");
        let identities = Identities::of_text(key.to_string().expose_secret()).expect("a key");
        let store = Arc::new(Store::opened_by(folder.path(), identities));
        Self { ssh: Ssh::with(Arc::clone(&store)), folder, store }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("pki/ssh").join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A key of ssh-keygen, which makes one in a moment: what is in the secrets already is taken up.
    pub fn keep_rsa(&self, name: &str) {
        let key = self.folder.path().join("rsa");
        run(Command::new("ssh-keygen").args(["-q", "-t", "rsa", "-b", "3072", "-N", "", "-f"]).arg(&key));
        self.store.put(&format!("pki/ssh/{name}/key"), &std::fs::read(&key).expect("made")).expect("kept");
    }

    pub fn authority(&self, name: &str) -> Authority<'_> {
        self.ssh.ensure_authority(name, &KeyWant::default()).expect("an authority");
        Authority { bed: self, authority: name.to_owned() }
    }

    pub fn user(&self, principals: &[&str]) -> CertificateWant {
        let (pair, _) = self.ssh.ensure_key("ada", &KeyWant::default()).expect("a key");
        let principals = principals.iter().map(|name| (*name).to_owned()).collect();
        CertificateWant::new(Kind::User, pair.public, principals)
    }
}

pub struct Authority<'a> {
    pub bed: &'a Bed,
    pub authority: String,
}

impl Authority<'_> {
    pub fn issue(&self, name: &str, want: &CertificateWant, now: Timestamp) -> (Issued, Vec<String>) {
        self.bed.ssh.ensure_certificate(&self.authority, name, want, now).expect("a certificate")
    }
}

pub fn now() -> Timestamp {
    Timestamp::now()
}

pub fn shown(certificate: &Path) -> String {
    let output = run(Command::new("ssh-keygen").arg("-L").arg("-f").arg(certificate));
    String::from_utf8(output.stdout).expect("text")
}

pub fn want(kind: KeyType, bits: Option<usize>) -> KeyWant {
    KeyWant { kind: Some(kind), bits, comment: Some("ada@laptop".into()) }
}
