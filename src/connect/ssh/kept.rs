//! Logins that outlive a run, so that the next one needs none.
//!
//! A master serves a later run under a name made of everything that decides about a login; its socket lies in a
//! folder that only its user can enter.

use super::super::folder::longest_for;
use super::super::host::Target;
use super::master::{at_home, client};
use openssh::Session;
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// Hexadecimal digits of a name.
const NAME: usize = 16;

/// A master answers here at once, or it hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sockets without a master are removed after this long; younger ones may be about to get theirs.
const LITTER: Duration = Duration::from_secs(600);

/// For how long logins are kept, and where.
#[derive(Debug)]
pub(in crate::connect) struct Kept {
    pub secs: u64,
    folder: OnceLock<Option<PathBuf>>,
}

impl Kept {
    /// Keeps logins for `secs` seconds after their last use; not at all for 0.
    pub fn new(secs: u64) -> Self {
        Self { secs, folder: OnceLock::new() }
    }

    /// A path for the socket of a new master, when it may be kept.
    pub fn fresh(&self) -> Option<PathBuf> {
        let mark = crate::remote::random_mark();
        Some(self.folder()?.join(&mark[..NAME]))
    }

    /// Where a login like this one is found.
    pub fn place(&self, target: &Target) -> Option<PathBuf> {
        Some(self.folder()?.join(name(target)))
    }

    /// The session of a login that an earlier run left, when its master still answers.
    pub async fn find(&self, target: &Target) -> Option<(Session, PathBuf)> {
        let place = self.place(target)?;
        place.symlink_metadata().ok()?;
        let session = Session::resume_mux(place.clone().into_boxed_path(), None);
        match tokio::time::timeout(PATIENCE, session.check()).await {
            Ok(Ok(())) => Some((session, place)),
            _ => {
                let _ = std::fs::remove_file(place);
                None
            }
        }
    }

    /// Lets later runs find the master at `socket`, unless they find another one already.
    ///
    /// A second name for the socket: two runs that log in at the same time each keep a master of their own until
    /// one is found.
    pub fn offer(&self, socket: &Path, target: &Target) -> bool {
        self.place(target).is_some_and(|place| std::fs::hard_link(socket, place).is_ok())
    }

    fn folder(&self) -> Option<&Path> {
        let find = || {
            let folder = (self.secs > 0).then(private_folder).flatten()?;
            sweep(&folder);
            Some(folder)
        };
        self.folder.get_or_init(find).as_deref()
    }
}

/// Everything that decides about a login. A file counts with its place, size and time: a key or a configuration
/// that changed makes another login.
fn name(target: &Target) -> String {
    let connection = &target.connection;
    let mut digest = Sha256::new();
    let mut add = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    let ssh = client(target);
    ssh.as_std().get_args().for_each(|word| add(word.as_bytes()));
    add(target.address().as_bytes());
    add(std::env::var_os("SSH_AUTH_SOCK").unwrap_or_default().as_bytes());
    let config = connection.ssh_config.as_deref().unwrap_or("~/.ssh/config");
    for file in [Some(config), connection.key.as_deref()].into_iter().flatten() {
        let path = at_home(file);
        add(path.as_os_str().as_bytes());
        if let Ok(meta) = path.metadata() {
            add(format!("{} {} {} {}", meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()).as_bytes());
        }
    }
    digest.finalize().iter().take(NAME / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// `$XDG_RUNTIME_DIR/rhapsode`, or `~/.cache/rhapsode`: ours, and nobody else's.
fn private_folder() -> Option<PathBuf> {
    let given = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let runtime = given("XDG_RUNTIME_DIR").map(|base| base.join("rhapsode"));
    let cache = given("XDG_CACHE_HOME").or_else(|| Some(given("HOME")?.join(".cache")));
    let cache = cache.map(|base| base.join("rhapsode/logins"));
    let found = [runtime, cache].into_iter().flatten().find(|folder| make_private(folder));
    if found.is_none() {
        tracing::debug!("no private folder with a short path: logins are not kept");
    }
    found
}

fn make_private(folder: &Path) -> bool {
    if folder.as_os_str().len() > longest_for(NAME) {
        return false;
    }
    let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    let Ok(meta) = folder.symlink_metadata() else { return false };
    if !meta.is_dir() || meta.uid() != rustix::process::geteuid().as_raw() {
        return false;
    }
    meta.mode() & 0o077 == 0 || std::fs::set_permissions(folder, Permissions::from_mode(0o700)).is_ok()
}

/// Removes what masters left that were killed, or found under a second name.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|made| made.elapsed().ok());
        if age.is_some_and(|age| age > LITTER) && UnixStream::connect(entry.path()).is_err() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Connection;

    fn named(change: impl FnOnce(&mut Connection)) -> String {
        let mut connection = Connection { address: Some("192.0.2.1".into()), ..Connection::default() };
        change(&mut connection);
        name(&Target { name: "web".into(), connection, connect_timeout: Duration::from_secs(10) })
    }

    #[test]
    fn another_user_port_key_or_configuration_is_another_login() {
        let key = tempfile::NamedTempFile::new().expect("a temp file");
        let path = key.path().display().to_string();
        let names = [
            named(|_| {}),
            named(|connection| connection.user = Some("ada".into())),
            named(|connection| connection.port = Some(2222)),
            named(|connection| connection.key = Some(path.clone())),
            named(|connection| connection.ssh_config = Some(path.clone())),
            named(|connection| connection.jump = Some("bastion".into())),
            named(|connection| connection.address = Some("192.0.2.2".into())),
        ];
        assert_eq!(names.iter().collect::<std::collections::HashSet<_>>().len(), names.len());
        assert_eq!(named(|_| {}), names[0]);
        std::fs::write(key.path(), "another key").expect("the file can be written");
        assert_ne!(named(|connection| connection.key = Some(path.clone())), names[3]);
    }

    #[test]
    fn a_folder_that_others_can_enter_is_closed_and_a_long_path_is_refused() {
        let base = tempfile::tempdir().expect("a temp folder");
        let open = base.path().join("open");
        std::fs::create_dir(&open).expect("a folder");
        std::fs::set_permissions(&open, Permissions::from_mode(0o755)).expect("it is ours");
        assert!(make_private(&open));
        assert_eq!(open.metadata().expect("there").mode() & 0o777, 0o700);
        assert!(!make_private(&base.path().join("x".repeat(100))));
        let link = base.path().join("link");
        std::os::unix::fs::symlink(&open, &link).expect("a link");
        assert!(!make_private(&link));
    }
}
