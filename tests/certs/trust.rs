//! Whom hosts trust: Debian with its own tools; the layouts of Alpine and Fedora with stand-ins for theirs, as no image of
//! either can be had here; a folder with hash links as OpenSSL reads it.

use super::{Bed, Foreign, openssl};
use crate::support::docker::{Container, docker};
use crate::support::shell::{converge, plan};
use serde_json::{Value, json};
use std::path::Path;

fn want(authorities: &[&Foreign]) -> Value {
    let texts: Vec<String> = authorities.iter().map(|one| one.read("ca.crt")).collect();
    let hashes: Vec<String> = authorities.iter().map(|one| one.hash()).collect();
    json!({ "name": "home", "certificates": texts.concat(), "subject_hashes": hashes })
}

fn absent() -> Value {
    json!({ "name": "home", "present": false })
}

/// Serves with a certificate of this authority, and asks with curl: its exit status.
fn curl(container: &Container, authority: &Foreign) -> String {
    for file in ["leaf.crt", "leaf.key"] {
        container.write(&format!("/root/{file}"), authority.read(file));
    }
    container.exec(
        "openssl s_server -quiet -www -accept 8443 -cert /root/leaf.crt -key /root/leaf.key >/dev/null 2>&1 & echo $! >/run/s
         n=0; until openssl s_client -connect localhost:8443 </dev/null >/dev/null 2>&1 || [ $n -ge 50 ]; do
             n=$((n+1)); sleep 0.1
         done",
    );
    let code = container.says("curl -s -o /dev/null https://localhost:8443/; echo $?");
    container.exec("kill $(cat /run/s)");
    code
}

#[test]
fn debian_trusts_an_authority_as_long_as_it_is_wanted() {
    let container = Container::asleep("rh-debian", &[]);
    let shell = &mut container.shell();
    let (home, next) = (Foreign::new("Home"), Foreign::new("Next"));
    assert_eq!(curl(&container, &home), "60");
    let path = "/usr/local/share/ca-certificates/home";
    let made = converge(shell, "cert::trust", want(&[&home]));
    assert_eq!(made, [format!("create {path}.crt"), "update-ca-certificates".into()]);
    assert_eq!(curl(&container, &home), "0");
    assert_eq!(curl(&container, &next), "60");

    let both = converge(shell, "cert::trust", want(&[&home, &next]));
    assert_eq!(both, [format!("create {path}+2.crt"), "update-ca-certificates".into()]);
    assert_eq!((curl(&container, &home), curl(&container, &next)), ("0".into(), "0".into()));

    // The files stay as they are, but somebody made the store without them.
    container.exec("printf '' >/etc/ssl/certs/ca-certificates.crt");
    assert_eq!(converge(shell, "cert::trust", want(&[&home, &next])), ["update-ca-certificates"]);

    converge(shell, "cert::trust", want(&[&next]));
    assert_eq!((curl(&container, &home), curl(&container, &next)), ("60".into(), "0".into()));
    let gone = converge(shell, "cert::trust", absent());
    assert_eq!(gone, [format!("remove {path}.crt"), "update-ca-certificates --fresh".into()]);
    assert_eq!(curl(&container, &next), "60");
    assert_eq!(container.says("ls -A /usr/local/share/ca-certificates; ls /etc/ssl/certs | grep -c home || :"), "0");
}

/// Makes the store as the tool of Alpine does it: one bundle, and a link to each file.
const ALPINE: &str = r#"#!/bin/sh
mkdir -p /etc/ssl/certs && cd /usr/local/share/ca-certificates || exit 1
rm -f /etc/ssl/certs/ca-cert-*.pem; : >/etc/ssl/certs/bundle
for f in *.crt; do
    [ -e "$f" ] || continue
    cat "$f" >>/etc/ssl/certs/bundle; ln -s "$PWD/$f" "/etc/ssl/certs/ca-cert-${f%.crt}.pem"
done
mv /etc/ssl/certs/bundle /etc/ssl/certs/ca-certificates.crt
"#;

