//! The master process of a host: started, asked to end, never left behind.

use super::super::folder::Folder;
use super::super::host::Target;
use super::failure::explain;
use super::kept::Kept;
use crate::event::remedy;
use crate::remote::{ShellError, quote};
use openssh::Session;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;

/// A master that nobody uses ends after this many seconds: not even `kill -9` of this process leaves one behind.
const IDLE_SECS: u64 = 30;

/// A logged-in connection.
pub(in crate::connect) struct Master {
    pub session: Arc<Session>,
    socket: PathBuf,
    /// Where later runs find it, when they do.
    place: Option<PathBuf>,
    /// An earlier run logged in; whether the host still answers is not known yet.
    pub reused: bool,
    /// Holds the folder of the socket.
    _folder: Arc<Folder>,
}

impl Master {
    /// Logs in. ssh goes to the background once it is authenticated and its control socket listens.
    ///
    /// # Errors
    /// [`ShellError::Unreachable`] with what ssh said.
    pub async fn start(target: &Target, folder: &Arc<Folder>, kept: &Kept) -> Result<Self, ShellError> {
        let shared = kept.fresh();
        let idle = if shared.is_some() { kept.secs } else { IDLE_SECS };
        let socket = shared.clone().map_or_else(|| folder.fresh(), Ok).map_err(|error| no_folder(&error))?;
        let mut ssh = client(target);
        ssh.args(["-M", "-N", "-f", "-o", &format!("ControlPersist={idle}"), "-S"]).arg(&socket);
        // Made first: dropped when the login fails, it removes what ssh may have left.
        let session = Arc::new(Session::resume_mux(socket.clone().into_boxed_path(), None));
        let mut master = Self { session, socket, place: None, reused: false, _folder: Arc::clone(folder) };
        run(ssh, target, folder, &[]).await?;
        if shared.is_some() && kept.offer(&master.socket, target) {
            master.place = kept.place(target);
        }
        Ok(master)
    }

    /// The login that an earlier run left, if there is one.
    pub async fn reuse(target: &Target, folder: &Arc<Folder>, kept: &Kept) -> Option<Self> {
        let (session, socket) = kept.find(target).await?;
        tracing::debug!(host = target.name, "uses the login of an earlier run");
        let (session, place) = (Arc::new(session), Some(socket.clone()));
        Some(Self { session, socket, place, reused: true, _folder: Arc::clone(folder) })
    }

    /// Leaves the login to later runs, when they can find it.
    pub fn release(mut self) {
        if self.place.is_some() {
            self.socket = PathBuf::new();
        }
    }

