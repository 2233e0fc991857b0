//! Private keys behind a passphrase: it is asked for where nothing else opens a file, and once a process.

use super::error::SopsError;
use super::identities::passphrase;
use age::secrecy::SecretString;
use age::ssh::Identity;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// How often one may mistype.
const TRIES: usize = 3;

/// An ssh key that is encrypted.
pub struct Locked {
    key: Identity,
    shown: String,
    /// Type and key, where the file tells them.
    public: Option<String>,
}

impl Locked {
    /// A key, as its file has it.
    pub fn new(key: Identity, file: &[u8], shown: &str) -> Self {
        let public = ssh_key::PrivateKey::from_openssh(file).and_then(|key| key.public_key().to_openssh()).ok();
        Self { key, shown: shown.to_owned(), public }
    }

    /// False when something is encrypted to another key.
    pub fn may_be(&self, recipient: &str) -> bool {
        let two = |text: &str| text.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
        self.public.as_ref().is_none_or(|public| two(public) == two(recipient))
    }

    /// True when it is of this file.
    pub fn is(&self, shown: &str) -> bool {
        self.shown == shown
    }

    /// Its name, for people who look for keys.
    pub fn shown(&self) -> String {
        format!("{} (it has a passphrase, and there is no terminal to ask at)", self.shown)
    }

    /// The key itself; nothing when nobody gives a passphrase. Several threads that need it wait for one answer.
    ///
    /// # Errors
    /// The passphrase is wrong, again and again.
    pub fn open(&self) -> Result<Option<Identity>, SopsError> {
        static OPENED: Mutex<Option<HashMap<String, Option<Identity>>>> = Mutex::new(None);
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.get_or_insert_default();
        if let Some(known) = opened.get(&self.shown) {
            return Ok(known.clone());
        }
        let Identity::Encrypted(key) = &self.key else { return Ok(Some(self.key.clone())) };
        for _ in 0..TRIES {
            let Some(answer) = passphrase(&format!("passphrase of {}", self.shown)) else {
                opened.insert(self.shown.clone(), None);
                return Ok(None);
            };
            if let Ok(key) = key.decrypt(SecretString::from(answer)) {
                let key = Identity::from(key);
                opened.insert(self.shown.clone(), Some(key.clone()));
                return Ok(Some(key));
            }
            // Nobody is left to be told when stderr is gone.
            let _ = writeln!(std::io::stderr(), "wrong passphrase");
        }
        opened.insert(self.shown.clone(), None);
        Err(SopsError::Age(format!("wrong passphrase for {}", self.shown)))
    }
}
