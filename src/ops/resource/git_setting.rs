//! Settings of git.

use super::Resource;
use crate::ops::OpError;
use crate::remote::{Command, Output, quote};
use serde_json::{Value, json};

/// The values of a setting in one scope. The key is made by [`GitSetting::key`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GitSetting {
    /// All values, in order.
    pub values: Vec<String>,
    /// Why it cannot be read.
    pub failed: Option<String>,
}

impl GitSetting {
    /// Names a setting: scope `system`, `global` or the path of a working tree, and a key without blanks.
    pub fn key(scope: &str, key: &str) -> String {
        format!("{scope} {key}")
    }
}

impl Resource for GitSetting {
    const KIND: &'static str = "git setting";

    fn script(keys: &[String]) -> Command {
        let mut script = include_str!("../git/as.sh").to_owned();
        for key in keys {
            let (scope, name) = key.rsplit_once(' ').unwrap_or(("global", key));
            let get = format!("-z --get-all {}", quote(name));
            script.push_str(&match scope {
                "system" | "global" => format!("git config --{scope} {get}\n"),
                path => format!(
                    "export d={}\nas \"$(stat -c %U -- \"$d\")\" {}\n",
                    quote(path),
                    quote(&format!("git -C \"$d\" config --local {get}"))
                ),
            });
            script.push_str("printf '\\1%s\\1' $?\n");
        }
        Command::script(script)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let mut parts = output.stdout.split(|byte| *byte == 1);
        let mut next = || parts.next().ok_or_else(|| OpError::answer("git config", &output.stdout));
        let one = |_: &String| {
            let values = next()?;
            let code = String::from_utf8_lossy(next()?).into_owned();
            // 1: the key is not set. git-config(1), "this command will fail with non-zero status".
            let failed = (code != "0" && code != "1").then(|| output.err_text());
            let values = values.split(|byte| *byte == 0).map(|value| String::from_utf8_lossy(value).into_owned());
            let mut values: Vec<String> = values.collect();
            values.pop();
            Ok(Self { values, failed })
        };
        keys.iter().map(one).collect()
    }

    fn is_absent(&self) -> bool {
        self.values.is_empty()
    }

    fn snapshot(&self) -> Value {
        json!({ "values": self.values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_line_breaks() {
        let output = Output {
            stdout: b"a\nb\0c\0\x010\x01\x011\x01\x01127\x01".to_vec(),
            stderr: b"sh: git: not found".to_vec(),
            code: 0,
        };
        let keys = ["global a.b", "system a.b", "/x y a.b"].map(str::to_owned);
        let read = GitSetting::parse(&keys, &output).expect("three");
        assert_eq!(read[0].values, ["a\nb", "c"]);
        assert_eq!(read[1], GitSetting::default());
        assert!(read[2].failed.as_deref().is_some_and(|why| why.contains("not found")));
    }
}
