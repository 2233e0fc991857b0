//! Keys with their certificates as services read them, and encrypted files for people.

use super::{Bed, openssl};
use crate::secrets::run;
use crate::support::docker::Container;
use std::process::Command;

#[test]
fn services_find_their_files_as_they_want_them() {
    let container = Container::asleep("rh-debian", &[]);
    container.exec("groupadd haproxy && useradd -r postgres");
    let bed = Bed::containers(&[("db", &container)]);
    bed.playbook(
        r#"let home = cert::ca("home");
           let between = cert::intermediate("home/servers", #{ ca: home });
           let db = cert::issue("home/db", #{ ca: between, sans: "db.internal" });
           cert::present("/etc/postgresql/tls", db, #{
               cert_path: "server.crt", key_path: "/etc/ssl/private/db.key", ca_path: "root.crt", chain_path: "chain.crt",
               chain: false, owner: "postgres", group: "postgres",
           });
           cert::present("/etc/haproxy/certs/db.pem", db, #{ group: "haproxy", mode: "0640" });
           cert::present("/srv/tls", #{ cert: db.cert, chain: db.chain, key: db.key });"#,
    );
    bed.applied(0);
    assert_eq!(bed.applied(0).0["totals"]["changes"], 0);
    let list = "cd /; for f in etc/postgresql/tls etc/haproxy/certs srv/tls etc/ssl/private/db.key; do
                find $f -type f -printf '%p %m %u:%g\\n'; done | sort";
    let wanted = "etc/haproxy/certs/db.pem 640 root:haproxy\netc/postgresql/tls/chain.crt 644 postgres:postgres\n\
                  etc/postgresql/tls/root.crt 644 postgres:postgres\netc/postgresql/tls/server.crt 644 postgres:postgres\n\
                  etc/ssl/private/db.key 600 postgres:postgres\nsrv/tls/fullchain.pem 644 root:root\n\
                  srv/tls/privkey.pem 600 root:root";
    assert_eq!(container.says(list), wanted);
    let blocks = |path: &str| container.says(&format!("grep -h BEGIN {path} | sort | uniq -c | tr -s ' '"));
    assert_eq!(blocks("/etc/postgresql/tls/server.crt").trim(), "1 -----BEGIN CERTIFICATE-----");
    let all = blocks("/etc/haproxy/certs/db.pem");
    assert!(all.contains("2 -----BEGIN CERTIFICATE") && all.contains("1 -----BEGIN PRIVATE KEY"), "{all}");
    container.exec("openssl verify -CAfile /etc/postgresql/tls/root.crt -untrusted /etc/postgresql/tls/chain.crt /etc/postgresql/tls/server.crt");
    container.exec("cmp /srv/tls/privkey.pem /etc/ssl/private/db.key");

    // What somebody did by hand is put right.
    container.exec(
        "chmod 644 /etc/ssl/private/db.key; chown root /etc/postgresql/tls/server.crt; echo >>/srv/tls/fullchain.pem",
    );
    let told = bed.planned(0);
    assert_eq!(Bed::changed(&told, "db").len(), 2, "{:?}", Bed::changed(&told, "db"));
    bed.applied(0);
    assert_eq!(container.says(list), wanted);

    // What is declared no more goes, with the folders that were made for it.
    bed.playbook("cert::ca(\"home\");");
    let prune = bed.ada.cli(&bed.scene.project, ["apply", "site.rhai", "--yes", "--prune"]);
    prune.any_stderr().any_stdout().success();
    container.exec("! ls -d /etc/postgresql /etc/haproxy /srv/tls /etc/ssl/private/db.key 2>/dev/null");
    assert!(bed.scene.project.path("pki/home/db/certificate.pem").exists(), "the project keeps what it issued");
}

/// Nobody sees a key without its certificate: a reader compares their public keys all the time.
#[test]
fn no_reader_finds_a_key_without_its_certificate() {
    let container = Container::asleep("rh-debian", &[]);
    let bed = Bed::containers(&[("web", &container)]);
    let playbook = |sans: &str| {
        bed.playbook(&format!(
            "let home = cert::ca(\"home\");
             let web = cert::issue(\"web\", #{{ ca: home, sans: [{sans}] }});
             cert::present(\"/srv/tls\", web);"
        ));
    };
    container.exec(
        "mkdir /srv/tls; (while [ ! -e /run/stop ]; do
             if [ -e /srv/tls/privkey.pem ] && [ ! -e /srv/tls/fullchain.pem ]; then echo alone; fi
         done >/run/seen; touch /run/seen-all) >/dev/null 2>&1 &",
    );
    playbook("\"a.internal\"");
    bed.applied(0);
    playbook("\"a.internal\", \"b.internal\"");
    bed.applied(0);
    assert_eq!(
        container
            .says("touch /run/stop; until [ -e /run/seen-all ]; do sleep 0.1; done; cat /run/seen; ls -A /srv/tls"),
        "fullchain.pem\nprivkey.pem"
    );
    let key = container.exec("openssl pkey -in /srv/tls/privkey.pem -pubout");
    assert_eq!(key, container.exec("openssl x509 -in /srv/tls/fullchain.pem -noout -pubkey"));

    // One that cannot be put in place leaves both as they were, and nothing behind.
    let before = container.exec("cat /srv/tls/*");
    container.exec("mv /srv/tls/privkey.pem /srv/key; mkdir /srv/tls/privkey.pem");
    playbook("\"c.internal\"");
    bed.applied(3);
    container.exec("rmdir /srv/tls/privkey.pem; mv /srv/key /srv/tls/privkey.pem");
    assert_eq!(container.exec("cat /srv/tls/*"), before);
    assert_eq!(container.says("ls -A /srv/tls"), "fullchain.pem\nprivkey.pem");
}

/// Scenario 3 of infra-shared: the file opens in a stock openssl, stays as it is byte by byte, and is renewed with its
/// certificate.
#[test]
fn an_encrypted_file_stays_until_its_certificate_changes() {
    let container = Container::asleep("rh-debian", &[]);
    let bed = Bed::containers(&[("laptop", &container)]);
    let playbook = |sans: &str, more: &str| {
        bed.playbook(&format!(
            "let home = cert::ca(\"home\");
             let between = cert::intermediate(\"home/people\", #{{ ca: home }});
             let ada = cert::issue(\"home/ada\", #{{ ca: between, usage: \"client\", sans: [{sans}] }});
             let file = cert::pkcs12(\"/srv/ada.p12\", ada, #{{ {more} }});
             file::put(\"/srv/ada.password\", #{{ content: file.password }});
             log(`${{file.changed}} ${{file.password}}`);"
        ));
    };
    let kept = || (container.exec("sha256sum /srv/ada.p12"), container.says("cat /srv/ada.password"));
    playbook("\"email:ada@example.org\"", "");
    let plan = bed.planned(0);
    assert_eq!(plan.log("laptop"), ["[known after apply] [known after apply]"]);
    let first = bed.applied(0);
    assert_eq!(first.log("laptop"), ["true [secret]"]);
    let (digest, password) = kept();
    assert!(password.len() == 24 && password.chars().all(|c| c.is_ascii_alphanumeric()), "{password}");
    assert_eq!(container.says("stat -c '%a %U' /srv/ada.p12"), "600 root");
    let opened = container.exec("openssl pkcs12 -in /srv/ada.p12 -passin file:/srv/ada.password -nodes");
    assert_eq!(opened.matches("BEGIN CERTIFICATE").count(), 2, "client and intermediate: {opened}");
    assert_eq!(opened.matches("BEGIN PRIVATE KEY").count(), 1);
    assert!(opened.contains("friendlyName: home/ada"), "{opened}");
    assert!(!container.try_exec("openssl pkcs12 -in /srv/ada.p12 -passin pass:wrong -nodes").status.success());

    let again = bed.applied(0);
    assert_eq!((again.0["totals"]["changes"].as_u64(), again.log("laptop")), (Some(0), vec!["false [secret]"]));
    assert_eq!(kept(), (digest.clone(), password.clone()));

    playbook("\"email:ada@example.org\", \"email:ada@home.internal\"", "");
    bed.applied(0);
    let (other_digest, other_password) = kept();
    assert!(other_digest != digest && other_password != password, "all of it is renewed");
    let opened = container.exec("openssl pkcs12 -in /srv/ada.p12 -passin file:/srv/ada.password -nodes -clcerts");
    assert!(opened.contains("BEGIN PRIVATE KEY"));

    // Another name is another file; the password of the same certificate stays.
    playbook(
        "\"email:ada@example.org\", \"email:ada@home.internal\"",
        "friendly_name: \"Ada's laptop\", mode: \"0640\"",
    );
    bed.applied(0);
    assert_eq!(kept().1, other_password);
    assert_eq!(container.says("stat -c %a /srv/ada.p12"), "640");
    let opened = container.exec("openssl pkcs12 -in /srv/ada.p12 -passin file:/srv/ada.password -nodes");
    assert!(opened.contains("friendlyName: Ada's laptop"), "{opened}");
    assert!(!bed.scene.project.read("secrets/pki/home/ada.sops.yaml").contains(&password));
}

#[test]
fn facts_of_a_certificate_are_those_that_openssl_reads() {
    let bed = Bed::shells(&["a"]);
    bed.playbook(
        r#"let home = cert::ca("home", #{ cn: "Home CA" });
           let web = cert::issue("web", #{ ca: home, sans: "web.internal", days: 90 });
           let here = host.data("here");
           file::put(here + "/root.pem", #{ content: web.root });
           file::put(here + "/cert.pem", #{ content: web.cert });
           log(`${web.serial} ${home.subject_hash} ${web.not_after} ${web.name} ${web}`);"#,
    );
    let plan = bed.planned(0);
    assert!(plan.log("a")[0].starts_with("[known after apply]"), "{:?}", plan.log("a"));
    let applied = bed.applied(0);
    let said: Vec<&str> = applied.log("a")[0].split(' ').collect();
    let path = |name: &str| bed.scene.project.path(&format!("hosts/a/{name}")).display().to_string();
    let serial = openssl(&["x509", "-in", &path("cert.pem"), "-noout", "-serial"]);
    assert_eq!(serial.trim().to_lowercase(), format!("serial={}", said[0]));
    let hash = openssl(&["x509", "-in", &path("root.pem"), "-noout", "-subject_hash"]);
    assert_eq!(hash.trim(), said[1]);
    let end = run(Command::new("date").args(["-u", "-d", said[2], "+%s"]));
    let wanted = openssl(&["x509", "-in", &path("cert.pem"), "-noout", "-enddate", "-dateopt", "iso_8601"]);
    let wanted = wanted.trim().trim_start_matches("notAfter=").to_owned();
    let wanted = run(Command::new("date").args(["-u", "-d", &wanted, "+%s"]));
    assert_eq!(end.stdout, wanted.stdout);
    assert_eq!(said[3..], ["web", "certificate", "web", &format!("({})", said[0])]);
}
