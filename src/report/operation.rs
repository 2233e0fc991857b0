//! One operation as lines of text.

use super::clean::{one_line, printed};
use super::{Look, Paint, Verbosity};
use crate::event::{Cause, ChangeLine, Drift, OpStatus, OperationEnd, Sign};
use serde_json::Value;

/// Changes that fit beside the operation; more get a line each.
const BESIDE: usize = 3;

/// An operation without its host: the line, and what stands below it, but for the diff.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct OperationLines {
    pub head: String,
    pub below: Vec<String>,
}

/// True when an operation that ended so is worth a line.
pub(super) fn visible(status: OpStatus, verbosity: Verbosity) -> bool {
    match status {
        OpStatus::Changed | OpStatus::Failed | OpStatus::Unknown => verbosity >= Verbosity::Normal,
        OpStatus::Unchanged | OpStatus::Skipped => verbosity >= Verbosity::Verbose,
    }
}

/// The lines of an operation.
pub(super) fn operation_lines(end: &OperationEnd, look: &Look) -> OperationLines {
    let paint = look.paint;
    let mut head = format!("{} {}", sign(end, paint), what(end, paint));
    let told = told(end, paint);
    if !told.is_empty() {
        head.push_str(&format!("  {told}"));
    }
    if look.verbosity >= Verbosity::Detailed {
        let details = format!("{}  {}", duration(end.duration_ms), one_line(&end.id));
        head.push_str(&format!("  {}", paint.faint(details)));
    }
    let mut below = Vec::new();
    if apart(&end.changes) {
        below.extend(
            end.changes.iter().map(|change| format!("{} {}", mark(change.sign, paint), one_line(&change.text))),
        );
    }
    if let Some(drift) = &end.drift {
        below.extend(drift_lines(drift, paint));
    }
    if let Some(output) = end.output.as_deref().filter(|text| !text.is_empty()) {
        below.extend(printed(output).iter().map(|line| format!("{} {line}", paint.faint("|"))));
    }
    OperationLines { head, below }
}

/// Each aspect as it is found and as it is wanted; a text of several lines has the diff.
fn drift_lines(drift: &Drift, paint: Paint) -> Vec<String> {
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "unknown".to_owned(),
        Some(Value::String(text)) if text.trim_end().contains('\n') => format!("{} lines", text.lines().count()),
        Some(Value::String(text)) => format!("`{}`", one_line(text.trim_end())),
        Some(other) => one_line(&other.to_string()).into_owned(),
    };
    let who = match drift.cause {
        Some(Cause::Hand) => "changed on the host",
        Some(Cause::Repository) => "changed in the repository",
        Some(Cause::Unfinished) => "left unfinished by the last apply",
        None => "an action: it leaves no state to compare",
    };
    let aspect = |(name, wanted): (&String, &Value)| {
        let found = text(drift.found.get(name));
        format!("{}: found {found}, wanted {}", one_line(name), text(Some(wanted)))
    };
    // What is not there has none of the other aspects.
    let found = |name: &String| drift.found.get(name).is_some_and(|found| !found.is_null());
    let some = drift.wanted.keys().any(found);
    let wanted = drift.wanted.iter().filter(|(name, _)| drift.cause.is_some() && (found(name) || !some));
    // Of texts of several lines the diff tells more.
    let several =
        |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|text| text.trim_end().contains('\n'));
    let aspects =
        wanted.filter(|(name, wanted)| !several(Some(wanted)) || !several(drift.found.get(*name))).map(aspect);
    std::iter::once(paint.faint(who)).chain(aspects).collect()
}

/// `file::put /etc/motd (login banner)`.
fn what(end: &OperationEnd, paint: Paint) -> String {
    let name = end.name.as_deref().map(|name| paint.faint(format!(" ({})", one_line(name))));
    let what = format!("{} {}", one_line(&end.op), one_line(&end.target));
    let what = if matches!(end.status, OpStatus::Unchanged | OpStatus::Skipped) { paint.faint(what) } else { what };
    format!("{what}{}", name.unwrap_or_default())
}

/// What stands after it: the changes, the reason, or the error.
fn told(end: &OperationEnd, paint: Paint) -> String {
    let reason = || end.reason.as_deref().map(one_line).unwrap_or_default();
    match end.status {
        OpStatus::Failed => {
            let message = end.error.as_ref().map(|error| one_line(&error.message).into_owned());
            paint.bad(message.unwrap_or_else(|| "failed".to_owned()))
        }
        OpStatus::Unknown if reason().is_empty() => paint.unsure("known after apply"),
        OpStatus::Unknown => paint.unsure(format!("known after apply: {}", reason())),
        OpStatus::Skipped => paint.faint(format!("skipped: {}", reason()).trim_end_matches([' ', ':'])),
        OpStatus::Changed | OpStatus::Unchanged if apart(&end.changes) => format!("{} changes", end.changes.len()),
        OpStatus::Changed | OpStatus::Unchanged => beside(end),
    }
}

/// The changes on one line. A command that is its own target is not said twice.
fn beside(end: &OperationEnd) -> String {
    let texts = end.changes.iter().map(|change| change.text.as_str()).filter(|text| *text != end.target);
    texts.map(|text| one_line(text).into_owned()).collect::<Vec<_>>().join(", ")
}

fn apart(changes: &[ChangeLine]) -> bool {
    let wide: usize = changes.iter().map(|change| change.text.chars().count() + 2).sum();
    changes.len() > BESIDE || (changes.len() > 1 && wide > 80)
}

fn sign(end: &OperationEnd, paint: Paint) -> String {
    match end.status {
        OpStatus::Failed => paint.error("x"),
        OpStatus::Unknown => paint.unsure("?"),
        OpStatus::Skipped => paint.faint("."),
        OpStatus::Unchanged => paint.faint("="),
        OpStatus::Changed => mark(common(&end.changes), paint),
    }
}

/// The sign that all changes share; different ones make an update.
fn common(changes: &[ChangeLine]) -> Sign {
    match changes.split_first() {
        Some((first, rest)) if rest.iter().all(|change| change.sign == first.sign) => first.sign,
        _ => Sign::Update,
    }
}

fn mark(sign: Sign, paint: Paint) -> String {
    match sign {
        Sign::Create => paint.good("+"),
        Sign::Update => paint.changed("~"),
        Sign::Remove => paint.bad("-"),
        Sign::Run => paint.note("!"),
    }
}

/// Milliseconds as people say them: `812 ms`, `4.2 s`, `3 min 12 s`, `1 h 5 min`.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// `1 host`, `2 hosts`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_as_people_do() {
        let said: Vec<_> = [0, 999, 4_299, 59_999, 60_000, 192_000, 3_900_000].map(duration).into();
        assert_eq!(said, ["0 ms", "999 ms", "4.2 s", "59.9 s", "1 min 0 s", "3 min 12 s", "1 h 5 min"]);
    }

    #[test]
    fn changes_of_one_kind_share_its_sign_and_others_make_an_update() {
        let change = |sign| ChangeLine { sign, text: String::new(), open: false, secrets: None };
        assert_eq!(common(&[change(Sign::Create), change(Sign::Create)]), Sign::Create);
        assert_eq!(common(&[change(Sign::Create), change(Sign::Remove)]), Sign::Update);
    }
}
