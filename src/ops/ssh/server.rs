//! `ssh::server`: options of sshd that take effect only when somebody can still log in afterwards.

use super::options::Options;
use crate::event::Sign;
use crate::ops::file::{SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Path;
use crate::ops::{Change, OpError, Operation, Plan, Step, View};
use crate::remote::Command;
use serde::Deserialize;

const MAIN: &str = "/etc/ssh/sshd_config";
const DROP_IN: &str = "/etc/ssh/sshd_config.d/00-rhapsode.conf";
const HEAD: &str = "# Managed by rhapsode\n";
const BEGIN: &str = "# BEGIN rhapsode";
const END: &str = "# END rhapsode";

/// Sets options of the SSH server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    options: Options,
}

/// The main configuration and our drop-in.
pub struct Seen {
    main: SmallFile,
    drop_in: SmallFile,
}

impl Operation for Server {
    const NAME: &'static str = "ssh::server";
    const TARGET: &'static str = "options";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        self.options.lines().map(|_| ())
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let options = args.0.get("options").and_then(serde_json::Value::as_object).into_iter().flatten();
        let server = args.thing("ssh-server", "sshd").reads::<Path>(DROP_IN).within_file(DROP_IN);
        vec![options.fold(server, |server, (name, value)| server.aspect(name, value.clone()))]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let files = SmallFile::see_all(view, &[MAIN.to_owned(), DROP_IN.to_owned()])?;
        let [main, drop_in] = files.try_into().expect("two states for two paths");
        if main.is_absent() {
            // A package that is planned may bring it.
            view.see::<Path>(MAIN)?;
        }
        Ok(Seen { main, drop_in })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        if seen.main.is_absent() {
            return Err(OpError::refused_with(
                format!("there is no `{MAIN}`"),
                "install the OpenSSH server before: `pkg::installed(\"openssh-server\")`",
            ));
        }
        let (lines, blocks) = self.options.lines().map_err(OpError::refused)?;
        let main = seen.main.text()?;
        if includes_first(&main, &self.options.keywords()) {
            let wanted = Whole::new(format!("{HEAD}{lines}{blocks}"), 0o644, "root", "root");
            return replace(&seen.drop_in, &wanted);
        }
        replace(&seen.main, &seen.main.holding(with_blocks(&main, &lines, &blocks)))
    }
}

/// Whether our drop-in is read before anything else could set one of the keywords: the first value counts.
///
/// Spec: sshd_config(5), "for each keyword, the first obtained value will be used".
fn includes_first(main: &str, keywords: &[String]) -> bool {
    for line in main.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let mut words = line.split_ascii_whitespace();
        let keyword = words.next().unwrap_or_default().to_ascii_lowercase();
        match keyword.as_str() {
            "include" if words.any(|pattern| pattern.trim_matches('"') == "/etc/ssh/sshd_config.d/*.conf") => {
                return true;
            }
            "match" => return false,
            keyword if keywords.iter().any(|ours| ours == keyword) => return false,
            _ => {}
        }
    }
    false
}

/// Our lines first, our `Match` blocks last: a block goes on until the next one.
fn with_blocks(main: &str, lines: &str, blocks: &str) -> String {
    let mut rest = Vec::new();
    let mut inside = false;
    for line in main.split_inclusive('\n') {
        match line.trim_end() {
            BEGIN => inside = true,
            END if inside => inside = false,
            _ if inside => {}
            _ => rest.push(line),
        }
    }
    let rest = rest.concat();
    let gap = if rest.ends_with('\n') || rest.is_empty() { "" } else { "\n" };
    let marked = |text: &str| if text.is_empty() { String::new() } else { format!("{BEGIN}\n{text}{END}\n") };
    let last = marked(blocks);
    format!("{}{rest}{}{last}", marked(lines), if last.is_empty() { "" } else { gap })
}

fn replace(seen: &SmallFile, wanted: &Whole) -> Result<Plan, OpError> {
    if seen.difference(wanted)?.is_none() {
        return Ok(Plan::new());
    }
    let guarded = Step::Guarded {
        steps: vec![Step::Write(seen.write(wanted)), Step::Run(Command::new("sshd").arg("-t")), Step::Run(reload())],
        fresh_login: true,
        undo: vec![seen.undo(), Step::Run(reload())],
    };
    let sign = if seen.is_absent() { Sign::Create } else { Sign::Update };
    let change = seen.noted(Change::new(sign, seen.path()), wanted)?;
    // A mistake that sshd sees by itself is caught before any file is touched.
    let check = Command::new("sshd").arg("-t").arg("-f").arg("/dev/stdin").stdin(wanted.content());
    Ok(change.run(check).step(guarded).into())
}

/// sshd executes itself anew on SIGHUP and writes its pid file once it listens again: until then a login would
/// prove the old configuration, or meet a closed port. Where sshd is started for each connection, or not at all,
/// there is nothing to reload.
fn reload() -> Command {
    Command::script(include_str!("reload.sh"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drop_in_counts_only_where_it_is_read_first() {
        let include = "Include /etc/ssh/sshd_config.d/*.conf\n";
        let port = ["port".to_owned()];
        assert!(includes_first(&format!("# x\n{include}Port 22\n"), &port));
        assert!(includes_first(&format!("UsePAM yes\n{include}"), &port));
        assert!(!includes_first(&format!("Port 22\n{include}"), &port));
        assert!(!includes_first(&format!("#{include}"), &port));
        assert!(!includes_first(&format!("Match User a\n{include}"), &port));
    }

    #[test]
    fn our_lines_stand_once_and_first_and_our_blocks_last() {
        let first = with_blocks("UsePAM yes", "Port 22\n", "Match User a\n");
        assert_eq!(
            first,
            "# BEGIN rhapsode\nPort 22\n# END rhapsode\nUsePAM yes\n# BEGIN rhapsode\nMatch User a\n# END rhapsode\n"
        );
        assert_eq!(with_blocks(&first, "Port 23\n", ""), "# BEGIN rhapsode\nPort 23\n# END rhapsode\nUsePAM yes\n");
        assert_eq!(with_blocks(&first, "", ""), "UsePAM yes\n");
    }
}
