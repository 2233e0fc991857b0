//! What an interrupted run did on the project counts for the hosts that it left, and what it left half done is finished.

use super::{Bed, openssl, text};
use crate::scenes::{Document, Running};
use crate::support::hosts::eventually;
use rhapsode::secret::committed::Locked;

/// `a` gets to its end, `b` stops behind the work on the project, `c` before it.
const PLAYBOOK: &str = r#"
fn waits() { cmd::run("touch waits; while [ ! -e go ]; do sleep 0.1; done"); }
handler("again", |h| { cmd::run("echo x >>called"); });
if host.name == "c" { waits(); }
let here = host.data("here");
let home = cert::ca("home");
let web = cert::issue("home/web", #{ ca: home, sans: "web.internal", notify: "again" });
let users = ssh::ca("users");
let key = ssh::key("deploy");
let ada = ssh::user_certificate("ada", #{ ca: users, key: key, principals: ["ada"] });
let ksk = dns::ksk("internal");
let tsig = dns::tsig("transfer");
let zone = dns::zone("internal", #{ ns: "ns1", hosts: #{ ns1: "10.0.0.2" } });
log(`${web.changed} ${users.changed} ${key.changed} ${ada.changed} ${ksk.changed} ${tsig.changed} ${zone.changed}`);
if web.changed { cmd::run("echo x >>changed"); }
cert::present(here + "/tls", web);
file::put(here + "/cert.pub", #{ content: ada.certificate + "\n" });
file::put(here + "/zone", #{ content: zone.text });
if host.name == "b" { waits(); }
cmd::run("touch after");
"#;

const HOSTS: [&str; 3] = ["a", "b", "c"];

fn applying(bed: &Bed) -> Running {
    Running::of(&bed.scene, &["apply", "site.rhai", "--yes", "--json"], &bed.ada.variables())
}

fn resumed(bed: &Bed) -> Document {
    Document(bed.ada.cli(&bed.scene.project, ["resume", "--json"]).any_stderr().json(0))
}

#[test]
fn what_one_host_did_for_all_of_them_is_known_to_those_that_go_on() {
    for signal in ["INT", "KILL"] {
        let bed = Bed::shells(&HOSTS);
        let project = &bed.scene.project;
        bed.playbook(PLAYBOOK);
        let running = applying(&bed);
        let at = |host: &str, file: &str| project.path(&format!("hosts/{host}/{file}"));
        eventually("two wait", || at("b", "waits").exists() && at("c", "waits").exists());
        let recorded = || bed.ada.cli(project, ["show", "last", "--json"]).any_stderr().json_of_any_exit();
        let done = |host: &str| recorded()["hosts"][host]["operations"].as_array().map_or(0, Vec::len);
        eventually("it is written down", || done("a") >= 12 && done("b") == 12);
        running.signal(signal);
        running.wait();
        let made = project.read("pki/home/web/record.json");
        for host in ["b", "c"] {
            project.write(&format!("hosts/{host}/go"), "");
        }
        let document = resumed(&bed);
        assert_eq!(document.hosts(), ["b", "c"], "{signal}");
        for host in ["b", "c"] {
            assert_eq!(document.log(host), ["true true true true true true true"], "{signal} {host}");
        }
        for host in HOSTS {
            for file in ["called", "changed"] {
                assert_eq!(text(&at(host, file)), "x\n", "{signal} {host} {file}");
            }
            for file in ["tls/fullchain.pem", "cert.pub", "zone"] {
                assert_eq!(text(&at(host, file)), text(&at("a", file)), "{signal} {host} {file}");
            }
            assert!(at(host, "after").exists());
        }
        assert_eq!(project.read("pki/home/web/record.json"), made, "nothing is issued twice");
        let again = bed.applied(0);
        let issued: Vec<String> = HOSTS.iter().flat_map(|host| Bed::changed(&again, host)).collect();
        assert!(issued.iter().all(|op| op.starts_with("cmd::run")), "{issued:?}");
    }
}

#[test]
fn a_run_that_was_killed_while_it_issued_is_finished_by_the_next_one() {
    let here = "let here = host.data(\"here\");\nlet home = cert::ca(\"home\");\n";
    let web = format!(
        "{here}let web = cert::issue(\"home/web\", #{{ ca: home, sans: \"web.internal\" }});\n\
         cert::present(here + \"/tls\", web, #{{ ca_path: \"root.pem\" }});"
    );
    for verb in ["resume", "apply"] {
        let bed = Bed::shells(&["a"]);
        let project = &bed.scene.project;
        std::fs::create_dir(project.path("secrets")).expect("made");
        // Once in the middle of the authority, once in that of the certificate.
        for name in ["home", "home/web"] {
            bed.playbook(if name == "home" { here } else { &web });
            // Keys cannot be kept as long as somebody reads the folder.
            let reader = Locked::to_read(&project.path("secrets")).expect("locked");
            let running = applying(&bed);
            let mark = project.path(&format!("pki/{name}/.unfinished"));
            eventually("it is at work", || mark.exists());
            running.signal("KILL");
            running.wait();
            drop(reader);
            assert!(mark.exists());
            let plan = bed.planned(0);
            assert_eq!(Bed::texts(&plan, "a", if name == "home" { "cert::ca" } else { "cert::issue" }).len(), 1);
            match verb {
                "resume" => assert_eq!(resumed(&bed).status("a"), "changed"),
                _ => assert_eq!(bed.applied(0).status("a"), "changed"),
            }
            assert!(!mark.exists());
        }
        let path = |name: &str| project.path(&format!("hosts/a/tls/{name}")).display().to_string();
        openssl(&["verify", "-x509_strict", "-CAfile", &path("root.pem"), &path("fullchain.pem")]);
        let key = openssl(&["pkey", "-in", &path("privkey.pem"), "-pubout"]);
        assert_eq!(key, openssl(&["x509", "-in", &path("fullchain.pem"), "-noout", "-pubkey"]));
        let again = bed.applied(0);
        assert_eq!(again.0["totals"]["changes"], 0, "{:#}", again.0);
    }
}
