//! Certificates and authorities, looked at by the openssl of the system.

mod asked;
mod command;
mod custody;
mod damaged;
mod hashes;
mod issued;
mod merging;
mod packed;
mod revoked;
mod rotated;
mod rsa;
mod times;
mod together;
mod torn;

use age::secrecy::ExposeSecret;
use jiff::Timestamp;
use rhapsode::pki::{Authority, Certificate, Ensured, Leaf, Pki, PkiError, Verdict, Want};
use rhapsode::secret::Store;
use rhapsode::secret::sops::{Identities, Recipient, Rules};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;

/// When it is in these tests: 2026-11-20T12:00:00Z.
pub const NOW: i64 = 1_795_176_000;

/// So many days later.
pub fn later(days: i64) -> Timestamp {
    Timestamp::from_second(NOW + days * 86_400).expect("a time")
}

/// A project with secrets, and its certificates.
pub struct Bed {
    folder: TempDir,
    identity: String,
    pub pki: Pki,
}

impl Bed {
    /// With nothing in it.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let identity = age::x25519::Identity::generate();
        let recipient: Recipient = identity.to_public().to_string().parse().expect("a recipient");
        let mut rules = Rules::of_project(folder.path()).expect("none yet");
        rules.change("secrets/x.sops.yaml", &[recipient], &[]).expect("a rule");
        rules.save().expect("written");
        let identity = identity.to_string().expose_secret().to_owned();
        let pki = opened(folder.path(), &identity);
        Self { folder, identity, pki }
    }

    /// With a root `home`, an authority `home/ca` below it, and a certificate `home/web`.
    pub fn with_web() -> Self {
        let bed = Self::new();
        bed.ensure("home", &root());
        bed.ensure("home/ca", &below("home"));
        bed.ensure("home/web", &web());
        bed
    }

    /// The same project, as another process has it.
    pub fn again(&self) -> Pki {
        opened(self.folder.path(), &self.identity)
    }

    /// Its secrets.
    pub fn store(&self) -> Store {
        Store::opened_by(self.root(), Identities::of_text(&self.identity).expect("a key"))
    }

    /// The key that opens its secrets.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// Makes a certificate as it is wanted, now.
    #[track_caller]
    pub fn ensure(&self, name: &str, want: &Want) -> Ensured {
        self.pki.ensure(name, want, later(0)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What would be done, after some days.
    #[track_caller]
    pub fn reasons(&self, name: &str, want: &Want, days: i64) -> Vec<String> {
        match self.pki.look(name, want, later(days)).unwrap_or_else(|error| panic!("{name}: {error}")) {
            Verdict::Keep(_) => Vec::new(),
            Verdict::Issue { reasons } => reasons,
        }
    }

    /// Why something is refused.
    #[track_caller]
    pub fn refused(&self, name: &str, want: &Want) -> PkiError {
        let ensured = self.pki.ensure(name, want, later(0));
        ensured.err().unwrap_or_else(|| panic!("{name} was issued"))
    }

    #[track_caller]
    pub fn show(&self, name: &str) -> Certificate {
        self.pki.show(name).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// `openssl` in the project; it must succeed. Gives what it prints.
    #[track_caller]
    pub fn openssl(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let (out, err) = texts(&output);
        assert!(output.status.success(), "openssl {}: {out}{err}", words.join(" "));
        out
    }

    /// `openssl` in the project; it must fail. Gives what it says.
    #[track_caller]
    pub fn openssl_refuses(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let (out, err) = texts(&output);
        assert!(!output.status.success(), "openssl {}: {out}{err}", words.join(" "));
        format!("{out}{err}")
    }

    /// `openssl` in the project; it must succeed. Gives what it prints on stderr.
    #[track_caller]
    pub fn openssl_says(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let (out, err) = texts(&output);
        assert!(output.status.success(), "openssl {}: {out}{err}", words.join(" "));
        err
    }

    /// Another project with the same files and keys.
    pub fn copy(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let copied = Command::new("cp").arg("-a").arg(self.path(".")).arg(folder.path()).status();
        assert!(copied.expect("cp starts").success());
        let pki = opened(folder.path(), &self.identity);
        Self { folder, identity: self.identity.clone(), pki }
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut openssl = Command::new("openssl");
        openssl.current_dir(self.root()).args(words).output().expect("openssl starts; `tests/run` installs it")
    }

    /// `openssl verify` with the chain and the bundle of a certificate, at the time of these tests.
    #[track_caller]
    pub fn verifies(&self, name: &str, more: &[&str]) {
        let words = self.verify_words(name, more, 0);
        let said = self.openssl(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(said.trim_end().ends_with(": OK"), "{said}");
    }

    /// `openssl verify`, which must fail.
    #[track_caller]
    pub fn fails_to_verify(&self, name: &str, more: &[&str], days: i64) -> String {
        let words = self.verify_words(name, more, days);
        self.openssl_refuses(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn verify_words(&self, name: &str, more: &[&str], days: i64) -> Vec<String> {
        let certificate = self.show(name);
        let bundle = self.write("bundle.pem", &certificate.bundle_pem);
        let mut words =
            vec!["verify".to_owned(), "-x509_strict".into(), "-attime".into(), later(days).as_second().to_string()];
        words.extend(["-CAfile".to_owned(), bundle.display().to_string()]);
        words.extend(["-untrusted".to_owned(), format!("pki/{name}/chain.pem")]);
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words.push(format!("pki/{name}/certificate.pem"));
        words
    }

    /// What `openssl x509 -text` shows of a certificate.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        self.openssl(&["x509", "-noout", "-text", "-in", &format!("pki/{name}/certificate.pem")])
    }
}

fn opened(root: &Path, identity: &str) -> Pki {
    let identities = Identities::of_text(identity).expect("a key");
    Pki::with(Arc::new(Store::opened_by(root, identities)))
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A root with a subject.
pub fn root() -> Want {
    let subject = "CN=Home Root CA,O=Home,L=World,C=UN".parse().expect("a subject");
    Want::Root(Authority { subject, ..Authority::default() })
}

/// An authority below another one.
pub fn below(ca: &str) -> Want {
    Want::Intermediate(Authority { ca: Some(ca.into()), ..Authority::default() })
}

/// A certificate for a server and client.
pub fn web() -> Want {
    Want::Leaf(leaf("home/ca", &["dns:web.internal", "ip:10.0.0.1"]))
}

/// A certificate with these names.
pub fn leaf(ca: &str, sans: &[&str]) -> Leaf {
    let sans = sans.iter().map(|san| san.parse().expect("a name")).collect();
    Leaf { ca: Some(ca.into()), sans, ..Leaf::default() }
}
