//! Where a host keeps whom it trusts.

use super::pem::Certificate;
use crate::ops::resource::{Kind, Path};
use crate::ops::{OpError, View};
use crate::remote::{Command, quote};

/// One way to keep authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Where administrators put authorities of their own.
    pub anchors: String,
    /// The ending of files there.
    pub ending: &'static str,
    /// What makes the store of them; nothing for a folder that programs read as it is.
    pub tool: Option<Tool>,
}

/// What makes the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its command line once something was added.
    pub command: &'static [&'static str],
    /// The same once something was taken away.
    pub after_removal: &'static [&'static str],
    /// What it makes: all authorities in PEM.
    pub bundle: &'static str,
}

/// A tool as it is found, the folder it reads, and what it makes.
struct Known {
    path: &'static str,
    anchors: &'static str,
    ending: &'static str,
    tool: Tool,
}

const UPDATE: &[&str] = &["update-ca-certificates"];
const FRESH: &[&str] = &["update-ca-certificates", "--fresh"];
const EXTRACT: &[&str] = &["update-ca-trust", "extract"];

/// Spec: update-ca-certificates(8) of Debian, Alpine and SUSE; update-ca-trust(8) of Fedora and Arch.
const KNOWN: &[Known] = &[
    Known {
        path: "/usr/sbin/update-ca-certificates",
        anchors: "/etc/pki/trust/anchors",
        ending: "pem",
        tool: Tool { command: UPDATE, after_removal: UPDATE, bundle: "/var/lib/ca-certificates/ca-bundle.pem" },
    },
    Known {
        path: "/usr/sbin/update-ca-certificates",
        anchors: "/usr/local/share/ca-certificates",
        ending: "crt",
        tool: Tool { command: UPDATE, after_removal: FRESH, bundle: "/etc/ssl/certs/ca-certificates.crt" },
    },
    Known {
        path: "/usr/bin/update-ca-trust",
        anchors: "/etc/pki/ca-trust/source/anchors",
        ending: "pem",
        tool: Tool { command: EXTRACT, after_removal: EXTRACT, bundle: FEDORA },
    },
    Known {
        path: "/usr/bin/update-ca-trust",
        anchors: "/etc/ca-certificates/trust-source/anchors",
        ending: "pem",
        tool: Tool { command: EXTRACT, after_removal: EXTRACT, bundle: ARCH },
    },
];

const FEDORA: &str = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem";
const ARCH: &str = "/etc/ca-certificates/extracted/tls-ca-bundle.pem";

/// The folder whose links OpenSSL follows where no tool makes anything.
const PLAIN: &str = "/etc/ssl/certs";

impl Layout {
    /// A folder of files with links by the hash of their subjects.
    pub fn folder(path: &str) -> Self {
        Self { anchors: path.to_owned(), ending: "pem", tool: None }
    }

    /// The layout of a host, by what is there.
    ///
    /// # Errors
    /// [`OpError::Unknown`] when a package that is only planned may bring a tool.
    pub fn of_host(view: &mut View<'_>) -> Result<Self, OpError> {
        // An image without the folder: the package makes it, and so do we.
        let debian = "/usr/local/share/ca-certificates";
        for tool in ["/usr/sbin/update-ca-certificates", "/usr/bin/update-ca-trust"] {
            if view.see::<Path>(tool)?.kind == Kind::Absent {
                continue;
            }
            let known: Vec<&Known> = KNOWN.iter().filter(|known| known.path == tool).collect();
            let anchors: Vec<String> = known.iter().map(|known| known.anchors.to_owned()).collect();
            let seen = view.see_all_whole::<Path>(&anchors)?;
            let there = known.iter().zip(seen).find(|(_, path)| path.kind != Kind::Absent);
            let found = there.map(|(known, _)| *known).or_else(|| known.into_iter().find(|one| one.anchors == debian));
            if let Some(found) = found {
                let anchors = found.anchors.to_owned();
                return Ok(Self { anchors, ending: found.ending, tool: Some(found.tool.clone()) });
            }
        }
        Ok(Self::folder(PLAIN))
    }

    /// The file of an authority; those after the first of one name are numbered, by a sign that no name has.
    pub fn file(&self, name: &str, number: usize) -> String {
        match number {
            0 => format!("{}/{name}.{}", self.anchors, self.ending),
            more => format!("{}/{name}+{}.{}", self.anchors, more + 1, self.ending),
        }
    }

    /// Whether a file of the folder is one of this name, numbered or not.
    pub fn is_of(&self, file: &str, name: &str) -> bool {
        let stem = file.strip_suffix(self.ending).and_then(|stem| stem.strip_suffix('.'));
        let rest = stem.and_then(|stem| stem.strip_prefix(name));
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('+').is_some_and(is_number))
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Tool {
    /// Asks which of these certificates the store holds: one line each, `y` or `n`.
    pub fn look(&self, certificates: &[Certificate]) -> Command {
        let ask = |one: &Certificate| format!("if {} 2>/dev/null; then echo y; else echo n; fi\n", self.holds(one));
        Command::script(certificates.iter().map(ask).collect::<String>())
    }

    /// Makes the store; fails when one of these certificates is not in it afterwards.
    pub fn make(&self, certificates: &[Certificate], removes: bool) -> Command {
        let words = if removes { self.after_removal } else { self.command };
        let path = "PATH=$PATH:/usr/sbin:/usr/bin; export PATH";
        let mut script = format!("{} </dev/null || exit 1\n", words.join(" "));
        for one in certificates {
            let complaint = format!("{} left a certificate out of {}", self.command[0], self.bundle);
            script.push_str(&format!("{} || {{ echo {} >&2; exit 1; }}\n", self.holds(one), quote(&complaint)));
        }
        Command::script(format!("{path}\n{script}"))
    }

    fn holds(&self, certificate: &Certificate) -> String {
        format!("grep -qxF -e {} {}", quote(certificate.mark()), self.bundle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_name_are_taken_for_its_own() {
        let layout = Layout { anchors: "/a".into(), ending: "crt", tool: None };
        assert_eq!((layout.file("home", 0), layout.file("home", 1)), ("/a/home.crt".into(), "/a/home+2.crt".into()));
        for (file, own) in [
            ("home.crt", true),
            ("home+12.crt", true),
            ("home-2.crt", false),
            ("home+.crt", false),
            ("home.pem", false),
        ] {
            assert_eq!(layout.is_of(file, "home"), own, "{file}");
        }
    }
}
