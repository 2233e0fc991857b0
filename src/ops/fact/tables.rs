//! `server.`: lists and maps.

use super::args::Args;
use super::{Fact, fact};
use crate::remote::{Command, Output, quote};
use serde_json::{Map, Value, json};

pub(super) const FACTS: &[Fact] = &[
    fact("server.Users", &[], |_| Command::script("cat /etc/passwd; echo ==; cat /etc/group"), users),
    fact("server.Groups", &[], |_| Command::script("cat /etc/group"), groups),
    fact("server.AuthorizedKeys", &["user"], authorized_keys, keys),
    fact("server.Sysctl", &["keys"], sysctl, sysctls),
    fact("server.Mounts", &[], |_| Command::script("cat /proc/mounts"), mounts),
    fact("server.Crontab", &["user"], crontab, cron),
    fact("server.KernelModules", &[], |_| Command::script("cat /proc/modules 2>/dev/null || :"), modules),
    fact("server.Locales", &[], |_| Command::script("! command -v locale >/dev/null || locale -a"), lines),
    fact("server.SecurityLimits", &[], |_| limits_files(), limits),
    fact("server.EtcHosts", &[], |_| Command::script("cat /etc/hosts"), hosts),
];

fn users(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let (passwd, group) = text.split_once("\n==\n")?;
    let groups: Vec<Vec<&str>> = group.lines().map(|line| line.split(':').collect()).collect();
    let groups: Vec<Vec<&str>> = groups.into_iter().filter(|group| group.len() >= 4).collect();
    let mut users = Map::new();
    for line in passwd.lines() {
        let [name, _, uid, gid, comment, home, shell] = *line.split(':').collect::<Vec<_>>() else { continue };
        let primary = groups.iter().find(|group| group[2] == gid).map_or(gid, |group| group[0]);
        let joined: Vec<&str> = groups
            .iter()
            .filter(|group| group[0] != primary && group[3].split(',').any(|member| member == name))
            .map(|group| group[0])
            .collect();
        let user = json!({
            "uid": uid.parse::<u32>().ok()?, "gid": gid.parse::<u32>().ok()?, "group": primary, "groups": joined,
            "comment": comment, "home": home, "shell": shell,
        });
        users.insert(name.to_owned(), user);
    }
    Some(users.into())
}

fn groups(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    Some(text.lines().filter_map(|line| line.split(':').next()).collect())
}

fn lines(_: &Args, output: &Output) -> Option<Value> {
    Some(output.text().lines().filter(|line| !line.is_empty()).collect())
}

fn home_of(user: &str) -> String {
    match user {
        "" => "h=$HOME".to_owned(),
        user => format!(
            "h=; while IFS=: read -r n p i g c d s; do [ \"$n\" != {} ] || h=$d; done < /etc/passwd",
            quote(user)
        ),
    }
}

fn authorized_keys(args: &Args) -> Command {
    let home = home_of(&args.text("user"));
    Command::script(format!("{home}; f=$h/.ssh/authorized_keys; [ ! -e \"$f\" ] || cat -- \"$f\""))
}

fn keys(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let keys = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    output.ok().then(|| keys.collect())
}

fn sysctl(args: &Args) -> Command {
    match args.list("keys") {
        keys if keys.is_empty() => Command::script("sysctl -a 2>/dev/null || :"),
        keys => Command::new("sysctl").arg("--").args(keys).raw("2>/dev/null || :"),
    }
}

/// `a.b = 1`; several numbers become a list.
fn sysctls(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let mut values = Map::new();
    for (key, value) in text.lines().filter_map(|line| line.split_once(" = ").or_else(|| line.split_once(" ="))) {
        let number = |word: &str| word.parse::<i64>().map_or_else(|_| Value::from(word), Value::from);
        let words: Vec<&str> = value.split_whitespace().collect();
        let all_numbers = words.iter().all(|word| word.parse::<i64>().is_ok());
        let value = match words.as_slice() {
            [one] => number(one),
            [] => Value::from(""),
            words if all_numbers => words.iter().map(|word| number(word)).collect(),
            _ => Value::from(value.trim()),
        };
        values.insert(key.to_owned(), value);
    }
    Some(values.into())
}

