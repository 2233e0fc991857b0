//! Names of packages as playbooks give them: `curl`, `curl=7.88*`, `libc6:i386`.

use crate::ops::args::Many;
use crate::ops::managed::Args;

/// One wanted package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `curl`, `libc6:i386`.
    pub name: String,
    /// The version after `=`; `*` at its end stands for anything.
    pub version: Option<String>,
}

impl Wanted {
    fn parse(word: &str) -> Self {
        match word.split_once('=') {
            Some((name, version)) => Self { name: name.to_owned(), version: Some(version.to_owned()) },
            None => Self { name: word.to_owned(), version: None },
        }
    }

    /// The word that the package manager takes.
    pub fn word(&self) -> String {
        match &self.version {
            Some(version) => format!("{}={version}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether an installed version is the wanted one.
    pub fn accepts(&self, installed: &str) -> bool {
        match self.version.as_deref() {
            None => true,
            Some(wanted) => match wanted.strip_suffix('*') {
                Some(start) => installed.starts_with(start),
                None => installed == wanted,
            },
        }
    }
}

/// The packages of an argument.
pub fn wanted(names: &Many) -> Vec<Wanted> {
    names.0.iter().map(|word| Wanted::parse(word)).collect()
}

/// The key under which a package of a call is read.
pub fn key_of(args: &Args<'_>, name: &str) -> String {
    match args.text("manager") {
        "" => name.to_owned(),
        manager => format!("{manager} {name}"),
    }
}

/// Refuses what a package manager would take for an option, a removal or a pattern.
///
/// Spec: apt-get(8) `install`: a final `-` removes; a name with `*`, `?` or `.` may be taken for a pattern.
pub fn check(names: &Many, versions: bool) -> Result<(), String> {
    if names.0.is_empty() {
        return Err("argument `names` is empty".into());
    }
    for word in &names.0 {
        let Wanted { name, version } = Wanted::parse(word);
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-._:".contains(c);
        let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_');
        if !begins || name.ends_with('-') || !name.chars().all(plain) {
            return Err(format!("argument `names`: `{name}` is no package name"));
        }
        match version {
            Some(_) if !versions => {
                return Err(format!("argument `names`: `{word}` must not name a version here"));
            }
            Some(version) if !is_version(&version) => {
                return Err(format!("argument `names`: `{version}` is no version"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_version(text: &str) -> bool {
    let (body, _) = text.strip_suffix('*').map_or((text, false), |body| (body, true));
    !text.is_empty() && body.chars().all(|c| c.is_ascii_alphanumeric() || ".+-:~_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_may_end_in_a_star() {
        let wanted = Wanted::parse("curl=7.88*");
        assert!(wanted.accepts("7.88.1-10") && !wanted.accepts("8.0"));
        assert_eq!(wanted.word(), "curl=7.88*");
    }

    #[test]
    fn words_with_another_meaning_are_refused() {
        for word in ["-y", "curl-", "", "a b", "curl=", "cu*", "x;rm"] {
            assert!(check(&Many(vec![word.into()]), true).is_err(), "{word}");
        }
        for word in ["g++", "libc6:i386", "python3.11=3.11.2-6+deb12u4", ".virtual-deps"] {
            assert_eq!(check(&Many(vec![word.into()]), true), Ok(()), "{word}");
        }
        assert!(check(&Many(vec!["curl=1".into()]), false).is_err());
    }
}
