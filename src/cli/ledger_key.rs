//! The key of the project under which secrets are hashed in the ledger.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Below the project; not in the database, so that a copy of that tells nothing of any secret.
const PATH: &str = ".rhapsode/ledger.key";

/// Uses the key of a project, and makes one when there is none.
///
/// # Errors
/// It can be neither read nor made. Hashes of this run cannot be compared with others then; nothing else is lost.
pub fn load(root: &Path) -> std::io::Result<()> {
    let path = root.join(PATH);
    let mut key = [0; 32];
    match File::open(&path) {
        Ok(mut file) => file.read_exact(&mut key)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            File::open("/dev/urandom")?.read_exact(&mut key)?;
            std::fs::create_dir_all(path.parent().expect("a file in a folder"))?;
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(&key)?;
        }
        Err(error) => return Err(error),
    }
    crate::secret::use_key(key);
    Ok(())
}
