//! The same with accounts, and with two users of one host, in containers.

use super::{Before, equal, outcome};
use crate::scenes::Scene;
use crate::support::docker::Container;

const SCRIPT: &str = r#"
group::present("web", #{ gid: 5000 });
user::present("ada", #{ groups: ["web"], shell: "/bin/sh" });
file::put("/srv/by-root", #{ content: "1\n", owner: "ada" });
file::put("/home/ada/by-ada", #{ content: "2\n", su: "ada" });
cmd::run("usermod -c disturbed ada; echo 3 >/srv/by-root; rm -f /home/ada/by-ada");
file::put("/home/ada/by-ada", #{ content: "2\n", su: "ada" });
file::line("/srv/by-root", #{ line: "4" });
user::present("ada", #{ groups: ["web"], comment: "Ada" });
cmd::run("echo 5 >>by-ada", #{ su: "ada", chdir: "/home/ada" });
file::put("/home/ada/by-ada", #{ content: "6\n", su: "ada", redeclare: true });
user::present("bob", #{ groups: ["web"] });
user::absent("bob", #{ remove_home: true, redeclare: true });
group::present("late", #{ members: ["ada"] });
"#;

const STATE: &str = "getent passwd ada bob; getent group web late; cd / && find srv home -type f \
    -exec stat -c '%n %a %U %G' {} + -exec cat {} + | sort";

fn run(before: Before) -> (String, String, String) {
    let bed = Container::asleep("rh-debian", &[]);
    let inventory = format!("hosts: {{ box: {{ connect: docker, container: {} }} }}\n", bed.name());
    let scene = Scene::with(&inventory).playbook(SCRIPT);
    let words = |verb| match before {
        Before::NoPrefetch => vec![verb, "--yes", "--no-prefetch"],
        _ => vec![verb, "--yes"],
    };
    let first = outcome(&scene, &words("apply"));
    assert!(!first.contains("\"status\": \"failed\""), "{first}");
    let second = outcome(&scene, &words("apply"));
    (first.replace(bed.name(), "box"), second.replace(bed.name(), "box"), bed.says(STATE))
}

#[test]
fn accounts_and_two_users_of_one_host_end_as_without_asking_ahead() {
    let (plain, ahead) = (run(Before::NoPrefetch), run(Before::Fresh));
    equal("first apply", &plain.0, &ahead.0);
    equal("second apply, with a trace", &plain.1, &ahead.1);
    equal("end state", &plain.2, &ahead.2);
}
