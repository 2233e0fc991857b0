//! The one place where changes happen.

use super::change::{FileWrite, Step};
use super::{OpError, Plan};
use crate::remote::{Command, Output, Shell, ShellError};
use std::time::{Duration, Instant};

/// What applying the changes of an operation printed.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// The answer of the last command that was run as such.
    pub output: Option<Output>,
}

/// Does the changes in order, as many in one exchange as possible.
///
/// # Errors
/// The first step that fails; what came before it stays done.
pub fn apply(plan: &Plan, shell: &mut dyn Shell) -> Result<Applied, OpError> {
    let steps: Vec<&Step> = plan.changes.iter().flat_map(|change| &change.steps).chain(&plan.waits).collect();
    run_steps(&steps, shell)
}

fn run_steps(steps: &[&Step], shell: &mut dyn Shell) -> Result<Applied, OpError> {
    let mut applied = Applied::default();
    let mut batch = Vec::new();
    for step in steps {
        if let Some(pending) = inline(step) {
            batch.push(pending);
            continue;
        }
        send(&mut batch, shell, &mut applied)?;
        single(step, shell)?;
    }
    send(&mut batch, shell, &mut applied)?;
    Ok(applied)
}

struct Pending<'a> {
    command: Command,
    write: Option<&'a FileWrite>,
}

fn inline(step: &Step) -> Option<Pending<'_>> {
    match step {
        Step::Run(command) => Some(Pending { command: command.clone(), write: None }),
        Step::Write(write) => Some(Pending { command: write.inline()?, write: Some(write) }),
        _ => None,
    }
}

fn send(batch: &mut Vec<Pending<'_>>, shell: &mut dyn Shell, applied: &mut Applied) -> Result<(), OpError> {
    let batch = std::mem::take(batch);
    if batch.is_empty() {
        return Ok(());
    }
    let commands: Vec<Command> = batch.iter().map(|pending| pending.command.clone()).collect();
    let outputs = shell.change_all(&commands)?;
    for (pending, output) in batch.iter().zip(outputs) {
        match pending.write {
            Some(write) if !output.ok() => return Err(write.failure(&output)),
            Some(_) => {}
            None if !pending.command.succeeds_with(output.code) => {
                return Err(failed(&pending.command, output, shell));
            }
            None => applied.output = Some(output),
        }
    }
    Ok(())
}

/// The error of a command, with what its log says where it has one.
fn failed(command: &Command, mut output: Output, shell: &mut dyn Shell) -> OpError {
    let said = command.why().and_then(|why| shell.change(&why).ok());
    output.stderr.extend(said.into_iter().flat_map(|said| said.stdout));
    OpError::command(command, &output)
}

fn single(step: &Step, shell: &mut dyn Shell) -> Result<(), OpError> {
    match step {
        Step::Run(_) => unreachable!("commands are always sent inline"),
        Step::Write(write) => stream(write, shell),
        Step::Tree(tree) => tree.send(shell),
        Step::Wait { command, every, timeout, what } => wait(command, *every, *timeout, what, shell),
        Step::Reboot { command, timeout } => reboot(command, *timeout, shell),
        Step::Guarded { steps, fresh_login, undo } => guarded(steps, *fresh_login, undo, shell),
    }
}

fn stream(write: &FileWrite, shell: &mut dyn Shell) -> Result<(), OpError> {
    let output = write.stream(shell)?;
    if output.ok() { Ok(()) } else { Err(write.failure(&output)) }
}

fn wait(
    command: &Command,
    every: Duration,
    timeout: Duration,
    what: &str,
    shell: &mut dyn Shell,
) -> Result<(), OpError> {
    let started = Instant::now();
    loop {
        let output = shell.change(command)?;
        if command.succeeds_with(output.code) {
            return Ok(());
        }
        if started.elapsed() + every > timeout {
            return Err(OpError::refused(format!("waited {}s in vain for {what}", timeout.as_secs_f32())));
        }
        std::thread::sleep(every);
    }
}

/// The start time of PID 1 in clock ticks: new after a restart, of a container too, where the boot id stays.
///
/// Spec: proc(5), /proc/PID/stat field 22; the name in field 2 may hold blanks, hence the cut at `)`.
fn boot_mark() -> Command {
    Command::script(
        "s=$(cat /proc/1/stat) && set -- ${s##*)} && shift 19 && echo \"$1 $(cat /proc/sys/kernel/random/boot_id)\"",
    )
}

fn reboot(command: &Command, timeout: Duration, shell: &mut dyn Shell) -> Result<(), OpError> {
    let before = shell.change(&boot_mark())?.text();
    let started = Instant::now();
    // The line may go down before the answer comes; only the new boot mark proves anything.
    match shell.change(command) {
        Ok(output) if !command.succeeds_with(output.code) => return Err(OpError::command(command, &output)),
        Ok(_) | Err(ShellError::Unreachable { .. } | ShellError::Broken | ShellError::Timeout { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let answer = shell.reconnect().and_then(|()| shell.change(&boot_mark()));
        match answer {
            Ok(output) if output.ok() && output.text() != before => return Ok(()),
            Err(ShellError::Interrupted) => return Err(ShellError::Interrupted.into()),
            _ if started.elapsed() > timeout => {
                let reason = format!("it did not come back within {}s of its reboot", timeout.as_secs());
                return Err(ShellError::Unreachable { reason, hint: None }.into());
            }
            _ => {}
        }
    }
}

fn guarded(steps: &[Step], fresh_login: bool, undo: &[Step], shell: &mut dyn Shell) -> Result<(), OpError> {
    let all = |steps: &[Step], shell: &mut dyn Shell| run_steps(&steps.iter().collect::<Vec<_>>(), shell).map(|_| ());
    let done = all(steps, shell).and_then(|()| if fresh_login { Ok(shell.prove_login()?) } else { Ok(()) });
    let Err(error) = done else { return Ok(()) };
    match all(undo, shell) {
        Ok(()) => Err(error),
        Err(undoing) => Err(OpError::refused_with(
            format!("{error}; and bringing back the state before failed: {undoing}"),
            "the connection that made the change is still open: look at the host before you end the run",
        )),
    }
}
