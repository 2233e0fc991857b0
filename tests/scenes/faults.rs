//! Death at random points: of the process, and of the connections. The seed is printed; `RHAPSODE_TEST_SEED` repeats it.

use super::Scene;
use super::interrupt::Running;
use crate::support::docker::Container;
use rhapsode::event::OpStatus;
use rhapsode::state::Store;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command as Process;
use std::time::{Duration, Instant};

/// Ten things, each in three ways: a file, a line of a file, and a command with a guard that must run once.
const THIRTY: &str = r#"
    let round = host.data("round");
    let dir = host.data("dir");
    for n in 0..10 {
        file::put(`${dir}/file-${n}`, #{ content: `${round} of ${n}` + "\n", mode: "0640" });
        cmd::run(`echo ${n} >>${dir}/counter-${round}`, #{
            unless: cmd::read(`grep -cx ${n} ${dir}/counter-${round} || true`).stdout.to_string().contains("1"),
        });
        file::line(`${dir}/lines-${round}`, #{ line: `line ${n}`, create: true });
    }
"#;

/// What is declared, what is left beside it, and what still runs after ten seconds.
const FOUND: &str = r#"
    cat DIR/file-?; echo --; sort -n DIR/counter-ROUND; echo --; sort DIR/lines-ROUND; echo --
    rm -f DIR/counter-ROUND DIR/lines-ROUND; ls -A DIR | grep -v '^file-[0-9]$'; echo --
    n=0; while [ -n "$(RUNS)" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
    RUNS; echo --; echo end
"#;

/// Processes of a container; a zombie runs no more: PID 1 of these buries nobody.
const RUNS_THERE: &str =
    r#"ps -o args | grep -v -e COMMAND -e '^sleep' -e '^sh -c' -e '^ps -o' -e '^grep' -e '^\['; ls -A /tmp"#;

/// Processes of this machine that stand in a folder.
const RUNS_HERE: &str = "find /proc -maxdepth 2 -name cwd -lname DIR 2>/dev/null";

const POINTS: usize = 20;

/// Where the playbook leaves its traces.
enum Far {
    Container(Container),
    Folder(PathBuf),
}

struct Bed {
    hosts: Vec<Far>,
    scene: Scene,
    random: Random,
    /// Wall time of a whole run.
    whole: Duration,
}

impl Far {
    fn dir(&self) -> String {
        match self {
            Self::Container(_) => "/srv".to_owned(),
            Self::Folder(folder) => folder.display().to_string(),
        }
    }

    fn connection(&self) -> String {
        let dir = self.dir();
        match self {
            Self::Container(container) => {
                format!("{{ connect: docker, container: {}, data: {{ dir: {dir} }} }}", container.name())
            }
            Self::Folder(_) => {
                let command = format!("command: [sh, -c, 'cd \"$1\" && exec sh', sh, '{dir}']");
                format!("{{ connect: exec, {command}, data: {{ dir: '{dir}' }} }}")
            }
        }
    }

    fn says(&self, script: &str) -> String {
        match self {
            Self::Container(container) => container.says(script),
            Self::Folder(_) => {
                let output = Process::new("sh").args(["-c", script]).current_dir("/").output().expect("sh");
                String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
            }
        }
    }

    fn found(&self, round: &str) -> String {
        let runs = match self {
            Self::Container(_) => RUNS_THERE,
            Self::Folder(_) => RUNS_HERE,
        };
        self.says(&FOUND.replace("RUNS", runs).replace("DIR", &self.dir()).replace("ROUND", round))
    }
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
    /// Three containers.
    fn of_containers() -> Self {
        Self::new(Scene::with(""), |_, _| {
            let container = Container::asleep("rh-busybox", &[]);
            container.exec("mkdir -p /srv");
            Far::Container(container)
        })
    }

    /// Three folders, with a shell in each.
    fn of_folders() -> Self {
        Self::new(Scene::with(""), |scene, n| {
            let folder = scene.project.path(&format!("far-{n}"));
            std::fs::create_dir(&folder).expect("a folder");
            Far::Folder(folder.canonicalize().expect("it is there"))
        })
    }

    fn new(scene: Scene, host: impl Fn(&Scene, usize) -> Far) -> Self {
        let hosts: Vec<_> = (0..3).map(|n| host(&scene, n)).collect();
        let lines: String =
            hosts.iter().enumerate().map(|(n, host)| format!("  host-{n}: {}\n", host.connection())).collect();
        let scene = scene.file("inv.yaml", format!("hosts:\n{lines}")).playbook(THIRTY);
        let mut bed = Self { hosts, scene, random: Random(seed()), whole: Duration::ZERO };
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
            for host in &self.hosts {
                scope.spawn(|| assert_eq!(host.found(round), wanted, "{round}"));
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
        assert_eq!(hosts.len(), self.hosts.len());
        let ended = store.operations(&run.run).expect("operations");
        let names: Vec<String> = hosts.into_iter().map(|host| host.host).collect();
        let begun = store.unfinished("inv.yaml", &names).expect("intents");
        for (far, host) in self.hosts.iter().zip(&names) {
            let changed = ended.iter().filter(|(of, end)| of == host && end.status == OpStatus::Changed);
            let mut known: BTreeSet<&str> = changed.map(|(_, end)| end.target.as_str()).collect();
            known.extend(begun.iter().filter(|change| change.host == *host).map(|change| change.target.as_str()));
            let dir = far.dir();
            let done = far.says(&format!("cat {dir}/counter-{round} 2>/dev/null || true"));
            for n in done.lines() {
                let target = format!("echo {n} >>{dir}/counter-{round}");
                assert!(known.contains(target.as_str()), "{target} on {host} is not remembered: {known:?}");
            }
        }
    }
}

#[test]
fn a_process_that_is_killed_at_any_point_is_followed_by_one_that_converges() {
    let mut bed = Bed::of_containers();
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
    let mut bed = Bed::of_folders();
    for point in 0..POINTS {
        let round = format!("round-{point}");
        let running = bed.begin(&round);
        bed.pause();
        let connections = running.children("sh");
        if !connections.is_empty() {
            let one = connections[bed.random.below(connections.len() as u64) as usize];
            let _ = Process::new("kill").args(["-9", &one.to_string()]).output();
        }
        let (code, stdout) = running.wait();
        assert!(matches!(code, Some(0 | 3 | 4)), "{code:?} {stdout}");
        bed.apply(&round);
        bed.assert_converged(&round);
    }
}
