//! Processes of this machine: who we are, and whether another one still lives.

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::path::Path;

/// Names the set of processes that a pid is unique in: the boot of this machine, and the pid namespace.
///
/// `None` where there is no `/proc`; a dead holder is then known by its lease alone.
pub(super) fn machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// When a process was started, in clock ticks since boot; `None` when it is gone, only waits for its parent, or is
/// hidden from us.
///
/// Spec: `proc_pid_stat(5)`, fields 3 (state) and 22 (starttime). The name in field 2 may hold anything.
pub(super) fn born(pid: u64) -> Option<i64> {
    parse(&stat(pid)?)
}

/// True when the process that was started then is no more. Its number may belong to another one by now.
pub(super) fn is_gone(pid: u64, when: Option<i64>) -> bool {
    match stat(pid) {
        Some(stat) => parse(&stat) != when,
        // With `hidepid` the processes of others have no folder, but they do exist.
        None => !exists(pid),
    }
}

fn stat(pid: u64) -> Option<String> {
    std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()
}

fn exists(pid: u64) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

fn parse(stat: &str) -> Option<i64> {
    let (_, after) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    let state = *fields.first()?;
    if ["Z", "X", "x"].contains(&state) {
        return None;
    }
    fields.get(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_a_name_made_to_mislead_is_read() {
        let stat = |state| format!("42 (a) R 1) {state} 1 42 42 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 98765 0 0");
        assert_eq!(parse(&stat("S")), Some(98765));
        assert_eq!(parse(&stat("Z")), None, "a zombie holds nothing");
        assert_eq!(parse("garbage"), None);
    }

    #[test]
    fn this_process_lives_and_has_a_machine() {
        assert!(born(std::process::id().into()).is_some());
        assert!(!is_gone(std::process::id().into(), born(std::process::id().into())));
        assert!(is_gone(std::process::id().into(), Some(1)), "the number belongs to another one by now");
        assert_eq!(born(u64::MAX), None);
        assert!(is_gone(u64::MAX, None) && exists(1));
        assert!(machine().is_some());
    }
}
