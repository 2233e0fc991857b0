//! A root is replaced while curl goes on to work, at every stage and in whichever order hosts are reached.

use super::Bed;
use crate::support::docker::Container;

const PLAYBOOK: &str = r#"
let home = cert::ca("home", #{ cn: "Home CA" });
let servers = cert::intermediate("home/servers", #{ ca: home });
let web = cert::issue("home/web", #{ ca: servers, usage: "server", sans: "web.internal" });
play("client", |h| { cert::trust("home", home); });
play("web", |h| { cert::present("/srv/tls", web); });
"#;

/// Serves what is deployed now, and asks from the other container.
fn curl(web: &Container, client: &Container) -> String {
    web.exec(
        "openssl s_server -quiet -www -accept 443 -cert /srv/tls/fullchain.pem -cert_chain /srv/tls/fullchain.pem \
         -key /srv/tls/privkey.pem >/dev/null 2>&1 & echo $! >/run/s
         n=0; until openssl s_client -connect localhost:443 </dev/null >/dev/null 2>&1 || [ $n -ge 50 ]; do
             n=$((n+1)); sleep 0.1
         done",
    );
    let resolve = format!("--resolve web.internal:443:{}", web.address());
    let code = client.says(&format!("curl -s -o /dev/null {resolve} https://web.internal/; echo $?"));
    web.exec("kill $(cat /run/s)");
    code
}

#[test]
fn curl_works_at_every_stage_of_a_rotation() {
    let sleeping = || Container::start("rh-debian", &["--interactive", "--entrypoint=/bin/cat"]);
    let (web, client) = (sleeping(), sleeping());
    let bed = Bed::containers(&[("web", &web), ("client", &client)]);
    bed.playbook(PLAYBOOK);
    bed.applied(0);
    assert_eq!(curl(&web, &client), "0");
    let root = || client.says("cat /usr/local/share/ca-certificates/home*.crt");
    let old = root();
    for stage in ["announced", "switched", "retired"] {
        bed.ada.cli(&bed.scene.project, ["pki", "rotate", "home"]).any_stderr().any_stdout().success();
        // Hosts are not reached all at once: either may be first.
        for host in if stage == "switched" { ["web", "client"] } else { ["client", "web"] } {
            let cli = bed.ada.cli(&bed.scene.project, ["apply", "site.rhai", "--yes", "--json", "--limit", host]);
            cli.any_stderr().json(0);
            assert_eq!(curl(&web, &client), "0", "{stage}, after {host}");
        }
        assert_eq!(bed.applied(0).0["totals"]["changes"], 0, "{stage}");
    }
    assert_ne!(root(), old);
    assert_eq!(root().matches("BEGIN CERTIFICATE").count(), 1);
}
