//! Back to a first commit on machines with systemd: what changed is as it was, what came later is gone.

use super::Scene;
use crate::support::docker::Container;
use crate::support::store::{Bed, Kind};
use rstest::rstest;

const BASE: &str = r##"
    user::present("deploy", #{ uid: 1500, shell: "/bin/sh", home: "/home/deploy", create_home: true });
    file::dir("/srv/app", #{ owner: "deploy", mode: "0750" });
    file::put("/srv/app/settings", #{ content: "colour = blue\n", owner: "deploy", mode: "0640" });
    file::line("/etc/hosts", #{ line: "192.0.2.7 upstream" });
"##;

const SERVICE: &str = r##"
    systemd::unit("beat.service", #{
        sections: #{
            Service: #{ ExecStart: "/bin/sleep infinity" },
            Install: #{ WantedBy: "multi-user.target" },
        },
        enabled: true, running: true,
    });
    file::put("/srv/app/beat.conf", #{ content: "every = 5\n" });
    cron::job("tidy", #{ command: "true", minute: "7" });
"##;

fn without_user() -> String {
    let rest = BASE.lines().filter(|line| !line.contains("user::present")).collect::<Vec<_>>().join("\n");
    format!("user::absent(\"deploy\", #{{ remove_home: true }});\n{}", rest.replace("owner: \"deploy\", ", ""))
}

#[rstest]
fn three_commits_later_the_digest_of_the_first_apply_comes_back(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let bed = Bed::new(kind);
    let machines = [Container::debian(), Container::debian()];
    let host =
        |(n, machine): (usize, &Container)| format!("  m{n}: {{ connect: docker, container: {} }}\n", machine.name());
    let hosts: String = machines.iter().enumerate().map(host).collect();
    let Scene { project } = Scene::with(&format!("hosts:\n{hosts}")).state_in(&bed).playbook(BASE);
    let scene = Scene { project: project.git() };
    let first = scene.project.commit("base");
    scene.applied(0);
    let digests = machines.each_ref().map(Container::digest);
    let content = BASE.replace("blue", "red").replace("0640", "0600");
    let service = format!("{content}{SERVICE}");
    let user = format!("{}{SERVICE}", without_user().replace("blue", "red"));
    for (playbook, message) in [(content, "content change"), (service, "new service"), (user, "removed user")] {
        scene.project.write("site.rhai", playbook);
        scene.project.commit(message);
        scene.applied(0);
    }
    for (machine, before) in machines.iter().zip(&digests) {
        assert!(!before.changes(&machine.digest()).is_empty(), "something happened since");
        assert_eq!(machine.says("systemctl is-active beat.service"), "active");
    }
    let back = scene.cli(["rollback", &first, "--yes", "--json"]);
    let back = back.stderr_contains("plan site.rhai on 2 hosts").stderr_contains("colour = blue");
    let back = back.stderr_contains("file::absent /srv/app/beat.conf (prune)  remove the file").json(0);
    assert_eq!(back["commit"].as_str(), Some(first.as_str()));
    for (machine, before) in machines.iter().zip(&digests) {
        before.assert_same(&machine.digest());
    }
    let again = scene.cli(["rollback", &first, "--yes", "--json"]).any_stderr().json(0);
    assert_eq!(again["totals"]["changes"], 0, "there is nothing left to take back");
}
