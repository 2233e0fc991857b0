//! Finds mistakes in a playbook without a host: names, arguments, files, templates, selectors.

use super::common::{COMMON, Common};
use super::convert::to_json;
use super::ensure::refusal_hint;
use super::here::position;
use super::import::Imports;
use super::literal::{Pair, map_entry, map_literal};
use super::reference::names;
use super::shape::{self, Functions};
use super::syntax::{self, PATHS};
use super::world::World;
use super::{builder, template};
use crate::event::Failure;
use crate::inventory::nearest;
use crate::ops::{ArgumentError, Entry, entry};
use rhai::{AST, ASTNode, Array, Dynamic, Engine, Expr, FnCallExpr, Map, Position, Stmt};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Compiles a playbook and looks for mistakes in it and in what it imports. Contacts nothing.
///
/// # Errors
/// The first mistake, with its place and what to do.
pub fn check(world: &World, playbook: &Path) -> Result<Arc<AST>, Failure> {
    let project = &world.project;
    let engine = builder::bare(world.limits);
    let path = project.playbook(playbook)?;
    let ast = project.compile(&engine, &path)?;
    examine(world, &engine, &ast, &mut vec![path])?;
    Ok(ast)
}

/// The same for a script that is no file.
///
/// # Errors
/// As [`check`].
pub fn check_text(world: &World, text: &str, shown: &str) -> Result<Arc<AST>, Failure> {
    let engine = builder::bare(world.limits);
    let ast = Arc::new(syntax::compile(&engine, text, shown)?);
    examine(world, &engine, &ast, &mut Vec::new())?;
    Ok(ast)
}

/// One script under examination.
struct Script<'a> {
    world: &'a World,
    source: String,
    /// Functions of the script itself.
    own: Functions,
    /// Functions of imported modules, by alias.
    imported: BTreeMap<String, Functions>,
    handlers: HashSet<String>,
    /// True when a handler's name is computed: then every name may be defined.
    computed_handlers: bool,
    /// A module may notify a handler of the playbook that imports it.
    is_module: bool,
}

fn examine(world: &World, engine: &Engine, ast: &AST, open: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let mut script = Script {
        world,
        source: ast.source().unwrap_or("script").to_owned(),
        own: Functions::of(ast),
        imported: BTreeMap::new(),
        handlers: HashSet::new(),
        computed_handlers: false,
        is_module: open.len() > 1,
    };
    script.is_module |= script.source.starts_with("modules/");
    for (name, alias, at) in imports(ast) {
        let functions = script.import(engine, &name, at, open)?;
        script.imported.insert(alias, functions);
    }
    let mut found = None;
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        script.note_handler(path.last());
        true
    });
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        found = path.last().and_then(|node| script.node(node).err());
        found.is_none()
    });
    found.map_or(Ok(()), Err)
}

/// Imports whose names are constant, with alias and place.
pub(super) fn imports(ast: &AST) -> Vec<(String, String, Position)> {
    let mut imports = Vec::new();
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        if let Some(ASTNode::Stmt(Stmt::Import(import, _))) = path.last()
            && let (Expr::StringConstant(name, at), alias) = (&import.0, &import.1)
        {
            imports.push((name.to_string(), alias.as_str().to_owned(), *at));
        }
        true
    });
    imports
}

