//! `server.`: one value each.

use super::args::Args;
use super::basic::os;
use super::{Fact, fact};
use crate::remote::{Command, Output};
use serde_json::{Value, json};

pub(super) const FACTS: &[Fact] = &[
    fact("server.Kernel", &[], |_| Command::new("uname").arg("-s"), text).stable(),
    fact("server.KernelVersion", &[], |_| Command::new("uname").arg("-r"), text).stable(),
    fact("server.Os", &[], |_| Command::new("uname").arg("-s"), text).stable(),
    fact("server.OsVersion", &[], |_| Command::new("uname").arg("-r"), text).stable(),
    fact("server.Arch", &[], |_| Command::new("uname").arg("-m"), text).stable(),
    fact("server.Hostname", &[], |_| Command::new("uname").arg("-n"), text),
    fact("server.User", &[], |_| Command::new("id").arg("-un"), text).stable(),
    fact("server.Home", &["user"], home, text),
    fact("server.Path", &[], |_| Command::script("echo \"$PATH\""), text).stable(),
    fact("server.TmpDir", &[], |_| Command::script("echo \"${TMPDIR:-/tmp}\""), text).stable(),
    fact("server.Which", &["command!"], which, text_or_null),
    fact("server.Command", &["command!"], |args| Command::script(args.text("command")), text),
    fact("server.Date", &[], |_| Command::new("date").arg("-u").arg("+%Y-%m-%dT%H:%M:%SZ"), text).stable(),
    fact("server.Uptime", &[], |_| Command::script("read -r u r < /proc/uptime; echo \"${u%.*}\""), number).stable(),
    fact("server.LinuxName", &[], |_| os_release(), |_, output| Some(release(output)["name"].clone())).stable(),
    fact("server.LinuxDistribution", &[], |_| os_release(), |_, output| Some(release(output))).stable(),
    fact("server.LsbRelease", &[], |_| os_release(), lsb).stable(),
    fact("server.Timezone", &[], |_| timezone(), text_or_null),
    fact("server.RebootRequired", &[], |_| reboot_required(), |_, output| Some((output.text() == "yes").into())),
    fact("server.Selinux", &[], |_| selinux(), |_, output| Some(json!({ "mode": non_empty(output.text()) }))),
    fact("server.Port", &["port!"], |_| listening(), port),
];

pub(super) fn text(_: &Args, output: &Output) -> Option<Value> {
    output.ok().then(|| output.text().into())
}

pub(super) fn text_or_null(_: &Args, output: &Output) -> Option<Value> {
    Some(non_empty(output.text()))
}

pub(super) fn number(_: &Args, output: &Output) -> Option<Value> {
    output.text().trim().parse::<u64>().ok().map(Value::from)
}

fn non_empty(text: String) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

fn home(args: &Args) -> Command {
    match args.text("user") {
        user if user.is_empty() => Command::script("echo \"$HOME\""),
        user => Command::script(format!(
            "u={}; while IFS=: read -r n p i g c h s; do [ \"$n\" != \"$u\" ] || {{ echo \"$h\"; exit 0; }}; done < /etc/passwd; exit 1",
            crate::remote::quote(&user)
        )),
    }
}

fn which(args: &Args) -> Command {
    Command::script(format!("command -v -- {} || :", args.quoted("command")))
}

fn os_release() -> Command {
    Command::script("cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null || uname -s")
}

fn release(output: &Output) -> Value {
    let text = output.text();
    let lines: Vec<&str> = text.lines().collect();
    let os = os(&lines);
    let mut parts = os.version.split('.');
    let mut part = || parts.next().and_then(|part| part.parse::<u32>().ok());
    let name = lines.iter().find_map(|line| line.strip_prefix("NAME=")).unwrap_or(&os.name).trim_matches('"');
    let meta: serde_json::Map<String, Value> = lines
        .iter()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.trim_matches(['"', '\'']).into()))
        .collect();
    json!({ "name": name, "major": part(), "minor": part(), "release_meta": meta })
}

fn lsb(_: &Args, output: &Output) -> Option<Value> {
    let text = output.text();
    let os = os(&text.lines().collect::<Vec<_>>());
    Some(json!({ "id": os.name, "description": os.pretty, "release": os.version, "codename": os.codename }))
}

fn timezone() -> Command {
    Command::script(
        "if [ -L /etc/localtime ]; then l=$(readlink /etc/localtime); echo \"${l##*zoneinfo/}\"
elif [ -s /etc/timezone ]; then cat /etc/timezone; elif [ -s /etc/TZ ]; then cat /etc/TZ; fi",
    )
}

fn reboot_required() -> Command {
    Command::script(
        "if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then echo yes
elif [ -d /lib/modules ] && [ -n \"$(ls /lib/modules)\" ] && [ ! -d \"/lib/modules/$(uname -r)\" ]; then echo yes
else echo no; fi",
    )
}

fn selinux() -> Command {
    Command::script("! command -v getenforce >/dev/null || getenforce | tr 'A-Z' 'a-z'")
}

fn listening() -> Command {
    Command::script("cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || :")
}

/// True when something listens on the TCP port, on whatever address.
///
/// Spec: proc(5), /proc/net/tcp; state 0A is TCP_LISTEN.
fn port(args: &Args, output: &Output) -> Option<Value> {
    let wanted: u16 = args.text("port").parse().ok()?;
    let text = output.text();
    let mut sockets = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let suffix = format!(":{wanted:04X}");
    let listens = |words: &Vec<&str>| words.len() > 3 && words[1].ends_with(&suffix) && words[3] == "0A";
    Some(sockets.any(|words| listens(&words)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_numbers_where_it_has_them() {
        let output =
            Output { stdout: b"NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.3\n".to_vec(), ..Output::default() };
        let release = release(&output);
        assert_eq!(
            (&release["name"], &release["major"], &release["minor"]),
            (&json!("Alpine Linux"), &json!(3), &json!(20))
        );
        let rolling = Output { stdout: b"NAME=\"Arch Linux\"\nID=arch\n".to_vec(), ..Output::default() };
        assert_eq!(super::release(&rolling)["major"], Value::Null);
    }
}
