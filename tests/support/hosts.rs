//! Hosts for tests, over the real connectors.

use rhapsode::connect::{Host, Settings};
use rhapsode::inventory::{Connect, Connection};
use rhapsode::remote::{Command, Interrupt, Output, Shell, ShellError};
use std::sync::LazyLock;
use tokio::runtime::Runtime;

/// The runtime of all tests.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts")
});

/// Settings with a flag of their own.
pub fn settings(interrupt: &Interrupt) -> Settings {
    Settings::new(RUNTIME.handle().clone(), interrupt.clone())
}

/// A host over any connection.
pub fn host(connection: &Connection) -> Host {
    Host::new("host", connection, &settings(&Interrupt::new()))
}

/// A host whose shell is a process of this machine.
pub fn through(argv: &[&str]) -> Connection {
    let command = argv.iter().map(|&word| word.to_owned()).collect();
    Connection { connect: Connect::Exec, command, ..Connection::default() }
}

/// Runs a script that changes, and gives its answer.
pub fn run(shell: &mut dyn Shell, script: &str) -> Result<Output, ShellError> {
    shell.change(&Command::script(script))
}

/// The stdout of a script that must succeed.
pub fn say(shell: &mut dyn Shell, script: &str) -> String {
    let output = run(shell, script).unwrap_or_else(|error| panic!("{script}: {error}"));
    assert!(output.ok(), "{script}: {output:?}");
    output.text()
}

/// Bytes without a pattern, the same in every run.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Waits until a condition holds; the limit is only for the case that it never does.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !holds() {
        assert!(started.elapsed().as_secs() < 30, "{what} did not happen within 30 s");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
