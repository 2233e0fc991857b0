//! Answers to reads, kept until the next change on the host.

use super::{Command, Output};
use std::collections::{BTreeMap, HashMap};

/// All that an answer depends on, but for the host.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    who: u64,
    text: String,
    stdin: Option<Vec<u8>>,
    env: BTreeMap<String, String>,
    chdir: Option<String>,
    shell: Option<String>,
}

impl Key {
    fn new(who: u64, command: &Command) -> Self {
        Self {
            who,
            text: command.text().to_owned(),
            stdin: command.stdin.clone(),
            env: command.env.clone(),
            chdir: command.chdir.clone(),
            shell: command.shell.clone(),
        }
    }
}

/// What one host answered since its last change.
#[derive(Debug, Default)]
pub(super) struct Cache {
    answers: HashMap<Key, Output>,
    /// Counts the changes: an answer read before one must not be kept after it.
    age: u64,
}

impl Cache {
    pub fn age(&self) -> u64 {
        self.age
    }

    pub fn get(&self, who: u64, command: &Command) -> Option<Output> {
        self.answers.get(&Key::new(who, command)).cloned()
    }

    pub fn keep(&mut self, age: u64, who: u64, command: &Command, output: &Output) {
        if age == self.age {
            self.answers.insert(Key::new(who, command), output.clone());
        }
    }

    pub fn drop_all(&mut self) {
        self.age += 1;
        self.answers.clear();
    }
}
