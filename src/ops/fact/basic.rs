//! The facts behind `host.os`, `host.arch` and their like: one script, read once a run.

use super::hardware::ipv4_of_trie;
use crate::remote::Command;
use serde::Serialize;

/// What nearly every playbook asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Basic {
    /// The operating system.
    pub os: Os,
    /// `x86_64`, as `uname -m` says.
    pub arch: String,
    /// `6.1.0-18-amd64`, as `uname -r` says.
    pub kernel: String,
    /// Name of the host, as it knows itself.
    pub hostname: String,
    /// Number of processors that are online.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mb: u64,
    /// IPv4 addresses, without those of the loopback.
    pub addr: Vec<String>,
    /// Names of all local users.
    pub users: Vec<String>,
    /// What starts services: `systemd`, `openrc`, `sysvinit`, `runit`, `busybox`, or the name of PID 1.
    pub init: String,
    /// `apt`, `apk`, `dnf`, `yum`, `zypper`, `pacman`, `opkg` or `xbps`; nothing when there is none.
    pub pkg_manager: Option<String>,
    /// Who runs the operations.
    pub user: String,
    /// That user's home directory.
    pub home: String,
}

/// An operating system, from os-release(5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Os {
    /// `debian`, `redhat`, `suse`, `arch`, `alpine`; its own name where it belongs to none.
    pub family: String,
    /// `ubuntu`
    pub name: String,
    /// `24.04`; empty for rolling ones.
    pub version: String,
    /// `noble`; empty where there is none.
    pub codename: String,
    /// For people: `Ubuntu 24.04.1 LTS`.
    pub pretty: String,
}

