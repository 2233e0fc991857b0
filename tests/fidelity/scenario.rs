//! S3: a plan of fifteen operations on a fresh host, its apply, and a host that was altered in between.

use super::bed::Bed;
use super::{Pair, named, operations, run, scene, text};
use crate::support::store::{self, Kind};

/// S21 asks for the same with either store.
#[rstest::rstest]
fn fifteen_operations_come_as_planned_and_an_altered_host_is_stopped_at_the_operation(
    #[values(Kind::Sqlite, Kind::Postgres)] kind: Kind,
) {
    let bed = Bed::start("scenario");
    let store = store::Bed::new(kind);
    let scene_of_bed = scene(&bed, "scenario.rhai").state_in(&store);
    let plan = run(&scene_of_bed, ["plan", "site.rhai", "--save", "site.plan"]);
    assert_eq!(operations(&plan).len(), 15);
    let apply = run(&scene_of_bed, ["apply", "site.plan"]);
    let pair = Pair::of(&plan, &apply);
    assert_eq!(pair.false_predictions(), [""; 0]);
    let open: Vec<String> = pair.planned.iter().filter(|op| op["status"] == "unknown").map(named).collect();
    assert_eq!(open, ["file::absent /etc/rh-web/sample.conf", "user::present rhweb"]);

    let altered = Bed::start("scenario");
    let scene_of_bed = scene(&altered, "scenario.rhai").state_in(&store);
    run(&scene_of_bed, ["plan", "site.rhai", "--save", "site.plan"]);
    altered.exec("echo 'by hand' >/etc/motd; groupadd -g 4711 intruder");
    let stopped = scene_of_bed.cli(["apply", "site.plan", "--json"]).any_stderr().json(7);
    let error = &stopped["hosts"]["bed"]["error"];
    assert!(text(&error["message"]).starts_with("file::put `/etc/motd` on `bed` deviates"), "{error:#}");
    assert_eq!(text(&error["at"]), "site.rhai:9:7");
    assert_eq!(altered.exec("cat /etc/motd"), "by hand\n");
    assert_eq!(altered.exec("ls /srv"), altered.exec("ls /srv | grep -v late"), "nothing behind it was done");
}
