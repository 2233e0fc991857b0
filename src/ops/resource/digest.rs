//! The SHA-256 of many files in one process.

use super::Resource;
use super::contents::{Contents, digest_of_line};
use super::path::is_below;
use super::path_read::argument_lists;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output};

/// The digest of a regular file; links are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// SHA-256 in lower-case hexadecimal; nothing when there is no file that can be read.
    pub sha256: Option<String>,
}

/// Where no tool can hash, the files themselves come: slow, but never wrong.
const ASK: &str = r#"q() {
if command -v sha256sum >/dev/null 2>&1; then sha256sum -- "$@"
elif shasum -a 256 </dev/null >/dev/null 2>&1; then shasum -a 256 -- "$@"
elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 -r "$@"
elif command -v busybox >/dev/null 2>&1 && busybox sha256sum </dev/null >/dev/null 2>&1; then busybox sha256sum -- "$@"
else for p do
if [ -f "$p" ] && [ -r "$p" ]; then echo "=$(($(wc -c <"$p")))"; cat -- "$p"; else echo =-; fi
done
fi 2>/dev/null
return 0
}
"#;

impl Resource for Digest {
    const KIND: &'static str = "digest";

    fn script(keys: &[String]) -> Command {
        let mut text = format!("LC_ALL=C; export LC_ALL\n{ASK}");
        for list in argument_lists(keys) {
            text.push_str(&format!("q {list}\n"));
        }
        Command::script(text)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let mut rest = output.stdout.as_slice();
        let states = keys.iter().map(|key| Self { sha256: next(&mut rest, key) }).collect();
        if rest.is_empty() { Ok(states) } else { Err(OpError::answer("sha256sum", rest)) }
    }

    fn is_absent(&self) -> bool {
        self.sha256.is_none()
    }

    fn may_be_brought(key: &str) -> bool {
        super::Path::may_be_brought(key)
    }

    fn follows_from(key: &str, other: &str, _: &Self) -> Option<Self> {
        is_below(key, other).then_some(Self { sha256: None })
    }

    fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        change.spares_content(key)
    }
}

/// The keys come in order, with gaps where a file cannot be read.
fn next(rest: &mut &[u8], key: &str) -> Option<String> {
    match rest.strip_prefix(b"=") {
        Some(raw) => raw_file(rest, raw),
        None => line_of_tool(rest, key),
    }
}

fn raw_file<'a>(rest: &mut &'a [u8], raw: &'a [u8]) -> Option<String> {
    let end = raw.iter().position(|byte| *byte == b'\n')?;
    let size = std::str::from_utf8(&raw[..end]).ok()?;
    *rest = &raw[end + 1..];
    let (bytes, tail) = rest.split_at_checked(size.parse().ok()?)?;
    *rest = tail;
    Some(Contents::sha256_of(bytes))
}

/// coreutils and shasum mark a line with `\` when the name in it is escaped.
fn line_of_tool(rest: &mut &[u8], key: &str) -> Option<String> {
    let escaped = rest.first() == Some(&b'\\');
    let name = match escaped {
        true => key.replace('\\', r"\\").replace('\n', r"\n").replace('\r', r"\r"),
        false => key.to_owned(),
    };
    let digest = usize::from(escaped) + 64;
    let line = rest.get(..digest + 2 + name.len() + 1)?;
    if line[digest + 2..] != *format!("{name}\n").as_bytes() {
        return None;
    }
    let sha256 = digest_of_line(std::str::from_utf8(&line[..digest]).ok()?)?;
    *rest = &rest[line.len()..];
    Some(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_key_in_the_lines_of_any_tool() {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let keys = ["/a".to_owned(), "/gone".to_owned(), "/x\ny".to_owned(), "/x\ny".to_owned()];
        let stdout = format!("{one}  /a\n\\{two} */x\\ny\n{one}  /x\ny\n").into_bytes();
        let states = Digest::parse(&keys, &Output { stdout, ..Output::default() }).expect("a good answer");
        let states: Vec<_> = states.into_iter().map(|state| state.sha256).collect();
        assert_eq!(states, [Some(one.clone()), None, Some(two), Some(one)]);
    }

    #[test]
    fn hashes_here_what_the_host_cannot_hash() {
        let keys = ["/a".to_owned(), "/b".to_owned(), "/c".to_owned()];
        let stdout = b"=3\na\n==-\n=0\n".to_vec();
        let states = Digest::parse(&keys, &Output { stdout, ..Output::default() }).expect("a good answer");
        assert_eq!(states[0].sha256, Some(Contents::sha256_of(b"a\n=")));
        assert_eq!((states[1].is_absent(), states[2].is_absent()), (true, false));
    }

    #[test]
    fn an_unknown_answer_is_refused() {
        let output = Output { stdout: b"help!\n".to_vec(), ..Output::default() };
        assert!(Digest::parse(&["/a".to_owned()], &output).is_err());
    }
}
