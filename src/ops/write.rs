//! Puts a whole file in place: temp file beside it, checked, then renamed over it.

use super::OpError;
use super::change::{FileWrite, Source};
use super::resource::parent;
use crate::remote::{Command, Output, Shell, ShellError, quote};
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};

/// Content up to this many bytes travels inline with the request; more is streamed on a channel of its own.
pub const INLINE_LIMIT: usize = 64 * 1024;

/// Exit status of the script when `validate` does not accept the new content.
const INVALID: i32 = 91;

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
            Source::Script { fill, stdin } => Some(Command::script(self.script(fill)).stdin(stdin.to_vec())),
            Source::Bytes(bytes) if bytes.len() <= INLINE_LIMIT => {
                Some(Command::script(self.script("rh_in > \"$t\" || exit 1\n")).printed(bytes.to_vec()))
            }
            _ => None,
        }
    }

    /// Sends content of any size on a channel of its own.
    ///
    /// # Errors
    /// [`ShellError`]; a script that fails is an [`Output`] like any other.
    pub fn stream(&self, shell: &mut dyn Shell) -> Result<Output, ShellError> {
        match &self.content {
            Source::Bytes(bytes) => {
                let plain = match std::str::from_utf8(bytes) {
                    Ok(text) => crate::secret::reveal(text)?.as_bytes().to_vec().into(),
                    Err(_) => zeroize::Zeroizing::new(bytes.to_vec()),
                };
                let command = self.receiver(plain.len() as u64);
                let output = shell.stream(&command, &mut plain.as_slice())?;
                Ok(output)
            }
            Source::Local(path) => {
                let mut file = File::open(path).map_err(ShellError::Content)?;
                let size = file.metadata().map_err(ShellError::Content)?.len();
                let command = self.receiver(size);
                let output = shell.stream(&command, &mut file)?;
                Ok(output)
            }
            Source::Script { fill, stdin } => {
                let command = Command::script(self.script(fill)).stdin(stdin.to_vec());
                let output = shell.change(&command)?;
                Ok(output)
            }
        }
    }

    /// Why the script failed, in words.
    pub fn failure(&self, output: &Output) -> OpError {
        let stderr = crate::secret::redact(&output.complaint());
        match &self.validate {
            Some(validate) if output.code == INVALID => OpError::refused_with(
                format!("`{}` refuses the new content of `{}`: {stderr}", crate::secret::redact(validate), self.path),
                "the file was left as it was",
            ),
            _ => OpError::refused(format!("cannot write `{}`: {stderr}", self.path)),
        }
    }

    /// A connection that is lost while streaming looks like the end of the content, so the size is compared
    /// before the temp file becomes the file.
    fn receiver(&self, size: u64) -> Command {
        Command::script(self.script(&format!(
            "cat > \"$t\" || exit 1\n\
             [ \"$(($(wc -c < \"$t\")))\" = {size} ] || {{ echo 'content arrived incomplete' >&2; exit 1; }}\n"
        )))
    }

    /// POSIX sh around `fill`, which puts the content into the existing file `$t`.
    ///
    /// Nobody else can read the temp file before it has its final owner and mode; traps remove it whatever happens.
    fn script(&self, fill: &str) -> String {
        let mut script = self.prologue();
        script.push_str(fill);
        script.push_str(&self.attributes());
        if let Some(validate) = &self.validate {
            let validate = validate.replace("%s", "\"$t\"");
            script.push_str(&format!("( {validate}\n) </dev/null >&2 || exit {INVALID}\n"));
        }
        if self.backup {
            script.push_str("[ ! -f \"$p\" ] || cp -p -- \"$p\" \"$p.$(date -u +%Y%m%dT%H%M%SZ).bak\" || exit 1\n");
        }
        script.push_str("sync \"$t\" 2>/dev/null\n");
        script.push_str(&self.placing());
        script
    }

    fn prologue(&self) -> String {
        let dir = parent(&self.path);
        let name = self.path.rsplit('/').next().unwrap_or_default();
        // A file name has 255 bytes at most; one near the limit gets a temp name without it.
        let name = if name.len() <= 180 { name } else { "" };
        let temp = format!(".{name}.rhapsode-{}", unique());
        let mut script = format!("umask 077\np={} d={} n={}\n", quote(&self.path), quote(dir), quote(&temp));
        if self.create_dirs {
            script.push_str("(umask 022; mkdir -p -- \"$d\") || exit 1\n");
        }
        script.push_str(&format!("t=\"${{d%/}}/$n\" i={}\n", u8::from(self.in_place)));
        script.push_str(
            "[ -d \"$d\" ] || { echo \"directory $d does not exist\" >&2; exit 1; }\n\
             [ ! -d \"$p\" ] || [ -L \"$p\" ] || { echo \"$p: is a directory\" >&2; exit 1; }\n\
             [ -w \"$d\" ] || [ ! -w \"$p\" ] || { i=1; t=\"${TMPDIR:-/tmp}/$n\"; }\n\
             trap 'rm -f -- \"$t\"' EXIT\ntrap 'rm -f -- \"$t\"; exit 1' HUP INT TERM PIPE\n\
             set -C; : > \"$t\" || exit 1; set +C\n",
        );
        script
    }

    /// What was asked for, and else what the file had before. What cannot be kept otherwise, an owner that is not
    /// ours or a mode that `stat` cannot tell, is kept by writing into the file itself.
    fn attributes(&self) -> String {
        let mut script = String::new();
        let mode = self.mode.map(|mode| format!("{mode:04o}")).unwrap_or_default();
        script.push_str(&format!("m={mode} o=\n"));
        if self.owner.is_none() && self.group.is_none() {
            script.push_str(
                "if [ -f \"$p\" ] && ! { [ -O \"$p\" ] && [ -G \"$p\" ] && [ -G \"$t\" ]; }; then\n\
                 set -f; set -- $(ls -ldnL -- \"$p\"); set +f\n\
                 chown \"$3:$4\" \"$t\" 2>/dev/null || i=1\nfi\n",
            );
        }
        if self.mode.is_none() {
            script.push_str(
                "if [ -f \"$p\" ]; then m=$(stat -L -c %a -- \"$p\" 2>/dev/null) || m=keep\nelse m=0644; fi\n",
            );
        }
        if let Some(owner) = self.owner_and_group() {
            script.push_str(&format!("chown -- {} \"$t\" || exit 1\n", quote(&owner)));
        }
        script.push_str("if [ \"$m\" = keep ]; then i=1; else chmod \"$m\" \"$t\" || exit 1; fi\n");
        script
    }

    fn placing(&self) -> String {
        let mut script = String::from("w() {\ncat \"$t\" > \"$p\" || exit 1\n");
        if let Some(owner) = self.owner_and_group() {
            script.push_str(&format!("chown -- {} \"$p\" || exit 1\n", quote(&owner)));
        }
        if self.mode.is_some() {
            script.push_str("chmod \"$m\" \"$p\" || exit 1\n");
        }
        // A bind-mounted file cannot be renamed over: EBUSY (ansible#13981). A link to a directory would make mv
        // put the file inside.
        script.push_str(&format!(
            "}}\nif [ $i = 1 ] && [ -f \"$p\" ]; then w\nelse\n\
             [ ! -L \"$p\" ] || [ ! -d \"$p\" ] || rm -f -- \"$p\"\n\
             e=$(mv -f -- \"$t\" \"$p\" 2>&1) || {{\n\
             grep -qF -- {} /proc/self/mountinfo 2>/dev/null || {{ echo \"$e\" >&2; exit 1; }}\nw\n}}\nfi\n[ -e \"$t\" ] || trap - EXIT\n",
            quote(&format!(" {} ", mount_name(&self.path)))
        ));
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

/// A path as mountinfo lists it.
///
/// Spec: proc_pid_mountinfo(5): blank, tab, newline and backslash as octal escapes.
fn mount_name(path: &str) -> String {
    path.replace('\\', r"\134").replace(' ', r"\040").replace('\t', r"\011").replace('\n', r"\012")
}

/// Unlike other names in the folder, also those of other controllers at work on it.
pub(super) fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}{:x}{next:x}", std::process::id(), nanos as u64)
}
