//! One small file as a whole: what it holds, its mode and owner. Unit files, repository lists, `sysctl.d`.

use super::Resource;
use crate::event::Sign;
use crate::ops::{Change, FileWrite, OpError, Source, Step};
use crate::remote::{Command, Output, quote};
use crate::secret::{RevealError, reveal};
use std::sync::Arc;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conf {
    /// Nothing.
    Absent,
    /// A regular file.
    File {
        /// All of it; a text may hold tokens when it is only planned.
        content: Arc<[u8]>,
        /// Permission bits.
        mode: u32,
        /// User name, or number when it has none.
        owner: String,
    },
    /// A folder, a device, or a file that we may not read.
    Other(&'static str),
}

impl Conf {
    /// A file of root.
    pub fn file(content: impl AsRef<[u8]>, mode: u32) -> Self {
        Self::File { content: content.as_ref().into(), mode, owner: "root".into() }
    }

    /// What the file holds, when it is UTF-8; an absent file holds nothing.
    pub fn text(&self) -> Option<&str> {
        match self {
            Conf::Absent => Some(""),
            Conf::File { content, .. } => std::str::from_utf8(content).ok(),
            Conf::Other(_) => None,
        }
    }
}

impl Resource for Conf {
    const KIND: &'static str = "conf";

    fn script(keys: &[String]) -> Command {
        let words: Vec<String> = keys.iter().map(|key| quote(key)).collect();
        Command::script(format!(
            "for p in {}; do\n\
             if [ -f \"$p\" ] && [ -r \"$p\" ]; then stat -L -c 'file %a %s %U' \"$p\" && cat \"$p\" && echo\n\
             elif [ -f \"$p\" ]; then echo unreadable\n\
             elif [ -e \"$p\" ] || [ -L \"$p\" ]; then echo other\n\
             else echo absent; fi || exit 1\ndone",
            words.join(" ")
        ))
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let mut rest = output.stdout.as_slice();
        let states: Option<Vec<Self>> = keys.iter().map(|_| take(&mut rest)).collect();
        states.filter(|_| output.ok()).ok_or_else(|| OpError::answer(Self::script(keys), &output.stdout))
    }

    fn is_absent(&self) -> bool {
        *self == Conf::Absent
    }

    /// These are written as a whole, so that it does not matter what a package would have brought.
    fn may_be_brought(_: &str) -> bool {
        false
    }
}

fn take(rest: &mut &[u8]) -> Option<Conf> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&rest[..end]).ok()?;
    *rest = &rest[end + 1..];
    match line {
        "absent" => return Some(Conf::Absent),
        "other" => return Some(Conf::Other("is no regular file")),
        "unreadable" => return Some(Conf::Other("cannot be read by this user")),
        _ => {}
    }
    let mut words = line.strip_prefix("file ")?.splitn(3, ' ');
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    let size: usize = words.next()?.parse().ok()?;
    let owner = words.next()?.to_owned();
    let content = rest.get(..size)?.into();
    *rest = rest.get(size + 1..)?;
    Some(Conf::File { content, mode, owner })
}

/// The change that makes a path a file of root with this text and mode, unless it is one.
///
/// # Errors
/// [`OpError::Unknown`] when the text is known only after apply; [`OpError::Refused`] when something else is there.
pub fn ensure_file(seen: &Conf, path: &str, wanted: &str, mode: u32) -> Result<Option<Change>, OpError> {
    ensure_bytes(seen, path, wanted.as_bytes(), mode)
}

