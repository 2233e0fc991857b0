//! Reads many paths with one `stat` process, or with `ls` where `stat` has no `-c`.

use super::path::{Kind, Path, Principal};
use crate::ops::OpError;
use crate::remote::{Command, Output, quote};
use std::collections::HashMap;

/// Records begin with `//`, which no normal path holds; the name comes last and may hold anything.
pub(super) const FORMAT: &str = "//%f %u %g %s %Y %d %i:%U:%G:%n";

/// Prints a record of its own, from `ls`: busybox can be built with a `stat` without `-c`.
pub(super) const FALLBACK: &str = r#"l() {
a=$(ls -ldn -- "$1" 2>/dev/null) && b=$(ls -ld -- "$1") || return 0
p=$1; set -f; set -- $a; m=$1 u=$3 g=$4 s=$5; set -- $b
printf '//=%s %s %s %s:%s:%s:%s\n' "$m" "$u" "$g" "$s" "$3" "$4" "$p"
}
"#;

/// Link targets follow after `//@`, as pairs that end with NUL.
const ASK: &str = r#"q() {
x=$(stat -c "$F" -- "$@" / 2>/dev/null)
case $x in
//*) printf '%s\n' "$x" ;;
*) for p do l "$p"; done ;;
esac
}
t() {
for p do
[ -L "$p" ] || continue
x=$(readlink -- "$p" 2>/dev/null && echo .) || { x=$(ls -ld -- "$p" && echo .); x=${x#*"$p -> "}; }
printf '%s\0%s\0' "$p" "${x%??}"
done
}
"#;

/// An argument list stays far below what the kernel takes (execve(2): a quarter of the stack, at least 128 KiB).
const CHUNK: usize = 96 * 1024;

/// Splits keys into quoted argument lists that a process can be given.
pub(super) fn argument_lists(keys: &[String]) -> Vec<String> {
    let mut lists: Vec<String> = Vec::new();
    for key in keys {
        let word = quote(key);
        match lists.last_mut() {
            Some(list) if list.len() + word.len() < CHUNK => {
                list.push(' ');
                list.push_str(&word);
            }
            _ => lists.push(word),
        }
    }
    lists
}

pub(super) fn script(keys: &[String]) -> Command {
    let mut text = format!("LC_ALL=C; export LC_ALL; F={}\n{FALLBACK}{ASK}", quote(FORMAT));
    let lists = argument_lists(keys);
    for list in &lists {
        text.push_str(&format!("q {list}\n"));
    }
    text.push_str("printf //@\n");
    for list in &lists {
        text.push_str(&format!("t {list}\n"));
    }
    Command::script(text)
}

pub(super) fn parse(keys: &[String], output: &Output) -> Result<Vec<Path>, OpError> {
    let confused = || OpError::answer("stat", &output.stdout);
    let marker = find(&output.stdout, b"//@").ok_or_else(confused)?;
    let records = String::from_utf8_lossy(&output.stdout[..marker]);
    let mut paths = HashMap::new();
    for record in records.split("//").filter(|record| !record.is_empty()) {
        let (name, path) = one(record).ok_or_else(confused)?;
        paths.insert(name, path);
    }
    let links = String::from_utf8_lossy(&output.stdout[marker + 3..]);
    let mut links = links.split('\0');
    while let (Some(name), Some(target)) = (links.next(), links.next()) {
        if let Some(path) = paths.get_mut(name).filter(|path| path.kind == Kind::Link) {
            path.target = Some(target.to_owned());
        }
    }
    Ok(keys.iter().map(|key| paths.get(key).cloned().unwrap_or_else(Path::absent)).collect())
}

/// A record without its `//`: what stands there, and its name.
pub(super) fn one(record: &str) -> Option<(String, Path)> {
    let mut parts = record.splitn(4, ':');
    let (numbers, owner, group) = (parts.next()?, parts.next()?, parts.next()?);
    let name = parts.next()?.strip_suffix('\n')?.to_owned();
    let mut path = match numbers.strip_prefix('=') {
        Some(listed) => of_ls(listed)?,
        None => of_stat(numbers)?,
    };
    path.owner.name = account_name(owner, path.owner.id);
    path.group.name = account_name(group, path.group.id);
    Some((name, path))
}

/// stat(1) prints `UNKNOWN`, ls(1) the number, where no name is known.
fn account_name(name: &str, id: Option<u32>) -> Option<String> {
    let nameless = name == "UNKNOWN" || name.parse().ok() == id;
    (!nameless).then(|| name.to_owned())
}

fn of_stat(numbers: &str) -> Option<Path> {
    let fields: Vec<&str> = numbers.split(' ').collect();
    let [mode, uid, gid, size, mtime, device, inode] = fields[..] else { return None };
    let mode = u32::from_str_radix(mode, 16).ok()?;
    Some(Path {
        kind: Kind::of_bits(mode),
        mode: mode & 0o7777,
        owner: Principal { id: uid.parse().ok(), name: None },
        group: Principal { id: gid.parse().ok(), name: None },
        size: size.parse().ok()?,
        mtime: mtime.parse().ok(),
        inode: device.parse().ok().zip(inode.parse().ok()),
        target: None,
    })
}

fn of_ls(listed: &str) -> Option<Path> {
    let mut fields = listed.split(' ');
    let (mode, uid, gid, size) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let kind = match mode.as_bytes().first()? {
        b'-' => Kind::File,
        b'd' => Kind::Dir,
        b'l' => Kind::Link,
        _ => Kind::Other,
    };
    Some(Path {
        kind,
        mode: mode_of_letters(mode.get(1..10)?),
        owner: Principal { id: uid.parse().ok(), name: None },
        group: Principal { id: gid.parse().ok(), name: None },
        // A device has its numbers here.
        size: size.parse().unwrap_or(0),
        ..Path::absent()
    })
}

/// Spec: POSIX.1-2024, ls, "STDOUT": `s` and `t` with, `S` and `T` without the execute bit.
fn mode_of_letters(letters: &str) -> u32 {
    let special = [(2, 0o4000), (5, 0o2000), (8, 0o1000)];
    let mut mode = 0;
    for (at, letter) in letters.bytes().enumerate() {
        if letter != b'-' && !matches!(letter, b'S' | b'T') {
            mode |= 0o400 >> at;
        }
        if matches!(letter, b's' | b'S' | b't' | b'T') {
            mode |= special.iter().find(|(place, _)| *place == at).map_or(0, |(_, bit)| *bit);
        }
    }
    mode
}

pub(super) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &str) -> Output {
        Output { stdout: stdout.into(), ..Output::default() }
    }

    #[test]
    fn reads_records_with_names_of_any_form() {
        let keys = ["/a".to_owned(), "/b\nc".to_owned(), "/gone".to_owned()];
        let answer = "//81a4 0 0 5 1700000000 65 12:root:root:/a\n//a1ff 1234 0 1 1 65 13:UNKNOWN:root:/b\nc\n\
                      //@/b\nc\0to //@ it\0";
        let paths = parse(&keys, &output(answer)).expect("a good answer");
        assert_eq!((paths[0].kind, paths[0].mode, paths[0].size), (Kind::File, 0o644, 5));
        assert_eq!(paths[1].owner, Principal { id: Some(1234), name: None });
        assert_eq!(paths[1].target.as_deref(), Some("to //@ it"));
        assert_eq!(paths[2].kind, Kind::Absent);
    }

    #[test]
    fn understands_ls_where_stat_cannot_format() {
        let answer = "//=drwxr-sr-t 33 33 4096:www-data:33:/d\n//@";
        let paths = parse(&["/d".to_owned()], &output(answer)).expect("a good answer");
        assert_eq!((paths[0].kind, paths[0].mode), (Kind::Dir, 0o3755));
        assert_eq!(paths[0].owner, Principal { id: Some(33), name: Some("www-data".into()) });
        assert_eq!(paths[0].group, Principal { id: Some(33), name: None });
        assert_eq!(mode_of_letters("rwSr-Sr-T"), 0o7644);
    }

    #[test]
    fn an_answer_without_its_end_is_refused() {
        assert!(parse(&["/a".to_owned()], &output("//81a4 0 0 5 17 65 12:root:root:/a\n")).is_err());
    }

    #[test]
    fn long_lists_are_split() {
        let keys: Vec<String> = (0..10_000).map(|n| format!("/srv/a rather long name/{n}")).collect();
        let lists = argument_lists(&keys);
        assert!(lists.len() > 2 && lists.iter().all(|list| list.len() < CHUNK));
    }
}
