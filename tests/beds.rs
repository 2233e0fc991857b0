//! The beds of the other tests do what their names say.

use crate::support::docker::{Container, docker};
use crate::support::network::Network;
use crate::support::sshd::Sshd;
use std::process::Command as Process;

#[test]
fn a_debian_container_boots_systemd_and_sshd() {
    let debian = Container::debian();
    assert_eq!(
        debian.exec("cat /proc/1/comm; systemctl is-active ssh.service cron.service"),
        "systemd\nactive\nactive\n"
    );
    assert_eq!(debian.exec("systemctl --failed --no-legend"), "");
    assert_eq!(debian.exec("cat /etc/hostname").trim_end(), debian.name());
}

#[test]
fn a_busybox_container_has_every_applet_and_no_other_program() {
    let busybox = Container::busybox();
    let others = busybox
        .exec("find / -xdev -type f -perm -u+x ! -path /bin/busybox ! -path /bin/staging-init ! -path /.dockerenv");
    assert_eq!(others, "");
    assert_eq!(busybox.exec("ls /usr/bin/sha256sum; ls -ld /tmp | cut -c1-10"), "/usr/bin/sha256sum\ndrwxrwxrwt\n");
}

#[test]
fn a_digest_sees_content_mode_owner_links_and_accounts() {
    for container in [Container::debian(), Container::busybox()] {
        container.exec(
            "mkdir /srv; mkdir /srv/a && echo 1 >/srv/a/file && ln -s file /srv/a/link && chmod 0644 /srv/a/file",
        );
        let all = container.digest();
        let before = container.digest_of(&["/srv"]);
        let change = |script: &str| {
            container.exec(script);
            before.changes(&container.digest_of(&["/srv"])).len()
        };
        assert_eq!(change("echo 2 >/srv/a/file"), 2, "content");
        assert_eq!(change("echo 1 >/srv/a/file; chmod 0600 /srv/a/file"), 2, "mode");
        assert_eq!(change("chmod 0644 /srv/a/file; chown 1 /srv/a/file"), 2, "owner");
        assert_eq!(change("chown 0 /srv/a/file; ln -sf other /srv/a/link"), 2, "link");
        assert_eq!(change("ln -sf file /srv/a/link; touch '/srv/a/new file'"), 2, "a new file and its hash");
        assert_eq!(change("rm '/srv/a/new file'"), 0, "nothing");
        all.assert_same(&container.digest());
        container.exec("echo 'anna:x:4711:4711::/:/bin/sh' >>/etc/passwd");
        let changes = all.changes(&container.digest());
        assert!(changes.contains(&"+ account: anna:x:4711:4711::/:/bin/sh".to_owned()), "{changes:?}");
        assert_eq!(changes.len(), 3, "the account and the hash of the file: {changes:?}");
    }
}

#[test]
fn files_pass_in_and_out_byte_for_byte() {
    let busybox = Container::busybox();
    let content: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    busybox.write("/tmp/it's a file", &content);
    assert_eq!(busybox.read("/tmp/it's a file"), content);
}

#[test]
fn ssh_reaches_a_container_with_the_written_config_alone() {
    let bed = Sshd::start();
    bed.container.exec("useradd --create-home anna");
    bed.admit("anna");
    for user in ["root", "anna"] {
        let mut ssh = Process::new("ssh");
        ssh.arg("-F").arg(bed.config()).args(["-o", "BatchMode=yes", "-l", user, "bed", "id -un"]);
        let output = ssh.output().expect("ssh starts");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{user}\n"),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn a_container_behind_a_network_is_reached_through_the_one_before_it() {
    let network = Network::new();
    let bastion = Sshd::start();
    network.connect(&bastion.container);
    let inner = bastion.behind(&network);
    bastion.add_to_config(&(inner.host_block("inner") + "    ProxyJump bed\n"));
    let mut ssh = Process::new("ssh");
    let output = ssh.arg("-F").arg(bastion.config()).args(["-o", "BatchMode=yes", "inner", "hostname"]).output();
    let output = output.expect("ssh starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim_end(), inner.container.name(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_container_that_was_killed_boots_again_and_a_dropped_one_is_gone() {
    let debian = Container::debian();
    debian.kill();
    assert!(!debian.try_exec("true").status.success());
    debian.start_again();
    assert_eq!(debian.exec("systemctl is-active ssh.service"), "active\n");
    let name = debian.name().to_owned();
    drop(debian);
    assert_eq!(docker(&["ps", "--all", "--quiet", "--filter", &format!("name=^{name}$")]), "");
}
