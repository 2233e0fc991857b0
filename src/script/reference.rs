//! What scripts can call, read off the bindings: for `check`, `docs`, reference pages and editors.

mod definitions;
mod names;
mod topic;
mod words;

pub use definitions::definitions;
pub use names::names;
pub use topic::{Group, Topic, groups, nearest, topics};

use super::builder::{globals, modules};
use rhai::Engine;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What a name of the language is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Called by its name: `file::put(...)`, `log(...)`.
    Function,
    /// Called on a value: `host.data(...)`.
    Method,
    /// Read off a value: `host.addr`.
    Property,
    /// An operator, or how a value is printed.
    Operator,
}

/// One function of the language of playbooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// `file`, or nothing for functions without a module.
    pub module: Option<String>,
    /// What methods and properties belong to, as examples call it: `host`.
    pub of: Option<String>,
    /// `put`.
    pub name: String,
    /// How it is used.
    pub kind: Kind,
    /// `file::put(path: any, want: map) -> Done`, in the words of scripts.
    pub signature: String,
    /// Number of its parameters.
    pub parameters: usize,
    /// Its documentation in Markdown, without comment signs.
    pub doc: String,
}

impl Function {
    /// `file::put`, `host.data`, `log`.
    pub fn path(&self) -> String {
        match (&self.module, &self.of) {
            (Some(module), _) => format!("{module}::{}", self.name),
            (None, Some(of)) => format!("{of}.{}", self.name),
            (None, None) => self.name.clone(),
        }
    }

    /// The first paragraph of its documentation, on one line.
    pub fn summary(&self) -> String {
        self.doc.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    doc: String,
    #[serde(default)]
    functions: Vec<ListedFunction>,
    #[serde(default)]
    modules: BTreeMap<String, Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedFunction {
    name: String,
    num_params: usize,
    #[serde(default)]
    params: Vec<ListedParameter>,
    #[serde(default)]
    return_type: String,
    #[serde(default)]
    doc_comments: Vec<String>,
}

#[derive(Deserialize)]
struct ListedParameter {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
}

/// Types of Rhai and Rust in the words of scripts.
pub fn in_words(types: &str) -> String {
    words::renamed(types, "any")
}

/// Our own functions, those of modules first, in order of their names.
pub fn functions() -> &'static [Function] {
    static OWN: OnceLock<Vec<Function>> = OnceLock::new();
    OWN.get_or_init(|| read(metadata(&own())))
}

/// Modules with the summary of each.
fn module_docs() -> &'static BTreeMap<String, String> {
    static DOCS: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    DOCS.get_or_init(|| {
        let listed = metadata(&own()).modules.into_iter();
        listed.map(|(name, module)| (name, uncommented(&[module.doc]))).collect()
    })
}

/// The bindings alone: neither the standard library, nor the guards that stand before it.
fn own() -> Engine {
    let mut engine = Engine::new_raw();
    globals().iter().for_each(|module| {
        engine.register_global_module(module.clone());
    });
    for (name, module) in modules() {
        engine.register_static_module(*name, module.clone());
    }
    engine
}

fn metadata(engine: &Engine) -> Listed {
    let json = engine.gen_fn_metadata_to_json(false).expect("metadata have a JSON form");
    serde_json::from_str(&json).expect("the form of Rhai's metadata")
}

fn read(all: Listed) -> Vec<Function> {
    let of_module = |(module, listed): (String, Listed)| {
        let functions = listed.functions.into_iter();
        sorted(functions.map(move |function| function.read(Some(module.clone()))).collect())
    };
    let mut functions: Vec<Function> = all.modules.into_iter().flat_map(of_module).collect();
    functions.extend(sorted(all.functions.into_iter().map(|function| function.read(None)).collect()));
    functions
}

/// Rhai lists overloads of one name in no order. Of two with as many parameters the documented one comes first.
fn sorted(mut functions: Vec<Function>) -> Vec<Function> {
    functions.sort_by(|one, other| {
        let key = |function: &Function| (function.parameters, function.doc.is_empty(), function.signature.clone());
        (&one.of, &one.name).cmp(&(&other.of, &other.name)).then_with(|| key(one).cmp(&key(other)))
    });
    functions
}

impl ListedFunction {
    fn read(self, module: Option<String>) -> Function {
        let property = self.name.strip_prefix("get$").map(str::to_owned);
        let receiver = self.params.first().filter(|first| module.is_none() && first.kind.starts_with("&mut "));
        let name = property.clone().unwrap_or_else(|| self.name.clone());
        let kind = match () {
            () if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') => Kind::Operator,
            () if matches!(name.as_str(), "to_string" | "to_debug") || name.starts_with("index$") => Kind::Operator,
            () if property.is_some() => Kind::Property,
            () if receiver.is_some() => Kind::Method,
            () => Kind::Function,
        };
        let of = receiver.map(|receiver| receiver.name.clone());
        let mut function = Function {
            module,
            of,
            name,
            kind,
            signature: String::new(),
            parameters: self.num_params,
            doc: uncommented(&self.doc_comments),
        };
        function.signature = self.signature(&function);
        function
    }

    fn signature(&self, function: &Function) -> String {
        let from = usize::from(function.of.is_some());
        let parameter = |one: &ListedParameter| format!("{}: {}", one.name, words::of_type(&one.kind));
        let parameters: Vec<String> = self.params.iter().skip(from).map(parameter).collect();
        let result = words::of_type(&self.return_type);
        let result = if result.is_empty() { result } else { format!(" -> {result}") };
        match function.kind {
            Kind::Property => format!("{}{result}", function.path()),
            _ => format!("{}({}){result}", function.path(), parameters.join(", ")),
        }
    }
}

/// Doc comments without their signs.
fn uncommented(comments: &[String]) -> String {
    let line = |line: &str| {
        let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        text.map(|line| line.strip_prefix(' ').unwrap_or(line)).unwrap_or(line).to_owned()
    };
    let lines = comments.iter().flat_map(|comment| comment.lines()).map(line).collect::<Vec<_>>();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(path: &str, parameters: usize) -> &'static str {
        let found = functions().iter().find(|one| one.path() == path && one.parameters == parameters);
        &found.unwrap_or_else(|| panic!("no `{path}`")).signature
    }

    #[test]
    fn signatures_are_in_the_words_of_scripts() {
        assert_eq!(signature("cmd::run", 2), "cmd::run(command: any, want: map) -> Done");
        assert_eq!(signature("host.data", 3), "host.data(key: string, fallback: any) -> any");
        assert_eq!(signature("host.groups", 1), "host.groups -> array");
        assert_eq!(signature("host_named", 1), "host_named(name: string) -> Host");
        assert_eq!(signature("play", 2), "play(selector: string, body: Fn)");
    }

    #[test]
    fn a_property_is_no_function_that_a_misspelt_call_could_mean() {
        assert!(!names().plain.contains("addr"));
        assert!(names().plain.contains("filter") && names().plain.contains("in_group"));
        assert!(functions().iter().filter(|one| one.kind == Kind::Function).all(|one| match &one.module {
            Some(module) => names().modules[module.as_str()].contains(&one.name),
            None => names().plain.contains(&one.name),
        }));
    }
}
