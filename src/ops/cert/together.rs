//! Several files put in place together, so that nobody sees one of them without the others.

use crate::ops::resource::parent;
use crate::ops::write::unique;
use crate::ops::{FileWrite, Source};
use crate::remote::{Command, quote};

/// Begins the line before the content of each file; no text of ours has such a line.
const MARK: &str = "%rhapsode-file";

/// The command that writes these files of text, which end in a line end: each one whole beside its place, with its owner
/// and mode, then all of them renamed, the first one first. Nothing is left behind, whatever happens.
pub fn together(writes: &[FileWrite]) -> Command {
    let mut content = Vec::new();
    let (mut paths, mut temps, mut folders, mut owners, mut moves) =
        (String::new(), String::new(), String::new(), String::new(), String::new());
    let mut cases = String::new();
    for (at, write) in writes.iter().enumerate() {
        let Source::Bytes(bytes) = &write.content else { unreachable!("certificates are in memory") };
        content.extend_from_slice(format!("{MARK} {at}\n").as_bytes());
        content.extend_from_slice(bytes);
        let folder = parent(&write.path);
        let temp = format!("{}/.rhapsode-{}", folder.trim_end_matches('/'), unique());
        paths.push_str(&format!("p{at}={} t{at}={}\n", quote(&write.path), quote(&temp)));
        temps.push_str(&format!(" \"$t{at}\""));
        folders.push_str(&format!(
            "[ -d {0} ] || (umask 022; mkdir -p -- {0}) || exit 1\n\
             [ ! -d \"$p{at}\" ] || {{ echo \"$p{at}: is a directory\" >&2; exit 1; }}\n",
            quote(folder)
        ));
        owners.push_str(&attributes(write, at));
        cases.push_str(&format!("'{MARK} {at}') exec > \"$t{at}\" || exit 1;;\n"));
        moves.push_str(&format!("mv -f -- \"$t{at}\" \"$p{at}\" || exit 1\n"));
    }
    content.extend_from_slice(format!("{MARK} end\n").as_bytes());
    let script = format!(
        "umask 077\n{paths}{folders}\
         trap 'rm -f --{temps}' EXIT\ntrap 'rm -f --{temps}; exit 1' HUP INT TERM PIPE\n\
         rh_in | {{\nwhile IFS= read -r l; do case $l in\n{cases}'{MARK} end') exit 0;;\n\
         *) printf '%s\\n' \"$l\" || exit 1;;\nesac; done\nexit 1\n}} || exit 1\n\
         {owners}sync{temps} 2>/dev/null\n{moves}"
    );
    Command::script(script).printed(content)
}

fn attributes(write: &FileWrite, at: usize) -> String {
    let owner = match (&write.owner, &write.group) {
        (Some(owner), Some(group)) => format!("{owner}:{group}"),
        (Some(owner), None) => owner.clone(),
        (None, Some(group)) => format!(":{group}"),
        (None, None) => String::new(),
    };
    let mut script = String::new();
    if !owner.is_empty() {
        script.push_str(&format!("chown -- {} \"$t{at}\" || exit 1\n", quote(&owner)));
    }
    let mode = write.mode.unwrap_or(0o600);
    script.push_str(&format!("chmod {mode:04o} \"$t{at}\" || exit 1\n"));
    script
}
