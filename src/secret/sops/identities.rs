//! The private keys of the user: from the same places as `sops` takes them, and his ssh keys.

use super::error::SopsError;
use age::secrecy::SecretString;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

type Key = Box<dyn age::Identity + Send + Sync>;

/// Private keys of age and ssh.
#[derive(Default)]
pub struct Identities {
    all: Vec<Key>,
    tried: Vec<String>,
}

impl Identities {
    /// Those of the user: `SOPS_AGE_KEY`, `SOPS_AGE_KEY_FILE`, `SOPS_AGE_KEY_CMD`, `SOPS_AGE_SSH_PRIVATE_KEY_FILE`,
    /// `~/.config/sops/age/keys.txt`, `~/.ssh/id_ed25519` and `~/.ssh/id_rsa`, all of them.
    ///
    /// # Errors
    /// A variable that names what cannot be read; what is in its usual place and broken is left out.
    pub fn of_user() -> Result<Self, SopsError> {
        let mut found = Self::default();
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(keys) = variable("SOPS_AGE_KEY") {
            found.add(keys.as_bytes(), "SOPS_AGE_KEY")?;
        }
        for name in ["SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"] {
            if let Some(path) = variable(name) {
                found.add_file(Path::new(&path), &format!("{name} ({path})"))?;
            }
        }
        if let Some(command) = variable("SOPS_AGE_KEY_CMD") {
            found.add_output(&command)?;
        }
        for path in usual() {
            if path.exists() {
                let shown = path.display().to_string();
                // Somebody else's broken key must not keep the right one from being used.
                let _ = found.add_file(&path, &shown);
            } else {
                found.tried.push(format!("{} (not there)", path.display()));
            }
        }
        Ok(found)
    }

    /// Those of one text: age keys, one a line, or one ssh key.
    ///
    /// # Errors
    /// [`SopsError::Age`] when it is neither.
    pub fn of_text(text: &str) -> Result<Self, SopsError> {
        let mut found = Self::default();
        found.add(text.as_bytes(), "the given key")?;
        Ok(found)
    }

    fn add_file(&mut self, path: &Path, shown: &str) -> Result<(), SopsError> {
        let bytes = std::fs::read(path).map_err(|error| SopsError::Age(format!("cannot read {shown}: {error}")))?;
        self.add(&bytes, shown)
    }

    fn add_output(&mut self, command: &str) -> Result<(), SopsError> {
        let output = Command::new("sh").args(["-c", command]).stderr(std::process::Stdio::inherit()).output();
        let output = output.map_err(|error| SopsError::Age(format!("cannot run SOPS_AGE_KEY_CMD: {error}")))?;
        if !output.status.success() {
            return Err(SopsError::Age(format!("SOPS_AGE_KEY_CMD ended with {}", output.status)));
        }
        self.add(&zeroize::Zeroizing::new(output.stdout), "SOPS_AGE_KEY_CMD")
    }

    fn add(&mut self, bytes: &[u8], shown: &str) -> Result<(), SopsError> {
        self.tried.push(shown.to_owned());
        if bytes.starts_with(b"-----BEGIN") {
            let wrong = || SopsError::Age(format!("{shown} holds no ssh key that can decrypt (ed25519 and rsa can)"));
            let key =
                age::ssh::Identity::from_buffer(BufReader::new(bytes), Some(shown.to_owned())).map_err(|_| wrong())?;
            if matches!(key, age::ssh::Identity::Unsupported(_)) {
                return Err(wrong());
            }
            self.all.push(Box::new(key.with_callbacks(AtTerminal)));
            return Ok(());
        }
        let wrong = || SopsError::Age(format!("{shown} holds no age key"));
        let file = age::IdentityFile::from_buffer(BufReader::new(bytes)).map_err(|_| wrong())?;
        let keys = file.into_identities().map_err(|_| wrong())?;
        self.all.extend(keys);
        Ok(())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.all.iter().map(|key| &**key as &dyn age::Identity)
    }

    /// Where keys were looked for, in words.
    pub fn tried(&self) -> String {
        self.tried.join(", ")
    }
}

fn usual() -> Vec<PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let config = std::env::var_os("XDG_CONFIG_HOME").filter(|dir| !dir.is_empty());
    let config = config.map_or_else(|| home.join(".config"), PathBuf::from);
    vec![config.join("sops/age/keys.txt"), home.join(".ssh/id_ed25519"), home.join(".ssh/id_rsa")]
}

/// Asks for the passphrase of a key that has one.
#[derive(Clone, Copy)]
struct AtTerminal;

impl age::Callbacks for AtTerminal {
    fn display_message(&self, message: &str) {
        // Nobody is left to be told when stderr is gone.
        let _ = writeln!(std::io::stderr(), "{message}");
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        passphrase(description).map(SecretString::from)
    }
}

/// Asks at the terminal without showing what is typed; nothing without a terminal, or when nothing is typed.
pub fn passphrase(label: &str) -> Option<String> {
    let terminal = console::Term::stderr();
    if !(terminal.is_term() && std::io::IsTerminal::is_terminal(&std::io::stdin())) {
        return None;
    }
    terminal.write_str(&format!("{label}: ")).ok()?;
    terminal.read_secure_line().ok().filter(|answer| !answer.is_empty())
}
