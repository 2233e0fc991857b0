//! What a container is made of, and how to tell whether it still is.

use crate::ops::OpError;
use crate::ops::args::Many;
use crate::ops::cmd::{Line, Word};
use crate::remote::Command;
use crate::secret::{RevealError, reveal};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Texts by name, in the order of names.
pub type Texts = BTreeMap<String, Word>;

/// All that `docker create` is told.
#[derive(Debug)]
pub struct Spec<'a> {
    /// Name of the image.
    pub image: &'a str,
    /// `[address:]port:port[/udp]`
    pub ports: &'a Many,
    /// Variables; may hold secrets.
    pub env: &'a Texts,
    /// `source:target[:ro]`
    pub volumes: &'a Many,
    /// Networks.
    pub networks: &'a Many,
    /// Restart policy.
    pub restart: Option<&'a str>,
    /// What runs in it.
    pub command: Option<&'a Line>,
    /// Labels of the user.
    pub labels: &'a Texts,
    /// Further words.
    pub options: &'a Many,
}

impl Spec<'_> {
    /// One short digest a field, as JSON: equal whatever the order of ports, volumes, networks and names.
    ///
    /// # Errors
    /// [`OpError::Unknown`] when a variable is known only after apply.
    pub fn label(&self) -> Result<String, OpError> {
        let mut digests = BTreeMap::new();
        for (field, lines) in self.fields()? {
            if !lines.is_empty() {
                digests.insert(field, digest(&lines));
            }
        }
        Ok(serde_json::to_string(&digests).expect("a map of texts is JSON"))
    }

    fn fields(&self) -> Result<Vec<(&'static str, Vec<String>)>, OpError> {
        let sorted = |many: &Many| {
            let mut texts = many.0.clone();
            texts.sort();
            texts
        };
        let texts = |texts: &Texts| {
            let line = |(name, value): (&String, &Word)| Ok(format!("{name}={}", *plain(&value.0)?));
            texts.iter().map(line).collect::<Result<Vec<_>, OpError>>()
        };
        Ok(vec![
            ("image", vec![self.image.to_owned()]),
            ("ports", sorted(self.ports)),
            ("env", texts(self.env)?),
            ("volumes", sorted(self.volumes)),
            ("networks", sorted(self.networks)),
            ("restart", self.restart.iter().map(|policy| (*policy).to_owned()).collect()),
            ("command", self.command.map(words).unwrap_or_default()),
            ("labels", texts(self.labels)?),
            ("options", self.options.0.clone()),
        ])
    }

    /// `docker create`. Variables travel by stdin, those with line breaks by the environment of the client.
    ///
    /// # Errors
    /// As [`Spec::label`].
    pub fn create(&self, name: &str) -> Result<Command, OpError> {
        let label = format!("{}={}", crate::ops::resource::SPEC_LABEL, self.label()?);
        let mut command = super::docker().arg("create").arg("--name").arg(name).arg("--label").arg(label);
        for (key, Word(value)) in self.labels {
            command = command.arg("--label").arg(format!("{key}={value}"));
        }
        for (flag, many) in [("--publish", self.ports), ("--volume", self.volumes)] {
            for text in &many.0 {
                command = command.arg(flag).arg(text);
            }
        }
        if let Some(network) = self.networks.0.first() {
            command = command.arg("--network").arg(network);
        }
        if let Some(policy) = self.restart {
            command = command.arg("--restart").arg(policy);
        }
        let command = self.with_env(command)?.args(&self.options.0).arg(self.image);
        Ok(command.args(self.command.map(words).unwrap_or_default()))
    }

    fn with_env(&self, mut command: Command) -> Result<Command, OpError> {
        let mut file = String::new();
        for (key, Word(value)) in self.env {
            if plain(value)?.contains('\n') {
                command = command.arg("--env").arg(key).env(key, value);
            } else {
                file.push_str(&format!("{key}={value}\n"));
            }
        }
        Ok(if file.is_empty() { command } else { command.arg("--env-file").arg("/dev/stdin").stdin(file) })
    }
}

/// A text is run by the image's shell, as in a Dockerfile.
fn words(line: &Line) -> Vec<String> {
    match line {
        Line::Text(text) => vec!["/bin/sh".into(), "-c".into(), text.clone()],
        Line::Words(words) => words.clone(),
    }
}

fn plain(text: &str) -> Result<zeroize::Zeroizing<String>, OpError> {
    reveal(text).map_err(|error| match error {
        RevealError::Unknown(what) => OpError::Unknown(what),
        error => OpError::refused(error.to_string()),
    })
}

fn digest(lines: &[String]) -> String {
    let mut hasher = Sha256::new();
    for line in lines {
        hasher.update((line.len() as u64).to_be_bytes());
        hasher.update(line);
    }
    hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The fields in which two labels differ.
pub fn differences(before: &str, after: &str) -> Vec<String> {
    let read = |label: &str| serde_json::from_str::<BTreeMap<String, String>>(label).unwrap_or_default();
    let (before, after) = (read(before), read(after));
    let mut fields: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    fields.sort();
    fields.dedup();
    fields.retain(|field| before.get(field) != after.get(field));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::conceal;

    fn label(ports: &[&str], env: &[(&str, &str)]) -> (String, Command) {
        let many = |texts: &[&str]| Many(texts.iter().map(|text| (*text).to_owned()).collect());
        let env: Texts = env.iter().map(|(key, value)| ((*key).to_owned(), Word((*value).to_owned()))).collect();
        let (ports, none, labels) = (many(ports), many(&[]), Texts::new());
        let spec = Spec {
            image: "i",
            ports: &ports,
            env: &env,
            volumes: &none,
            networks: &none,
            restart: None,
            command: None,
            labels: &labels,
            options: &none,
        };
        (spec.label().expect("known"), spec.create("c").expect("known"))
    }

    #[test]
    fn order_does_not_matter_and_content_does() {
        let (first, _) = label(&["80:80", "443:443"], &[("A", "1"), ("B", "2")]);
        assert_eq!(first, label(&["443:443", "80:80"], &[("B", "2"), ("A", "1")]).0);
        assert_eq!(differences(&first, &label(&["80:80"], &[("A", "1"), ("B", "3")]).0), ["env", "ports"]);
    }

    #[test]
    fn a_secret_variable_stays_off_the_command_line() {
        let secret = conceal("hunter2hunter2").to_string();
        let (first, command) = label(&[], &[("KEY", &secret)]);
        assert!(!command.render().expect("no secret there").contains("hunter2"));
        assert_eq!(first, label(&[], &[("KEY", "hunter2hunter2")]).0);
        let broken = conceal("two\nlines of a key").to_string();
        let (_, command) = label(&[], &[("KEY", &broken)]);
        assert_eq!((command.env.get("KEY"), &command.stdin), (Some(&broken), &None));
    }
}
