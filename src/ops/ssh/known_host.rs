//! `ssh::known_host`: the keys by which a user's ssh recognises a host.

use super::known_hosts::{Key, Lines, knows, name, with_keys, without};
use crate::event::Sign;
use crate::ops::args::Many;
use crate::ops::file::{SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::User;
use crate::ops::user::{make_folder, name_ok};
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::Command;
use serde::Deserialize;

const SYSTEM: &str = "/etc/ssh/ssh_known_hosts";

/// Keeps the keys of a host in a known_hosts file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownHost {
    name: String,
    port: Option<u16>,
    #[serde(default)]
    key: Many,
    #[serde(default)]
    scan: bool,
    user: Option<String>,
    #[serde(default)]
    system: bool,
    #[serde(default)]
    authority: bool,
    #[serde(default)]
    hash: bool,
    present: Option<bool>,
}

/// The file, whose it is, and the keys a scan found.
pub struct Seen {
    file: SmallFile,
    /// User, group and home, unless it is the system's file.
    owner: Option<(String, String, String)>,
    scanned: Vec<Key>,
}

impl Operation for KnownHost {
    const NAME: &'static str = "ssh::known_host";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        let special = if self.authority { ",|@#[]!" } else { ",|@#[]*?!" };
        let odd = |c: char| c.is_whitespace() || c.is_control() || special.contains(c);
        if self.name.is_empty() || self.name.starts_with('-') || self.name.contains(odd) {
            return Err(format!("argument `name`: {:?} is no host name; a port is given by `port`", self.name));
        }
        if self.hash && self.name.contains(['*', '?']) {
            return Err("a pattern cannot be hashed: leave `hash` out, or name each host".into());
        }
        if self.authority && self.scan {
            return Err("a scan finds keys of hosts: give the `key` of the authority".into());
        }
        if self.system && self.user.is_some() {
            return Err("`system` and `user` name two different files".into());
        }
        self.user.as_deref().map_or(Ok(()), |user| name_ok("user", user))?;
        let present = self.present != Some(false);
        match (present, self.key.0.is_empty(), self.scan) {
            (true, true, false) => Err("say which `key` the host has, or ask it by `scan: true`".into()),
            (true, false, true) => Err("`key` and `scan` exclude each other".into()),
            (false, ..) if self.scan || !self.key.0.is_empty() => Err("`present: false` takes no key".into()),
            _ => self.keys().map(|_| ()),
        }
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let holder = if args.flag("system") == Some(true) { "system" } else { args.text("user") };
        let what = if args.flag("authority") == Some(true) { "authority for " } else { "" };
        let host = args.kept("known-host", format!("{holder}: {what}{}", args.text("name")), &["key", "scan"]);
        vec![host.takes(args, &["name", "port", "user", "system", "authority"])]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let owner = if self.system { None } else { Some(self.owner(view)?) };
        let path = owner.as_ref().map_or_else(|| SYSTEM.to_owned(), |(_, _, home)| format!("{home}/.ssh/known_hosts"));
        let file = SmallFile::see(view, &path)?;
        let scans = self.scan && !knows(&file.text()?, &self.lines());
        let scanned = if scans { self.scan_keys(view)? } else { Vec::new() };
        Ok(Seen { file, owner, scanned })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let before = seen.file.text()?;
        let lines = self.lines();
        let after = match self.present {
            Some(false) => without(&before, &lines),
            _ if self.scan => with_keys(&before, &lines, &seen.scanned),
            _ => with_keys(&before, &lines, &self.keys().map_err(OpError::refused)?),
        };
        if after == before {
            return Ok(Plan::new());
        }
        let key = if self.authority { "authority" } else { "key" };
        let (sign, text) = match (self.present, knows(&before, &lines)) {
            (Some(false), _) => (Sign::Remove, "forget"),
            (_, true) => (Sign::Update, key),
            (_, false) => (Sign::Create, key),
        };
        let change = Change::new(sign, format!("{text} in {}", seen.file.path()));
        let root = || ("root".to_owned(), "root".to_owned(), String::new());
        let (user, group, home) = seen.owner.clone().unwrap_or_else(root);
        let change = match home.is_empty() {
            true => change,
            false => {
                let change = change.run(make_folder(&user, &group, &home));
                seen.file.folder_made(change, 0o700, Some((&user, &group)))
            }
        };
        let mode = seen.file.mode().unwrap_or(0o644);
        Ok(seen.file.put(change, &Whole::new(after, mode, &user, &group))?.into())
    }
}

impl KnownHost {
    fn lines(&self) -> Lines {
        let host = name(&self.name, self.port.unwrap_or(22));
        Lines { host, authority: self.authority, hash: self.hash }
    }

    fn keys(&self) -> Result<Vec<Key>, String> {
        let lines = self.key.0.iter().flat_map(|text| text.lines()).filter(|line| !line.trim().is_empty());
        lines.map(Key::parse).collect()
    }

    fn owner(&self, view: &mut View<'_>) -> Result<(String, String, String), OpError> {
        let user = match &self.user {
            Some(user) => user.clone(),
            None => view.read(&Command::new("id").arg("-un"))?.text(),
        };
        let account = view.see::<User>(&user)?.account;
        let account = account.ok_or_else(|| OpError::refused(format!("there is no user `{user}`")))?;
        Ok((user, account.group, account.home.trim_end_matches('/').to_owned()))
    }

    fn scan_keys(&self, view: &mut View<'_>) -> Result<Vec<Key>, OpError> {
        let port = self.port.unwrap_or(22).to_string();
        let scan = Command::new("ssh-keyscan").arg("-T").arg("10").arg("-p").arg(port).arg("--").arg(&self.name);
        let output = view.read(&scan)?;
        let text = output.text();
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let keys: Vec<Key> = lines.filter_map(|line| Key::parse(line).ok()).collect();
        match keys.is_empty() {
            true => Err(OpError::refused_with(
                format!("`{}` showed no host key: {}", self.name, output.err_text().replace('\n', "; ")),
                "give its `key`, or look whether ssh-keyscan on the host can reach it",
            )),
            false => Ok(keys),
        }
    }
}
