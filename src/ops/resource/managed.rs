//! Small files that an operation owns as a whole: a drop-in, a list of keys.

use super::Resource;
use crate::ops::{Change, FileWrite, OpError, Source, Step};
use crate::remote::{Command, Output, quote};
use std::sync::Arc;

/// One small file with its content. The key is its absolute path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Managed {
    /// False when nothing is there.
    pub exists: bool,
    /// All of it.
    pub content: Arc<[u8]>,
    /// Permission bits.
    pub mode: u32,
    /// Name of the owner.
    pub owner: String,
    /// Name of the group.
    pub group: String,
}

impl Managed {
    /// A file as an operation wants it.
    pub fn new(content: impl Into<Vec<u8>>, mode: u32, owner: &str, group: &str) -> Self {
        let content: Vec<u8> = content.into();
        Self { exists: true, content: content.into(), mode, owner: owner.into(), group: group.into() }
    }

    /// The content as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }

    /// The write that makes this of `path`.
    pub fn write(&self, path: &str) -> FileWrite {
        let mut write = FileWrite::new(path, Source::Bytes(self.content.clone()));
        write.mode = Some(self.mode);
        write.owner = (!self.owner.is_empty()).then(|| self.owner.clone());
        write.group = (!self.group.is_empty()).then(|| self.group.clone());
        write
    }

    /// Completes a change that makes this of `path`: diff, write and effect.
    pub fn put(self, change: Change, path: &str, before: &Managed) -> Change {
        let change = change.diff(before.text(), self.text()).step(Step::Write(self.write(path)));
        change.makes(path, self)
    }
}

impl Resource for Managed {
    const KIND: &'static str = "managed";

    fn script(keys: &[String]) -> Command {
        let paths: Vec<String> = keys.iter().map(|key| quote(key)).collect();
        Command::script(format!(
            "for f in {}; do
if [ -f \"$f\" ]; then
if n=$(wc -c < \"$f\") 2>/dev/null && s=$(stat -L -c '%a %U %G' -- \"$f\"); then
echo \"file $((n)) $s\"; cat < \"$f\"; echo
else echo unreadable; fi
elif [ -e \"$f\" ]; then echo other
elif [ -d \"${{f%/*}}/\" ] && [ ! -x \"${{f%/*}}/\" ]; then echo unreadable
else echo none; fi
done",
            paths.join(" ")
        ))
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let mut rest = output.stdout.as_slice();
        keys.iter().map(|key| parse_one(key, &mut rest)).collect()
    }

    fn is_absent(&self) -> bool {
        !self.exists
    }
}

fn parse_one(path: &str, rest: &mut &[u8]) -> Result<Managed, OpError> {
    let strange = |rest: &[u8]| OpError::answer(format!("read of {path}"), rest);
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| strange(rest))?;
    let head = String::from_utf8_lossy(&rest[..end]).into_owned();
    let words: Vec<&str> = head.split(' ').collect();
    let after = &rest[end + 1..];
    match words.as_slice() {
        ["none"] => {
            *rest = after;
            Ok(Managed::default())
        }
        ["other"] => Err(OpError::refused(format!("`{path}` is there, but no file"))),
        ["unreadable"] => {
            Err(OpError::refused_with(format!("cannot read `{path}`"), "act as a user who may: `sudo: true`"))
        }
        ["file", size, mode, owner, group] => {
            let size: usize = size.parse().map_err(|_| strange(rest))?;
            let mode = u32::from_str_radix(mode, 8).map_err(|_| strange(rest))?;
            let content = after.get(..size).ok_or_else(|| strange(rest))?;
            *rest = after.get(size + 1..).ok_or_else(|| strange(rest))?;
            Ok(Managed::new(content, mode, owner, group))
        }
        _ => Err(strange(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_may_look_like_the_frame_around_it() {
        let stdout = b"file 5 600 root root\nnone\n\nnone\n".to_vec();
        let output = Output { stdout, ..Output::default() };
        let read = Managed::parse(&["/a".into(), "/b".into()], &output).expect("both are read");
        assert_eq!(read, [Managed::new("none\n", 0o600, "root", "root"), Managed::default()]);
    }
}
