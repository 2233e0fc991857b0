//! The reference as people read it: one topic a name, with all its signatures and other names.

use super::{Function, Kind, functions, module_docs};
use crate::ops::{Entry, entry};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// One name of the reference.
#[derive(Debug, Clone)]
pub struct Topic {
    /// `file`, `host`, or nothing for functions of the language.
    pub group: Option<String>,
    /// `file::put`, `host.data`, `log`.
    pub path: String,
    /// Other names of the same function.
    pub aliases: Vec<String>,
    /// Its ways to be called, fewest parameters first, each with a note where it does something else.
    pub signatures: Vec<(String, Option<String>)>,
    /// Its documentation in Markdown.
    pub doc: String,
}

/// What belongs together on a page: the functions of a module, the members of a type.
#[derive(Debug, Clone)]
pub struct Group {
    /// `file`, `host`.
    pub name: String,
    /// Other names of the same module.
    pub aliases: Vec<String>,
    /// What it is, in Markdown.
    pub doc: String,
    /// True for a module, false for a type.
    pub module: bool,
}

impl Topic {
    /// The first paragraph, on one line.
    pub fn summary(&self) -> String {
        self.doc.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The operation of that name.
    pub fn operation(&self) -> Option<&'static Entry> {
        entry(&self.path).or_else(|| crate::script::project_entry(&self.path))
    }

    /// Arguments of its map that no other operation needs to have.
    pub fn arguments(&self) -> Vec<&'static str> {
        let Some(entry) = self.operation() else {
            return Vec::new();
        };
        // A template's text is rendered before the operation sees it.
        let (hidden, added): (&[&str], &[&str]) = match entry.name {
            "file::template" => (&["content"], &["text", "vars"]),
            "cert::present" => (&["certificate"], &[]),
            "cert::pkcs12" | "cert::crl" => (&["content"], &[]),
            "cert::trust" => (&["subject_hashes"], &[]),
            _ => (&[], &[]),
        };
        let own = (entry.fields)().iter().filter(|field| **field != entry.target && !hidden.contains(field));
        own.chain(added).copied().collect()
    }

    /// The name without its module.
    pub fn name(&self) -> &str {
        self.path.rsplit([':', '.']).next().unwrap_or(&self.path)
    }
}

/// Every name, modules first, in order of their paths.
pub fn topics() -> &'static [Topic] {
    static TOPICS: OnceLock<Vec<Topic>> = OnceLock::new();
    TOPICS.get_or_init(|| {
        let mut topics: Vec<Topic> = Vec::new();
        let renamed = renamed_modules();
        let shown = functions().iter().filter(|function| {
            let module = function.module.as_deref();
            function.kind != Kind::Operator && !renamed.iter().any(|(alias, _)| Some(alias.as_str()) == module)
        });
        for function in shown {
            let path = function.path();
            match topics.iter_mut().find(|topic| topic.path == path) {
                Some(topic) => topic.overload(function),
                None => topics.push(Topic::of(function)),
            }
        }
        let mut topics = fold(topics);
        topics.iter_mut().for_each(Topic::settle);
        topics
    })
}

/// Modules and types, in order of their names.
pub fn groups() -> &'static [Group] {
    static GROUPS: OnceLock<Vec<Group>> = OnceLock::new();
    GROUPS.get_or_init(|| {
        let renamed = renamed_modules();
        let aliases = |name: &str| {
            renamed.iter().filter(|(_, canonical)| canonical == name).map(|(alias, _)| alias.clone()).collect()
        };
        let canonical = module_docs().iter().filter(|(name, _)| !renamed.iter().any(|(alias, _)| alias == *name));
        let module = |(name, doc): (&String, &String)| Group {
            name: name.clone(),
            aliases: aliases(name),
            doc: doc.clone(),
            module: true,
        };
        let types: BTreeSet<&str> = functions().iter().filter_map(|function| function.of.as_deref()).collect();
        let types = types.into_iter().filter(|name| of_type(name).next().is_some());
        let of_type = |name: &str| Group {
            name: name.to_owned(),
            aliases: Vec::new(),
            doc: described(name).to_owned(),
            module: false,
        };
        canonical.map(module).chain(types.map(of_type)).collect()
    })
}