impl Script<'_> {
    fn fail(&self, at: Position, message: impl Into<String>, hint: Option<String>) -> Failure {
        Failure { at: Some(position(Some(&self.source), at)), hint, ..Failure::new(message) }
    }

    fn import(&self, engine: &Engine, name: &str, at: Position, open: &mut Vec<PathBuf>) -> Result<Functions, Failure> {
        let project = &self.world.project;
        let path = Imports::file(project, name, Some(&self.source))
            .map_err(|tried| self.fail(at, format!("cannot import `{name}`: {tried}"), Some(PATHS.to_owned())))?;
        let path = path.canonicalize().unwrap_or(path);
        if let Some(from) = open.iter().position(|known| *known == path) {
            let names: Vec<String> = open[from..].iter().chain([&path]).map(|path| project.shown(path)).collect();
            let message = format!("modules import each other in a circle: {}", names.join(" -> "));
            return Err(self.fail(at, message, Some("move what both need into a third module".into())));
        }
        let ast = project.compile(engine, &path)?;
        open.push(path);
        examine(self.world, engine, &ast, open)?;
        open.pop();
        Ok(Functions::of(&ast))
    }

    fn note_handler(&mut self, node: Option<&ASTNode<'_>>) {
        let Some(ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))) = node else {
            return;
        };
        if call.name == "handler" && call.namespace.is_empty() {
            match call.args.first() {
                Some(Expr::StringConstant(name, _)) => {
                    self.handlers.insert(name.to_string());
                }
                _ => self.computed_handlers = true,
            }
        }
    }

    fn node(&self, node: &ASTNode<'_>) -> Result<(), Failure> {
        match node {
            ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at)) => self.call(call, *at),
            _ => Ok(()),
        }
    }

    fn call(&self, call: &FnCallExpr, at: Position) -> Result<(), Failure> {
        if call.is_operator_call() {
            return Ok(());
        }
        if call.namespace.is_empty() {
            self.plain(call, at)?;
        } else {
            self.in_module(call, at)?;
        }
        if call.name == "play" || call.name == "rolling" || call.name == "hosts" {
            self.selector(call)?;
        }
        let name = format!("{}{}", namespace(call).map(|module| format!("{module}::")).unwrap_or_default(), call.name);
        match entry(&name).or_else(|| super::project_entry(&name)) {
            Some(entry) => self.operation(entry, call),
            None => Ok(()),
        }
    }

    /// A misfit of a call: message and hint.
    fn fits(&self, misfit: Option<(String, String)>, at: Position) -> Result<(), Failure> {
        misfit.map_or(Ok(()), |(message, hint)| Err(self.fail(at, message, Some(hint))))
    }

    fn plain(&self, call: &FnCallExpr, at: Position) -> Result<(), Failure> {
        let name = call.name.as_str();
        if rhai_keyword(name) {
            return Ok(());
        }
        if names().plain.contains(name) || self.own.contains(name) {
            return self.fits(shape::misfit(name, call.args.len(), &self.own), at);
        }
        let known = names().plain.iter().map(String::as_str).chain(self.own.names());
        let hint = nearest(name, known).map(|nearest| format!("did you mean `{nearest}`?"));
        let hint = hint.unwrap_or_else(|| "`rhapsode docs` lists all functions".into());
        Err(self.fail(at, format!("unknown function `{name}`"), Some(hint)))
    }

    fn in_module(&self, call: &FnCallExpr, at: Position) -> Result<(), Failure> {
        let Some(module) = namespace(call) else {
            return Ok(());
        };
        let name = call.name.as_str();
        if let Some(functions) = self.imported.get(&module) {
            return match functions.contains(name) {
                true => self.fits(functions.misfit(name, call.args.len()), at),
                false => {
                    let hint = nearest(name, functions.names()).map(|near| format!("did you mean `{module}::{near}`?"));
                    Err(self.fail(at, format!("the module `{module}` has no function `{name}`"), hint))
                }
            };
        }
        let known = names().modules.get(module.as_str());
        let path = format!("{module}::{name}");
        if known.is_some_and(|known| known.contains(name)) {
            return self.fits(shape::misfit(&path, call.args.len(), &Functions::default()), at);
        }
        let paths: Vec<String> = names().paths().collect();
        let near =
            nearest(name, known.into_iter().flatten().map(String::as_str)).map(|near| format!("{module}::{near}"));
        let near = near.or_else(|| nearest(&path, paths.iter().map(String::as_str)).map(str::to_owned));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let hint = hint.unwrap_or_else(|| format!("`rhapsode docs {module}` lists what `{module}` has"));
        Err(self.fail(at, format!("unknown operation `{path}`"), Some(hint)))
    }

    fn selector(&self, call: &FnCallExpr) -> Result<(), Failure> {
        match call.args.first() {
            Some(Expr::StringConstant(selector, at)) => match (self.world.select)(selector) {
                Ok(_) => Ok(()),
                Err(failure) => Err(Failure { at: Some(position(Some(&self.source), *at)), ..failure }),
            },
            _ => Ok(()),
        }
    }

    fn operation(&self, entry: &'static Entry, call: &FnCallExpr) -> Result<(), Failure> {
        let named = usize::from(!is_nameless(entry, call));
        if let Some(target) = call.args.first().filter(|_| named == 1)
            && let Some(value) = target.get_literal_value(None)
        {
            self.target(entry, &value, target.position())?;
        }
        let at = if super::cert::takes_certificate(entry.name) { 2 } else { named };
        let Some((pairs, at)) = call.args.get(at).and_then(map_literal) else {
            return call
                .args
                .get(at)
                .map_or(Ok(()), |given| self.fits(shape::no_map(entry.name, given), given.position()));
        };
        let fields = (entry.fields)();
        for Pair { key, key_at, value, at } in &pairs {
            let extra = entry.name == "file::template" && matches!(key.as_str(), "vars" | "text");
            if !fields.contains(&key.as_str()) && !COMMON.contains(&key.as_str()) && !extra {
                let error = ArgumentError::UnknownField { op: entry.name, field: key.clone(), known: fields };
                return Err(self.fail(*key_at, error.to_string(), refusal_hint(entry, &error)));
            }
            if let Some(value) = value {
                self.argument(entry, key, value, *at)?;
            }
        }
        if entry.name == "file::template" {
            self.template(&pairs, at, call.args.get(1))?;
        }
        Ok(())
    }

    /// A constant target; the elements of an array are targets of their own, unless the operation takes many.
    fn target(&self, entry: &'static Entry, value: &Dynamic, at: Position) -> Result<(), Failure> {
        if let Some(array) = value.read_lock::<Array>()
            && !entry.takes_many
        {
            return array.iter().try_for_each(|value| self.target(entry, value, at));
        }
        let Ok(json) = to_json(value) else {
            return Ok(());
        };
        match (entry.accept)(serde_json::json!({ entry.target: json })) {
            Err(error @ ArgumentError::Value { .. }) if concerns(&error, entry.target) => {
                Err(self.fail(at, error.to_string(), refusal_hint(entry, &error)))
            }
            _ => Ok(()),
        }
    }

    /// One constant argument: its type, the local file it names, the handler it notifies.
    fn argument(&self, entry: &'static Entry, key: &str, value: &Dynamic, at: Position) -> Result<(), Failure> {
        let fields = (entry.fields)();
        if !fields.contains(&key) {
            let mut map = Map::from([(key.into(), value.clone())]);
            let wrong = Common::take(&mut map, fields).err();
            if let Some(wrong) = wrong {
                let message = format!("`{}`: argument `{}` {}", entry.name, wrong.argument, wrong.problem);
                let hint = format!("`rhapsode docs {}` shows what it takes", entry.name);
                return Err(self.fail(at, message, Some(hint)));
            }
            return if key == "notify" { self.notify(value, at) } else { Ok(()) };
        }
        let Ok(json) = to_json(value) else {
            return Ok(());
        };
        if entry.local_paths.contains(&key) {
            self.local_path(&json, at)?;
        }
        let mut probe = serde_json::Map::new();
        probe.insert(entry.target.to_owned(), Value::String("/check".into()));
        probe.insert(key.to_owned(), json);
        match (entry.accept)(Value::Object(probe)) {
            Err(error @ ArgumentError::Value { .. }) if concerns(&error, key) => {
                Err(self.fail(at, error.to_string(), refusal_hint(entry, &error)))
            }
            _ => Ok(()),
        }
    }

    fn notify(&self, value: &Dynamic, at: Position) -> Result<(), Failure> {
        let names = super::common::texts(value).unwrap_or_default();
        if self.is_module {
            return Ok(());
        }
        for name in names {
            if !self.computed_handlers && self.imported.is_empty() && !self.handlers.contains(&name) {
                let hint = match nearest(&name, self.handlers.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("define it: handler(\"{name}\", |h| {{ ... }})"),
                };
                return Err(self.fail(at, format!("no handler `{name}`"), Some(hint)));
            }
        }
        Ok(())
    }

    fn local_path(&self, value: &Value, at: Position) -> Result<PathBuf, Failure> {
        let name = value.as_str().unwrap_or_default();
        if name.contains("://") {
            return Ok(PathBuf::from(name));
        }
        let found = self.world.project.find(name, Some(&self.source));
        found.map_err(|tried| self.fail(at, tried, Some(PATHS.to_owned())))
    }

    /// Syntax of the template, and names that nothing defines.
    fn template(&self, pairs: &[Pair], at: Position, map: Option<&Expr>) -> Result<(), Failure> {
        let constant = |name: &str| {
            let pair = pairs.iter().find(|pair| pair.key == name)?;
            Some((pair.value.as_ref()?.clone().into_string().ok()?, pair.at))
        };
        let (name, text) = match (constant("src"), constant("text")) {
            (Some((src, at)), _) => {
                let path = self.local_path(&Value::String(src), at)?;
                let shown = self.world.project.shown(&path);
                let text = self.world.project.read(&path);
                (shown.clone(), text.map_err(|error| self.fail(at, format!("cannot read `{shown}`: {error}"), None))?)
            }
            (None, Some((text, _))) => ("text".to_owned(), text.into()),
            (None, None) => return Ok(()),
        };
        let mut known = self.world.data_keys.clone();
        let given = map.and_then(|map| map_entry(map, "vars"));
        match given {
            None => {}
            Some(vars) => match map_literal(vars) {
                Some((vars, _)) => known.extend(vars.into_iter().map(|pair| pair.key)),
                // Variables that are computed may be any.
                None => {
                    return template::parse(&name, &text).map_err(|(message, hint)| self.fail(at, message, hint));
                }
            },
        }
        template::undefined(&name, &text, &known).map_err(|(message, hint)| self.fail(at, message, hint))
    }
}

/// True for `wait::ssh(#{ ... })`: the only argument is the map, and the operation knows its target itself.
fn is_nameless(entry: &Entry, call: &FnCallExpr) -> bool {
    let map_as_target = || (entry.accept)(serde_json::json!({ entry.target: {} }));
    call.args.len() == 1
        && call.args.first().and_then(map_literal).is_some()
        && matches!(map_as_target(), Err(error @ ArgumentError::Value { .. }) if concerns(&error, entry.target))
}

fn concerns(error: &ArgumentError, key: &str) -> bool {
    let ArgumentError::Value { field, .. } = error else {
        return false;
    };
    field == key || field.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// Names that the parser knows as functions.
fn rhai_keyword(name: &str) -> bool {
    const KEYWORDS: &[&str] =
        &["print", "debug", "type_of", "eval", "Fn", "call", "curry", "is_shared", "is_def_fn", "is_def_var", "this"];
    KEYWORDS.contains(&name) || !name.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn namespace(call: &FnCallExpr) -> Option<String> {
    let text = call.namespace.to_string();
    (!text.is_empty()).then(|| text.trim_end_matches("::").to_owned())
}
