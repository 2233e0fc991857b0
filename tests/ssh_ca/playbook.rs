//! Keys and certificates in playbooks, without any sshd.

use super::{Bed, told};
use crate::scenes::Scene;
use std::os::unix::fs::PermissionsExt;

#[test]
fn keys_are_made_once_for_all_hosts_and_a_plan_writes_none() {
    let bed = Bed::of(Scene::shells(&["a", "b", "c"]));
    bed.playbook(
        r#"
        let key = ssh::key("deploy", #{ comment: "deploy@home" });
        file::put(host.data("here") + "/id", #{ content: key.private_key });
        file::put(host.data("here") + "/id.pub", #{ content: key.public_key + "\n" });
        "#,
    );
    let plan = bed.planned(0);
    assert_eq!(told(&plan, "ssh::key"), ["a new ed25519 key"]);
    assert!(plan.operations("b").iter().any(|line| line.ends_with("/id: unknown")), "{:?}", plan.operations("b"));
    assert!(!bed.has("pki") && !bed.has("secrets"));
    bed.applied(0);
    let read = |path: &str| bed.scene.project.read(path);
    assert!(read("hosts/a/id").starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    assert_eq!(read("hosts/a/id"), read("hosts/c/id"));
    assert_eq!(read("hosts/b/id.pub"), read("pki/ssh/deploy.pub"));
    let mode = std::fs::metadata(bed.scene.project.path("hosts/a/id")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = bed.applied(0);
    assert_eq!(again.0["totals"]["changes"], 0, "{:#}", again.0);
    let shown =
        bed.ada.cli(&bed.scene.project, ["apply", "site.rhai", "--yes", "-vvv"]).any_stdout().any_stderr().success();
    let line = read("hosts/a/id").lines().nth(3).expect("a long key").to_owned();
    assert!(!shown.stdout.contains(&line) && !shown.stderr.contains(&line));
}

#[test]
fn an_authority_gives_its_key_to_no_script() {
    let bed = Bed::of(Scene::shells(&["a"]));
    bed.playbook(r#"let ca = ssh::ca("users"); log(ca.private_key);"#);
    let refused = bed.applied(1);
    assert!(refused.error("a").contains("the private key of the authority `users` stays"), "{:#}", refused.0);
    bed.playbook(r#"ssh::ca("users"); log(secret("pki/ssh/users/key"));"#);
    let refused = bed.ada.cli(&bed.scene.project, ["apply", "site.rhai", "--yes"]).any_stdout();
    refused.stderr_contains("`pki/ssh/users/key` holds the key of the authority `ssh/users`, which stays").exit(1);
    bed.playbook(r#"cert::self_signed("ssh/users", #{ sans: "a.example" });"#);
    let refused = bed.ada.cli(&bed.scene.project, ["apply", "site.rhai", "--yes"]).any_stdout();
    refused.stderr_contains("`pki/ssh` is for keys of OpenSSH").exit(3);
}

#[test]
fn reasons_of_a_new_certificate_are_told() {
    let bed = Bed::of(Scene::shells(&["a", "b"]));
    let script = |rest: &str| {
        format!(
            r#"let ca = ssh::ca("users");
            let key = ssh::key("ada");
            let ada = ssh::user_certificate("ada", #{{ ca: ca, key: key, principals: ["ada"{rest} }});
            log(`${{ada.serial}} ${{ada.changed}}`);"#
        )
    };
    bed.playbook(&script("]"));
    assert_eq!(told(&bed.planned(0), "ssh::user_certificate").len(), 0, "the key is not known yet");
    let first = bed.applied(0);
    assert_eq!((first.log("a"), first.log("b")), (vec!["1 true"], vec!["1 true"]));
    bed.playbook(&script(r#", "deploy"], days: 7, extensions: ["permit-pty"]"#));
    let plan = bed.planned(0);
    let reasons = [
        "principal `deploy` added",
        "extension `permit-X11-forwarding` removed",
        "extension `permit-agent-forwarding` removed",
        "extension `permit-port-forwarding` removed",
        "extension `permit-user-rc` removed",
        "valid for 90 days => 7 days",
    ];
    assert_eq!(told(&plan, "ssh::user_certificate"), reasons);
    assert_eq!(bed.applied(0).log("b"), ["2 true"]);
    assert_eq!(bed.applied(0).log("b"), ["2 false"]);
    bed.playbook(&script(r#"], days: 1, renew_days: 1"#));
    assert!(bed.applied(1).error("a").contains("`renew_days` must be less than `days`"));
}

#[test]
fn one_name_is_one_certificate_for_all_hosts() {
    let bed = Bed::of(Scene::shells(&["a", "b"]));
    bed.playbook(
        r#"ssh::ca("users");
        ssh::user_certificate("ada", #{ ca: "users", key: ssh::key("ada"), principals: [host.name] });"#,
    );
    let refused = bed.applied(3);
    let errors = [refused.error("a"), refused.error("b")];
    assert!(errors.iter().any(|error| error.contains("is wanted otherwise at site.rhai:2:")), "{errors:?}");
}

#[test]
fn lists_of_keys_come_from_files_texts_and_keys() {
    let bed = Bed::of(Scene::shells(&["a"]));
    let developer = bed.ada.ssh();
    bed.scene.project.write("keys/developers.pub", format!("# ada\n{developer}"));
    bed.playbook(
        r#"let here = host.data("here");
        let keys = ssh::authorized_keys(["keys/developers.pub", ssh::key("provision"), "ssh-rsa-none x"]);"#,
    );
    assert!(bed.applied(1).error("a").contains("is no public key of OpenSSH"));
    bed.playbook(
        r#"let here = host.data("here");
        let keys = ssh::authorized_keys(["keys/developers.pub", ssh::key("provision")]);
        file::put(here + "/authorized_keys", #{ content: keys });
        let ca = ssh::ca("hosts");
        let options = #{ hash: true };
        file::put(here + "/known", #{ content: ssh::cert_authority(ca, ["*.example", "b"]) });
        file::put(here + "/hashed", #{ content: ssh::cert_authority("hosts", "git.example", options) });"#,
    );
    bed.applied(0);
    let read = |path: &str| bed.scene.project.read(path);
    assert_eq!(read("hosts/a/authorized_keys"), format!("{developer}\n{}", read("pki/ssh/provision.pub")));
    let ca = read("pki/ssh/hosts.pub").trim_end().strip_suffix(" hosts").expect("a comment").to_owned();
    assert_eq!(read("hosts/a/known"), format!("@cert-authority *.example {ca}\n@cert-authority b {ca}\n"));
    let hashed = read("hosts/a/hashed");
    assert!(hashed.starts_with("@cert-authority |1|") && !hashed.contains("git"), "{hashed}");
    assert_eq!(bed.applied(0).0["totals"]["changes"], 0);
}

#[test]
fn a_host_that_is_left_out_is_not_asked_for_its_key() {
    let bed = Bed::of(Scene::shells(&["a"]));
    bed.playbook(r#"ssh::host_certificate(ssh::ca("hosts"), #{ when: false, mode: "0644", days: 30 });"#);
    assert!(bed.applied(0).operations("a").iter().any(|line| line.ends_with("-cert.pub: skipped")));
    bed.playbook(r#"ssh::host_certificate("hosts", #{ key: "/nowhere/key.pub" });"#);
    assert!(bed.applied(3).error("a").contains("there is no `/nowhere/key.pub`"));
    let check = bed.ada.cli(&bed.scene.project, ["check", "site.rhai"]).any_stdout().any_stderr();
    check.success();
    bed.playbook(r#"ssh::host_certificate("hosts", #{ principal: "a" });"#);
    let check = bed.ada.cli(&bed.scene.project, ["check", "site.rhai"]).any_stdout();
    check.stderr_contains("did you mean `principals`?").exit(1);
}

#[test]
fn a_rollback_takes_the_keys_of_its_commit_and_makes_none() {
    let bed = Bed::of(Scene::shells(&["a"]));
    bed.playbook(r#"file::put(host.data("here") + "/id.pub", #{ content: ssh::key("one").public_key });"#);
    bed.scene.project.git_says(&["init", "--quiet", "--initial-branch=main"]);
    bed.scene.project.write(".gitignore", ".rhapsode\nhosts\n");
    bed.scene.project.commit("first");
    bed.applied(0);
    let first = bed.scene.project.commit("its key");
    bed.applied(0);
    let key = bed.scene.project.read("hosts/a/id.pub");
    bed.playbook(r#"file::put(host.data("here") + "/id.pub", #{ content: ssh::key("two").public_key });"#);
    bed.scene.project.commit("another");
    bed.applied(0);
    bed.scene.project.commit("its key, too");
    assert_ne!(bed.scene.project.read("hosts/a/id.pub"), key);
    bed.ada.cli(&bed.scene.project, ["rollback", &first, "--yes"]).any_stdout().any_stderr().success();
    assert_eq!(bed.scene.project.read("hosts/a/id.pub"), key);
    assert_eq!(bed.scene.project.git_says(&["status", "--porcelain"]), "");
}

#[test]
fn an_apply_that_is_held_to_its_plan_makes_what_was_announced_and_nothing_else() {
    let bed = Bed::of(Scene::shells(&["a", "b"]));
    let script = |principal: &str| {
        format!(
            r#"let here = host.data("here");
            let ca = ssh::ca("users");
            let key = ssh::key("ada");
            let ada = ssh::user_certificate("ada", #{{ ca: ca, key: key, principals: ["{principal}"] }});
            file::put(here + "/cert.pub", #{{ content: ada.certificate + "\n" }});
            ssh::krl(here + "/revoked", ca);"#
        )
    };
    bed.playbook(&script("ada"));
    let run = |words: [&str; 4], code| bed.ada.cli(&bed.scene.project, words).any_stdout().any_stderr().exit(code);
    run(["plan", "site.rhai", "--save", "out.plan"], 0);
    run(["apply", "out.plan", "--yes", "-q"], 0);
    let certificate = bed.scene.project.read("pki/ssh/users/ada-cert.pub");
    assert_eq!(bed.scene.project.read("hosts/b/cert.pub"), certificate);
    run(["plan", "site.rhai", "--save", "out.plan"], 0);
    bed.scene.project.write("pki/ssh/users/ada-cert.pub", "gone\n");
    run(["apply", "out.plan", "--yes", "-q"], 7);
    assert_eq!(bed.scene.project.read("pki/ssh/users/ada-cert.pub"), "gone\n");
}

#[test]
fn a_rollback_deploys_no_certificate_that_was_revoked_since() {
    let bed = Bed::of(Scene::shells(&["a"]));
    let script = |rest: &str| {
        format!(
            r#"let here = host.data("here");
            let users = ssh::ca("users");
            {rest}
            let ada = ssh::user_certificate("ada", #{{ ca: users, key: ssh::key("ada"), principals: ["ada"] }});
            file::put(here + "/cert.pub", #{{ content: ada.certificate + "\n" }});
            ssh::krl(here + "/revoked", users);"#
        )
    };
    bed.playbook(&script(""));
    bed.scene.project.git_says(&["init", "--quiet", "--initial-branch=main"]);
    bed.scene.project.write(".gitignore", ".rhapsode\nhosts\n");
    bed.applied(0);
    let first = bed.scene.project.commit("one");
    bed.applied(0);
    let one = bed.scene.project.read("hosts/a/cert.pub");
    bed.playbook(&script("ssh::revoked(users, 1);"));
    bed.applied(0);
    bed.scene.project.commit("revoked");
    let (two, list) =
        (bed.scene.project.read("hosts/a/cert.pub"), std::fs::read(bed.scene.project.path("hosts/a/revoked")));
    assert_ne!(one, two);
    let back = || bed.ada.cli(&bed.scene.project, ["rollback", &first, "--yes"]).any_stdout();
    back().any_stderr().success();
    assert_eq!(bed.scene.project.read("hosts/a/cert.pub"), two);
    assert_eq!(std::fs::read(bed.scene.project.path("hosts/a/revoked")).expect("there"), list.expect("there"));

    bed.playbook("ssh::revoked(\"users\", \"ada\");");
    bed.applied(0);
    bed.scene.project.commit("the name, too");
    back().stderr_contains("`ada` is revoked by the authority `users`").exit(3);
    assert_eq!(bed.scene.project.read("hosts/a/cert.pub"), two);
}
