//! Puts a whole file in place: temp file beside it, checked, then renamed over it.

use super::change::{FileWrite, Source};
use crate::remote::{Command, Output, Shell, ShellError, quote};
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};

/// Content up to this many bytes travels inline with the request; more is streamed on a channel of its own.
pub const INLINE_LIMIT: usize = 64 * 1024;

impl FileWrite {
    /// A file with this content; everything else as it was, or the system's default.
    pub fn new(path: impl Into<String>, content: Source) -> Self {
        Self {
            path: path.into(),
            content,
            mode: None,
            owner: None,
            group: None,
            validate: None,
            in_place: false,
            backup: false,
            create_dirs: false,
        }
    }

    /// The command that travels inline, unless the content is large or on disk.
    pub fn inline(&self) -> Option<Command> {
        match &self.content {
            Source::Bytes(bytes) if bytes.len() <= INLINE_LIMIT => {
                Some(Command::script(self.script(None)).stdin(bytes.to_vec()))
            }
            _ => None,
        }
    }

    /// Sends content of any size on a channel of its own.
    ///
    /// # Errors
    /// [`ShellError`]; a script that fails is an [`Output`] like any other.
    pub fn stream(&self, shell: &mut dyn Shell) -> Result<(Command, Output), ShellError> {
        match &self.content {
            Source::Bytes(bytes) => {
                let plain = match std::str::from_utf8(bytes) {
                    Ok(text) => crate::secret::reveal(text)?.as_bytes().to_vec().into(),
                    Err(_) => zeroize::Zeroizing::new(bytes.to_vec()),
                };
                let command = Command::script(self.script(Some(plain.len() as u64)));
                let output = shell.stream(&command, &mut plain.as_slice())?;
                Ok((command, output))
            }
            Source::Local(path) => {
                let mut file = File::open(path).map_err(ShellError::Content)?;
                let size = file.metadata().map_err(ShellError::Content)?.len();
                let command = Command::script(self.script(Some(size)));
                let output = shell.stream(&command, &mut file)?;
                Ok((command, output))
            }
        }
    }

    /// POSIX sh. A connection that is lost while streaming looks like the end of the content, so the size is
    /// compared before the temp file becomes the file; traps remove it whatever happens.
    fn script(&self, size: Option<u64>) -> String {
        let (dir, name) = self.path.rsplit_once('/').unwrap_or((".", &self.path));
        let dir = if dir.is_empty() { "/" } else { dir };
        let temp = format!("{}/.{name}.rhapsode-{}", dir.trim_end_matches('/'), unique());
        let mut script = format!("umask 077\np={} t={}\n", quote(&self.path), quote(&temp));
        if self.create_dirs {
            script.push_str(&format!("(umask 022; mkdir -p -- {}) || exit 1\n", quote(dir)));
        }
        script.push_str("trap 'rm -f -- \"$t\"' EXIT\ntrap 'rm -f -- \"$t\"; exit 1' HUP INT TERM PIPE\n");
        script.push_str("[ ! -d \"$p\" ] || { echo \"$p: is a directory\" >&2; exit 1; }\n");
        script.push_str("cat > \"$t\" || exit 1\n");
        if let Some(size) = size {
            script.push_str(&format!(
                "[ \"$(($(wc -c < \"$t\")))\" = {size} ] || {{ echo 'content arrived incomplete' >&2; exit 1; }}\n"
            ));
        }
        script.push_str(&format!("chmod {:04o} \"$t\" || exit 1\n", self.mode.unwrap_or(0o644)));
        if let Some(owner) = self.owner_and_group() {
            script.push_str(&format!("chown {} \"$t\" || exit 1\n", quote(&owner)));
        }
        if let Some(validate) = &self.validate {
            script.push_str(&format!("{} </dev/null || exit 1\n", validate.replace("%s", "\"$t\"")));
        }
        if self.backup {
            script.push_str("[ ! -f \"$p\" ] || cp -p -- \"$p\" \"$p.$(date -u +%Y%m%dT%H%M%SZ).bak\" || exit 1\n");
        }
        script.push_str("sync \"$t\" 2>/dev/null\n");
        if self.in_place {
            script.push_str("cat \"$t\" > \"$p\"\n");
        } else {
            // A bind-mounted file cannot be renamed over: EBUSY (ansible#13981).
            script.push_str(
                "mv -f -- \"$t\" \"$p\" || { grep -qF \" $p \" /proc/self/mountinfo && cat \"$t\" > \"$p\"; }\n",
            );
        }
        script
    }

    fn owner_and_group(&self) -> Option<String> {
        match (&self.owner, &self.group) {
            (Some(owner), Some(group)) => Some(format!("{owner}:{group}")),
            (Some(owner), None) => Some(owner.clone()),
            (None, Some(group)) => Some(format!(":{group}")),
            (None, None) => None,
        }
    }
}

/// Unlike other names in the folder, also those of other controllers at work on it.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}{:x}{next:x}", std::process::id(), nanos as u64)
}
