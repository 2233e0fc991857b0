//! Compiles scripts; says what to do where one does not parse.

use super::builder::modules;
use super::error::fragment;
use super::here::position;
use super::places;
use super::switch;
use crate::event::Failure;
use crate::inventory::nearest;
use rhai::{AST, Engine, ParseError, ParseErrorType, Position, Scope};

/// Where scripts look for files, for hints.
pub const PATHS: &str = "paths start at the project's root, or beside the script";

/// Compiles a script that people know as `shown`. A variable that nothing defines is a mistake.
///
/// # Errors
/// The mistake, with its place and what to do.
pub fn compile(engine: &Engine, text: &str, shown: &str) -> Result<AST, Failure> {
    let mut known = Scope::new();
    known.push("host", ());
    let (compiled, wary) = switch::wary(text, shown, || engine.compile_with_scope(&known, text));
    let compiled = match (compiled, &wary) {
        (Ok(_), Some(wary)) => engine.compile_with_scope(&known, wary),
        (compiled, _) => compiled,
    };
    let mut ast = compiled.map_err(|error| mistake(&error, text, shown))?;
    ast.set_source(shown);
    places::note(shown, &ast);
    Ok(ast)
}

fn mistake(error: &ParseError, text: &str, shown: &str) -> Failure {
    let at = if error.1.is_none() { end(text) } else { error.1 };
    let message = match &*error.0 {
        ParseErrorType::VariableUndefined(name) => format!("no variable `{name}`"),
        ParseErrorType::ModuleUndefined(name) => format!("no module `{name}`"),
        _ => fragment(&error.to_string()),
    };
    Failure { at: Some(position(Some(shown), at)), ..Failure::new(message) }.hint(hint(&error.0, text, at))
}

/// The last character of a text: what is incomplete is so there.
fn end(text: &str) -> Position {
    let last = text.lines().last().unwrap_or_default();
    let line = u16::try_from(text.lines().count().max(1)).unwrap_or(u16::MAX);
    Position::new(line, u16::try_from(last.chars().count()).unwrap_or(u16::MAX))
}

fn hint(error: &ParseErrorType, text: &str, at: Position) -> String {
    let word = word_at(text, at);
    let token = match error {
        ParseErrorType::Reserved(word) => return reserved(word),
        ParseErrorType::VariableUndefined(name) => return undefined(name, text),
        ParseErrorType::ModuleUndefined(name) => return no_module(name),
        ParseErrorType::MissingToken(token, _) => token.as_str(),
        _ => "",
    };
    match token {
        ";" => "does the statement before end with `;`?".into(),
        _ if ACTIVE.contains(&word) => reserved(word),
        "" => "look at what stands here, and just before".into(),
        "}" if matches!(error, ParseErrorType::MissingToken(_, what) if what.contains("block")) => {
            "is a `;` or a `}` missing before this?".into()
        }
        "," => "is a `,` or the closing bracket missing before this?".into(),
        ")" | "]" | "}" => format!("is a `,` or a `{token}` missing before this?"),
        _ => format!("is a `{token}` missing before this?"),
    }
}

fn word_at(text: &str, at: Position) -> &str {
    let (Some(line), Some(column)) = (at.line(), at.position()) else {
        return "";
    };
    let line = text.lines().nth(line - 1).unwrap_or_default();
    let from = line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(from, _)| from);
    let rest = &line[from..];
    &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
}

/// Words that begin something; as keys of a map the parser only says that it expected something else.
const ACTIVE: &[&str] = &[
    "if", "in", "as", "is", "do", "loop", "until", "for", "while", "fn", "let", "const", "else", "switch", "return",
    "throw", "try", "catch", "break", "continue", "import", "export", "private", "true", "false",
];

