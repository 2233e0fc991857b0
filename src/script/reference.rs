//! What scripts can call, read off the bindings: for `check`, `docs`, reference pages and editors.

use super::builder::bare;
use super::world::Limits;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// One function of the language of playbooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// `file`, or nothing for functions without a module.
    pub module: Option<String>,
    /// `put`.
    pub name: String,
    /// `put(path: ?, want: Map) -> Done`.
    pub signature: String,
    /// Number of its parameters.
    pub parameters: usize,
    /// Its documentation in Markdown, without comment signs.
    pub doc: String,
}

impl Function {
    /// `file::put`.
    pub fn path(&self) -> String {
        match &self.module {
            Some(module) => format!("{module}::{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The first line of its documentation.
    pub fn summary(&self) -> &str {
        self.doc.lines().next().unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    functions: Vec<ListedFunction>,
    #[serde(default)]
    modules: BTreeMap<String, Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedFunction {
    name: String,
    signature: String,
    num_params: usize,
    #[serde(default)]
    doc_comments: Vec<String>,
}

/// Our own functions, those of modules first, in order of their names.
pub fn functions() -> &'static [Function] {
    static OWN: OnceLock<Vec<Function>> = OnceLock::new();
    OWN.get_or_init(|| listed(false))
}

/// Our own functions and those of Rhai's standard library.
pub fn all_functions() -> &'static [Function] {
    static ALL: OnceLock<Vec<Function>> = OnceLock::new();
    ALL.get_or_init(|| listed(true))
}

fn listed(standard: bool) -> Vec<Function> {
    let engine = bare(Limits::default());
    let json = engine.gen_fn_metadata_to_json(standard).expect("metadata have a JSON form");
    let all: Listed = serde_json::from_str(&json).expect("the form of Rhai's metadata");
    let mut functions: Vec<Function> = all
        .modules
        .into_iter()
        .flat_map(|(module, listed)| {
            listed.functions.into_iter().map(move |function| read(Some(module.clone()), function))
        })
        .collect();
    let mut plain: Vec<Function> = all.functions.into_iter().map(|function| read(None, function)).collect();
    plain.sort_by(|one, other| (&one.name, one.parameters).cmp(&(&other.name, other.parameters)));
    functions.append(&mut plain);
    functions
}

fn read(module: Option<String>, listed: ListedFunction) -> Function {
    let ListedFunction { name, signature, num_params, doc_comments } = listed;
    let line = |line: &str| {
        line.strip_prefix("///").map(|line| line.strip_prefix(' ').unwrap_or(line)).unwrap_or(line).to_owned()
    };
    let doc = doc_comments.iter().flat_map(|comment| comment.lines()).map(line).collect::<Vec<_>>().join("\n");
    Function { module, name, signature, parameters: num_params, doc: doc.trim().to_owned() }
}