/// As [`ensure_file`], for content that may be no text.
///
/// # Errors
/// As [`ensure_file`].
pub fn ensure_bytes(seen: &Conf, path: &str, wanted: &[u8], mode: u32) -> Result<Option<Change>, OpError> {
    let change = match seen {
        Conf::Other(what) => return Err(OpError::refused(format!("`{path}` {what}"))),
        Conf::Absent => Change::new(Sign::Create, format!("create {path}")),
        Conf::File { content, mode: seen_mode, owner } => {
            let same = plain(content)? == plain(wanted)?;
            match (same, *seen_mode == mode, owner == "root") {
                (true, true, true) => return Ok(None),
                (false, ..) => Change::new(Sign::Update, format!("content of {path}")),
                (_, false, _) => Change::new(Sign::Update, format!("mode {seen_mode:04o} -> {mode:04o} of {path}")),
                (_, _, false) => Change::new(Sign::Update, format!("owner {owner} -> root of {path}")),
            }
        }
    };
    plain(wanted)?;
    let write = FileWrite { mode: Some(mode), owner: Some("root".into()), create_dirs: true, ..bytes(path, wanted) };
    let change = change.step(Step::Write(write)).makes(path, Conf::file(wanted, mode));
    Ok(Some(shown(change, seen, wanted)))
}

/// The change that removes a file, unless it is absent.
///
/// # Errors
/// [`OpError::Refused`] when something else is there.
pub fn remove_file(seen: &Conf, path: &str) -> Result<Option<Change>, OpError> {
    match seen {
        Conf::Absent => Ok(None),
        Conf::Other(what) => Err(OpError::refused(format!("`{path}` {what}"))),
        Conf::File { .. } => {
            let remove = Command::new("rm").arg("-f").arg("--").arg(path);
            let change = Change::new(Sign::Remove, format!("remove {path}")).run(remove).makes(path, Conf::Absent);
            Ok(Some(shown(change, seen, b"")))
        }
    }
}

/// The steps that bring back what was seen at a path.
pub fn undo(seen: &Conf, path: &str) -> Step {
    match seen {
        Conf::File { content, mode, .. } => {
            Step::Write(FileWrite { mode: Some(*mode), owner: Some("root".into()), ..bytes(path, content) })
        }
        _ => Step::Run(Command::new("rm").arg("-f").arg("--").arg(path)),
    }
}

fn bytes(path: &str, content: &[u8]) -> FileWrite {
    FileWrite::new(path, Source::Bytes(content.into()))
}

fn shown(change: Change, seen: &Conf, wanted: &[u8]) -> Change {
    match (seen.text(), std::str::from_utf8(wanted)) {
        (Some(before), Ok(after)) if before != after => {
            change.diff(crate::secret::redact(before), crate::secret::redact(after))
        }
        _ => change,
    }
}

fn plain(content: &[u8]) -> Result<Vec<u8>, OpError> {
    let Ok(text) = std::str::from_utf8(content) else { return Ok(content.to_vec()) };
    match reveal(text) {
        Ok(plain) => Ok(plain.as_bytes().to_vec()),
        Err(RevealError::Unknown(what)) => Err(OpError::Unknown(what)),
        Err(_) => Ok(content.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_apart_by_their_size() {
        let keys: Vec<String> = ["/a", "/b", "/c"].map(String::from).to_vec();
        let stdout = b"file 644 8 root\nabsent\n\n\nabsent\nother\n".to_vec();
        let states = Conf::parse(&keys, &Output { stdout, ..Output::default() }).expect("three states");
        assert_eq!(states, [Conf::file("absent\n\n", 0o644), Conf::Absent, Conf::Other("is no regular file")]);
    }

    #[test]
    fn a_secret_in_a_file_is_compared_by_value_and_never_shown() {
        let secret = crate::secret::conceal("s3cr3t-in-conf").to_string();
        let seen = Conf::file("key=s3cr3t-in-conf\n", 0o600);
        let wanted = format!("key={secret}\n");
        assert!(ensure_file(&seen, "/etc/x", &wanted, 0o600).expect("known").is_none());
        let change = ensure_file(&Conf::file("key=old\n", 0o600), "/etc/x", &wanted, 0o600).expect("known");
        assert_eq!(change.and_then(|change| change.diff).expect("a diff").1, "key=[secret]\n");
    }
}
