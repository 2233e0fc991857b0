//! Becoming another user: `sudo`, `su` or `doas` with the shell as its program, and nothing on disk.
//!
//! A password is written only when it was asked for, with nothing behind it: the programs may read further.

use super::host::Link;
use super::process::takes_launch;
use crate::inventory::{Escalation, Method};
use crate::remote::{Channel, Opener, ShellError, Task, quote};
use crate::secret::{redact, reveal};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Opens channels as another user.
pub(super) struct Escalated {
    link: Arc<Link>,
    who: Escalation,
    /// Starts every word that the launch script says to us.
    mark: String,
}

/// What stands on the streams so far.
#[derive(Default)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Escalated {
    pub fn new(link: Arc<Link>, who: Escalation) -> Self {
        Self { link, who, mark: crate::remote::random_mark() }
    }

    async fn channel(&self) -> Result<Channel, ShellError> {
        let launch = self.launch();
        let mut channel = self.link.channel(Some(&launch)).await?;
        let takes_launch = takes_launch(self.link.target.connection.connect);
        if !takes_launch {
            let line = format!("exec sh -c {}\n", quote(&launch));
            // Whatever refuses the line also says why on stderr.
            let _ = channel.stdin.write_all(line.as_bytes()).await;
        }
        // What cannot ask for a password cannot swallow the first request either.
        if self.may_ask() || !takes_launch {
            let limit = self.link.target.connect_timeout;
            match tokio::time::timeout(limit, self.dialogue(&mut channel)).await {
                Ok(said) => channel.preamble = said?.stdout,
                Err(_) => return Err(self.refused(format!("no answer within {}s", limit.as_secs()))),
            }
        }
        Ok(channel)
    }

    /// `su` always may: it has no way to say that it must not.
    fn may_ask(&self) -> bool {
        match self.who.method {
            Method::Sudo => self.who.password.is_some(),
            Method::Su => true,
            Method::Doas => false,
        }
    }

    /// What the login user's shell runs. No escalation when it is the wanted user already.
    fn launch(&self) -> String {
        let mark = &self.mark;
        let user = quote(&self.who.user);
        let same = if self.who.user == "root" {
            "u=; { while read -r k a b; do case $k in Uid:) u=$a; break;; esac; done </proc/$$/status; } 2>/dev/null\n\
             case $u in \"\") u=$(id -u);; esac\ncase $u in 0)"
                .to_owned()
        } else {
            format!("case $(id -un) in {user})")
        };
        let shell = quote(&format!("printf {mark}:ready; exec sh"));
        let become_user = match self.who.method {
            Method::Sudo if self.who.password.is_some() => {
                format!("exec sudo -S -p {mark}:password -H -u {user} -- sh -c {shell}")
            }
            Method::Sudo => format!("exec sudo -n -H -u {user} -- sh -c {shell}"),
            Method::Su => format!("exec su -s /bin/sh {user} -c {shell}"),
            Method::Doas => format!("exec doas -n -u {user} sh -c {shell}"),
        };
        format!("{same} printf {mark}:same; exec sh;; esac\n{become_user}")
    }

    /// Waits until the shell runs; answers one question for a password.
    async fn dialogue(&self, channel: &mut Channel) -> Result<Said, ShellError> {
        let mut said = Said::default();
        let mut answered = false;
        loop {
            if contains(&said.stdout, &self.word("ready")) || contains(&said.stdout, &self.word("same")) {
                return Ok(said);
            }
            if self.asks(&said, answered) {
                if answered {
                    return Err(self.wrong_password());
                }
                self.answer(channel).await?;
                answered = true;
                said = Said::default();
            }
            if !said.read(channel).await {
                said.read_rest(channel).await;
                return Err(self.judge(&said.stdout, &said.stderr, answered));
            }
        }
    }

    fn word(&self, word: &str) -> Vec<u8> {
        format!("{}:{word}", self.mark).into_bytes()
    }

    /// `sudo` asks with our mark. `su` asks in its own words, on stdout (busybox) or stderr.
    fn asks(&self, said: &Said, answered: bool) -> bool {
        match self.who.method {
            Method::Sudo => contains(&said.stderr, &self.word("password")),
            Method::Su => !answered && (is_question(&said.stderr) || is_question(&said.stdout)),
            Method::Doas => false,
        }
    }

    async fn answer(&self, channel: &mut Channel) -> Result<(), ShellError> {
        let Some(password) = &self.who.password else { return Err(self.no_password()) };
        let mut line = reveal(password)?;
        line.push('\n');
        // A program that no longer reads says why on stderr.
        let _ = channel.stdin.write_all(line.as_bytes()).await;
        let _ = channel.stdin.flush().await;
        Ok(())
    }

    fn judge(&self, stdout: &[u8], stderr: &[u8], answered: bool) -> ShellError {
        let said = String::from_utf8_lossy(&[stdout, b"\n", stderr].concat()).into_owned();
        if said.contains("incorrect password") || (answered && said.contains("uthentication failure")) {
            return self.wrong_password();
        }
        if said.contains("password is required") || said.contains("uthentication required") {
            return self.no_password();
        }
        let Some(line) = self.reason(&said) else { return self.refused("it ended without a word") };
        if contains(line.as_bytes(), b"not found") && !answered {
            return ShellError::Escalation {
                method: self.method(),
                user: self.who.user.clone(),
                reason: format!("`{}` is not installed on the host", self.method()),
                hint: None,
            };
        }
        self.refused(redact(line))
    }

    /// The first complaint of the program itself (sudo adds others of its plugins), or the last line.
    fn reason<'a>(&self, said: &'a str) -> Option<&'a str> {
        let program = format!("{}: ", self.method());
        let mut own = said.lines().filter_map(|line| line.trim().strip_prefix(&program));
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
        own.find(|line| !line.contains("unable to resolve host")).or(last)
    }

    fn no_password(&self) -> ShellError {
        let hint = match self.who.method {
            Method::Doas => "doas reads passwords from a terminal only: give the login user a `nopass` rule".to_owned(),
            _ => format!(
                "give it in the inventory, `{}_password: {{ secret: NAME }}`, or let the login user go without",
                self.method()
            ),
        };
        self.error("a password is required".to_owned(), Some(hint))
    }

    fn wrong_password(&self) -> ShellError {
        let hint = match self.who.method {
            Method::Su => format!("su asks for the password of `{}`", self.who.user),
            _ => format!("{} asks for the password of the user who logs in", self.method()),
        };
        self.error("wrong password".to_owned(), Some(hint))
    }

    fn refused(&self, reason: impl Into<String>) -> ShellError {
        self.error(reason.into(), None)
    }

    fn error(&self, reason: String, hint: Option<String>) -> ShellError {
        ShellError::Escalation { method: self.method(), user: self.who.user.clone(), reason, hint }
    }

    fn method(&self) -> &'static str {
        match self.who.method {
            Method::Sudo => "sudo",
            Method::Su => "su",
            Method::Doas => "doas",
        }
    }
}

