//! Logins by certificate at a real sshd, and hosts that are known by theirs.

use super::{Bed, told};
use crate::scenes::Scene;
use crate::secrets::{Person, run};
use crate::support::docker::Container;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How somebody calls a container by ssh.
struct Client<'a> {
    folder: &'a Path,
    port: u16,
    key: PathBuf,
    certificate: Option<PathBuf>,
    strict: bool,
}

impl Client<'_> {
    fn call(&self) -> Output {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=10"]);
        ssh.args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "UpdateHostKeys=no", "-p", &self.port.to_string()]);
        let known = if self.strict { self.folder.join("known_hosts") } else { PathBuf::from("/dev/null") };
        ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known.display()));
        ssh.args(["-o", if self.strict { "StrictHostKeyChecking=yes" } else { "StrictHostKeyChecking=no" }]);
        if let Some(certificate) = &self.certificate {
            ssh.arg("-o").arg(format!("CertificateFile={}", certificate.display()));
        }
        ssh.arg("-i").arg(&self.key).args(["root@127.0.0.1", "echo", "in"]).output().expect("ssh starts")
    }

    #[track_caller]
    fn enters(&self) {
        let output = self.call();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "in\n", "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[track_caller]
    fn is_refused(&self, why: &str) {
        let output = self.call();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{output:?}");
    }
}

fn listening(bed: &Container) {
    bed.exec("n=0; until systemctl is-active -q ssh || [ $n -ge 100 ]; do n=$((n+1)); sleep 0.2; done");
}

/// A key that nobody certified, beside the person's own.
fn key_of(folder: &Path, name: &str) -> PathBuf {
    let key = folder.join(name);
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&key));
    key
}

