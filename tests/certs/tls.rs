//! nginx of Debian with certificates of ours on both sides.

use super::{Bed, Foreign};
use crate::support::docker::Container;
use crate::support::hosts::eventually;

/// Two people have certificates; EVE stands for what becomes of the second one.
const PLAYBOOK: &str = r#"
handler("reload web", |h| { service::reloaded("nginx"); });
let home = cert::ca("home", #{ cn: "Home CA" });
let servers = cert::intermediate("home/servers", #{ ca: home });
let people = cert::intermediate("home/people", #{ ca: home });
let web = cert::issue("home/web", #{ ca: servers, usage: "server", sans: "localhost" });
let ada = cert::issue("home/ada", #{ ca: people, usage: "client", cn: "ada" });
pkg::installed("nginx-light", #{ update: true });
cert::trust("home", home);
cert::present("/root/ada", ada);
EVE
cert::present("/etc/nginx/tls", web, #{ ca_path: "home.pem", notify: "reload web" });
cert::crl("/etc/nginx/lists/home.pem", home, #{ notify: "reload web" });
cert::crl("/etc/nginx/lists/people.pem", people, #{ notify: "reload web" });
cmd::run("cat /etc/nginx/lists/*.pem >/etc/nginx/revoked.pem", #{ changed_when: false });
file::put("/etc/nginx/conf.d/tls.conf", #{ content: `server { listen 443 ssl; server_name localhost;
    ssl_certificate /etc/nginx/tls/fullchain.pem; ssl_certificate_key /etc/nginx/tls/privkey.pem;
    ssl_client_certificate /etc/nginx/tls/home.pem; ssl_verify_client on; ssl_verify_depth 3;
    ssl_crl /etc/nginx/revoked.pem;
    location / { return 200 "$ssl_client_verify $ssl_client_s_dn"; } }`, notify: "reload web" });
service::running("nginx");
"#;

const ISSUED: &str = r#"
let eve = cert::issue("home/eve", #{ ca: people, usage: "client", cn: "eve" });
cert::present("/root/eve", eve);
"#;

const REVOKED: &str = "cert::revoke(\"home/eve\", #{ reason: \"key_compromise\" });";

/// What the server says to a client with this certificate.
fn hello(container: &Container, certificate: &str) -> String {
    container.says(&format!("curl -s {certificate} https://localhost/ || echo \"curl: $?\""))
}

fn of(name: &str) -> String {
    format!("--cert /root/{name}/fullchain.pem --key /root/{name}/privkey.pem")
}

const MISSING: &str = "No required SSL certificate was sent";
const WRONG: &str = "The SSL certificate error";

#[test]
fn a_web_server_lets_in_who_has_a_certificate_of_ours_that_was_not_revoked() {
    let container = Container::debian();
    let bed = Bed::containers(&[("web", &container)]);
    bed.playbook(&PLAYBOOK.replace("EVE", ISSUED));
    bed.applied(0);
    assert_eq!(bed.applied(0).0["totals"]["changes"], 0);
    assert_eq!(hello(&container, &of("ada")), "SUCCESS CN=ada");
    assert_eq!(hello(&container, &of("eve")), "SUCCESS CN=eve");
    let nobody = hello(&container, "");
    assert!(nobody.contains(MISSING), "{nobody}");

    let foreign = Foreign::new("Home CA");
    container.exec("mkdir /root/foreign");
    container.write("/root/foreign/fullchain.pem", foreign.read("leaf.crt"));
    container.write("/root/foreign/privkey.pem", foreign.read("leaf.key"));
    let stranger = hello(&container, &of("foreign"));
    assert!(stranger.contains(WRONG), "{stranger}");
    // A server's certificate is none of a client's.
    let server = hello(&container, "--cert /etc/nginx/tls/fullchain.pem --key /etc/nginx/tls/privkey.pem");
    assert!(server.contains(WRONG), "{server}");

    let client = |name: &str| {
        let script = format!(
            "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -no_ign_eof -verify_return_error -connect localhost:443 \
             -servername localhost -cert /root/{name}/fullchain.pem -key /root/{name}/privkey.pem \
             -cert_chain /root/{name}/fullchain.pem -ign_eof 2>&1 | tail -1"
        );
        container.says(&script)
    };
    assert_eq!(client("ada"), "SUCCESS CN=ada");

    bed.playbook(&PLAYBOOK.replace("EVE", REVOKED));
    let plan = bed.planned(0);
    assert!(Bed::texts(&plan, "web", "cert::revoke")[0].contains("key compromise"), "{plan:?}");
    assert_eq!(hello(&container, &of("eve")), "SUCCESS CN=eve", "a plan revokes nothing");
    let applied = bed.applied(0);
    let changed = Bed::changed(&applied, "web");
    assert_eq!(changed, ["cert::revoke home/eve", "cert::crl /etc/nginx/lists/people.pem", "service::reloaded nginx"]);
    // A worker that is being replaced ends when it is done.
    eventually("the server refuses her", || hello(&container, &of("eve")).contains(WRONG));
    assert_eq!(hello(&container, &of("ada")), "SUCCESS CN=ada");
    assert_eq!(bed.applied(0).0["totals"]["changes"], 0);
    container.exec("openssl crl -in /etc/nginx/lists/people.pem -noout -text | grep -q 'Key Compromise'");
}

/// A saved plan says of lists that only an apply can tell, and is kept.
#[test]
fn a_revocation_is_applied_as_it_was_announced() {
    let bed = Bed::shells(&["a", "b"]);
    let playbook = |eve: &str| {
        bed.playbook(&format!(
            "let home = cert::ca(\"home\"); {eve} cert::crl(host.data(\"here\") + \"/list.pem\", home);"
        ));
    };
    playbook("cert::issue(\"eve\", #{ ca: home, usage: \"client\", cn: \"eve\" });");
    bed.applied(0);
    let before = bed.scene.project.read("hosts/b/list.pem");
    playbook("cert::revoke(\"eve\");");
    let save = bed.ada.cli(&bed.scene.project, ["plan", "site.rhai", "--save", "saved.plan"]);
    save.any_stderr().any_stdout().success();
    bed.ada.cli(&bed.scene.project, ["apply", "saved.plan"]).any_stderr().any_stdout().success();
    assert_ne!(bed.scene.project.read("hosts/b/list.pem"), before);
    assert_eq!(bed.applied(0).0["totals"]["changes"], 0);
    playbook("cert::issue(\"eve\", #{ ca: home, usage: \"client\", cn: \"eve\" });");
    let plan = bed.planned(0);
    let changed: Vec<String> = ["a", "b"].iter().flat_map(|host| Bed::changed(&plan, host)).collect();
    assert_eq!(changed, ["cert::issue eve"], "who was revoked gets another one");
}
