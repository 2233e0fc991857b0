//! What is done on the project is done once a run, whichever host comes first.

use super::{Bed, openssl, text};

const PLAYBOOK: &str = r#"
let home = cert::ca("home", #{ cn: "Home CA" });
let servers = cert::intermediate("home/servers", #{ ca: home });
let web = cert::issue("home/web", #{ ca: servers, sans: ["web.internal", "ip:10.0.0.1"], usage: "server" });
log(`${web.changed}`);
cert::present(host.data("here") + "/tls", web, #{ chain_path: "chain.pem", ca_path: "ca.pem" });
"#;

const HOSTS: [&str; 3] = ["a", "b", "c"];

/// What was issued, on whichever host it is told.
fn issued(document: &crate::scenes::Document) -> Vec<String> {
    let all = HOSTS.iter().flat_map(|host| Bed::changed(document, host));
    let mut issued: Vec<String> = all.filter(|op| !op.starts_with("cert::present")).collect();
    issued.sort();
    issued
}

const ALL: [&str; 3] = ["cert::ca home", "cert::intermediate home/servers", "cert::issue home/web"];

#[test]
fn many_hosts_have_one_authority_and_one_certificate() {
    let bed = Bed::shells(&HOSTS);
    bed.playbook(PLAYBOOK);
    let plan = bed.planned(0);
    assert_eq!(issued(&plan), ALL);
    assert!(!bed.scene.project.path("pki").exists() && !bed.scene.project.path("secrets").exists(), "a plan wrote");
    let unknown = plan.operations("b").into_iter().filter(|op| op.ends_with("/tls: unknown")).count();
    assert_eq!((unknown, plan.log("b")), (1, vec!["true"]));

    let applied = bed.applied(0);
    assert_eq!(issued(&applied), ALL);
    let file = |host: &str, name: &str| text(&bed.scene.project.path(&format!("hosts/{host}/tls/{name}")));
    for host in HOSTS {
        assert_eq!(applied.log(host), ["true"]);
        assert_eq!(file(host, "fullchain.pem"), file("a", "fullchain.pem"));
        assert_eq!(file(host, "fullchain.pem").matches("BEGIN CERT").count(), 2);
        let path = |name: &str| bed.scene.project.path(&format!("hosts/{host}/tls/{name}")).display().to_string();
        let (ca, chain, full) = (path("ca.pem"), path("chain.pem"), path("fullchain.pem"));
        openssl(&["verify", "-CAfile", &ca, "-untrusted", &chain, "-purpose", "sslserver", "-x509_strict", &full]);
        let key = openssl(&["pkey", "-in", &path("privkey.pem"), "-pubout"]);
        assert_eq!(key, openssl(&["x509", "-in", &full, "-noout", "-pubkey"]));
    }
    let again = bed.applied(0);
    assert_eq!((again.0["totals"]["changes"].as_u64(), again.log("c")), (Some(0), vec!["false"]));
    assert_eq!(bed.planned(0).0["totals"]["unknown"], 0);
}

#[test]
fn a_saved_plan_holds_whichever_host_comes_first() {
    let bed = Bed::shells(&HOSTS);
    // One host waits until all others are done: another one in the apply than in the plan.
    bed.playbook(&format!(
        "fn meet() {{ barrier(); }}\nlet last = host.name == env(\"LAST\");\nif last {{ meet(); }}\n{PLAYBOOK}\nif !last {{ meet(); }}"
    ));
    let words = ["plan", "site.rhai", "--save", "saved.plan"];
    bed.ada.cli(&bed.scene.project, words).env("LAST", "c").any_stderr().any_stdout().success();
    let words = ["apply", "saved.plan", "--json"];
    let applied = bed.ada.cli(&bed.scene.project, words).env("LAST", "a").any_stderr().json(0);
    let applied = crate::scenes::Document(applied);
    assert_eq!(issued(&applied), ALL);
    assert_ne!(applied.0["hosts"]["a"]["operations"][0]["status"], "changed", "it came last");
}

#[test]
fn one_place_for_one_host_at_work_is_enough() {
    let bed = Bed::shells(&HOSTS);
    bed.playbook(PLAYBOOK);
    let words = ["apply", "site.rhai", "--yes", "--json", "--forks", "1"];
    let applied = crate::scenes::Document(bed.ada.cli(&bed.scene.project, words).any_stderr().json(0));
    assert_eq!(issued(&applied), ALL);
}

#[test]
fn hosts_take_turns_in_a_linear_play() {
    let bed = Bed::shells(&HOSTS);
    bed.playbook(&format!("play(\"all\", #{{ strategy: \"linear\" }}, |host| {{ {PLAYBOOK} }});"));
    assert_eq!(issued(&bed.applied(0)), ALL);
}

#[test]
fn handlers_are_called_on_every_host() {
    let bed = Bed::shells(&HOSTS);
    bed.playbook(
        r#"handler("again", |h| { cmd::run("echo x >>called"); });
           cert::self_signed("lab", #{ sans: "lab.internal", days: 90, notify: "again" });"#,
    );
    for lines in [1, 1] {
        bed.applied(0);
        for host in HOSTS {
            assert_eq!(bed.scene.project.read(&format!("hosts/{host}/called")), "x\n".repeat(lines));
        }
    }
}

#[test]
fn what_only_some_of_the_authorities_issue_anew_is_known_in_a_plan() {
    let bed = Bed::shells(&["a"]);
    bed.playbook(PLAYBOOK);
    bed.applied(0);
    bed.playbook(&PLAYBOOK.replace("\"ip:10.0.0.1\"", "\"new.internal\""));
    let plan = bed.planned(0);
    assert_eq!(Bed::changed(&plan, "a"), ["cert::issue home/web"]);
    let told = Bed::texts(&plan, "a", "cert::issue");
    assert!(told.iter().any(|text| text.contains("dns:new.internal added")), "{told:?}");
    let before = bed.scene.project.read("pki/home/web/certificate.pem");
    let applied = bed.applied(0);
    assert_eq!(Bed::changed(&applied, "a").len(), 2, "{:?}", Bed::changed(&applied, "a"));
    assert_ne!(bed.scene.project.read("pki/home/web/certificate.pem"), before);
}

#[test]
fn what_does_not_run_gives_what_is_there() {
    let bed = Bed::shells(&["a"]);
    let playbook = "let lab = cert::self_signed(\"lab\", #{ sans: \"lab.internal\", when: env(\"ISSUE\") == \"yes\" });
                    file::put(host.data(\"here\") + \"/serial\", #{ content: lab.serial });";
    bed.playbook(playbook);
    let cli = || bed.ada.cli(&bed.scene.project, ["apply", "site.rhai", "--yes", "--json"]).any_stderr();
    let lost = crate::scenes::Document(cli().env("ISSUE", "no").json(1));
    assert!(lost.error("a").contains("there is no certificate `lab`"), "{}", lost.error("a"));
    cli().env("ISSUE", "yes").json(0);
    let serial = bed.scene.project.read("hosts/a/serial");
    let kept = cli().env("ISSUE", "no").json(0);
    assert_eq!((kept["totals"]["changes"].as_u64(), bed.scene.project.read("hosts/a/serial")), (Some(0), serial));
}
