//! Which secrets a playbook is going to need, as far as its text tells: they are fetched before any host is changed.

use super::check::imports;
use super::here::position;
use super::import::Imports;
use super::world::World;
use super::{builder, secret};
use crate::secret::{Kind, Needed, contains_token, tokens};
use rhai::{AST, ASTNode, Dynamic, Engine, Expr, FnCallExpr, FnPtr, Map, Position, Stmt};
use std::collections::HashSet;
use std::sync::Arc;

/// The references of constant `secret(...)` calls, in the order of the script. What stands behind a condition is not
/// certain; what stands in a play for none of the selected hosts is left out.
pub fn needed(world: &World, playbook: &Arc<AST>, selected: &[String]) -> Vec<Needed> {
    let engine = builder::bare(world.limits);
    let mut walk = Walk { world, engine, selected, found: Vec::new(), entered: HashSet::new() };
    walk.script(playbook, true);
    walk.found
}

/// The references in data of the selected hosts that the playbook or one of its files mentions by name.
pub fn needed_data<'a>(
    world: &World,
    text: &str,
    data: impl Iterator<Item = (&'a String, &'a serde_json::Value)>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in data {
        let mut hidden = Vec::new();
        tokens_in(value, &mut hidden);
        if !hidden.is_empty() && (mentions(text, key) || world.project.mentions(key)) {
            found.append(&mut hidden);
        }
    }
    found
}

/// True when a text has this word.
pub(super) fn mentions(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

fn tokens_in(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if contains_token(text) => {
            let secrets = tokens(text).into_iter().filter(|token| token.kind == Kind::Secret);
            found.extend(secrets.map(|token| token.to_string()));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| tokens_in(item, found)),
        serde_json::Value::Object(map) => map.values().for_each(|item| tokens_in(item, found)),
        _ => {}
    }
}

struct Walk<'a> {
    world: &'a World,
    engine: Engine,
    selected: &'a [String],
    found: Vec<Needed>,
    /// Functions that were looked into; in a script that calls itself there is an end, too.
    entered: HashSet<(String, String, bool)>,
}

/// What one statement leads to.
enum Step {
    Secret(String, Position),
    Function(String),
    Module(String, String),
    Import(String),
}

impl Walk<'_> {
    fn script(&mut self, ast: &AST, certain: bool) {
        self.part(ast, &ast.clone_statements_only(), certain);
    }

    /// A part of a script: its statements, or one of its functions.
    fn part(&mut self, ast: &AST, part: &AST, certain: bool) {
        let mut steps = Vec::new();
        part.walk(&mut |path: &[ASTNode<'_>]| {
            let (node, above) = path.split_last().expect("a walk has a node");
            if let Some(step) = step(node).filter(|_| !self.is_elsewhere(above)) {
                steps.push((step, certain && !above.iter().any(is_condition)));
            }
            true
        });
        for (step, certain) in steps {
            self.follow(ast, step, certain);
        }
    }

    fn follow(&mut self, ast: &AST, step: Step, certain: bool) {
        let source = ast.source().unwrap_or_default().to_owned();
        match step {
            Step::Secret(reference, at) => self.note(reference, position(Some(&source), at), certain),
            Step::Function(name) => self.function(ast, &name, certain),
            Step::Module(alias, name) => {
                let module = imports(ast).into_iter().find(|(_, known, _)| *known == alias);
                if let Some(module) = module.and_then(|(file, ..)| self.import(&source, &file)) {
                    self.function(&module, &name, certain);
                }
            }
            Step::Import(file) => {
                let known = (source.clone(), format!("import {file}"), certain);
                if let Some(module) = self.import(&source, &file).filter(|_| self.entered.insert(known)) {
                    self.script(&module, certain);
                }
            }
        }
    }

    fn import(&self, source: &str, file: &str) -> Option<Arc<AST>> {
        let project = &self.world.project;
        let path = Imports::file(project, file, Some(source)).ok()?;
        project.compile(&self.engine, &path.canonicalize().unwrap_or(path)).ok()
    }

    fn function(&mut self, ast: &AST, name: &str, certain: bool) {
        if !self.entered.insert((ast.source().unwrap_or_default().to_owned(), name.to_owned(), certain)) {
            return;
        }
        let mut function = ast.clone_functions_only();
        function.retain_functions(|_, _, known, _| known == name);
        self.part(ast, &function, certain);
    }

    fn note(&mut self, reference: String, at: String, certain: bool) {
        match self.found.iter_mut().find(|known| known.reference == reference) {
            Some(known) => known.certain |= certain,
            None => self.found.push(Needed { reference, at: Some(at), certain }),
        }
    }

    /// True inside of a play for hosts of which none is selected.
    fn is_elsewhere(&self, above: &[ASTNode<'_>]) -> bool {
        above.iter().filter_map(call).any(|(call, _)| {
            let selector = match (call.name.as_str(), call.args.first()) {
                ("play" | "rolling", Some(Expr::StringConstant(selector, _))) => selector,
                _ => return false,
            };
            let hosts = (self.world.select)(selector).unwrap_or_default();
            !hosts.iter().any(|host| self.selected.contains(host))
        })
    }
}

