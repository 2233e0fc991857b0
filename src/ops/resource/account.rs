//! Users, groups and password fields, each read in one pass over the account files.

use super::{Key, Resource};
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output, quote};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A user of the host, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// Nothing when there is no such user.
    pub account: Option<UserEntry>,
}

/// What passwd(5) and group(5) say about a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserEntry {
    /// Nothing while only an apply can tell.
    pub uid: Option<u32>,
    /// Primary group: its name, or its number where it has none.
    pub group: String,
    /// The GECOS field.
    pub comment: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Supplementary groups.
    pub groups: BTreeSet<String>,
    /// Whether the home directory is there.
    pub home_exists: bool,
}

/// A group of the host, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Nothing when there is no such group.
    pub entry: Option<GroupEntry>,
}

/// What group(5) says about a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupEntry {
    /// Nothing while only an apply can tell.
    pub gid: Option<u32>,
    /// Members for whom it is not the primary group.
    pub members: BTreeSet<String>,
}

/// The password field of a user; never the hash itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// No such user.
    Missing,
    /// Only root may read it.
    Unreadable,
    /// Anybody may log in without a password.
    Empty,
    /// A hash, a lock, or both.
    Field {
        /// No password fits.
        locked: bool,
        /// SHA-256 of the hash without its lock, in hex; nothing when there is no hash behind the lock.
        digest: Option<String>,
    },
}

fn words(keys: &[String]) -> String {
    keys.iter().map(|key| quote(key)).collect::<Vec<_>>().join(" ")
}

/// The lines of one `== name` section.
fn section<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let head = format!("== {name}");
    text.lines().skip_while(move |line| *line != head).skip(1).take_while(|line| !line.starts_with("== "))
}

fn fields<'a>(text: &'a str, of: &str, name: &str) -> Option<Vec<&'a str>> {
    let mut lines = section(text, of).map(|line| line.split(':').collect::<Vec<_>>());
    lines.find(|fields| fields.len() >= 4 && fields[0] == name)
}

impl Resource for User {
    const KIND: &'static str = "user";

    fn guess() -> Option<Self> {
        Some(Self::default())
    }

    fn script(keys: &[String]) -> Command {
        // getent asks every source of nsswitch.conf, such as LDAP; without it the files are all there is.
        Command::script(format!(
            "echo '== passwd'; getent passwd -- {} 2>/dev/null; cat /etc/passwd
echo '== group'; cat /etc/group
echo '== homes'; while IFS=: read -r n p u g c h s; do [ ! -d \"$h\" ] || echo \"$n\"; done < /etc/passwd",
            words(keys)
        ))
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        if section(&text, "passwd").next().is_none() {
            return Err(OpError::answer("cat /etc/passwd", &output.stdout));
        }
        Ok(keys.iter().map(|name| User { account: account(&text, name) }).collect())
    }

    fn is_absent(&self) -> bool {
        self.account.is_none()
    }

    fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        let moved = self.account.as_ref().is_some_and(|account| change.concerns(&account.home));
        !moved && !change.alters_account(&Key::of::<Self>(key))
    }

    fn snapshot(&self) -> Value {
        let Some(account) = &self.account else { return Value::Null };
        let UserEntry { uid, group, comment, home, shell, groups, .. } = account;
        json!({ "uid": uid, "group": group, "comment": comment, "home": home, "shell": shell, "groups": groups })
    }
}

fn account(text: &str, name: &str) -> Option<UserEntry> {
    let entry = fields(text, "passwd", name).filter(|entry| entry.len() >= 7)?;
    let groups: Vec<Vec<&str>> = section(text, "group").map(|line| line.split(':').collect()).collect();
    let groups: Vec<Vec<&str>> = groups.into_iter().filter(|group| group.len() >= 4).collect();
    let primary = groups.iter().find(|group| group[2] == entry[3]).map_or(entry[3], |group| group[0]);
    let joined = groups.iter().filter(|group| group[3].split(',').any(|member| member == name));
    Some(UserEntry {
        uid: entry[2].parse().ok(),
        group: primary.to_owned(),
        comment: entry[4].to_owned(),
        home: entry[5].to_owned(),
        shell: entry[6].to_owned(),
        groups: joined.map(|group| group[0].to_owned()).filter(|group| group != primary).collect(),
        home_exists: section(text, "homes").any(|home| home == name),
    })
}

impl Resource for Group {
    const KIND: &'static str = "group";

