//! The text of a request: commands in subshells, with random marks between their answers.
//!
//! The whole request is one compound command, so a part of it never runs. A frame is
//! `\036 MARK : TAG : TEXT \n` on stdout, and the same on stderr; tags are `h` (hello), `s` (start), the number
//! of a command (its text is the exit status), and `e` (end). Only the shell's memory holds the mark.
//!
//! Commands never share the script's stdin: dash reads it in blocks ahead of what it runs.

use super::print::printing;
use super::{Command, quote};
use crate::secret::{RevealError, random, reveal};
use std::time::Duration;
use zeroize::Zeroizing;

/// Opens a frame; followed by the mark.
pub(super) const OPEN: u8 = 0x1e;

/// What a fresh shell is told before its first request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hello {
    /// A shell whose processes shall end: its answer came too late.
    pub kill: Option<u32>,
}

/// One request, ready to be written.
pub(super) struct Request {
    pub mark: String,
    pub script: Zeroizing<String>,
    /// For each command; nothing means the connection's limit.
    pub timeouts: Vec<Option<Duration>>,
}

impl Request {
    /// Nothing but a greeting.
    pub fn hello(hello: Hello) -> Self {
        let mut builder = Builder::new();
        builder.hello(hello);
        builder.finish(Vec::new(), "")
    }

    /// Commands with `/dev/null` or their own stdin. Of the first `strict` ones, those after one that does not
    /// succeed are left out; the others run in any case.
    pub fn batch(commands: &[&Command], strict: usize, hello: Option<Hello>) -> Result<Self, RevealError> {
        let mut builder = Builder::new();
        if let Some(hello) = hello {
            builder.hello(hello);
        }
        builder.line("rh_g=1");
        builder.frame("s", "");
        for (number, command) in commands.iter().enumerate() {
            builder.command(number, command, number < strict)?;
        }
        Ok(builder.finish(commands.iter().map(|command| command.timeout).collect(), ""))
    }

    /// One command that reads what follows the request; the hello says when it may follow. The shell exits
    /// after it: content that nobody read must not be taken for a script.
    pub fn streamed(command: &Command) -> Result<Self, RevealError> {
        let mut builder = Builder::new();
        let text = evaluated(command)?;
        builder.hello(Hello::default());
        builder.frame("s", "");
        builder.line(&format!("( unset rh_s; {} )", *text));
        builder.status(0);
        Ok(builder.finish(vec![command.timeout], "exit 0\n"))
    }
}

struct Builder {
    mark: String,
    script: Zeroizing<String>,
}

impl Builder {
    fn new() -> Self {
        Self { mark: random_mark(), script: Zeroizing::new("{\n".to_owned()) }
    }

    fn line(&mut self, text: &str) {
        self.script.push_str(text);
        self.script.push('\n');
    }

    fn frame(&mut self, tag: &str, words: &str) {
        let mark = &self.mark;
        let line = format!("printf '\\036{mark}:{tag}:%s\\n' \"{words}\"; printf '\\036{mark}:{tag}:\\n' >&2");
        self.line(&line);
    }

    fn hello(&mut self, hello: Hello) {
        self.line(PREPARE);
        if let Some(pid) = hello.kill {
            self.line(&KILL.replace("@PID@", &pid.to_string()));
        }
        self.frame("h", "$$ $rh_u");
        self.line("unset rh_u");
    }

    fn command(&mut self, number: usize, command: &Command, stop: bool) -> Result<(), RevealError> {
        let text = evaluated(command)?;
        if stop {
            self.line("case $rh_g in 1)");
        }
        match &command.stdin {
            None => self.line(&format!("( unset rh_s rh_g; {} ) </dev/null", *text)),
            Some(bytes) => {
                self.feed(&revealed(bytes)?);
                self.line(&format!("( unset rh_s rh_g; {} )", *text));
            }
        }
        self.status(number);
        if stop {
            let good: Vec<String> = command.success_codes.iter().map(i32::to_string).collect();
            let good = if good.is_empty() { "none".to_owned() } else { good.join("|") };
            self.line(&format!("case $rh_s in {good}) ;; *) rh_g=0;; esac;; esac"));
        }
        Ok(())
    }

    /// A builtin writes it: nothing in the process list, on disk, or lost to a NUL byte.
    fn feed(&mut self, bytes: &[u8]) {
        self.line("{ :");
        self.script.push_str(&printing(bytes, ""));
        self.script.push_str("} 2>/dev/null | ");
    }

    fn status(&mut self, number: usize) {
        self.line("rh_s=$?");
        self.frame(&number.to_string(), "$rh_s");
    }

    fn finish(mut self, timeouts: Vec<Option<Duration>>, last: &str) -> Request {
        self.frame("e", "");
        self.script.push_str(last);
        self.script.push_str("}\n");
        Request { mark: self.mark, script: self.script, timeouts }
    }
}

/// A short PATH (dropbear) must not hide tools, nor `ENV` change what a later `sh` does. The user number comes
/// from procfs because `id` would cost a process.
const PREPARE: &str = r#"PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH; unset ENV BASH_ENV
rh_u=
{ while read -r rh_k rh_a rh_b; do case $rh_k in Uid:) rh_u=$rh_a; break;; esac; done </proc/$$/status; } 2>/dev/null
case $rh_u in '') rh_u=$(id -u 2>/dev/null);; esac
unset rh_k rh_a rh_b"#;

/// Ends a shell and all that it started, traps first, before the hello: with its channel the old shell may go,
/// and nobody could tell any more which processes were its own. They are found by parent because `kill -PGID` could reach the
/// server that started the shell (dropbear).
const KILL: &str = r#"( rh_t=@PID@ rh_n=@PID@
while case $rh_n in '') false;; esac; do
rh_c=
for rh_f in /proc/[0-9]*/stat; do
{ read -r rh_l <"$rh_f"; } 2>/dev/null || continue
set -- ${rh_l##*) }
case " $rh_n " in *" $2 "*) rh_c="$rh_c ${rh_l%% *}";; esac
done
rh_n=$rh_c rh_t="$rh_t $rh_c"
done
kill -TERM $rh_t
( sleep 1; kill -KILL $rh_t ) & ) </dev/null >/dev/null 2>&1"#;

/// The blank keeps a text that starts with `-` from being taken for an option.
fn evaluated(command: &Command) -> Result<Zeroizing<String>, RevealError> {
    let script = command.render()?;
    Ok(Zeroizing::new(format!("eval {}", *Zeroizing::new(quote(&Zeroizing::new(format!(" {}", *script)))))))
}

/// Swaps the tokens of a text; other bytes hold none.
pub(super) fn revealed(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, RevealError> {
    Ok(Zeroizing::new(match std::str::from_utf8(bytes) {
        Ok(text) => reveal(text)?.as_bytes().to_vec(),
        Err(_) => bytes.to_vec(),
    }))
}

/// 128 random bits: no command can guess where its answer ends.
pub fn random_mark() -> String {
    let mut bytes = [0; 16];
    random(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
