//! Death at random points: of the process, and of the connections. The seed is printed; `RHAPSODE_TEST_SEED` repeats it.

use super::Scene;
use super::interrupt::Running;
use crate::support::docker::Container;
use rhapsode::event::OpStatus;
use rhapsode::state::Store;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Ten things, each in three ways: a file, a line of a file, and a command with a guard that must run once.
const THIRTY: &str = r#"
    let round = host.data("round");
    for n in 0..10 {
        file::put(`/srv/file-${n}`, #{ content: `${round} of ${n}` + "\n", mode: "0640" });
        cmd::run(`echo ${n} >>/srv/counter-${round}`, #{
            unless: cmd::read(`grep -cx ${n} /srv/counter-${round} || true`).stdout.to_string().contains("1"),
        });
        file::line(`/srv/lines-${round}`, #{ line: `line ${n}`, create: true });
    }
"#;

/// What is declared, what is left beside it, and what still runs after ten seconds. A zombie runs no more: PID 1 of
/// these containers buries nobody.
const FOUND: &str = r#"
    cd /srv; cat file-?; echo --; sort -n counter-ROUND; echo --; sort lines-ROUND; echo --
    rm -f counter-ROUND lines-ROUND; ls -A | grep -v '^file-[0-9]$'; echo --; ls -A /tmp
    runs() { ps -o pid,args | grep -v -e COMMAND -e ' sleep 600' -e ' sh -c' -e 'ps -o' -e ' grep' -e ' \['; }
    n=0; while runs >/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
    runs; echo --; echo end
"#;

const POINTS: usize = 20;

struct Bed {
    containers: Vec<Container>,
    scene: Scene,
    random: Random,
    /// Wall time of a whole run.
    whole: Duration,
}

/// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" (2016).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit
    }
}

fn seed() -> u64 {
    let given = std::env::var("RHAPSODE_TEST_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let now = || std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a clock").subsec_nanos();
    let seed = given.unwrap_or_else(|| u64::from(now())) | 1;
    println!("RHAPSODE_TEST_SEED={seed}");
    seed
}

impl Bed {
    fn new() -> Self {
        let containers: Vec<_> = (0..3).map(|_| Container::asleep("rh-busybox", &[])).collect();
        containers.iter().for_each(|container| drop(container.exec("mkdir -p /srv")));
        let host = |(n, container): (usize, &Container)| {
            format!("  host-{n}: {{ connect: docker, container: {} }}\n", container.name())
        };
        let hosts: String = containers.iter().enumerate().map(host).collect();
        let scene = Scene::with(&format!("hosts:\n{hosts}")).playbook(THIRTY);
        let mut bed = Self { containers, scene, random: Random(seed()), whole: Duration::ZERO };
        let started = Instant::now();
        bed.apply("start");
        bed.whole = started.elapsed();
        bed.assert_converged("start");
        bed
    }

    fn begin(&self, round: &str) -> Running {
        Running::start(&self.scene, &["--data", &format!("round={round}")])
    }

    fn apply(&self, round: &str) {
        self.scene.apply().arg("--data").arg(format!("round={round}")).any_stderr().success();
    }

    fn pause(&mut self) {
        let micros = self.random.below(self.whole.as_micros() as u64);
        std::thread::sleep(Duration::from_micros(micros));
    }

    /// All that was declared is there, each effect once, and nothing else.
    fn assert_converged(&self, round: &str) {
        let numbers = |format: fn(usize) -> String| (0..10).map(format).collect::<Vec<_>>().join("\n");
        let wanted = format!(
            "{}\n--\n{}\n--\n{}\n--\n--\n--\nend",
            (0..10).map(|n| format!("{round} of {n}")).collect::<Vec<_>>().join("\n"),
            numbers(|n| n.to_string()),
            numbers(|n| format!("line {n}")),
        );
        std::thread::scope(|scope| {
            for container in &self.containers {
                scope.spawn(|| assert_eq!(container.says(&FOUND.replace("ROUND", round)), wanted, "{round}"));
            }
        });
    }

    fn store(&self) -> Store {
        Store::open(&self.scene.project.path(Store::PATH)).expect("the store opens")
    }

    /// What a killed run did to a host is known: as an operation that ended, or as one that was begun.
    fn assert_remembered(&self, round: &str) {
        let store = self.store();
        let run = store.run("last").expect("the run is recorded");
        let hosts = store.hosts(&run.run).expect("its hosts are recorded");
        assert_eq!(hosts.len(), self.containers.len());
        let ended = store.operations(&run.run).expect("operations");
        let names: Vec<String> = hosts.into_iter().map(|host| host.host).collect();
        let begun = store.unfinished("inv.yaml", &names).expect("intents");
        for (container, host) in self.containers.iter().zip(&names) {
            let changed = ended.iter().filter(|(of, end)| of == host && end.status == OpStatus::Changed);
            let mut known: BTreeSet<&str> = changed.map(|(_, end)| end.target.as_str()).collect();
            known.extend(begun.iter().filter(|change| change.host == *host).map(|change| change.target.as_str()));
            let done = container.says(&format!("cat /srv/counter-{round} 2>/dev/null || true"));
            for n in done.lines() {
                let target = format!("echo {n} >>/srv/counter-{round}");
                assert!(known.contains(target.as_str()), "{target} on {host} is not remembered: {known:?}");
            }
        }
    }
}

#[test]
fn a_process_that_is_killed_at_any_point_is_followed_by_one_that_converges() {
    let mut bed = Bed::new();
    for point in 0..POINTS {
        let round = format!("round-{point}");
        let before = bed.store().runs(1000).expect("runs").len();
        let running = bed.begin(&round);
        bed.pause();
        running.signal("KILL");
        running.wait();
        if bed.store().runs(1000).expect("runs").len() > before {
            bed.assert_remembered(&round);
        }
        bed.apply(&round);
        bed.assert_converged(&round);
    }
    let unfinished = bed.store().unfinished("inv.yaml", &["host-0".into(), "host-1".into(), "host-2".into()]);
    assert_eq!(unfinished.expect("intents"), []);
}

#[test]
fn connections_that_are_killed_at_any_point_are_followed_by_a_run_that_converges() {
    let mut bed = Bed::new();
    for point in 0..POINTS {
        let round = format!("round-{point}");
        let running = bed.begin(&round);
        bed.pause();
        let connections = running.children("docker");
        if !connections.is_empty() {
            let one = connections[bed.random.below(connections.len() as u64) as usize];
            let _ = std::process::Command::new("kill").args(["-9", &one.to_string()]).output();
        }
        let (code, stdout) = running.wait();
        assert!(matches!(code, Some(0 | 3 | 4)), "{code:?} {stdout}");
        bed.apply(&round);
        bed.assert_converged(&round);
    }
}
