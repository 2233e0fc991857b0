//! The words of `docker run` for a staging host.

use super::Staging;
use super::engine::Image;
use crate::inventory::{Connect, Host};
use sha2::{Digest, Sha256};

/// Label whose value names project and inventory: the container is ours when it is equal.
pub const OWNER: &str = "rhapsode.staging";
/// Label with the hash of what the container was started from.
pub const MADE_FROM: &str = "rhapsode.made-from";
/// Label of an image whose PID 1 is systemd: `rhapsode.init=systemd`.
pub const INIT: &str = "rhapsode.init";

/// What systemd as PID 1 needs of docker, on cgroup v1 and v2 alike: it writes to its part of the host's tree, which the
/// container sees under the host's own paths, and mounts what it finds missing. That is less than `--privileged`.
/// See <https://systemd.io/CONTAINER_INTERFACE/>.
const SYSTEMD_ON_DOCKER: &[&str] = &[
    "--cap-add=SYS_ADMIN",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--cgroupns=host",
    "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    "--tmpfs=/run",
    "--tmpfs=/run/lock",
    "--stop-signal=SIGRTMIN+3",
];

/// podman-run(1) prepares all of that itself.
const SYSTEMD_ON_PODMAN: &[&str] = &["--systemd=always"];

/// The container of a host.
pub fn container(host: &Host) -> &str {
    host.connection.container.as_deref().unwrap_or(&host.name)
}

/// Whose the containers are.
pub fn owner(staging: &Staging) -> String {
    format!("{}:{}", staging.project.display(), staging.inventory.display())
}

/// Hash of the image and of every word that shapes the container.
pub fn made_from(host: &Host, image: &Image) -> String {
    let mut hash = Sha256::new();
    for word in [&image.id].into_iter().chain(&host.connection.run) {
        hash.update(word);
        hash.update([0]);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Everything after `docker`.
pub fn run(host: &Host, image: &Image, staging: &Staging, made_from: &str) -> Vec<String> {
    // An open stdin keeps an image alive whose command is a shell.
    let mut words: Vec<String> = ["run", "--detach", "--interactive", "--name"].map(str::to_owned).to_vec();
    words.push(container(host).to_owned());
    words.push(format!("--hostname={}", hostname(&host.name)));
    words.push(format!("--label={OWNER}={}", owner(staging)));
    words.push(format!("--label={MADE_FROM}={made_from}"));
    let run = &host.connection.run;
    if image.runs_systemd {
        // The same mount twice is an error, so a word that the inventory says too is said once.
        let ours = systemd(host.connection.connect).iter().map(|&word| word.to_owned());
        words.extend(ours.filter(|word| !run.contains(word)));
    }
    words.extend(run.iter().cloned());
    words.push(image.id.clone());
    words
}

fn systemd(connect: Connect) -> &'static [&'static str] {
    match connect {
        Connect::Podman => SYSTEMD_ON_PODMAN,
        _ => SYSTEMD_ON_DOCKER,
    }
}

/// A name of the inventory as hostname(7) allows it: letters, digits, `-` and `.`, 63 at most.
fn hostname(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = name.chars().map(allowed).take(63).collect();
    name.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_is_made_of_any_inventory_name() {
        assert_eq!(hostname("web-1.example.org"), "web-1.example.org");
        assert_eq!(hostname("_web 1_"), "web-1");
        assert_eq!(hostname(&"x".repeat(80)).len(), 63);
    }

    #[test]
    fn systemd_gets_what_it_needs_and_no_word_twice() {
        let connection = crate::inventory::Connection {
            connect: Connect::Docker,
            run: vec!["--tmpfs=/run".to_owned(), "--publish=127.0.0.1::22".to_owned()],
            ..Default::default()
        };
        let host = Host { name: "web-1".to_owned(), groups: Vec::new(), connection, data: Default::default() };
        let image = Image { id: "sha256:1".to_owned(), runs_systemd: true };
        let staging = Staging { hosts: &[], inventory: "i.yaml".as_ref(), project: "/p".as_ref() };
        let words = run(&host, &image, &staging, "1");
        for word in SYSTEMD_ON_DOCKER {
            assert_eq!(words.iter().filter(|given| given == word).count(), 1, "{word}");
        }
        assert_eq!(words.last(), Some(&image.id));
        let plain = run(&host, &Image { runs_systemd: false, ..image }, &staging, "1");
        assert!(!plain.contains(&"--cgroupns=host".to_owned()));
    }
}
