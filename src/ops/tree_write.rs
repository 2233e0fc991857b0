//! Puts many files below one directory in place, sent as one archive.

use super::OpError;
use super::change::{FileWrite, Source};
use super::write::unique;
use crate::event::remedy;
use crate::remote::{Command, Output, Shell, quote};
use std::collections::BTreeMap;
use std::io::{PipeWriter, Read, Write};
use std::path::PathBuf;

/// Files, directories and links that are new or differ below one directory.
///
/// The archive is unpacked beside its goal and the files are renamed into place, each at once.
#[derive(Debug, Clone, Default)]
pub struct TreeWrite {
    /// Absolute path of the directory; it must be there.
    pub root: String,
    /// Names from the root that must go first, since something of another kind comes there.
    pub clear: Vec<String>,
    /// What is made, parents first.
    pub items: Vec<TreeItem>,
}

/// One thing that is made.
#[derive(Debug, Clone)]
pub struct TreeItem {
    /// Name from the root: `css/app.css`.
    pub name: String,
    /// User and group for chown(1), `app:app`; the user of the shell when unset.
    pub owner: Option<String>,
    /// What it is.
    pub what: TreeEntry,
}

/// What a thing below the root is.
#[derive(Debug, Clone)]
pub enum TreeEntry {
    /// A directory with these permission bits.
    Dir(u32),
    /// A copy of a file on this machine, with these permission bits.
    File(PathBuf, u32),
    /// A symbolic link that leads there.
    Link(String),
}

/// Exit status of the receiving script on a host without tar(1).
const NO_TAR: i32 = 97;

/// Words of a command line are kept well below the limit for one process.
const CHUNK: usize = 64 * 1024;

impl TreeWrite {
    /// Sends everything in one exchange, or file by file where the host has no tar(1).
    ///
    /// # Errors
    /// [`OpError`] when a file here cannot be read or the host cannot write.
    pub(super) fn send(&self, shell: &mut dyn Shell) -> Result<(), OpError> {
        let output = self.stream(shell)?;
        match output.code {
            0 => Ok(()),
            NO_TAR => self.send_each(shell),
            _ => Err(self.failure(&output)),
        }
    }

    fn failure(&self, output: &Output) -> OpError {
        OpError::refused(format!("cannot write below `{}`: {}", self.root, output.complaint()))
    }

    fn stream(&self, shell: &mut dyn Shell) -> Result<Output, OpError> {
        let unable = |error: std::io::Error| OpError::Refused {
            message: format!("cannot pack the files for `{}`: {error}", self.root),
            hint: remedy(&error).map(str::to_owned),
        };
        let (mut reader, writer) = std::io::pipe().map_err(unable)?;
        let command = self.receiver();
        std::thread::scope(|scope| {
            let packing = std::thread::Builder::new().spawn_scoped(scope, move || self.pack(writer)).map_err(unable)?;
            let sent = shell.stream(&command, &mut reader);
            drop(reader);
            let packed = packing.join().expect("packing does not panic");
            match (sent, packed) {
                (Ok(output), Ok(())) => Ok(output),
                // The host stopped reading: its own words say why.
                (Ok(output), Err(_)) if !output.ok() && output.code != NO_TAR && !output.stderr.is_empty() => {
                    Ok(output)
                }
                (_, Err(error)) if !broken(&error) => Err(error),
                (sent, _) => Ok(sent?),
            }
        })
    }

    /// Options of tar that GNU and busybox share: keep modes, leave owners.
    fn receiver(&self) -> Command {
        Command::script(format!(
            "umask 077\nr={} t=\"$r\"/.rhapsode-{}\n\
             command -v tar >/dev/null 2>&1 || {{ cat >/dev/null; exit {NO_TAR}; }}\n\
             trap 'cd /; rm -rf -- \"$t\"' EXIT\ntrap 'cd /; rm -rf -- \"$t\"; exit 1' HUP INT TERM PIPE\n\
             mkdir -- \"$t\" && cd -- \"$t\" && tar -x -p -o -f - || exit 1\n\
             [ -f place ] || {{ echo 'content arrived incomplete' >&2; exit 1; }}\n\
             sync -f . 2>/dev/null\nt=$t sh ./place\n",
            quote(&self.root),
            unique()
        ))
    }

    /// The last member is the script that puts the others in place: an archive cut short does nothing.
    fn pack(&self, writer: PipeWriter) -> Result<(), OpError> {
        let mut archive = tar::Builder::new(std::io::BufWriter::with_capacity(256 * 1024, writer));
        for item in &self.items {
            if let TreeEntry::File(path, mode) = &item.what {
                append_file(&mut archive, &format!("f/{}", item.name), path, *mode)?;
            }
        }
        let place = self.place();
        let mut header = header(place.len() as u64, 0o600);
        let end = |source| OpError::Local { path: "the archive".into(), source };
        archive.append_data(&mut header, "place", place.as_bytes()).map_err(end)?;
        archive.into_inner().and_then(|mut inner| inner.flush()).map_err(end)
    }

