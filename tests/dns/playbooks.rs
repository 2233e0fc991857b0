//! `dns::` in playbooks: made once a run, known in plans, shown to nobody.

use super::{accepts, system};
use crate::certs::Bed;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

const PLAYBOOK: &str = r#"
let here = host.data("here");
let ksk = dns::ksk("internal", #{ zones: ["internal", "podman", "nspawn"] });
let keys = dns::tsig_set("internal");
let zone = dns::zone("internal", #{
    ns: "ns1",
    hosts: #{ ns1: ["10.87.240.2", "fd00:87:240::2"], web: #{ address: ["10.87.240.10", "10.88.0.10"] }, www: #{ cname: "web" } },
});
file::put(here + "/anchors.key", #{ content: ksk.anchors });
file::put(here + "/ksk.pem", #{ content: ksk.pem });
file::put(here + "/keys.conf", #{ content: keys.bind });
file::put(here + "/internal.zone", #{ content: zone.text });
for network in ["10.87.240.1/24", "10.88.0.1/16", "fd00:87:240::1/64"] {
    for reverse in dns::reverse(network, #{ ns: "ns1.internal", from: [zone] }) {
        file::put(`${here}/${reverse.name}zone`, #{ content: reverse.text });
    }
}
log(`${zone.changed}`);
"#;

const HOSTS: [&str; 2] = ["a", "b"];

fn path(bed: &Bed, host: &str, name: &str) -> PathBuf {
    bed.scene.project.path(&format!("hosts/{host}/{name}"))
}

fn read(bed: &Bed, host: &str, name: &str) -> String {
    bed.scene.project.read(&format!("hosts/{host}/{name}"))
}

/// The number behind the contact of a zone.
fn serial(bed: &Bed, zone: &str) -> u32 {
    let text = read(bed, "a", zone);
    let words: Vec<&str> = text.lines().find(|line| line.contains(" SOA ")).expect("one").split(' ').collect();
    words[5].parse().expect("a serial")
}

/// What was made on the project, on whichever host it is told.
fn made(document: &crate::scenes::Document) -> Vec<String> {
    let all = HOSTS.iter().flat_map(|host| Bed::changed(document, host));
    let mut made: Vec<String> = all.filter(|op| op.starts_with("dns::")).collect();
    made.sort();
    made
}

#[test]
fn zones_keys_and_anchors_are_made_once_and_the_same_on_every_host() {
    let bed = Bed::shells(&HOSTS);
    bed.playbook(PLAYBOOK);
    let project = &bed.scene.project;
    let plan = bed.planned(0);
    assert!(!project.path("dns").exists() && !project.path("secrets").exists(), "a plan wrote");
    let all = [
        "dns::ksk internal",
        "dns::reverse 0.0.0.0.0.4.2.0.7.8.0.0.0.0.d.f.ip6.arpa.",
        "dns::reverse 240.87.10.in-addr.arpa.",
        "dns::reverse 88.10.in-addr.arpa.",
        "dns::tsig_set acme-update-internal",
        "dns::tsig_set notify-internal",
        "dns::tsig_set transfer-internal",
        "dns::tsig_set update-internal",
        "dns::zone internal.",
    ];
    assert_eq!(made(&plan), all);
    let unknown: Vec<String> = plan.operations("b").into_iter().filter(|op| op.ends_with(": unknown")).collect();
    assert_eq!(unknown.len(), 3, "the files that hang on keys: {unknown:?}");
    assert_eq!(plan.log("b"), ["true"]);
    let shown = plan.0.to_string();
    assert!(shown.contains("web IN A 10.87.240.10"), "what a zone will be is known: {shown}");

    let applied = bed.applied(0);
    assert_eq!(made(&applied), all);
    let zone = read(&bed, "a", "internal.zone");
    assert!(shown.contains(&serial(&bed, "internal.zone").to_string()), "the plan told another serial: {zone}");
    for file in ["anchors.key", "ksk.pem", "keys.conf", "internal.zone", "240.87.10.in-addr.arpa.zone"] {
        assert_eq!(read(&bed, "a", file), read(&bed, "b", file), "{file}");
    }
    for secret in ["ksk.pem", "keys.conf"] {
        let mode = std::fs::metadata(path(&bed, "b", secret)).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{secret}");
        let bare = read(&bed, "a", secret);
        let values = bare.lines().filter(|line| line.len() > 40 && !line.starts_with("-----"));
        for value in values.map(|line| line.trim().trim_start_matches("secret \"").trim_end_matches("\";")) {
            assert!(!applied.0.to_string().contains(value), "`{value}` of {secret} was shown");
        }
    }

    accepts(Command::new("named-checkconf").arg(path(&bed, "a", "keys.conf")));
    accepts(Command::new("kzonecheck").args(["-o", "internal"]).arg(path(&bed, "a", "internal.zone")));
    let reverse = path(&bed, "a", "88.10.in-addr.arpa.zone");
    let said = accepts(Command::new("named-checkzone").args(["-D", "88.10.in-addr.arpa"]).arg(reverse));
    assert!(said.contains("10.0.88.10.in-addr.arpa.") && said.contains("web.internal."), "{said}");
    let imported = ["-D", &path(&bed, "a", "kasp").display().to_string(), "internal", "import-pem"].map(str::to_owned);
    accepts(system("keymgr").args(imported).arg(path(&bed, "a", "ksk.pem")).args(["algorithm=13", "ksk=yes"]));

    let again = bed.applied(0);
    assert_eq!((again.0["totals"]["changes"].as_u64(), again.log("a")), (Some(0), vec!["false"]));
    assert_eq!(bed.planned(0).0["totals"]["unknown"], 0);
}

#[test]
fn a_serial_rises_once_for_all_hosts_and_is_told_in_the_plan() {
    let bed = Bed::shells(&HOSTS);
    bed.playbook(PLAYBOOK);
    bed.applied(0);
    let first = serial(&bed, "internal.zone");
    let reverse = serial(&bed, "240.87.10.in-addr.arpa.zone");
    bed.playbook(&PLAYBOOK.replace("www: #", "extra: \"10.88.0.11\", www: #"));
    let plan = bed.planned(0);
    let told: Vec<String> = HOSTS.iter().flat_map(|host| Bed::texts(&plan, host, "dns::zone")).collect();
    assert!(told.iter().any(|text| text.starts_with(&format!("serial {first} => "))), "{told:?}");
    let applied = bed.applied(0);
    assert_eq!(made(&applied), ["dns::reverse 88.10.in-addr.arpa.", "dns::zone internal."]);
    assert!(serial(&bed, "internal.zone") > first);
    assert_eq!(serial(&bed, "240.87.10.in-addr.arpa.zone"), reverse);
    assert_eq!(read(&bed, "a", "internal.zone"), read(&bed, "b", "internal.zone"));
}

#[test]
fn hosts_that_want_different_things_of_one_zone_are_told_so() {
    let bed = Bed::shells(&HOSTS);
    bed.playbook("dns::zone(\"internal\", #{ ns: \"ns.other.\", hosts: #{ web: if host.name == \"a\" { \"10.0.0.1\" } else { \"10.0.0.2\" } } });");
    let document = bed.applied_any();
    let errors: Vec<String> = HOSTS.iter().map(|host| document.error(host)).collect();
    assert!(errors.iter().any(|error| error.contains("is wanted otherwise at site.rhai:1:")), "{errors:?}");
}

#[test]
fn a_rollback_brings_back_the_hosts_of_a_zone_with_a_serial_that_rises() {
    let bed = Bed::shells(&HOSTS);
    bed.scene.project.write(".gitignore", "/hosts/\n/.rhapsode/\n");
    bed.playbook(PLAYBOOK);
    bed.applied(0);
    let Bed { ada, scene: crate::scenes::Scene { project } } = bed;
    let bed = Bed { ada, scene: crate::scenes::Scene { project: project.git() } };
    let first = bed.scene.project.commit("one");
    bed.applied(0);
    let (serial_before, key, anchors) =
        (serial(&bed, "internal.zone"), read(&bed, "a", "keys.conf"), read(&bed, "a", "anchors.key"));
    bed.playbook(&PLAYBOOK.replace("www: #", "extra: \"10.88.0.11\", www: #"));
    bed.applied(0);
    bed.scene.project.commit("two");
    let between = serial(&bed, "internal.zone");

    bed.ada.cli(&bed.scene.project, ["rollback", &first, "--yes"]).any_stderr().any_stdout().success();
    let text = read(&bed, "a", "internal.zone");
    assert!(!text.contains("10.88.0.11"), "{text}");
    let after = serial(&bed, "internal.zone");
    assert!(after > between && between > serial_before, "{serial_before} {between} {after}");
    assert_eq!((read(&bed, "a", "keys.conf"), read(&bed, "a", "anchors.key")), (key, anchors));
    assert_eq!(bed.scene.project.git_says(&["status", "--porcelain"]).lines().count(), 2, "two serials rose");
}

#[test]
fn check_knows_the_functions_and_what_they_take() {
    let cases = [
        ("dns::zon(\"internal\", #{});", "unknown operation `dns::zon`", "did you mean `dns::zone`?"),
        ("dns::zone(\"a b\", #{ ns: \"ns1\" });", "`a b` is no domain name", ""),
        ("dns::zone(\"internal\", #{ host: #{} });", "no argument `host`", "did you mean `hosts`?"),
        ("dns::zone(\"internal\", #{ hosts: #{ web: \"10.0.0.256\" } });", "host `web`", "`10.0.0.256` is no address"),
        ("dns::zone(\"internal\", #{ serial: \"today\" });", "argument `serial`", "`date`, `unix`, `increment`"),
        ("dns::reverse(\"10.0.0.0/33\", #{});", "`10.0.0.0/33` is no network", "10.87.240.0/24"),
        ("dns::ksk(\"internal\", #{ algorithm: \"rsa\" });", "argument `algorithm`", "ecdsap256sha256"),
        ("dns::tsig(\"transfer\", #{ algorithm: \"hmac-md5\" });", "argument `algorithm`", "hmac-sha256"),
    ];
    for (script, error, hint) in cases {
        let bed = Bed::shells(&["a"]);
        bed.playbook(script);
        let said = bed.ada.cli(&bed.scene.project, ["check", "site.rhai"]).any_stdout().any_stderr().exit(1).stderr;
        assert!(said.contains(error) && said.contains(hint) && said.contains("site.rhai:1:"), "{script}\n{said}");
    }
}

#[test]
fn the_key_files_of_bind_are_secrets_and_nothing_secret_enters_a_zone() {
    let bed = Bed::shells(&["a"]);
    bed.playbook(
        r#"let here = host.data("here");
           for pair in dns::bind_files(dns::ksk("home.example", #{ algorithm: "ed25519" })) {
               file::put(`${here}/${pair.file}.key`, #{ content: pair.key });
               file::put(`${here}/${pair.file}.private`, #{ content: pair.private_key });
           }"#,
    );
    let plan = bed.planned(0);
    assert_eq!(plan.operations("a").len(), 1, "the plan ends where the names of files are needed");
    let applied = bed.applied(0);
    let files: Vec<PathBuf> =
        std::fs::read_dir(path(&bed, "a", "")).expect("listed").flatten().map(|entry| entry.path()).collect();
    let private = files.iter().find(|file| file.extension().is_some_and(|end| end == "private")).expect("one");
    assert_eq!(std::fs::metadata(private).expect("there").permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(private).expect("read");
    let value = text.lines().find_map(|line| line.strip_prefix("PrivateKey: ")).expect("a value");
    assert!(!applied.0.to_string().contains(value), "{value} was shown");
    accepts(Command::new("dnssec-dsfromkey").arg(private.with_extension("key")));

    bed.playbook("dns::zone(\"internal\", #{ ns: \"ns.other.\", hosts: #{ web: #{ txt: secret(\"env:HOME\") } } });");
    let error = bed.applied_any().error("a");
    assert!(error.contains("everybody may read its options"), "{error}");
}

#[test]
fn an_apply_that_is_held_to_its_plan_takes_the_serial_that_was_announced_and_no_other() {
    let bed = Bed::shells(&HOSTS);
    // The serial of a date is another one on another day.
    let playbook = PLAYBOOK.replace("ns: \"ns1\",", "ns: \"ns1\", serial: \"increment\",");
    bed.playbook(&playbook);
    let run = |words: &[&str], code| {
        let cli = bed.ada.cli(&bed.scene.project, []);
        words.iter().fold(cli, |cli, word| cli.arg(word)).any_stdout().any_stderr().exit(code)
    };
    run(&["plan", "site.rhai", "--save", "out.plan"], 0);
    run(&["apply", "out.plan", "--yes"], 0);
    let first = serial(&bed, "internal.zone");
    assert_eq!(read(&bed, "a", "keys.conf"), read(&bed, "b", "keys.conf"));

    bed.playbook(&playbook.replace("www: #", "extra: \"10.88.0.11\", www: #"));
    run(&["plan", "site.rhai", "--save", "out.plan"], 0);
    let kept = bed.scene.project.read("dns/zones/internal.json");
    bed.scene.project.write("dns/zones/internal.json", kept.replace(&first.to_string(), &(first + 7).to_string()));
    run(&["apply", "out.plan", "--yes"], 7);
    assert_eq!(serial(&bed, "internal.zone"), first);
    run(&["plan", "site.rhai", "--save", "out.plan"], 0);
    run(&["apply", "out.plan", "--yes"], 0);
    assert_eq!(serial(&bed, "internal.zone"), first + 8);

    // That of the second in which it is taken is known then.
    bed.playbook(&playbook.replace("\"increment\"", "\"unix\"").replace("www: #", "more: \"10.88.0.12\", www: #"));
    let plan = bed.planned(0);
    assert!(
        plan.operations("a").iter().any(|op| op.ends_with("/internal.zone: unknown")),
        "{:?}",
        plan.operations("a")
    );
    run(&["plan", "site.rhai", "--save", "out.plan"], 0);
    run(&["apply", "out.plan", "--yes"], 0);
    assert!(serial(&bed, "internal.zone") > 1_700_000_000);
}
