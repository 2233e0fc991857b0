//! The private keys of the user: from the same places as `sops` takes them, and his ssh keys.

use super::error::SopsError;
use super::locked::Locked;
use super::recipients::Recipient;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

type Key = Box<dyn age::Identity + Send + Sync>;

/// Private keys of age and ssh.
#[derive(Default)]
pub struct Identities {
    all: Vec<Key>,
    locked: Vec<Locked>,
    age: Vec<Recipient>,
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
            match key {
                age::ssh::Identity::Unsupported(_) => return Err(wrong()),
                age::ssh::Identity::Encrypted(_) => self.locked.push(Locked::new(key, bytes, shown)),
                age::ssh::Identity::Unencrypted(_) => self.all.push(Box::new(key)),
            }
            return Ok(());
        }
        let wrong = || SopsError::Age(format!("{shown} holds no age key"));
        let file = age::IdentityFile::from_buffer(BufReader::new(bytes)).map_err(|_| wrong())?;
        let keys = file.into_identities().map_err(|_| wrong())?;
        self.all.extend(keys);
        let own = zeroize::Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
        let own = own.lines().filter_map(|line| line.trim().parse::<age::x25519::Identity>().ok());
        self.age.extend(own.filter_map(|key| key.to_public().to_string().parse().ok()));
        Ok(())
    }

    /// Those that open without a passphrase.
    pub fn iter(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.all.iter().map(|key| &**key as &dyn age::Identity)
    }

    /// The public keys of those that are keys of age.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.age.clone()
    }

    /// Those behind a passphrase.
    pub(super) fn locked(&self) -> &[Locked] {
        &self.locked
    }

    /// Where keys were looked for, in words.
    pub fn tried(&self) -> String {
        let locked = |shown: &String| self.locked.iter().find(|key| key.is(shown) && !can_ask()).map(Locked::shown);
        let tried = self.tried.iter().map(|shown| locked(shown).unwrap_or_else(|| shown.clone()));
        tried.collect::<Vec<String>>().join(", ")
    }
}

fn usual() -> Vec<PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let config = std::env::var_os("XDG_CONFIG_HOME").filter(|dir| !dir.is_empty());
    let config = config.map_or_else(|| home.join(".config"), PathBuf::from);
    vec![config.join("sops/age/keys.txt"), home.join(".ssh/id_ed25519"), home.join(".ssh/id_rsa")]
}

/// Asks at the terminal without showing what is typed; nothing without a terminal, or when nothing is typed.
pub fn passphrase(label: &str) -> Option<String> {
    if !can_ask() {
        return None;
    }
    let terminal = console::Term::stderr();
    terminal.write_str(&format!("{label}: ")).ok()?;
    terminal.read_secure_line().ok().filter(|answer| !answer.is_empty())
}

/// True when somebody sits at a terminal.
fn can_ask() -> bool {
    console::Term::stderr().is_term() && std::io::IsTerminal::is_terminal(&std::io::stdin())
}