/// Spec: proc(5), /proc/mounts has the form of fstab(5): blanks are `\040`.
fn mounts(_: &Args, output: &Output) -> Option<Value> {
    let plain =
        |text: &str| text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\");
    let text = output.text();
    let mut mounts = Map::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [device, path, kind, options, ..] = words[..] else { return None };
        let options: Vec<&str> = options.split(',').collect();
        mounts.insert(plain(path), json!({ "device": plain(device), "type": kind, "options": options }));
    }
    Some(mounts.into())
}

fn crontab(args: &Args) -> Command {
    let crontab = Command::new("crontab").arg("-l");
    let crontab = match args.text("user") {
        user if user.is_empty() => crontab,
        user => crontab.arg("-u").arg(user),
    };
    crontab.raw("2>/dev/null || :")
}

fn cron(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let entries = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Some(entries.map(cron_entry).collect())
}

fn cron_entry(line: &str) -> Value {
    let mut rest = line;
    let mut word = || {
        let (word, after) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest, ""));
        rest = after.trim_start();
        word
    };
    if line.starts_with('@') {
        return json!({ "special_time": word(), "command": rest });
    }
    if !line.starts_with(|c: char| c.is_ascii_digit() || c == '*') {
        return json!({ "env": line });
    }
    let [minute, hour, day, month, weekday] = std::array::from_fn(|_| word());
    json!({ "minute": minute, "hour": hour, "day_of_month": day, "month": month, "day_of_week": weekday, "command": rest })
}

fn modules(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let mut modules = Map::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, size, uses, _, state, ..] = words[..] else { return None };
        let module =
            json!({ "size": size.parse::<u64>().ok()?, "instances": uses.parse::<u64>().ok()?, "state": state });
        modules.insert(name.to_owned(), module);
    }
    Some(modules.into())
}

fn limits_files() -> Command {
    Command::script("cat /etc/security/limits.conf /etc/security/limits.d/*.conf 2>/dev/null || :")
}

fn limits(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let rows =
        text.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter_map(|words| match words[..] {
        [domain, kind, item, value] => {
            Some(json!({ "domain": domain, "limit_type": kind, "item": item, "value": value }))
        }
        _ => None,
    });
    Some(rows.collect())
}

fn hosts(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let mut hosts: Map<String, Value> = Map::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(address) = words.next() else { continue };
        let names = hosts.entry(address).or_insert_with(|| json!([]));
        if let Value::Array(names) = names {
            names.extend(words.map(Value::from));
        }
    }
    Some(hosts.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(parse: fn(&Args, &Output) -> Option<Value>, text: &str) -> Value {
        let fact = &FACTS[0];
        let args = Args::accept(fact, Value::Null).expect("none");
        parse(&args, &Output { stdout: text.into(), ..Output::default() }).expect("parses")
    }

    #[test]
    fn reads_what_the_files_hold() {
        let read = parsed(users, "ada:x:1:2:A:/home/ada:/bin/sh\n==\nada:x:2:\nops:x:3:bob,ada\n");
        assert_eq!(read["ada"]["groups"], json!(["ops"]));
        assert_eq!(parsed(hosts, "127.0.0.1 a b # c\n127.0.0.1 d\n#\n"), json!({"127.0.0.1": ["a", "b", "d"]}));
        let read = parsed(mounts, "/dev/a /mnt/a\\040b ext4 rw,noatime 0 0\n");
        assert_eq!(read["/mnt/a b"]["options"], json!(["rw", "noatime"]));
        let read = parsed(sysctls, "a.b = 1\nc = 1 2\t3\nd = text here\ne =\n");
        assert_eq!(read, json!({"a.b": 1, "c": [1, 2, 3], "d": "text here", "e": ""}));
        let read = parsed(limits, "# x\n* soft nofile 1024 # y\n");
        assert_eq!(read, json!([{"domain": "*", "limit_type": "soft", "item": "nofile", "value": "1024"}]));
    }

    #[test]
    fn reads_all_forms_of_cron_lines() {
        let read = parsed(cron, "# x\nMAILTO=ops\n*/5 1 * *  1-5 echo  a b\n@daily run it\n");
        let job = json!({"minute": "*/5", "hour": "1", "day_of_month": "*", "month": "*", "day_of_week": "1-5", "command": "echo  a b"});
        assert_eq!(read, json!([{"env": "MAILTO=ops"}, job, {"special_time": "@daily", "command": "run it"}]));
    }
}
