//! The home directory of a new account: what the host gives to it, and what a plan predicts of it.

use super::tools::Tools;
use crate::ops::resource::{Kind, Path, Principal, Resource, joined};
use crate::ops::touch::Altered;
use crate::ops::{Change, OpError};
use crate::remote::{Command, Output};

/// What the host gives to a new account where nothing else is asked for. There is one key, [`Defaults::KEY`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// The folder of home directories.
    base: String,
    /// Login shell.
    pub shell: String,
    /// Permission bits of a new home directory.
    mode: u32,
    /// What is copied into it: names from its root, and what they are.
    skeleton: Vec<(String, Kind, u32)>,
    /// Where that is.
    source: String,
    /// The listing is all there is.
    complete: bool,
}

/// Spec: useradd(8) `-D`, login.defs(5) `HOME_MODE` and `UMASK`.
const ASK: &str = r#"LC_ALL=C; export LC_ALL
command -v useradd usermod >/dev/null && echo shadow
d=$(useradd -D 2>/dev/null)
printf '%s\n' "$d" | grep -E '^(HOME|SHELL|SKEL)='
grep -E '^(HOME_MODE|UMASK)[[:space:]]' /etc/login.defs 2>/dev/null
s=$(printf '%s\n' "$d" | sed -n 's/^SKEL=//p')
echo ==
cd "${s:-/etc/skel}" 2>/dev/null || { echo none; exit 0; }
find . ! -name . -exec stat -c '%f %n' {} + 2>/dev/null && echo end"#;

impl Resource for Defaults {
    const KIND: &'static str = "account defaults";

    fn script(_: &[String]) -> Command {
        Command::script(ASK)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        Ok(vec![Self::read(&output.text()); keys.len()])
    }

    fn is_absent(&self) -> bool {
        false
    }

    fn outlasts(&self, _: &str, change: &Altered<'_>) -> bool {
        Tools::outlast(change) && !change.concerns_any(&["/etc/default", "/etc/login.defs", "/etc/skel", &self.source])
    }
}

impl Defaults {
    /// The one key of this kind.
    pub const KEY: &'static str = "defaults";

    fn read(text: &str) -> Self {
        let tools = if text.lines().next() == Some("shadow") { Tools::Shadow } else { Tools::Bare };
        let (head, listing) = text.split_once("==\n").unwrap_or((text, ""));
        let given = |name: &str| {
            let value = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let bits = |name: &str| {
            let mut lines = head.lines().map(str::split_whitespace);
            let value = lines.find_map(|mut words| (words.next() == Some(name)).then(|| words.next()).flatten());
            value.and_then(|value| u32::from_str_radix(value, 8).ok())
        };
        let mode = match tools {
            Tools::Shadow => bits("HOME_MODE").unwrap_or(0o777 & !bits("UMASK").unwrap_or(0o022)),
            Tools::Bare => 0o700,
        };
        Self {
            base: given("HOME").unwrap_or_else(|| "/home".into()),
            shell: given("SHELL").unwrap_or_else(|| "/bin/sh".into()),
            mode,
            skeleton: listing.lines().filter_map(|line| entry(tools, line)).collect(),
            source: given("SKEL").unwrap_or_else(|| "/etc/skel".into()),
            complete: listing.ends_with("none") || listing.ends_with("end"),
        }
    }

    /// The home directory of a user of this name.
    pub fn home(&self, name: &str) -> String {
        format!("{}/{name}", self.base.trim_end_matches('/'))
    }

    /// Notes the home directory that a change makes, with what is copied into it.
    pub fn make(&self, change: Change, home: &str, owner: &Principal, group: &Principal) -> Change {
        let state = |kind, mode| Path { kind, mode, owner: owner.clone(), group: group.clone(), ..Path::absent() };
        let mut change = change.makes(home, state(Kind::Dir, self.mode));
        if !self.complete {
            return change.unknown_below(home, "what is copied from the skeleton of home directories");
        }
        for (name, kind, mode) in &self.skeleton {
            let path = joined(home, name);
            change = match kind {
                Kind::File => change.makes(&path, state(*kind, *mode)).copies(joined(&self.source, name), path),
                Kind::Dir => change.makes(&path, state(*kind, *mode)),
                _ => change.makes_unknown::<Path>(&path, format!("`{path}` is copied from {}", self.source)),
            };
        }
        change
    }
}

/// `81a4 ./.bashrc`. Our own tool copies without rights of others, as it makes the directory.
fn entry(tools: Tools, line: &str) -> Option<(String, Kind, u32)> {
    let (bits, name) = line.split_once(' ')?;
    let bits = u32::from_str_radix(bits, 16).ok()?;
    let mode = if tools == Tools::Bare { bits & 0o700 } else { bits & 0o7777 };
    Some((name.strip_prefix("./")?.to_owned(), Kind::of_bits(bits), mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_come_from_useradd_and_login_defs() {
        let text =
            "shadow\nHOME=/users\nSHELL=/bin/bash\nSKEL=/etc/skel\nUMASK\t\t027\n==\n81a4 ./.bashrc\n41ed ./.d\nend";
        let defaults = Defaults::read(text);
        assert_eq!((defaults.home("ada").as_str(), defaults.mode, defaults.complete), ("/users/ada", 0o750, true));
        assert_eq!(defaults.skeleton, [(".bashrc".into(), Kind::File, 0o644), (".d".into(), Kind::Dir, 0o755)]);
        let bare = Defaults::read("==\nnone");
        assert_eq!((bare.home("ada").as_str(), bare.mode, bare.shell.as_str()), ("/home/ada", 0o700, "/bin/sh"));
        assert!(!Defaults::read("shadow\n==\n81a4 ./x").complete);
    }
}
