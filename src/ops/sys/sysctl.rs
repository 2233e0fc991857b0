//! `sys::sysctl`

use crate::event::Sign;
use crate::ops::args::absolute;
use crate::ops::file::{SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::sysctl::{Sysctl, path, single_blanks};
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::{Command, quote};
use serde::Deserialize;
use serde_json::Value;

/// Keeps a kernel parameter, now and after a restart.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetSysctl {
    key: String,
    value: Value,
    persist: Option<bool>,
    file: Option<String>,
}

/// What the kernel and the file say.
pub struct Seen {
    now: Sysctl,
    file: Option<SmallFile>,
}

const FILE: &str = "/etc/sysctl.d/90-rhapsode.conf";

impl SetSysctl {
    fn wanted(&self) -> String {
        match &self.value {
            Value::String(text) => single_blanks(text),
            Value::Bool(on) => u8::from(*on).to_string(),
            other => other.to_string(),
        }
    }

    fn file(&self) -> &str {
        self.file.as_deref().unwrap_or(FILE)
    }
}

impl Operation for SetSysctl {
    const NAME: &'static str = "sys::sysctl";
    const TARGET: &'static str = "key";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._/-*".contains(c);
        if self.key.is_empty() || !self.key.chars().all(plain) || self.key.contains("..") || self.key.contains('*') {
            return Err(format!("argument `key`: `{}` is no kernel parameter", self.key));
        }
        match &self.value {
            Value::Number(_) | Value::Bool(_) => {}
            Value::String(text) if !text.contains('\n') && !text.trim().is_empty() => {}
            _ => return Err("argument `value` must be a number or a text of one line".into()),
        }
        absolute("file", self.file())
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let file = if args.text("file").is_empty() { FILE } else { args.text("file") };
        let parameter = args.thing("sysctl", args.text("key")).takes(args, &["value", "persist"]).aspect("file", file);
        vec![parameter.reads::<Sysctl>(args.text("key")).within_file(file)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let now = view.see::<Sysctl>(&self.key)?;
        let file = if self.persist.unwrap_or(true) { Some(SmallFile::see(view, self.file())?) } else { None };
        Ok(Seen { now, file })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let wanted = self.wanted();
        let mut plan = Plan::new();
        if let Some(file) = &seen.file {
            if file.bytes()?.is_some_and(|bytes| std::str::from_utf8(bytes).is_err()) {
                return Err(OpError::refused(format!("`{}` is no text file", self.file())));
            }
            let text = with_line(&file.text()?, &self.key, &wanted);
            plan.changes.extend(file.ensure(&Whole::of_root(text, 0o644))?);
        }
        let Some(value) = &seen.now.value else {
            return Err(OpError::refused_with(
                format!("the kernel has no parameter `{}`", self.key),
                "check its spelling; some come with a module only",
            ));
        };
        if *value == wanted {
            return Ok(plan);
        }
        if !seen.now.writable {
            return Err(OpError::refused_with(
                format!("kernel parameter `{}` cannot be set here: it is read-only or belongs to root", self.key),
                "in a container it is given at its start: `docker run --sysctl`",
            ));
        }
        let command = Command::script(format!("echo {} > {}", quote(&wanted), quote(&path(&self.key))));
        let change = Change::new(Sign::Update, format!("{} {value} -> {wanted}", self.key))
            .run(command)
            .touching([path(&self.key)]);
        Ok(plan.with(change.makes(&self.key, Sysctl { value: Some(wanted), writable: true })))
    }
}

/// The file with `key = value` in place of the last line about the key, or at the end.
///
/// Spec: sysctl.d(5): `-` before a key lets it fail; `#` and `;` begin comments.
fn with_line(text: &str, key: &str, value: &str) -> String {
    let own = path(key);
    let is_about = |line: &&str| {
        let name = line.trim().split('=').next().unwrap_or_default();
        let name = name.trim().trim_start_matches('-');
        line.contains('=') && !line.trim_start().starts_with(['#', ';']) && path(name) == own
    };
    let says_so = |line: &str| line.split_once('=').is_some_and(|(_, said)| single_blanks(said) == value);
    let lines: Vec<&str> = text.lines().collect();
    let found: Vec<usize> = (0..lines.len()).filter(|index| is_about(&lines[*index])).collect();
    if let [only] = found.as_slice()
        && says_so(lines[*only])
    {
        return text.to_owned();
    }
    let line = format!("{key} = {value}");
    let kept = lines.iter().enumerate().filter_map(|(index, old)| match found.split_last() {
        Some((last, _)) if index == *last => Some(line.as_str()),
        Some((_, others)) if others.contains(&index) => None,
        _ => Some(*old),
    });
    let mut kept: Vec<&str> = kept.collect();
    if found.is_empty() {
        kept.push(&line);
    }
    format!("{}\n", kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_parameter_however_it_is_spelt() {
        assert_eq!(with_line("", "net.ipv4.ip_forward", "1"), "net.ipv4.ip_forward = 1\n");
        let text = "# net.ipv4.ip_forward=0\n-net/ipv4/ip_forward=0\nvm.swappiness=1\nnet.ipv4.ip_forward = 0\n";
        let new = with_line(text, "net.ipv4.ip_forward", "1");
        assert_eq!(new, "# net.ipv4.ip_forward=0\nvm.swappiness=1\nnet.ipv4.ip_forward = 1\n");
        let same = "net.ipv4.tcp_rmem=4096\t131072  6291456\n";
        assert_eq!(with_line(same, "net.ipv4.tcp_rmem", "4096 131072 6291456"), same);
    }
}