/// The most similar name of the reference, when one is similar enough to be meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let paths =
        topics().iter().flat_map(|topic| std::iter::once(&topic.path).chain(&topic.aliases)).map(String::as_str);
    let last = topics().iter().map(Topic::name);
    let groups = groups().iter().map(|group| group.name.as_str());
    crate::inventory::nearest(name, paths.chain(groups).chain(last))
}

fn of_type(name: &str) -> impl Iterator<Item = &'static Function> {
    functions().iter().filter(move |one| one.kind != Kind::Operator && one.of.as_deref() == Some(name))
}

fn described(receiver: &str) -> &'static str {
    match receiver {
        "host" => {
            "A host. `host` is the one that the script runs for, wherever the script stands; plays and blocks give it \
             to their closures too."
        }
        "hidden" => "A secret, or a value that is known only after apply: it can be passed on, and not be looked at.",
        "done" => "What an operation gives back.",
        "certificate" => {
            "A certificate of the project, as `cert::issue` and the like give it. In a plan in which it would be issued, \
             what is in it is known only after apply."
        }
        "bundle" => "What `cert::pkcs12` gives back.",
        "ssh_key" => {
            "A key pair of the project, or an authority, as `ssh::key` and `ssh::ca` give it. In a plan in which it would be \
             made, what is in it is known only after apply."
        }
        "ssh_certificate" => "A certificate of OpenSSH, as `ssh::user_certificate` gives it.",
        _ => "",
    }
}

/// Modules that are other names of another one: each with the name it is documented under.
fn renamed_modules() -> Vec<(String, String)> {
    let content = |module: &str| -> Vec<(&String, usize, &String)> {
        let of_module = functions().iter().filter(|function| function.module.as_deref() == Some(module));
        of_module.map(|function| (&function.name, function.parameters, &function.doc)).collect()
    };
    let is_operation =
        |module: &str| crate::ops::OPERATIONS.iter().any(|op| op.name.starts_with(&format!("{module}::")));
    let names: Vec<&String> = module_docs().keys().collect();
    let canonical = |name: &&String| {
        let twins = names.iter().filter(|twin| content(twin) == content(name));
        let first = twins.clone().find(|twin| is_operation(twin)).or_else(|| twins.clone().next());
        first.filter(|first| first != &name).map(|first| ((*name).clone(), (*first).clone()))
    };
    names.iter().filter_map(canonical).collect()
}

/// Makes functions of one group that have the same documentation, example included, one topic.
fn fold(topics: Vec<Topic>) -> Vec<Topic> {
    let mut kept: Vec<Topic> = Vec::new();
    for topic in topics {
        let same =
            |known: &&mut Topic| known.group == topic.group && known.doc == topic.doc && topic.doc.contains("```rhai");
        match kept.iter_mut().find(same) {
            Some(known) if known.operation().is_none() && topic.operation().is_some() => {
                let alias = std::mem::replace(known, topic);
                known.aliases.extend(alias.aliases.into_iter().chain([alias.path]));
            }
            Some(known) => known.aliases.push(topic.path),
            None => kept.push(topic),
        }
    }
    kept
}

impl Topic {
    fn of(function: &Function) -> Self {
        Self {
            group: function.module.clone().or_else(|| function.of.clone()),
            path: function.path(),
            aliases: Vec::new(),
            signatures: vec![(function.signature.clone(), Some(function.doc.clone()))],
            doc: function.doc.clone(),
        }
    }

    fn overload(&mut self, function: &Function) {
        self.signatures.push((function.signature.clone(), Some(function.doc.clone())));
        if function.doc.len() > self.doc.len() {
            self.doc.clone_from(&function.doc);
        }
    }

    /// The longest documentation is that of the topic; a shorter one is a note at its signature.
    fn settle(&mut self) {
        let main = self.doc.clone();
        for (_, note) in &mut self.signatures {
            let other = note.take().filter(|doc| *doc != main);
            *note = other.and_then(|doc| doc.lines().next().map(str::to_owned)).filter(|note| !note.is_empty());
        }
        self.signatures.sort_by_key(|(signature, _)| signature.matches(": ").count());
    }
}