/// The same for Fedora: the bundle of `update-ca-trust extract`.
const FEDORA: &str = r#"#!/bin/sh
[ "$1" = extract ] || exit 2
d=/etc/pki/ca-trust/extracted/pem
cat /etc/pki/ca-trust/source/anchors/* >$d/new 2>/dev/null
mv $d/new $d/tls-ca-bundle.pem
"#;

/// A host with nothing but busybox, and a tool.
fn with_tool(path: &str, script: &str, folders: &str) -> Container {
    let container = Container::busybox();
    container.exec(&format!("mkdir -p {} {folders}", path.rsplit_once('/').expect("a path").0));
    container.write(path, script);
    container.exec(&format!("chmod 755 {path}"));
    container
}

/// Copies a file out of a container.
fn copied(container: &Container, path: &str, into: &Path) -> String {
    let there = into.join(path.rsplit('/').next().expect("a name"));
    docker(&["cp", &format!("{}:{path}", container.name()), &there.display().to_string()]);
    there.display().to_string()
}

#[test]
fn the_layouts_of_alpine_and_fedora_are_kept() {
    let (home, next) = (Foreign::new("Home"), Foreign::new("Next"));
    let beds = [
        (
            with_tool("/usr/sbin/update-ca-certificates", ALPINE, "/usr/local/share/ca-certificates"),
            ("/usr/local/share/ca-certificates", "crt", "update-ca-certificates", "update-ca-certificates --fresh"),
            "/etc/ssl/certs/ca-certificates.crt",
        ),
        (
            with_tool(
                "/usr/bin/update-ca-trust",
                FEDORA,
                "/etc/pki/ca-trust/source/anchors /etc/pki/ca-trust/extracted/pem",
            ),
            ("/etc/pki/ca-trust/source/anchors", "pem", "update-ca-trust extract", "update-ca-trust extract"),
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        ),
    ];
    for (container, (folder, ending, update, fresh), bundle) in beds {
        let shell = &mut container.shell();
        let made = converge(shell, "cert::trust", want(&[&home, &next]));
        assert_eq!(
            made,
            [format!("create {folder}/home.{ending}"), format!("create {folder}/home+2.{ending}"), update.into()]
        );
        let here = tempfile::tempdir().expect("a folder");
        let store = copied(&container, bundle, here.path());
        for one in [&home, &next] {
            openssl(&["verify", "-CAfile", &store, &one.path("leaf.crt")]);
        }
        let gone = converge(shell, "cert::trust", absent());
        assert_eq!(gone.last().map(String::as_str), Some(fresh));
        assert_eq!(container.says(&format!("cat {bundle}; ls {folder}")), "");
    }
}

#[test]
fn a_tool_that_leaves_a_certificate_out_is_told() {
    let container = with_tool("/usr/sbin/update-ca-certificates", "#!/bin/sh\nexit 0\n", "/usr/local/share");
    let shell = &mut container.shell();
    let plan = plan(shell, "cert::trust", want(&[&Foreign::new("Home")])).expect("a plan");
    let error = rhapsode::ops::apply(&plan, shell).expect_err("nothing was made");
    assert!(format!("{error:?}").contains("left a certificate out of /etc/ssl/certs/ca-certificates.crt"), "{error:?}");
}

#[test]
fn where_no_tool_is_openssl_finds_authorities_by_their_hash() {
    let container = Container::busybox();
    let shell = &mut container.shell();
    // The same subject, so the same hash: as while a root is replaced.
    let (old, new, other) = (Foreign::new("Home"), Foreign::new("Home"), Foreign::new("Home"));
    let hash = old.hash();
    container.exec("mkdir -p /etc/ssl/certs");
    container.write("/etc/ssl/certs/other.pem", other.read("ca.crt"));
    container.exec(&format!("ln -s other.pem /etc/ssl/certs/{hash}.0"));
    let verifies = |one: &Foreign| {
        let here = tempfile::tempdir().expect("a folder");
        docker(&["cp", &format!("{}:/etc/ssl/certs", container.name()), &here.path().display().to_string()]);
        let folder = here.path().join("certs").display().to_string();
        let words = ["verify", "-no-CAfile", "-no-CAstore", "-CApath", &folder, &one.path("leaf.crt")];
        std::process::Command::new("openssl").args(words).output().expect("openssl starts").status.success()
    };
    let all = |wanted: [bool; 3]| assert_eq!([verifies(&other), verifies(&old), verifies(&new)], wanted);
    all([true, false, false]);
    let made = converge(shell, "cert::trust", want(&[&old]));
    assert_eq!(
        made,
        ["create /etc/ssl/certs/home.pem".to_owned(), format!("link /etc/ssl/certs/{hash}.1 to home.pem")]
    );
    all([true, true, false]);
    converge(shell, "cert::trust", want(&[&old, &new]));
    all([true, true, true]);
    // The one in front goes: what follows the gap must still be found.
    container.exec(&format!("cd /etc/ssl/certs && mv {hash}.0 x && mv {hash}.2 {hash}.0 && mv x {hash}.2"));
    converge(shell, "cert::trust", want(&[&old]));
    all([true, true, false]);
    converge(shell, "cert::trust", absent());
    all([true, false, false]);
    assert_eq!(container.says("ls /etc/ssl/certs"), format!("{hash}.0\nother.pem"));
}

#[test]
fn what_is_declared_no_more_is_trusted_no_more() {
    let container = Container::asleep("rh-debian", &[]);
    let bed = Bed::containers(&[("web", &container)]);
    let home = Foreign::new("Home");
    bed.scene.project.write("ca.pem", home.read("ca.crt"));
    bed.playbook("cert::trust(\"home\", #{ src: \"ca.pem\" });\nfile::put(\"/srv/x\", #{ content: \"x\" });\n");
    bed.planned(0);
    bed.applied(0);
    assert_eq!(bed.applied(0).0["totals"]["changes"], 0);
    assert_eq!(container.says("ls /usr/local/share/ca-certificates"), "home.crt");
    bed.playbook("file::put(\"/srv/x\", #{ content: \"x\" });\n");
    let cli = bed.ada.cli(&bed.scene.project, ["apply", "site.rhai", "--yes", "--prune"]);
    cli.any_stderr().any_stdout().success();
    assert_eq!(container.says("ls -A /usr/local/share/ca-certificates"), "");
    assert_eq!(curl(&container, &home), "60");
}
