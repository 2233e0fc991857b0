//! The key of an authority goes to no host, by whatever name a playbook asks for it.

use super::Bed;
use crate::secrets::run;
use std::path::Path;
use std::process::Command;

/// A project with an authority of each kind, and a certificate.
fn bed() -> Bed {
    let bed = Bed::shells(&["a"]);
    bed.playbook(
        r#"let home = cert::ca("home");
           cert::issue("home/web", #{ ca: home, sans: "web.internal" });
           ssh::ca("users");"#,
    );
    bed.applied(0);
    bed
}

/// Writes what stands behind a reference to the host, behind an operation that must not be executed.
fn playbook(content: &str) -> String {
    format!(
        "file::put(host.data(\"here\") + \"/first\", #{{ content: \"x\" }});\nfile::put(host.data(\"here\") + \"/key\", #{{ {content} }});"
    )
}

/// Exports a private key to a file.
fn exported(bed: &Bed, name: &str, file: &Path) {
    let file = file.display().to_string();
    bed.ada.cli(&bed.scene.project, ["pki", "export", name, "key", "-o", &file]).any_stderr().success();
}

#[test]
fn every_provider_refuses_it_before_any_change() {
    let bed = bed();
    let (ada, project) = (&bed.ada, &bed.scene.project);
    exported(&bed, "home", &ada.path("home.pem"));
    let key = std::fs::read_to_string(ada.path("home.pem")).expect("exported");
    run(Command::new("age").args(["-r", &ada.ssh(), "-o"]).arg(project.path("home.age")).arg(ada.path("home.pem")));
    ada.set(project, "copied", &key);
    let ssh = ada.get(project, "pki/ssh/users/key");
    ada.set(project, "ssh/copied", &ssh);
    let references = [
        ("pki/home/key", "home"),
        ("copied", "home"),
        ("generate:copied", "home"),
        ("sops:secrets/pki/home.sops.yaml#key", "home"),
        ("sops:secrets/pki/home.sops.yaml", "home"),
        ("file:~/home.pem", "home"),
        ("cmd:base64 ~/home.pem", "home"),
        ("env:KEY", "home"),
        ("age:home.age", "home"),
        ("pki/ssh/users/key", "ssh/users"),
        ("ssh/copied", "ssh/users"),
    ];
    for (reference, authority) in references {
        for verb in ["plan", "apply"] {
            bed.playbook(&playbook(&format!("content: secret({reference:?})")));
            let words = [verb, "site.rhai", "--yes"];
            let words: &[&str] = if verb == "plan" { &words[..2] } else { &words };
            let cli = words.iter().fold(ada.cli(project, []), |cli, word| cli.arg(word)).env("KEY", &key);
            let says = format!(
                "the secret `{reference}` holds the key of the authority `{authority}`, which stays in the project"
            );
            let ran = cli.any_stdout().stderr_contains(&says).stderr_contains("site.rhai:2:").exit(1);
            assert!(ran.stderr.contains("hint: issue a certificate by it"), "{}", ran.stderr);
            assert!(
                !ran.stderr.contains("MI") && !project.path("hosts/a/first").exists(),
                "{reference}: {}",
                ran.stderr
            );
        }
    }
}

#[test]
fn so_do_secrets_that_are_named_at_run_time_and_files_in_clear() {
    let bed = bed();
    let project = &bed.scene.project;
    project.write("files/README", "");
    exported(&bed, "home", &project.path("files/home.pem"));
    let cases = [
        ("let name = \"pki/\" + \"home\";\n", "content: secret(name + \"/key\")", "the secret `pki/home/key`"),
        ("", "src: \"files/home.pem\"", "the file `files/home.pem`"),
    ];
    for (before, content, what) in cases {
        bed.playbook(&format!("{before}{}", playbook(content)));
        let error = bed.applied_any().error("a");
        assert!(error.contains(&format!("{what} holds the key of the authority `home`")), "{error}");
        assert!(!project.path("hosts/a/key").exists());
    }
}

#[test]
fn keys_that_are_no_authority_s_go_where_they_are_wanted() {
    let bed = bed();
    let project = &bed.scene.project;
    project.write("files/README", "");
    exported(&bed, "home/web", &project.path("files/web.pem"));
    bed.playbook(
        r#"let here = host.data("here");
           file::put(here + "/one", #{ content: secret("pki/home/web/key") });
           file::put(here + "/two", #{ src: "files/web.pem" });
           file::put(here + "/ksk", #{ content: dns::ksk("internal").pem });"#,
    );
    bed.applied(0);
    assert_eq!(project.read("hosts/a/one"), project.read("hosts/a/two"));
    assert!(project.read("hosts/a/ksk").starts_with("-----BEGIN PRIVATE KEY-----"));
}
