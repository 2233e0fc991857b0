//! Ctrl-C, SIGTERM, and the SIGHUP of a terminal that is closed: the first one stops a run in order, the next one ends
//! the process at once. Where nothing runs, the first one ends it. What would be left behind on this machine is removed
//! in either case.

use super::failure::Exit;
use super::worktree::Tree;
use crate::engine::Run;
use crate::event::Event;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use tokio::signal::unix::{SignalKind, signal};

struct Now {
    run: Weak<Run>,
    tree: Weak<Tree>,
}

static NOW: Mutex<Now> = Mutex::new(Now { run: Weak::new(), tree: Weak::new() });

/// From now on a signal stops this run, as long as it lives.
pub(super) fn stop(run: &Arc<Run>) {
    now().run = Arc::downgrade(run);
    watch();
}

/// From now on a signal does not leave this tree behind.
pub(super) fn remove(tree: &Arc<Tree>) {
    now().tree = Arc::downgrade(tree);
    watch();
}

fn now() -> MutexGuard<'static, Now> {
    NOW.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread for the life of the process: a handler of the runtime of a run would swallow what comes after the run.
fn watch() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let (ready, listening) = sync_channel(1);
        let started = std::thread::Builder::new().name("signals".into()).spawn(move || listen(ready));
        if started.is_ok() {
            // An error means that nobody listens: a signal then ends the process as it does any other.
            let _ = listening.recv();
        }
    });
}

fn listen(ready: SyncSender<()>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let kinds = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        let (Ok(mut interrupt), Ok(mut terminate)) = kinds else { return };
        let mut hangup = if ignores_hangup() { None } else { signal(SignalKind::hangup()).ok() };
        let _ = ready.send(());
        loop {
            let closed = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = closed => {}
            }
            answer();
        }
    });
}

/// Whether whoever started this process wants it to outlive the terminal, as nohup(1) does.
///
/// Spec: proc_pid_status(5), `SigIgn`: bit 0 is signal 1.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

fn answer() {
    let run = now().run.upgrade().filter(|run| !run.interrupted());
    match run {
        Some(run) => {
            run.interrupt();
            let text = "interrupted: stops what it is doing; once more ends at once, and leaves hosts as they are";
            run.emit(Event::Warning { host: None, text: text.into() });
        }
        None => quit(),
    }
}

fn quit() -> ! {
    let tree = now().tree.upgrade();
    if let Some(tree) = tree {
        tree.remove();
    }
    crate::report::restore_keys();
    std::process::exit(Exit::Interrupted.code().into());
}
