//! Errors as people read them.

use super::Paint;
use super::clean::{one_line, printed};
use crate::event::Failure;

/// Lines of a command's stderr that are shown: the last ones say what went wrong.
const STDERR: usize = 10;

/// An error with its position, causes and hint; each line ends with a newline.
///
/// ```text
/// error: cannot start unit `nginx.service` on `web-1`
///     at playbooks/web.rhai:12:5
/// caused by: `systemctl start -- nginx.service` exited with 1
/// hint: `nginx -t` on the host names the faulty line
/// ```
pub fn failure_text(failure: &Failure, paint: Paint) -> String {
    let mut lines = first_lines(failure, paint);
    if let Some(at) = &failure.at {
        lines.push(format!("    {} {}", paint.faint("at"), one_line(at)));
    }
    lines.extend(failure.calls.iter().map(|call| format!("    {} {}", paint.faint("called at"), one_line(call))));
    for cause in told(failure) {
        let mut parts = printed(cause).into_iter();
        lines.push(format!("{} {}", paint.bad("caused by:"), parts.next().unwrap_or_default()));
        lines.extend(parts.map(|part| format!("    {part}")));
    }
    lines.extend(stderr_lines(failure, paint));
    if let Some(hint) = &failure.hint {
        lines.push(format!("{} {}", paint.note("hint:"), one_line(hint)));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

fn first_lines(failure: &Failure, paint: Paint) -> Vec<String> {
    let mut parts = printed(&failure.message).into_iter();
    let first = format!("{} {}", paint.error("error:"), paint.strong(parts.next().unwrap_or_default()));
    std::iter::once(first).chain(parts.map(|part| format!("    {part}"))).collect()
}

/// The causes, without a last one that only repeats what the command printed.
fn told(failure: &Failure) -> &[String] {
    let printed = failure.stderr.as_deref().unwrap_or_default();
    match failure.causes.split_last() {
        Some((last, rest)) if !rest.is_empty() && printed.trim_end().ends_with(last.trim_end()) => rest,
        _ => &failure.causes,
    }
}

fn stderr_lines(failure: &Failure, paint: Paint) -> Vec<String> {
    let Some(stderr) = failure.stderr.as_deref().filter(|text| !text.trim().is_empty()) else { return Vec::new() };
    let all = printed(stderr);
    let left_out = all.len().saturating_sub(STDERR);
    let note = (left_out > 0).then(|| paint.faint(format!("    | … {left_out} lines before")));
    note.into_iter().chain(all[left_out..].iter().map(|line| format!("    {} {line}", paint.faint("|")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_the_style_guide_shows() {
        let failure = Failure::new("cannot start unit `nginx.service` on `web-1`")
            .at("playbooks/web.rhai:12:5")
            .hint("`nginx -t` on the host names the faulty line");
        let causes = vec!["`systemctl start -- nginx.service` exited with 1".to_owned()];
        insta::assert_snapshot!(failure_text(&Failure { causes, ..failure }, Paint::default()), @"
        error: cannot start unit `nginx.service` on `web-1`
            at playbooks/web.rhai:12:5
        caused by: `systemctl start -- nginx.service` exited with 1
        hint: `nginx -t` on the host names the faulty line
        ");
    }

    #[test]
    fn what_a_command_printed_is_shown_once_and_calls_below_the_place() {
        let failure = Failure {
            calls: vec!["site.rhai:7:1".into()],
            causes: vec!["`useradd -- zed` exited with 1".into(), "useradd: Permission denied.".into()],
            stderr: Some("useradd: Permission denied.\n".into()),
            ..Failure::new("no").at("modules/a.rhai:2:5")
        };
        insta::assert_snapshot!(failure_text(&failure, Paint::default()), @"
        error: no
            at modules/a.rhai:2:5
            called at site.rhai:7:1
        caused by: `useradd -- zed` exited with 1
            | useradd: Permission denied.
        ");
    }

    #[test]
    fn only_the_end_of_a_long_stderr_is_shown() {
        let stderr = Some((1..=12).map(|n| format!("line {n}\n")).collect());
        let text = failure_text(&Failure { stderr, ..Failure::new("no") }, Paint::default());
        assert_eq!(text.lines().count(), 12);
        assert!(text.contains("    | … 2 lines before\n    | line 3\n"));
    }
}
