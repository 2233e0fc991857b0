//! The crontab of a user.

use super::Resource;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output, quote};
use std::sync::Arc;

/// The crontab of a user; the key is the user's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crontab {
    /// False when the host has no crontab(1).
    pub supported: bool,
    /// All of it; empty when there is none.
    pub text: String,
}

/// The crontab command for a user: only root may name another one.
///
/// Spec: POSIX.1-2024 crontab has no `-u`; cronie, Vixie cron and busybox have.
pub fn crontab(user: &str, words: &str) -> String {
    let user = quote(user);
    format!("if [ \"$(id -un)\" = {user} ]; then crontab {words}; else crontab -u {user} {words}; fi")
}

impl Resource for Crontab {
    const KIND: &'static str = "crontab";

    fn script(keys: &[String]) -> Command {
        let mut script = String::from("command -v crontab >/dev/null || { echo none; exit 0; }\n");
        for user in keys {
            // Indented, so that no line of a crontab looks like the mark of the next.
            script.push_str(&format!("echo @\n{{ {}; }} 2>/dev/null | sed 's/^/ /'\n", crontab(user, "-l")));
        }
        Command::script(script)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        if text == "none" {
            return Ok(keys.iter().map(|_| Self { supported: false, text: String::new() }).collect());
        }
        let mut tables: Vec<String> = Vec::new();
        for line in text.lines() {
            match (line, tables.last_mut()) {
                ("@", _) => tables.push(String::new()),
                (line, Some(table)) => {
                    table.push_str(line.strip_prefix(' ').unwrap_or(line));
                    table.push('\n');
                }
                _ => return Err(OpError::answer(Self::script(keys), &output.stdout)),
            }
        }
        if tables.len() != keys.len() {
            return Err(OpError::answer(Self::script(keys), &output.stdout));
        }
        Ok(tables.into_iter().map(|text| Self { supported: true, text }).collect())
    }

    fn is_absent(&self) -> bool {
        !self.supported
    }

    fn outlasts(&self, _: &str, change: &Altered<'_>) -> bool {
        !change.concerns_any(&["/etc/crontabs", "/etc/cron.allow", "/etc/cron.deny", "/var/spool/cron"])
    }

    fn held(&self) -> Option<Arc<[u8]>> {
        Some(self.text.as_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_several_users_are_told_apart() {
        let keys = ["root".to_owned(), "alice".to_owned()];
        let output = Output { stdout: b"@\n # a\n 0 1 * * * @x\n@\n".to_vec(), ..Output::default() };
        let tables = Crontab::parse(&keys, &output).expect("two tables");
        assert_eq!(tables[0].text, "# a\n0 1 * * * @x\n");
        assert_eq!(tables[1].text, "");
    }
}
