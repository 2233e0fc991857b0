//! Packages as dpkg and apk know them.

use super::Resource;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output, quote};
use serde::Deserialize;
use serde_json::{Value, json};

/// Who installs packages on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// apt and dpkg.
    Apt,
    /// apk of Alpine.
    Apk,
}

impl Manager {
    /// Its name in arguments.
    pub fn as_str(self) -> &'static str {
        match self {
            Manager::Apt => "apt",
            Manager::Apk => "apk",
        }
    }
}

/// How far a package is on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nothing of it.
    Absent,
    /// Removed, its configuration is still there.
    Config,
    /// Unpacked, but not configured: an installation broke off.
    Broken,
    /// Installed; without a version when it is only planned.
    Installed(Option<String>),
    /// Not there by this name, but an installed package provides it.
    Provided(String),
}

/// The state of one package. Its key is the name, `name:arch`, or one of them after `apt ` or `apk `.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Who manages it.
    pub manager: Manager,
    /// How far it is.
    pub status: Status,
    /// Whether it keeps its version until it is released.
    pub held: bool,
}

impl Package {
    /// An installed package, as a plan predicts it.
    pub fn planned(manager: Manager, version: Option<String>) -> Self {
        Self { manager, status: Status::Installed(version), held: false }
    }

    /// Whether the name is served: by the package itself or by one that provides it.
    pub fn is_served(&self) -> bool {
        matches!(self.status, Status::Installed(_) | Status::Provided(_))
    }
}

/// Key of a package for a given manager, or for the one found first.
pub fn key(manager: Option<Manager>, name: &str) -> String {
    match manager {
        Some(manager) => format!("{} {name}", manager.as_str()),
        None => name.to_owned(),
    }
}

fn split_key(key: &str) -> (Option<Manager>, &str) {
    match key.split_once(' ') {
        Some(("apt", name)) => (Some(Manager::Apt), name),
        Some(("apk", name)) => (Some(Manager::Apk), name),
        _ => (None, key),
    }
}

const OTHERS: &str = "dnf yum zypper pacman opkg xbps-install emerge";

impl Resource for Package {
    const KIND: &'static str = "package";

    /// Lines are filtered on the host: a desktop has 3000 packages, a play asks for ten.
    fn script(keys: &[String]) -> Command {
        let mut filter = String::from("grep -F");
        for key in keys {
            let name = split_key(key).1;
            let name = name.split_once(':').map_or(name, |(name, _)| name);
            filter.push_str(&format!(" -e {}", quote(name)));
        }
        Command::script(format!(
            "export LC_ALL=C\n\
             if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then\n\
             echo \"apt $(dpkg --print-architecture)\"\n\
             dpkg-query -W -f '${{db:Status-Abbrev}}\\t${{Package}}\\t${{Architecture}}\\t${{Version}}\\t${{Provides}}\\n' | {filter}\n\
             fi\n\
             if command -v apk >/dev/null; then\n\
             echo apk\napk info -v 2>/dev/null | {filter}\n\
             cat /lib/apk/db/installed /usr/lib/apk/db/installed 2>/dev/null |\
             awk '/^P:/ {{ n = substr($0, 3) }} /^p:/ {{ print \"p \" n \" \" substr($0, 3) }}' | {filter}\n\
             fi\n\
             for m in {OTHERS}; do command -v $m >/dev/null && echo \"other $m\"; done\ntrue"
        ))
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        let found = Found::parse(&text);
        keys.iter().map(|key| found.state(key)).collect()
    }

    fn is_absent(&self) -> bool {
        !self.is_served()
    }

    fn snapshot(&self) -> Value {
        let version = match &self.status {
            Status::Installed(version) => version.as_deref(),
            _ => None,
        };
        json!({ "installed": self.is_served(), "version": version, "held": self.held })
    }

    /// A package comes by itself only as a dependency, and those a plan knows by name.
    fn may_be_brought(_: &str) -> bool {
        false
    }

    fn outlasts(&self, _: &str, change: &Altered<'_>) -> bool {
        !change.concerns_any(&["/var/lib/dpkg", "/etc/apt", "/lib/apk", "/usr/lib/apk", "/etc/apk"])
    }
}

#[derive(Default)]
struct Found<'a> {
    apt: Option<Apt<'a>>,
    apk: Option<Vec<&'a str>>,
    others: Vec<&'a str>,
}

struct Apt<'a> {
    native: &'a str,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    wanted: char,
    state: char,
    name: &'a str,
    arch: &'a str,
    version: &'a str,
    provides: &'a str,
}

impl<'a> Found<'a> {
    fn parse(text: &'a str) -> Self {
        let mut found = Self::default();
        for line in text.lines() {
            if let Some(native) = line.strip_prefix("apt ") {
                found.apt = Some(Apt { native, rows: Vec::new() });
            } else if line == "apk" {
                found.apk = Some(Vec::new());
            } else if let Some(other) = line.strip_prefix("other ") {
                found.others.push(other);
            } else if let Some(apk) = &mut found.apk {
                apk.push(line);
            } else if let Some(apt) = &mut found.apt {
                apt.rows.extend(Row::parse(line));
            }
        }
        found
    }