fn playbook(ada: &Person, bob: &Path, rest: &str) -> String {
    let (ada, bob) = (ada.ssh(), std::fs::read_to_string(bob.with_extension("pub")).expect("made"));
    format!(
        r#"
        handler("reload sshd", |h| {{ service::reloaded("ssh"); }});
        let users = ssh::ca("users");
        let hosts = ssh::ca("hosts", #{{ comment: "hosts of the test" }});
        {rest}
        ssh::user_certificate("bob", #{{ ca: users, key: "{}", principals: ["bob"], days: 30 }});
        file::put("/etc/ssh/user_ca.pub", #{{ content: users.public_key + "\n" }});
        ssh::krl("/etc/ssh/revoked_keys", users);
        play("certified", |h| {{
            ssh::host_certificate(hosts, #{{ principals: ["certified", "127.0.0.1"], notify: "reload sshd" }});
            ssh::server(#{{
                TrustedUserCAKeys: "/etc/ssh/user_ca.pub", RevokedKeys: "/etc/ssh/revoked_keys",
                HostCertificate: "/etc/ssh/ssh_host_ed25519_key-cert.pub",
            }});
        }});
        play("plain", |h| {{
            ssh::server(#{{ TrustedUserCAKeys: "/etc/ssh/user_ca.pub", RevokedKeys: "/etc/ssh/revoked_keys" }});
            ssh::known_host("certified", #{{ key: hosts.public_key, authority: true, hash: true, system: true }});
        }});
        local(|here| file::put("{{{{known}}}}", #{{ content: ssh::cert_authority(hosts, "[127.0.0.1]:*") }}));
        "#,
        bob.trim()
    )
    .replace("{ada}", &ada)
}

#[test]
fn who_is_certified_enters_and_hosts_are_known_by_their_certificates() {
    let (certified, plain) =
        (Container::debian_with(&["--publish=127.0.0.1::22"]), Container::debian_with(&["--publish=127.0.0.1::22"]));
    [&certified, &plain].into_iter().for_each(listening);
    let inventory = format!(
        "hosts:\n  certified: {{ connect: docker, container: {} }}\n  plain: {{ connect: docker, container: {} }}\n",
        certified.name(),
        plain.name()
    );
    let bed = Bed::of(Scene::with(&inventory));
    let folder = tempfile::tempdir().expect("a folder");
    let known = folder.path().join("known_hosts");
    let bob = key_of(folder.path(), "bob");
    let script = |rest: &str| {
        playbook(&bed.ada, &bob, &rest.replace("{ada}", &bed.ada.ssh()))
            .replace("{{known}}", &known.display().to_string())
    };
    let issue = r#"ssh::user_certificate("ada@laptop", #{ ca: users, key: "{ada}", principals: ["root"] });"#;
    bed.playbook(&script(issue));

    let plan = bed.planned(0);
    assert_eq!(told(&plan, "ssh::ca"), ["a new ed25519 key", "a new ed25519 key"]);
    assert_eq!(told(&plan, "ssh::user_certificate").len(), 2);
    assert_eq!(
        told(&plan, "ssh::host_certificate"),
        ["a new certificate for the host `certified/ssh_host_ed25519_key`"]
    );
    assert!(!bed.has("pki") && !bed.has("secrets/pki"), "a plan writes nothing");

    let before = certified.exec("cat /etc/ssh/ssh_host_ed25519_key");
    bed.applied(0);
    assert_eq!(certified.exec("cat /etc/ssh/ssh_host_ed25519_key"), before);
    let again = bed.applied(0);
    assert_eq!(again.0["totals"]["changes"], 0, "{:#}", again.0);

    let certificate = |name: &str| bed.scene.project.path(&format!("pki/ssh/users/{name}-cert.pub"));
    let key = bed.ada.path(".ssh/id_ed25519");
    let client = |key: &Path, certificate: Option<PathBuf>| Client {
        folder: folder.path(),
        port: certified.published(22),
        key: key.to_owned(),
        certificate,
        strict: true,
    };
    client(&key, Some(certificate("ada@laptop"))).enters();
    client(&key, None).is_refused("Permission denied");
    client(&bob, Some(certificate("bob"))).is_refused("Permission denied");
    client(&bob, Some(certificate("ada@laptop"))).is_refused("Permission denied");

    let uncertified =
        |strict| Client { port: plain.published(22), strict, ..client(&key, Some(certificate("ada@laptop"))) };
    uncertified(true).is_refused("Host key verification failed");
    uncertified(false).enters();

    let call = |alias: &str| {
        let options = "-o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/dev/null";
        plain.exec(&format!("ssh {options} -o HostKeyAlias={alias} {} true 2>&1 || :", certified.address()))
    };
    assert!(call("certified").contains("Permission denied"), "{}", call("certified"));
    assert!(call("another").contains("Host key verification failed"), "{}", call("another"));
    assert!(!plain.exec("cat /etc/ssh/ssh_known_hosts").contains("certified"), "the name is hashed");

    // The authority's key serves ssh-keygen, too: it makes a certificate that ended yesterday, and one that did not.
    let private = folder.path().join("users-key");
    std::fs::write(&private, bed.ada.get(&bed.scene.project, "pki/ssh/users/key")).expect("written");
    std::fs::set_permissions(&private, PermissionsExt::from_mode(0o600)).expect("set");
    for (validity, enters) in [("-2d:-1d", false), ("-1d:+1d", true)] {
        let words = ["-q", "-I", "bob", "-n", "root", "-z", "77", "-V", validity, "-s"];
        run(Command::new("ssh-keygen").args(words).arg(&private).arg(bob.with_extension("pub")));
        let by_hand = client(&bob, Some(folder.path().join("bob-cert.pub")));
        if enters {
            by_hand.enters()
        } else {
            by_hand.is_refused("Permission denied")
        }
        std::fs::remove_file(folder.path().join("bob-cert.pub")).expect("made");
    }

    let stolen = folder.path().join("stolen-cert.pub");
    std::fs::copy(certificate("ada@laptop"), &stolen).expect("copied");
    let revoke = r#"ssh::revoked(users, "ada@laptop", #{ reason: "stolen" });
        ssh::user_certificate("ada@desk", #{ ca: users, key: "{ada}", principals: ["root"] });"#;
    bed.playbook(&script(revoke));
    let plan = bed.planned(0);
    assert_eq!(told(&plan, "ssh::revoked"), ["revoke `ada@laptop`, serial 1"]);
    bed.applied(0);
    client(&key, Some(stolen)).is_refused("Permission denied");
    client(&key, Some(certificate("ada@desk"))).enters();
    assert_eq!(bed.applied(0).0["totals"]["changes"], 0);
    bed.playbook(&script(issue));
    let refused = bed.applied(3);
    assert!(refused.error("certified").contains("`ada@laptop` is revoked"), "{:#}", refused.0);
}
