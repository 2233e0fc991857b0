//! Which script something stands in.
//!
//! Rhai runs a closure under the name of the script that calls it: in `release::unpack(root, version, |folder| ...)`
//! the closure of the playbook would count as a part of the module. So the places of every script are noted when it
//! is compiled, and what is not at its place in one script is looked for in the others.

use rhai::{AST, ASTNode, Expr, NativeCallContext, Position, Stmt};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{OnceLock, RwLock};

/// Line and column, with the name of the function that is called there.
type Place = (usize, usize, String);

fn all() -> &'static RwLock<HashMap<String, HashSet<Place>>> {
    static ALL: OnceLock<RwLock<HashMap<String, HashSet<Place>>>> = OnceLock::new();
    ALL.get_or_init(RwLock::default)
}

/// Notes the places of a script that people know as `shown`.
pub fn note(shown: &str, ast: &AST) {
    let mut places = HashSet::new();
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        let Some(node) = path.last() else { return true };
        let called = match node {
            ASTNode::Expr(Expr::FnCall(call, at) | Expr::MethodCall(call, at))
            | ASTNode::Stmt(Stmt::FnCall(call, at)) => Some((*at, call.name.as_str())),
            _ => None,
        };
        for (at, name) in called.into_iter().chain([(node.position(), "")]) {
            if let (Some(line), Some(column)) = (at.line(), at.position()) {
                places.insert((line, column, String::new()));
                places.insert((line, column, name.to_owned()));
            }
        }
        true
    });
    all().write().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(shown.to_owned(), places);
}

/// The script in which `called` stands at a place: `source`, unless it is at that place in one other script alone. An
/// empty `called` is any expression.
pub fn script_of<'a>(source: &'a str, at: Position, called: &str) -> Cow<'a, str> {
    let (Some(line), Some(column)) = (at.line(), at.position()) else { return source.into() };
    let place = (line, column, called.to_owned());
    let all = all().read().unwrap_or_else(|poisoned| poisoned.into_inner());
    if all.get(source).is_none_or(|places| places.contains(&place)) {
        return source.into();
    }
    let mut others = all.iter().filter(|(_, places)| places.contains(&place));
    match (others.next(), others.next()) {
        (Some((other, _)), None) => other.clone().into(),
        _ => source.into(),
    }
}

/// The script that calls a binding.
pub fn calling(ctx: &NativeCallContext) -> Option<String> {
    Some(script_of(ctx.call_source()?, ctx.call_position(), ctx.fn_name()).into_owned())
}
