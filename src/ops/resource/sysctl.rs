//! Kernel parameters.

use super::Resource;
use crate::ops::OpError;
use crate::ops::touch::Altered;
use crate::remote::{Command, Output, quote};
use serde_json::{Value, json};

/// A kernel parameter; the key is its name as sysctl(8) takes it: `net.ipv4.ip_forward`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// Its value with blanks made single; nothing when the kernel has no such parameter.
    pub value: Option<String>,
    /// Whether this user may set it here.
    pub writable: bool,
}

/// The file of a parameter below `/proc/sys`.
///
/// Spec: sysctl.d(5): dots separate, unless the first separator is a slash, which lets a name hold dots.
pub fn path(key: &str) -> String {
    let slashed = key.find(['.', '/']).is_some_and(|first| key[first..].starts_with('/'));
    let swap = |c| match c {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    let path: String = if slashed { key.to_owned() } else { key.chars().map(swap).collect() };
    format!("/proc/sys/{path}")
}

/// A value as it is compared: `4096\t16384` is `4096 16384`.
pub fn single_blanks(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Resource for Sysctl {
    const KIND: &'static str = "kernel parameter";

    fn script(keys: &[String]) -> Command {
        let paths: Vec<String> = keys.iter().map(|key| quote(&path(key))).collect();
        Command::script(format!(
            "for p in {}; do\nif [ -w \"$p\" ]; then w=w; else w=r; fi\n\
             if [ -f \"$p\" ]; then echo $w $(cat \"$p\" 2>/dev/null); else echo absent; fi\ndone",
            paths.join(" ")
        ))
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let text = output.text();
        let state = |line: &str| match line.split_once(' ').unwrap_or((line, "")) {
            ("absent", _) => Some(Self { value: None, writable: false }),
            (access @ ("w" | "r"), value) => Some(Self { value: Some(single_blanks(value)), writable: access == "w" }),
            _ => None,
        };
        let states: Option<Vec<Self>> = text.lines().map(state).collect();
        let complete = states.filter(|states| states.len() == keys.len());
        complete.ok_or_else(|| OpError::answer(Self::script(keys), &output.stdout))
    }

    fn is_absent(&self) -> bool {
        self.value.is_none()
    }

    fn outlasts(&self, _: &str, change: &Altered<'_>) -> bool {
        !change.concerns_any(&["/proc"])
    }

    fn snapshot(&self) -> Value {
        json!({ "value": self.value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_separator_decides_what_a_dot_means() {
        assert_eq!(path("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
        assert_eq!(path("net/ipv4/conf/eth0.100/rp_filter"), "/proc/sys/net/ipv4/conf/eth0.100/rp_filter");
        assert_eq!(path("net.ipv4.conf.eth0/100.rp_filter"), "/proc/sys/net/ipv4/conf/eth0.100/rp_filter");
    }
}