fn call<'a>(node: &'a ASTNode<'_>) -> Option<(&'a FnCallExpr, Position)> {
    match node {
        ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at)) => Some((call, *at)),
        _ => None,
    }
}

fn is_condition(node: &ASTNode<'_>) -> bool {
    matches!(
        node,
        ASTNode::Stmt(Stmt::If(..) | Stmt::Switch(..) | Stmt::While(..) | Stmt::TryCatch(..))
            | ASTNode::Expr(Expr::And(..) | Expr::Or(..) | Expr::Coalesce(..))
    )
}

fn step(node: &ASTNode<'_>) -> Option<Step> {
    if let ASTNode::Stmt(Stmt::Import(import, _)) = node
        && let Expr::StringConstant(file, _) = &import.0
    {
        return Some(Step::Import(file.to_string()));
    }
    // A closure is a function without a name; where it stands it is taken for called.
    if let ASTNode::Expr(Expr::DynamicConstant(value, _)) = node {
        return value.read_lock::<FnPtr>().map(|closure| Step::Function(closure.fn_name().to_owned()));
    }
    let (call, at) = call(node)?;
    let module = call.namespace.to_string();
    let module = module.trim_end_matches("::");
    let text = |at: usize| call.args.get(at)?.get_literal_value(None)?.into_string().ok();
    match (module, call.name.as_str()) {
        ("", "secret") => Some(Step::Secret(text(0)?, at)),
        ("secret", "prompt") => Some(Step::Secret(format!("prompt:{}", text(0)?), at)),
        ("secret", "generate") => {
            let options = match call.args.get(1) {
                Some(options) => options.get_literal_value(None).and_then(Dynamic::try_cast::<Map>)?,
                None => Map::new(),
            };
            Some(Step::Secret(secret::generated(&text(0)?, &options).ok()?, at))
        }
        ("", name) => Some(Step::Function(name.to_owned())),
        (module, name) => Some(Step::Module(module.to_owned(), name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Limits, Project};

    fn found(script: &str) -> Vec<(String, bool)> {
        let dir = tempfile::tempdir().expect("a folder");
        let select = |selector: &str| Ok(if selector == "web" { vec!["web-1".to_owned()] } else { Vec::new() });
        let project = Project::new(dir.path());
        let world = World { select: Box::new(select), ..World::alone(project) };
        let ast = Arc::new(builder::bare(Limits::default()).compile(script).expect("a script"));
        let needed = needed(&world, &ast, &["web-1".to_owned()]);
        needed.into_iter().map(|needed| (needed.reference, needed.certain)).collect()
    }

    #[test]
    fn constant_references_are_found_in_functions_and_closures() {
        let script = r#"
            fn deploy(name) { secret("env:FUNCTION") }
            let top = secret("env:TOP");
            play("web", |h| { block("b", |h| { log(top + secret("env:CLOSURE")); }); deploy("x"); });
            secret::prompt("who"); secret::generate("db/key", #{ length: 8 });
            let name = "A"; secret("env:" + name);
        "#;
        let names = ["env:TOP", "env:CLOSURE", "env:FUNCTION", "prompt:who", "generate:db/key?length=8"];
        assert_eq!(found(script), names.map(|name| (name.to_owned(), true)));
    }

    #[test]
    fn what_may_not_be_needed_is_not_certain_and_other_plays_are_left_out() {
        let script = r#"
            if host.name == "x" { secret("env:MAYBE"); }
            play("db", |h| { secret("env:OTHER") });
            fn never() { secret("env:NEVER") }
        "#;
        let script = format!("let host = #{{ name: 1 }}; {script}");
        assert_eq!(found(&script), [("env:MAYBE".to_owned(), false)]);
    }

    #[test]
    fn a_word_is_mentioned_only_as_a_whole() {
        assert!(mentions("host.data(\"db_password\")", "db_password"));
        assert!(!mentions("host.data(\"old_db_password\")", "db_password"));
    }
}