    fn state(&self, key: &str) -> Result<Package, OpError> {
        match (split_key(key), &self.apt, &self.apk) {
            ((None | Some(Manager::Apt), name), Some(apt), _) => Ok(apt.state(name)),
            ((None | Some(Manager::Apk), name), _, Some(apk)) => Ok(apk_state(apk, name)),
            ((Some(manager), _), ..) => {
                Err(OpError::refused(format!("`{}` is not installed on this host", manager.as_str())))
            }
            _ if self.others.is_empty() => Err(OpError::refused("no package manager found: neither apt nor apk")),
            _ => Err(OpError::refused_with(
                format!("packages of `{}` are not supported yet", self.others.join("`, `")),
                "run its command with cmd::run(), or wrap it with op::custom()",
            )),
        }
    }
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut letters = fields.next()?.chars();
        let (wanted, state) = (letters.next()?, letters.next()?);
        let (name, arch, version) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Self { wanted, state, name, arch, version, provides: fields.next().unwrap_or_default() })
    }

    fn status(&self) -> Status {
        match self.state {
            'i' | 'W' | 't' => Status::Installed(Some(self.version.to_owned())),
            'c' => Status::Config,
            'n' => Status::Absent,
            _ => Status::Broken,
        }
    }

    fn provides(&self, name: &str) -> bool {
        let provided = self.provides.split(',').filter_map(|entry| entry.split_whitespace().next());
        matches!(self.status(), Status::Installed(_)) && provided.into_iter().any(|provided| provided == name)
    }
}

impl Apt<'_> {
    /// A plain name means the native architecture, as for apt-get(8).
    fn state(&self, name: &str) -> Package {
        let (name, arch) = name.split_once(':').unwrap_or((name, self.native));
        let fits = |row: &&Row| row.name == name && (arch == "any" || row.arch == arch || row.arch == "all");
        let own = self.rows.iter().filter(fits).max_by_key(|row| matches!(row.status(), Status::Installed(_)));
        let held = own.is_some_and(|row| row.wanted == 'h');
        let status = own.map_or(Status::Absent, Row::status);
        let status = match (status, self.rows.iter().find(|row| row.provides(name))) {
            (Status::Absent | Status::Config, Some(row)) => Status::Provided(row.name.to_owned()),
            (status, _) => status,
        };
        Package { manager: Manager::Apt, status, held }
    }
}

fn apk_state(lines: &[&str], name: &str) -> Package {
    let listed = lines.iter().find_map(|line| {
        let (found, version) = split_apk(line)?;
        (found == name).then(|| Status::Installed(Some(version.to_owned())))
    });
    let status = listed.or_else(|| apk_provider(lines, name).map(Status::Provided)).unwrap_or(Status::Absent);
    Package { manager: Manager::Apk, status, held: false }
}

/// Splits `busybox-extras-1.36.1-r5` before the version.
pub fn split_apk(listed: &str) -> Option<(&str, &str)> {
    let (rest, revision) = listed.rsplit_once('-')?;
    revision.strip_prefix('r')?.parse::<u32>().ok()?;
    let (name, version) = rest.rsplit_once('-')?;
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| (name, &listed[name.len() + 1..]))
}

/// A line is `p`, the package, and what it provides: `p busybox cmd:ash=1.36 /bin/sh`.
fn apk_provider(lines: &[&str], name: &str) -> Option<String> {
    lines.iter().find_map(|line| {
        let (owner, provided) = line.strip_prefix("p ")?.split_once(' ')?;
        let mut names = provided.split(' ').map(|entry| entry.split('=').next().unwrap_or(entry));
        names.any(|provided| provided == name).then(|| owner.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(stdout: &str, names: &[&str]) -> Vec<Status> {
        let keys: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let output = Output { stdout: stdout.as_bytes().to_vec(), ..Output::default() };
        Package::parse(&keys, &output).expect("known").into_iter().map(|package| package.status).collect()
    }

    #[test]
    fn dpkg_rows_give_native_foreign_removed_and_virtual_packages() {
        let rows = "apt amd64\nii \tlibfoo\ti386\t1.0\t\nrc \tnginx\tamd64\t1.22.1-9\t\n\
                    ii \texim4-daemon-light\tamd64\t4.96-15\tdefault-mta, mail-transport-agent\n\
                    iU \thalf\tall\t2\t\nhi \tcurl\tamd64\t7.88\t\n";
        assert_eq!(states(rows, &["libfoo", "libfoo:i386"]), [Status::Absent, Status::Installed(Some("1.0".into()))]);
        assert_eq!(states(rows, &["nginx", "half"]), [Status::Config, Status::Broken]);
        assert_eq!(states(rows, &["default-mta"]), [Status::Provided("exim4-daemon-light".into())]);
        let held = Package::parse(&["curl".into()], &Output { stdout: rows.into(), ..Output::default() });
        assert!(held.expect("known")[0].held);
    }

    #[test]
    fn apk_names_end_where_the_version_begins() {
        assert_eq!(split_apk("busybox-extras-1.36.1-r5"), Some(("busybox-extras", "1.36.1-r5")));
        assert_eq!(split_apk("libstdc++-13.2.1_git20231014-r0"), Some(("libstdc++", "13.2.1_git20231014-r0")));
        let rows = "apk\nbusybox-1.36.1-r5\np busybox cmd:ash=1.36.1-r5 cmd:sh=1.36.1-r5\n";
        assert_eq!(states(rows, &["busybox"]), [Status::Installed(Some("1.36.1-r5".into()))]);
        assert_eq!(states(rows, &["cmd:sh"]), [Status::Provided("busybox".into())]);
    }

    #[test]
    fn an_unsupported_manager_is_named() {
        let output = Output { stdout: b"other pacman\n".to_vec(), ..Output::default() };
        let error = Package::parse(&["vim".into()], &output).expect_err("no manager of ours");
        assert_eq!(error.to_string(), "packages of `pacman` are not supported yet");
    }
}