impl Said {
    /// False at the end of either stream.
    async fn read(&mut self, channel: &mut Channel) -> bool {
        let count = tokio::select! {
            count = channel.stdout.read_buf(&mut self.stdout) => count,
            count = channel.stderr.read_buf(&mut self.stderr) => count,
        };
        matches!(count, Ok(1..)) && self.stdout.len() + self.stderr.len() < 1024 * 1024
    }

    /// The streams end one after the other; the reason may still be on its way.
    async fn read_rest(&mut self, channel: &mut Channel) {
        let (mut stdout, mut stderr) = ((&mut channel.stdout).take(65_536), (&mut channel.stderr).take(65_536));
        let rest = async { tokio::join!(stdout.read_to_end(&mut self.stdout), stderr.read_to_end(&mut self.stderr)) };
        let _ = tokio::time::timeout(Duration::from_millis(500), rest).await;
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A last line without an end that closes with a colon, in any language.
fn is_question(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let last = text.rsplit('\n').next().unwrap_or_default().trim_end();
    last.ends_with(':') || last.ends_with('：')
}

impl Opener for Escalated {
    fn open(&self) -> Task<'_, Result<Channel, ShellError>> {
        Box::pin(self.channel())
    }

    fn alive(&self) -> Task<'_, bool> {
        self.link.alive()
    }

    fn forget(&self) -> Task<'_, ()> {
        self.link.forget()
    }

    fn prove(&self) -> Task<'_, Result<(), ShellError>> {
        self.link.prove()
    }

    /// Before the login user's shell ran there was no escalation that could fail.
    fn explain(&self, stdout: &[u8], stderr: &[u8]) -> ShellError {
        match self.link.explain(stdout, stderr) {
            found @ ShellError::Unreachable { hint: Some(_), .. } if !self.link.is_ssh() => found,
            _ => self.judge(stdout, stderr, false),
        }
    }

    fn is_login_user(&self, preamble: &[u8]) -> bool {
        contains(preamble, &self.word("same"))
    }
}

#[cfg(test)]
mod tests {
    use super::is_question;

    #[test]
    fn a_question_is_a_last_line_with_a_colon() {
        assert!(is_question(b"banner\nPassword: "));
        assert!(is_question("Mot de passe : ".as_bytes()));
        assert!(!is_question(b"Password: \n"));
        assert!(!is_question(b"su: user nobody"));
        assert!(!is_question(b""));
    }
}
