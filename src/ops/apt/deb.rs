//! `apt::deb`

use super::archive::control_part;
use crate::event::Sign;
use crate::ops::args::{Many, absolute};
use crate::ops::managed::{Args, Managed};
use crate::ops::pkg::{Options, brings, check_names, environment, install_file, remove_package};
use crate::ops::resource::package::{Manager, Package, Status};
use crate::ops::{Change, FileWrite, OpError, Operation, Plan, Source, Step, View};
use crate::remote::{Command, quote};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Keeps a package from a `.deb` file installed, with what it depends on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deb {
    src: String,
    package: Option<String>,
    version: Option<String>,
    present: Option<bool>,
    #[serde(default)]
    allow_downgrade: bool,
    lock_wait: Option<u64>,
}

/// What the file holds, and what is installed of it.
pub struct Seen {
    name: String,
    version: Option<String>,
    installed: Package,
}

enum From<'a> {
    Controller(&'a str),
    Host(&'a str),
    Url(&'a str),
}

impl Deb {
    fn from(&self) -> From<'_> {
        match &self.src {
            url if url.starts_with("http://") || url.starts_with("https://") => From::Url(url),
            path => match path.strip_prefix("file://") {
                Some(path) => From::Host(path),
                None => From::Controller(path),
            },
        }
    }

    fn is_present(&self) -> bool {
        self.present.unwrap_or(true)
    }

    /// `name_version_arch.deb`; a version with epoch stands there without it, so that it says nothing.
    fn name_of_file(&self) -> Option<(String, String)> {
        let file = self.src.rsplit('/').next()?.split(['?', '#']).next()?.strip_suffix(".deb")?;
        let mut parts = file.split('_');
        let (name, version) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        parts.next().map(|_| (name, version.replace("%2b", "+").replace("%7e", "~").replace("%3a", ":")))
    }

    fn identity(&self, view: &mut View<'_>) -> Result<(String, Option<String>), OpError> {
        if let Some(package) = &self.package {
            return Ok((package.clone(), self.version.clone()));
        }
        let command = match self.from() {
            From::Url(_) => {
                let (name, version) = self.name_of_file().expect("checked with the arguments");
                return Ok((name, Some(version)));
            }
            From::Host(path) => Command::new("dpkg-deb").arg("-f").arg(path).args(["Package", "Version"]),
            From::Controller(path) => {
                let part = control_part(path).map_err(|source| OpError::Local { path: path.to_owned(), source })?;
                Command::new("dpkg-deb").arg("-f").args(["-", "Package", "Version"]).stdin(part)
            }
        };
        let output = view.read(&command)?;
        if !output.ok() {
            return Err(OpError::command(&command, &output));
        }
        let text = output.text();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        match (field("Package"), field("Version")) {
            (Some(name), Some(version)) => Ok((name.to_owned(), Some(version.to_owned()))),
            _ => Err(OpError::answer(&command, &output.stdout)),
        }
    }

    fn options(&self) -> Options {
        Options { recommends: None, allow_downgrade: self.allow_downgrade, lock_wait: self.lock_wait.unwrap_or(60) }
    }

    /// Where apt shall find the file. A name with `:` or `=` it takes for a package, and ignores in silence.
    fn path_for_apt(&self, name: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._+~-".contains(c);
        match self.from() {
            From::Host(path) if path.chars().all(plain) => path.to_owned(),
            _ => format!("/var/cache/apt/archives/rhapsode-{name}.deb"),
        }
    }

    fn install(&self, path: &str) -> Command {
        let line = install_file(path, &self.options());
        let before = match self.from() {
            From::Host(same) if same == path => return line,
            From::Host(other) => format!("ln -s {} \"$t\" || exit 1\n", quote(other)),
            From::Controller(_) => String::new(),
            From::Url(url) => {
                format!("/usr/lib/apt/apt-helper download-file {} \"$t\" >/dev/null || exit 1\n", quote(url))
            }
        };
        let script = format!("( t={}; trap 'rm -f \"$t\"' EXIT\n{before}{} )", quote(path), line.text());
        environment(Command::script(script))
    }
}

impl Operation for Deb {
    const NAME: &'static str = "apt::deb";
    const TARGET: &'static str = "src";
    const LOCAL_PATHS: &'static [&'static str] = &["src"];
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        match self.from() {
            From::Host(path) => absolute("src", path)?,
            From::Url(_) if self.package.is_none() && self.name_of_file().is_none() => {
                return Err("argument `package`: the name at the end of the URL is not `name_version_arch.deb`".into());
            }
            _ => {}
        }
        if self.version.is_some() && self.package.is_none() {
            return Err("argument `version` goes with `package`".into());
        }
        let names = Many(self.package.iter().cloned().collect());
        if names.0.is_empty() { Ok(()) } else { check_names(&names) }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let file = args.text("src").rsplit('/').next().unwrap_or_default();
        let name = [args.text("package"), file.split('_').next().unwrap_or_default()];
        let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        vec![args.kept("package", name, &["version"]).reads::<Package>(name)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let (name, version) = self.identity(view)?;
        let installed = view.see::<Package>(&name)?;
        Ok(Seen { name, version, installed })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        if seen.installed.manager != Manager::Apt {
            return Err(OpError::refused("this host has no apt"));
        }
        Ok(match (self.is_present(), &seen.installed.status) {
            (true, _) if seen.is_same() => Plan::new(),
            (true, _) => self.installation(seen).into(),
            (false, Status::Installed(_) | Status::Broken) => self.removal(seen).into(),
            (false, _) => Plan::new(),
        })
    }
}

impl Seen {
    /// A file name tells the version without its epoch.
    fn is_same(&self) -> bool {
        match (&self.installed.status, &self.version) {
            (Status::Installed(Some(there)), Some(wanted)) => there == wanted || without_epoch(there) == wanted,
            (Status::Installed(_), _) => true,
            _ => false,
        }
    }
}

impl Deb {
    fn installation(&self, seen: &Seen) -> Change {
        let Seen { name, version, installed } = seen;
        let shown = version.as_deref().unwrap_or("of an unknown version");
        let mut change = match &installed.status {
            Status::Installed(Some(from)) => Change::new(Sign::Update, format!("{name} {from} -> {shown}")),
            _ => Change::new(Sign::Create, format!("install {name} {shown}")),
        };
        // apt sees a file by its path only, and its sandbox user must be able to read it.
        let path = self.path_for_apt(name);
        if let From::Controller(local) = self.from() {
            let content = Source::Local(PathBuf::from(local));
            change = change.step(Step::Write(FileWrite { mode: Some(0o644), ..FileWrite::new(&path, content) }));
        }
        let command = self.install(&path).timeout(Duration::from_secs(1860));
        brings(change.run(command).makes(name, Package::planned(Manager::Apt, version.clone())), name)
    }

    fn removal(&self, seen: &Seen) -> Change {
        let gone = Package { status: Status::Config, ..seen.installed.clone() };
        let command = remove_package(&seen.name, &self.options());
        Change::new(Sign::Remove, format!("remove {}", seen.name)).run(command).makes(&seen.name, gone)
    }
}

fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}