    fn place(&self) -> String {
        let mut script = format!("umask 022\ncd -- {} || exit 1\n", quote(&self.root));
        script.push_str(&self.makes_room());
        script.push_str(&owners(self.files(), |item| unpacked(&item.name)));
        let mut moves: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for item in self.files() {
            let dir = item.name.rsplit_once('/').map_or("", |(dir, _)| dir);
            moves.entry(dir).or_default().push(unpacked(&item.name));
        }
        for (dir, files) in moves {
            for words in chunks(files.into_iter()) {
                script.push_str(&format!("mv -f -- {words} {} || exit 1\n", here(dir)));
            }
        }
        script.push_str(&self.ends());
        script
    }

    fn files(&self) -> impl Iterator<Item = &TreeItem> + Clone {
        self.items.iter().filter(|item| matches!(item.what, TreeEntry::File(..)))
    }

    /// Removes what is in the way and makes the directories.
    fn makes_room(&self) -> String {
        let mut script = String::new();
        for words in chunks(self.clear.iter().map(|name| here(name))) {
            script.push_str(&format!("rm -rf -- {words} || exit 1\n"));
        }
        let dirs = self.items.iter().filter(|item| matches!(item.what, TreeEntry::Dir(_)));
        for words in chunks(dirs.map(|item| here(&item.name))) {
            script.push_str(&format!("mkdir -- {words} || exit 1\n"));
        }
        script
    }

    /// Links, then the modes of directories: one that is read-only takes no more files.
    fn ends(&self) -> String {
        let mut script = String::new();
        for item in &self.items {
            if let TreeEntry::Link(target) = &item.what {
                script.push_str(&format!("ln -s -- {} {} || exit 1\n", quote(target), here(&item.name)));
            }
        }
        let others = self.items.iter().filter(|item| !matches!(item.what, TreeEntry::File(..)));
        script.push_str(&owners(others, |item| here(&item.name)));
        script
    }

    fn send_each(&self, shell: &mut dyn Shell) -> Result<(), OpError> {
        let enter = format!("umask 022\ncd -- {} || exit 1\n", quote(&self.root));
        self.run(shell, &format!("{enter}{}", self.makes_room()))?;
        for item in &self.items {
            if let TreeEntry::File(local, mode) = &item.what {
                let mut write = FileWrite::new(format!("{}/{}", self.root, item.name), Source::Local(local.clone()));
                write.mode = Some(*mode);
                write.owner = item.owner.clone();
                let output = write.stream(shell)?;
                if !output.ok() {
                    return Err(write.failure(&output));
                }
            }
        }
        self.run(shell, &format!("{enter}{}", self.ends()))
    }

    fn run(&self, shell: &mut dyn Shell, script: &str) -> Result<(), OpError> {
        let output = shell.change(&Command::script(script))?;
        if output.ok() { Ok(()) } else { Err(self.failure(&output)) }
    }
}

fn broken(error: &OpError) -> bool {
    matches!(error, OpError::Local { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(size);
    header.set_mode(mode);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    header.set_mtime(now);
    header
}

fn append_file<W: Write>(archive: &mut tar::Builder<W>, name: &str, path: &PathBuf, mode: u32) -> Result<(), OpError> {
    let local = |source| OpError::Local { path: path.display().to_string(), source };
    let file = std::fs::File::open(path).map_err(local)?;
    let size = file.metadata().map_err(local)?.len();
    let mut exact = file.take(size);
    archive.append_data(&mut header(size, mode), name, &mut exact).map_err(local)?;
    // Its header promised more: what follows would be taken for its content.
    if exact.limit() > 0 {
        return Err(OpError::refused(format!("`{}` shrank while it was sent", path.display())));
    }
    Ok(())
}

/// Gives things to their owners and sets modes: afterwards, since chown clears set-user-ID bits. Five digits, since
/// chmod keeps those of a directory otherwise.
fn owners<'a>(items: impl Iterator<Item = &'a TreeItem> + Clone, word: impl Fn(&TreeItem) -> String) -> String {
    let mut script = String::new();
    let owned = items.clone().filter_map(|item| Some((item.owner.clone()?, word(item))));
    for (owner, words) in grouped(owned) {
        script.push_str(&format!("chown -h -- {} {words} || exit 1\n", quote(&owner)));
    }
    let modes = items.filter_map(|item| match &item.what {
        TreeEntry::Dir(mode) => Some((format!("{mode:05o}"), word(item))),
        TreeEntry::File(_, mode) if mode & 0o7000 != 0 => Some((format!("{mode:05o}"), word(item))),
        _ => None,
    });
    for (mode, words) in grouped(modes) {
        script.push_str(&format!("chmod {mode} -- {words} || exit 1\n"));
    }
    script
}

/// Where the archive's copy of a file is.
fn unpacked(name: &str) -> String {
    format!("\"$t\"/{}", quote(&format!("f/{name}")))
}

/// A name that cannot be taken for an option.
fn here(name: &str) -> String {
    quote(&format!("./{name}"))
}

/// Joins words to command lines of bounded length.
pub(super) fn chunks(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < CHUNK => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// Command lines for all words that share a first argument.
pub(super) fn grouped(words: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (argument, word) in words {
        groups.entry(argument).or_default().push(word);
    }
    let lines = |(argument, words): (String, Vec<String>)| {
        chunks(words.into_iter()).into_iter().map(move |line| (argument.clone(), line)).collect::<Vec<_>>()
    };
    groups.into_iter().flat_map(lines).collect()
}