    /// True when the process still answers.
    pub async fn is_alive(&self) -> bool {
        self.session.check().await.is_ok()
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        if self.socket.as_os_str().is_empty() {
            return;
        }
        let _ = terminate(&self.socket);
        for path in std::iter::once(&self.socket).chain(&self.place) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Logs in on a connection of its own, past every control socket, and leaves again.
pub(in crate::connect) async fn prove(target: &Target, folder: &Arc<Folder>) -> Result<(), ShellError> {
    let mut ssh = client(target);
    ssh.args(["-o", "ControlMaster=no", "-o", "ControlPath=none", "-T"]);
    run(ssh, target, folder, &["exit 0"]).await
}

/// The options that both kinds of login share. Whatever is not named here is as ssh_config has it.
pub(super) fn client(target: &Target) -> Command {
    let connection = &target.connection;
    let mut ssh = Command::new("ssh");
    // Nobody may be asked, and nothing of an interactive session may come along.
    for option in ["BatchMode=yes", "ClearAllForwardings=yes", "ForwardX11=no", "PermitLocalCommand=no"] {
        ssh.args(["-o", option]);
    }
    for option in ["RemoteCommand=none", "RequestTTY=no"] {
        ssh.args(["-o", option]);
    }
    ssh.arg("-o").arg(format!("ConnectTimeout={}", target.connect_timeout.as_secs().max(1)));
    ssh.args(way(target));
    if connection.key.is_some() {
        ssh.args(["-o", "IdentitiesOnly=yes"]);
    }
    ssh
}

/// What the inventory says of the way to a host.
fn way(target: &Target) -> Vec<String> {
    let connection = &target.connection;
    let at_home = |path: &String| at_home(path).display().to_string();
    let options = [
        ("-F", connection.ssh_config.as_ref().map(at_home)),
        ("-l", connection.user.clone()),
        ("-p", connection.port.map(|port| port.to_string())),
        ("-J", connection.jump.clone()),
        ("-i", connection.key.as_ref().map(at_home)),
    ];
    let given = options.into_iter().filter_map(|(option, value)| Some([option.to_owned(), value?]));
    given.flatten().collect()
}

/// What people type behind `ssh` to go the same way.
pub(in crate::connect) fn by_hand(target: &Target) -> String {
    let mut words: Vec<String> = way(target).iter().map(|word| quote(word)).collect();
    words.push(quote(target.address()));
    words.join(" ")
}

/// Runs ssh to its end, or to the moment where it goes to the background. Its messages go through a file: a
/// proxy command may keep a pipe open for the whole life of the connection.
async fn run(mut ssh: Command, target: &Target, folder: &Arc<Folder>, words: &[&str]) -> Result<(), ShellError> {
    let log = folder.fresh().map_err(|error| no_folder(&error))?;
    let file = File::create(&log).map_err(|error| no_folder(&error))?;
    ssh.arg("--").arg(target.address()).args(words);
    ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    // `^C` on the terminal is ours to answer.
    ssh.process_group(0).kill_on_drop(true);
    tracing::debug!(host = target.name, argv = ?ssh.as_std(), "login");
    let mut child = ssh.spawn().map_err(|error| no_start(&error))?;
    // ConnectTimeout bounds the connection and key exchange, not authentication nor the hosts of a jump.
    let status = tokio::time::timeout(target.connect_timeout.saturating_mul(3), child.wait()).await;
    let said = std::fs::read(&log).unwrap_or_default();
    let _ = std::fs::remove_file(&log);
    match status {
        Ok(Ok(status)) => judge(status, target, &String::from_utf8_lossy(&said)),
        Ok(Err(error)) => Err(no_start(&error)),
        Err(_) => {
            let limit = target.connect_timeout.as_secs().saturating_mul(3);
            let reason = format!("no login within {limit}s");
            let hint = Some(format!("`ssh -v {}` shows where it waits", by_hand(target)));
            Err(ShellError::Unreachable { reason, hint })
        }
    }
}

fn judge(status: ExitStatus, target: &Target, said: &str) -> Result<(), ShellError> {
    if status.success() {
        return Ok(());
    }
    let (reason, hint) = explain(said, &by_hand(target));
    Err(ShellError::Unreachable { reason, hint })
}

fn no_start(error: &std::io::Error) -> ShellError {
    ShellError::Unreachable {
        reason: format!("cannot start `ssh`: {error}"),
        hint: Some(remedy(error).unwrap_or("is the OpenSSH client installed here?").to_owned()),
    }
}

const ROOM: &str = "is there room in `/tmp`, or in the folder that `TMPDIR` names?";

fn no_folder(error: &std::io::Error) -> ShellError {
    ShellError::Unreachable {
        reason: format!("cannot write to the folder for control sockets: {error}"),
        hint: Some(remedy(error).unwrap_or(ROOM).to_owned()),
    }
}

/// Paths in an inventory pass no shell that would know what `~` is.
pub(super) fn at_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// Asks a master to end, and waits until it did. By hand, because `ssh -O exit` would cost a process a host.
///
/// Spec: OpenSSH PROTOCOL.mux, sections 1 "Connection setup" and 6 "Terminating the master".
fn terminate(socket: &Path) -> std::io::Result<()> {
    const HELLO: [u32; 2] = [1, 4];
    const TERMINATE: [u32; 2] = [0x1000_0005, 0];
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let message = |words: [u32; 2]| [8, words[0], words[1]].map(u32::to_be_bytes).concat();
    stream.write_all(&[message(HELLO), message(TERMINATE)].concat())?;
    // It closes the socket as its last act.
    std::io::copy(&mut (&stream).take(4096), &mut std::io::sink())?;
    Ok(())
}