/// Reads files of /proc and /etc; the few programs are those of any busybox.
pub fn script() -> Command {
    Command::script(
        "# facts\necho '== uname'; uname -m; uname -r
echo '== hostname'; cat /proc/sys/kernel/hostname 2>/dev/null || hostname
echo '== os'; cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null || uname -s
echo '== cpus'; nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo
echo '== memory'; while read -r k v u; do [ \"$k\" != MemTotal: ] || echo \"$v\"; done < /proc/meminfo
echo '== trie'; cat /proc/net/fib_trie 2>/dev/null
echo '== users'; while IFS=: read -r n r; do echo \"$n\"; done < /etc/passwd
echo '== init'; cat /proc/1/comm 2>/dev/null
[ ! -d /run/systemd/system ] || echo systemd
[ ! -d /run/openrc ] || echo openrc
[ ! -d /run/runit ] || echo runit
[ ! -e /etc/init.d/rcS ] || echo sysvinit
echo '== pkg'; for p in apt-get apk dnf yum zypper pacman opkg xbps-install; do ! command -v $p >/dev/null || echo $p; done
echo '== me'; id -un; echo \"$HOME\"",
    )
}

/// Takes the answer apart.
pub fn parse(text: &str) -> Option<Basic> {
    let section = |name: &str| {
        let head = format!("== {name}");
        let lines = text.lines().skip_while(move |line| *line != head).skip(1);
        lines.take_while(|line| !line.starts_with("== ")).collect::<Vec<_>>()
    };
    let uname = section("uname");
    let me = section("me");
    let memory_kb: u64 = section("memory").first()?.parse().ok()?;
    let managers = section("pkg");
    Some(Basic {
        os: os(&section("os")),
        arch: (*uname.first()?).to_owned(),
        kernel: (*uname.get(1)?).to_owned(),
        hostname: section("hostname").first()?.trim().to_owned(),
        cpus: section("cpus").first()?.trim().parse().ok()?,
        memory_mb: memory_kb / 1024,
        addr: ipv4_of_trie(&section("trie")),
        users: section("users").into_iter().map(str::to_owned).collect(),
        init: init(&section("init")),
        pkg_manager: managers.first().map(|name| manager(name).to_owned()),
        user: me.first()?.to_string(),
        home: me.get(1).copied().unwrap_or_default().to_owned(),
    })
}

fn manager(program: &str) -> &str {
    match program {
        "apt-get" => "apt",
        "xbps-install" => "xbps",
        name => name,
    }
}

/// The first line is PID 1 itself, the others what its traces say.
fn init(lines: &[&str]) -> String {
    let traces = lines.get(1..).unwrap_or_default();
    match (lines.first().copied().unwrap_or_default(), traces.first()) {
        ("init" | "linuxrc", None) => "busybox".into(),
        (_, Some(trace)) if *trace != "sysvinit" => (*trace).to_owned(),
        ("init", Some(trace)) => (*trace).to_owned(),
        (pid_1, _) => pid_1.to_owned(),
    }
}

/// Spec: os-release(5); `ID_LIKE` lists the nearest relative first.
pub fn os(lines: &[&str]) -> Os {
    let value = |key: &str| {
        let pair = |line: &&str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
        let raw = lines.iter().find_map(pair).unwrap_or_default();
        raw.trim().trim_matches(['"', '\'']).to_owned()
    };
    let name = match value("ID") {
        name if name.is_empty() => lines.first().map(|line| line.trim().to_lowercase()).unwrap_or_default(),
        name => name,
    };
    let like = value("ID_LIKE");
    let family = std::iter::once(name.as_str()).chain(like.split_whitespace()).find_map(family_of);
    Os {
        family: family.unwrap_or(&name).to_owned(),
        version: value("VERSION_ID"),
        codename: value("VERSION_CODENAME"),
        pretty: value("PRETTY_NAME"),
        name,
    }
}

fn family_of(id: &str) -> Option<&'static str> {
    Some(match id {
        "debian" | "ubuntu" => "debian",
        "rhel" | "fedora" | "centos" => "redhat",
        "suse" | "opensuse" | "sles" => "suse",
        "arch" => "arch",
        "alpine" => "alpine",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = include_str!("samples/debian.txt");
    const ALPINE: &str = include_str!("samples/alpine.txt");
    const BUSYBOX: &str = include_str!("samples/busybox.txt");

    #[test]
    fn reads_a_debian_with_systemd() {
        let basic = parse(DEBIAN).expect("parses");
        assert_eq!((basic.os.family.as_str(), basic.os.name.as_str()), ("debian", "debian"));
        assert_eq!((basic.os.version.as_str(), basic.os.codename.as_str()), ("12", "bookworm"));
        assert_eq!((basic.init.as_str(), basic.pkg_manager.as_deref()), ("systemd", Some("apt")));
        assert_eq!(basic.addr, ["172.17.0.3"]);
        assert!(basic.memory_mb > 1000 && basic.cpus == 2 && basic.users.contains(&"www-data".to_owned()));
        assert_eq!((basic.user.as_str(), basic.home.as_str()), ("root", "/root"));
    }

    #[test]
    fn reads_an_alpine_with_openrc() {
        let basic = parse(ALPINE).expect("parses");
        assert_eq!((basic.os.family.as_str(), basic.os.version.as_str()), ("alpine", "3.20.3"));
        assert_eq!((basic.init.as_str(), basic.pkg_manager.as_deref()), ("openrc", Some("apk")));
    }

    #[test]
    fn reads_a_bare_busybox() {
        let basic = parse(BUSYBOX).expect("parses");
        assert_eq!((basic.os.family.as_str(), basic.os.version.as_str()), ("busybox", ""));
        assert_eq!((basic.pkg_manager, basic.users), (None, vec!["root".to_owned(), "nobody".to_owned()]));
    }

    #[test]
    fn relatives_share_a_family() {
        assert_eq!(os(&["ID=\"rocky\"", "ID_LIKE=\"rhel centos fedora\""]).family, "redhat");
        assert_eq!(os(&["ID=linuxmint", "ID_LIKE='ubuntu debian'"]).family, "debian");
        assert_eq!(os(&["Linux"]).name, "linux");
    }
}