    /// An account needs its groups: by then they are there.
    fn guess() -> Option<Self> {
        Some(Self { entry: Some(GroupEntry::default()) })
    }

    fn script(keys: &[String]) -> Command {
        Command::script(format!("echo '== group'; getent group -- {} 2>/dev/null; cat /etc/group", words(keys)))
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        let group = |name: &String| {
            let entry = fields(&text, "group", name)?;
            let members = entry[3].split(',').filter(|member| !member.is_empty()).map(str::to_owned);
            Some(GroupEntry { gid: entry[2].parse().ok(), members: members.collect() })
        };
        Ok(keys.iter().map(|name| Group { entry: group(name) }).collect())
    }

    fn is_absent(&self) -> bool {
        self.entry.is_none()
    }

    fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        !change.alters_account(&Key::of::<Self>(key))
    }

    fn snapshot(&self) -> Value {
        let Some(entry) = &self.entry else { return Value::Null };
        json!({ "gid": entry.gid, "members": entry.members })
    }
}

impl Resource for Password {
    const KIND: &'static str = "password";

    /// Hashes are compared by digest, so that none leaves the host.
    fn script(keys: &[String]) -> Command {
        let names: Vec<String> = keys.iter().map(|key| quote(key)).collect();
        Command::script(format!(
            "f=/etc/shadow; [ -e \"$f\" ] || f=/etc/passwd
[ -r \"$f\" ] || {{ echo unreadable; exit 0; }}
while IFS=: read -r n p r; do
case $n in {}) ;; *) continue ;; esac
l=open; case $p in '!'*|'*'*) l=locked ;; esac
h=$p; while :; do case $h in '!'*) h=${{h#?}} ;; *) break ;; esac; done
case $h in ''|'*'*) d=- ;; *) d=$(printf %s \"$h\" | sha256sum); d=${{d%% *}} ;; esac
[ -n \"$p\" ] || l=empty
echo \"$n $l $d\"
done < \"$f\"",
            names.join("|")
        ))
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        if text.trim() == "unreadable" {
            return Ok(vec![Password::Unreadable; keys.len()]);
        }
        keys.iter().map(|name| password(&text, name)).collect()
    }

    fn is_absent(&self) -> bool {
        *self == Password::Missing
    }

    fn outlasts(&self, key: &str, change: &Altered<'_>) -> bool {
        !change.alters_account(&Key::of::<Self>(key))
    }
}

fn password(text: &str, name: &str) -> Result<Password, OpError> {
    let mut lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    match lines.find(|words| words[0] == name).as_deref() {
        None => Ok(Password::Missing),
        Some([_, "empty", _]) => Ok(Password::Empty),
        Some([_, lock @ ("open" | "locked"), digest]) if !digest.is_empty() => {
            Ok(Password::Field { locked: *lock == "locked", digest: (*digest != "-").then(|| (*digest).to_owned()) })
        }
        Some(_) => Err(OpError::refused_with(
            format!("cannot compare the password of `{name}`: the host has no `sha256sum`"),
            "install coreutils or busybox's applet on the host",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &str) -> Output {
        Output { stdout: text.into(), ..Output::default() }
    }

    #[test]
    fn a_user_has_the_groups_that_list_it() {
        let text = "== passwd\nops:x:1001:1002:Op S,,:/home/ops:/bin/bash\n== group\nops:x:1002:\nsudo:x:27:a,ops\n\
                    adm:x:4:opsx\n== homes\nroot\nops\n";
        let users = User::parse(&["ops".into(), "op".into()], &output(text)).expect("parses");
        let account = users[0].account.as_ref().expect("is there");
        assert_eq!((account.uid, account.group.as_str(), account.home_exists), (Some(1001), "ops", true));
        assert_eq!(account.groups, BTreeSet::from(["sudo".to_owned()]));
        assert_eq!(users[1], User::default());
    }

    #[test]
    fn a_locked_password_is_not_an_empty_one() {
        let keys = ["a", "b", "c", "d"].map(str::to_owned);
        let read = Password::parse(&keys, &output("a empty -\nb locked -\nc locked 00ff\n")).expect("parses");
        let field = |locked, digest: Option<&str>| Password::Field { locked, digest: digest.map(str::to_owned) };
        assert_eq!(read, [Password::Empty, field(true, None), field(true, Some("00ff")), Password::Missing]);
    }
}
