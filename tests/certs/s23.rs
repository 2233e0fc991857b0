//! S23 of runner.md: asked names, modes and owners; a rerun changes nothing; a new name and the end being near issue anew
//! and tell the web service once; openssl verifies the chain; the authority's key is nowhere on the host.

use super::{Bed, openssl};
use crate::scenes::Document;
use crate::support::cli::Cli;
use crate::support::docker::Container;
use crate::support::hosts::eventually;
use std::process::Command;

/// A call of rhapsode whose clock is so many days behind, by the library of the Debian package `faketime`.
fn days_ago(cli: Cli, days: u32) -> Cli {
    let folders = std::fs::read_dir("/usr/lib").expect("listed").flatten().map(|entry| entry.path());
    let library = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
    let library = library.expect("faketime is installed; `tests/run` sees to it");
    cli.env("LD_PRELOAD", library).env("FAKETIME", format!("-{days}d")).env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

fn playbook(sans: &str) -> String {
    format!(
        r#"handler("reload web", |h| {{ service::reloaded("nginx"); cmd::run("echo reloaded >>/var/log/reloads"); }});
        let home = cert::ca("home", #{{ cn: "Home CA" }});
        let servers = cert::intermediate("home/servers", #{{ ca: home, path_length: 0 }});
        let web = cert::issue("home/web", #{{ ca: servers, usage: "server", days: 90, renew_before: "30d", sans: [{sans}] }});
        pkg::installed("nginx-light", #{{ update: true }});
        cert::trust("home", home);
        cert::present("/etc/nginx/tls", web, #{{ group: "www-data", mode: "0640", notify: "reload web" }});
        file::put("/etc/nginx/conf.d/tls.conf", #{{ content: `server {{ listen 443 ssl; server_name localhost;
            ssl_certificate /etc/nginx/tls/fullchain.pem; ssl_certificate_key /etc/nginx/tls/privkey.pem; }}` }});
        service::running("nginx", #{{ enabled: true }});
        "#
    )
}

#[test]
fn certificates_live_as_long_as_they_should_and_no_key_of_an_authority_leaves_the_project() {
    let container = Container::debian();
    // Whatever any process is told, by its words or its environment, while rhapsode is at work.
    container.exec(
        "(while [ ! -e /run/stop ]; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | sort -u
          sleep 0.05; done >/root/processes) >/dev/null 2>&1 &",
    );
    let bed = Bed::containers(&[("web", &container)]);
    let apply = |days: u32| {
        let cli = bed.ada.cli(&bed.scene.project, ["apply", "site.rhai", "--yes", "--json"]);
        Document(if days > 0 { days_ago(cli, days) } else { cli }.any_stderr().json(0))
    };
    let reloads = || container.says("cat /var/log/reloads 2>/dev/null | wc -l");
    let serial = || container.says("openssl x509 -in /etc/nginx/tls/fullchain.pem -noout -serial");
    // A worker that is being replaced may answer once more.
    let serves = || {
        let served = || {
            container.says("openssl s_client -connect localhost:443 -servername localhost </dev/null 2>/dev/null | openssl x509 -noout -serial")
        };
        eventually("the server shows its certificate", || served() == serial());
    };

    bed.playbook(&playbook("\"localhost\", \"ip:127.0.0.1\""));
    let first = apply(66);
    assert_eq!(Bed::texts(&first, "web", "cert::issue").len(), 1);
    let listed = container.says("cd /etc/nginx/tls && stat -c '%n %a %U:%G' *");
    assert_eq!(listed, "fullchain.pem 644 root:www-data\nprivkey.pem 640 root:www-data");
    let names = container.says("openssl x509 -in /etc/nginx/tls/fullchain.pem -noout -ext subjectAltName | tail -1");
    assert_eq!(names.trim(), "DNS:localhost, IP Address:127.0.0.1");
    serves();
    assert_eq!(reloads(), "1");
    container.exec("curl -s -o /dev/null https://localhost/ && curl -s -o /dev/null https://127.0.0.1/");

    assert_eq!(apply(66).0["totals"]["changes"], 0);
    assert_eq!(reloads(), "1");

    bed.playbook(&playbook("\"localhost\", \"ip:127.0.0.1\", \"web.internal\""));
    let before = serial();
    let second = apply(66);
    assert!(Bed::texts(&second, "web", "cert::issue")[0].contains("dns:web.internal added"), "{second:?}");
    serves();
    assert_eq!(reloads(), "2");
    assert_ne!(serial(), before);

    // 66 of its 90 days are over: today it is in its window of 30.
    let before = serial();
    let third = apply(0);
    let told = Bed::texts(&third, "web", "cert::issue");
    assert!(told[0].contains("expires on"), "{told:?}");
    assert_eq!(
        Bed::changed(&third, "web"),
        [
            "cert::issue home/web",
            "cert::present /etc/nginx/tls",
            "service::reloaded nginx",
            "cmd::run echo reloaded >>/var/log/reloads"
        ]
    );
    serves();
    assert_eq!(reloads(), "3");
    assert_ne!(serial(), before);
    assert_eq!(apply(0).0["totals"]["changes"], 0);

    container.exec("openssl verify -purpose sslserver -verify_hostname web.internal -untrusted /etc/nginx/tls/fullchain.pem /etc/nginx/tls/fullchain.pem");
    container.exec("touch /run/stop");
    for authority in ["home", "home/servers"] {
        assert_key_is_nowhere(&bed, &container, authority);
    }
}

/// Neither its text nor its bytes stand in any file, or in what any process was told.
fn assert_key_is_nowhere(bed: &Bed, container: &Container, authority: &str) {
    let pem = bed.ada.get(&bed.scene.project, &format!("pki/{authority}/key"));
    let file = bed.ada.path("key.pem");
    std::fs::write(&file, &pem).expect("written");
    let der = bed.ada.path("key.der");
    let words = ["pkey", "-in", &file.display().to_string(), "-outform", "DER", "-out", &der.display().to_string()];
    openssl(&words);
    let der = std::fs::read(der).expect("made");
    // RFC 5915: the octets of the private key are the first octet string behind the version.
    let at = der.windows(2).position(|two| two == [0x04, 0x30]).expect("a key of P-384") + 2;
    let octets: String = der[at..at + 24].iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let lines: Vec<&str> = pem.lines().filter(|line| line.len() == 64).take(2).collect();
    let find = |words: &str| {
        let script = format!("cd / && LC_ALL=C grep -rla {words} --exclude-dir=proc --exclude-dir=sys . || :");
        container.says(&script)
    };
    assert_eq!(find(&format!("-F -e '{}' -e '{}'", lines[0], lines[1])), "", "{authority}");
    assert_eq!(find(&format!("-P '{octets}'")), "", "{authority}");
    // The search finds what is there: the key of the web server.
    let leaf = bed.ada.get(&bed.scene.project, "pki/home/web/key");
    let line = leaf.lines().find(|line| line.len() == 64).expect("a line");
    assert_eq!(find(&format!("-F -e '{line}'")), "./etc/nginx/tls/privkey.pem");
    // Nor is any of it in the records of the runs.
    let words = ["-rlaF", "-e", lines[0], "-e", line, "."];
    let kept = Command::new("grep").args(words).current_dir(bed.scene.project.root()).output().expect("grep starts");
    assert_eq!(String::from_utf8_lossy(&kept.stdout), "");
}