/// What playbooks write instead of a word that Rhai keeps for itself.
fn reserved(word: &str) -> String {
    const INSTEAD: &[(&str, &str)] = &[
        ("package", "packages are installed by `pkg::installed`"),
        ("sync", "folders are mirrored by `file::mirror`"),
        ("if", "an operation takes its condition as `when:` or `unless:`"),
        ("until", "an operation is tried again with `retry_until:`"),
        ("loop", "an array as target runs an operation for each of its elements"),
        ("default", "a fallback is the second argument: `host.data(\"key\", fallback)`"),
        ("match", "a pattern is given as `pattern:`"),
        ("use", "modules come by `import \"modules/name\" as name;`"),
        ("with", "variables are given as `vars:` or `env:`"),
    ];
    match INSTEAD.iter().find(|(reserved, _)| *reserved == word) {
        Some((_, instead)) => format!("`{word}` is a word of the language: {instead}"),
        None => format!("`{word}` is a word of the language: choose another name, or quote the key: \"{word}\""),
    }
}

fn undefined(name: &str, text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let words = words.filter(|word| *word != name && word.starts_with(|c: char| c.is_alphabetic() || c == '_'));
    match nearest(name, words.chain(["host"])) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a function sees its parameters and `host`, not the variables around it".into(),
    }
}

fn no_module(name: &str) -> String {
    match nearest(name, modules().iter().map(|(name, _)| *name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("a module of the project comes by `import \"modules/{name}\" as {name};`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Limits, bare};

    fn refused(text: &str) -> (String, String, String) {
        let failure = compile(&bare(Limits::default()), text, "p.rhai").expect_err("it has a mistake");
        (failure.message, failure.at.unwrap_or_default(), failure.hint.unwrap_or_default())
    }

    #[test]
    fn a_variable_that_nothing_defines_is_found_in_functions_and_closures_too() {
        let (message, at, hint) = refused("let port = 1;\nlog(prot);");
        assert_eq!((&*message, &*at, &*hint), ("no variable `prot`", "p.rhai:2:5", "did you mean `port`?"));
        assert_eq!(refused("fn f() { answer }").1, "p.rhai:1:10");
        assert_eq!(refused("block(\"b\", |h| {\n  block(\"c\", |g| log(answer)); });").1, "p.rhai:2:22");
        let good =
            "const PORT = 1; fn f(x) { log(host.name + x + global::PORT); } let y = 2; block(\"b\", |h| log(y + h));";
        assert!(compile(&bare(Limits::default()), good, "p.rhai").is_ok());
    }

    #[test]
    fn a_module_that_nothing_defines_is_named() {
        let (message, at, hint) = refused("cdm::run(\"x\");");
        assert_eq!((&*message, &*at, &*hint), ("no module `cdm`", "p.rhai:1:1", "did you mean `cmd`?"));
    }

    #[test]
    fn words_of_the_language_are_explained_as_keys_too() {
        for (word, instead) in [("if", "when:"), ("until", "retry_until:"), ("package", "pkg::"), ("match", "pattern:")]
        {
            let (_, at, hint) = refused(&format!("cmd::run(\"x\", #{{\n    {word}: 1 }});"));
            assert_eq!(at, "p.rhai:2:5");
            assert!(hint.contains(instead), "{hint}");
        }
    }

    #[test]
    fn a_statement_without_its_end_is_told_so_whatever_comes_next() {
        for next in ["let y = 6;", "if true {}", "log(1);"] {
            let (_, at, hint) = refused(&format!("let x = 5\n{next}"));
            assert_eq!((&*at, &*hint), ("p.rhai:2:1", "does the statement before end with `;`?"), "{next}");
        }
        let (_, _, hint) = refused("play(\"web\", |h| { log(1) }\nlog(2);");
        assert_eq!(hint, "is a `,` or the closing bracket missing before this?");
        let (_, _, hint) = refused("if true { log(1);");
        assert_eq!(hint, "is a `;` or a `}` missing before this?");
    }

    #[test]
    fn a_script_that_ends_too_early_is_wrong_at_its_end() {
        let (_, at, hint) = refused("play(\"web\", |h| {\n    log(1);\n");
        assert_eq!(at, "p.rhai:3:1");
        assert!(hint.contains('}'), "{hint}");
    }
}
