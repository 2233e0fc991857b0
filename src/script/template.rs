//! Templates: minijinja, strict about names, with the host's data beside the given variables.

use super::convert::to_json;
use super::error::{RhaiResultOf, mistake};
use super::here::Here;
use super::opaque::Opaque;
use super::places::calling;
use crate::event::remedy;
use crate::secret::contains_unknown;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, merge_maps};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context};
use rhai::plugin::*;
use rhai::{Dynamic, ImmutableString, Map, NativeCallContext};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// Steps of the template engine for one template, against endless loops.
const FUEL: u64 = 10_000_000;

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Configuration files are no HTML, and their last line end is part of them.
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let mut syntax = SyntaxConfig::builder();
        syntax.keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true);
        environment.set_syntax(syntax.build().expect("the default delimiters are valid"));
        environment.set_fuel(Some(FUEL));
        super::hidden::guard(&mut environment);
        super::compared::guard(&mut environment);
        super::careful::guard(&mut environment);
        environment
    })
}

/// Turns `src` or `text` with `vars` of a `file::template` into its rendered content.
///
/// # Errors
/// A mistake with file and line of the template.
pub fn prepare(ctx: &NativeCallContext, want: &mut Map) -> RhaiResultOf<()> {
    let vars = want.remove("vars").unwrap_or_else(|| Map::new().into());
    let vars = to_json(&vars)
        .map_err(|problem| mistake(ctx, format!("`file::template`: argument `vars`: {problem}"), None))?;
    if want.contains_key("content") {
        return Err(mistake(
            ctx,
            "`file::template` takes `src` or `text`, not `content`",
            Some("`file::put` takes a content".into()),
        ));
    }
    let (name, text): (String, Arc<str>) = match (want.get("src").cloned(), want.remove("text")) {
        (Some(_), Some(_)) => return Err(mistake(ctx, "`file::template` takes `src` or `text`, not both", None)),
        (None, None) => return Err(mistake(ctx, "`file::template` needs `src`, a file, or `text`", None)),
        (None, Some(text)) => ("text".into(), text.to_string().into()),
        (Some(src), None) => read(ctx, &src.to_string())?,
    };
    let rendered = render(ctx, &name, &text, vars)?;
    want.insert("content".into(), rendered.into());
    Ok(())
}

fn read(ctx: &NativeCallContext, src: &str) -> RhaiResultOf<(String, Arc<str>)> {
    let here = Here::of(ctx);
    let project = here.project();
    let hint = || Some(super::syntax::PATHS.to_owned());
    let path = project.find(src, calling(ctx).as_deref()).map_err(|tried| mistake(ctx, tried, hint()))?;
    let shown = project.shown(&path);
    let text = project
        .read(&path)
        .map_err(|error| mistake(ctx, format!("cannot read `{shown}`: {error}"), remedy(&error).map(str::to_owned)))?;
    Ok((shown, text))
}

/// Renders a text. The host's data stands under its keys, the given variables over it, and `host` names the host.
fn render(ctx: &NativeCallContext, name: &str, text: &str, vars: serde_json::Value) -> RhaiResultOf<String> {
    let here = Here::of(ctx);
    let host = here.actor().on();
    let set_by_script = host.notes().data.clone();
    let about = context! {
        name => host.name(),
        addr => host.host.connection.address.as_deref().unwrap_or(host.name()),
        groups => host.host.groups.clone(),
        data => Value::from(Serde(&host.host.data)),
    };
    let layers = context! {
        host => about,
        ..merge_maps([
            Value::from(Serde(&vars)),
            Value::from(Serde(&set_by_script)),
            Value::from(Serde(&host.host.data)),
        ])
    };
    parse(name, text).map_err(|(message, hint)| mistake(ctx, message, hint))?;
    super::careful::render(environment(), (name, text), layers).or_else(|error| match undecided(&error) {
        Some(token) => Ok(token),
        None => Err(wrong(ctx, name, &error)),
    })
}

/// What is not known and would decide what a template becomes.
fn undecided(error: &minijinja::Error) -> Option<String> {
    let details = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let mut errors = details.filter_map(|error| error.downcast_ref::<minijinja::Error>());
    errors.find_map(|error| error.detail().filter(|detail| contains_unknown(detail)).map(str::to_owned))
}

/// A mistake in a template: message and hint.
pub type Wrong = (String, Option<String>);

/// Compiles a template.
///
/// # Errors
/// Message and hint of a syntax error.
pub fn parse(name: &str, text: &str) -> Result<(), Wrong> {
    let environment: &Environment<'_> = environment();
    environment.template_from_named_str(name, text).map(|_| ()).map_err(|error| describe(name, &error))
}

/// Looks for names in a template that neither `known` nor the engine defines.
///
/// # Errors
/// Message and hint for the first one, or for a syntax error.
pub fn undefined(name: &str, text: &str, known: &HashSet<String>) -> Result<(), Wrong> {
    let environment: &Environment<'_> = environment();
    let template = environment.template_from_named_str(name, text).map_err(|error| describe(name, &error))?;
    let defined = |word: &String| {
        known.contains(word) || word == "host" || environment.globals().any(|(global, _)| global == word)
    };
    let mut missing: Vec<String> =
        template.undeclared_variables(false).into_iter().filter(|word| !defined(word)).collect();
    missing.sort();
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let guarded =
        |line: &&str| line.contains(first.as_str()) && line.contains("is defined") || line.contains("default(");
    if text.lines().any(|line| guarded(&line)) {
        return Ok(());
    }
    let line = text
        .lines()
        .position(|line| line.contains(first.as_str()))
        .map_or_else(String::new, |at| format!(":{}", at + 1));
    let hint = crate::inventory::nearest(first, known.iter().map(String::as_str))
        .map(|near| format!("did you mean `{near}`?"));
    let hint = hint.unwrap_or_else(|| "give it in `vars`, or set it in the inventory".into());
    Err((format!("template `{name}{line}`: undefined variable `{first}`"), Some(hint)))
}

fn wrong(ctx: &NativeCallContext, name: &str, error: &minijinja::Error) -> Box<EvalAltResult> {
    let (message, hint) = describe(name, error);
    mistake(ctx, message, hint)
}

fn describe(name: &str, error: &minijinja::Error) -> Wrong {
    let line = error.line().map_or_else(String::new, |line| format!(":{line}"));
    let detail = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    let mut message = format!("template `{name}{line}`: {detail}");
    let mut hint = match error.kind() {
        ErrorKind::TemplateNotFound => {
            Some("a template is one file: `render(...)` makes the parts, and `vars` brings them in".to_owned())
        }
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction => {
            Some("those of Jinja that there are: https://docs.rs/minijinja".to_owned())
        }
        _ => None,
    };
    if error.kind() == ErrorKind::UndefinedError {
        let missing = error.range().map(|_| missing_name(error)).unwrap_or_default();
        message = format!("template `{name}{line}`: undefined variable{missing}");
        hint = Some("give it in `vars`, or set it in the inventory".to_owned());
    }
    if detail.ends_with("would look at a secret") {
        hint = Some("decide in the playbook, by `secret::same(...)`, and give the answer in `vars`".to_owned());
    }
    (message, hint)
}

fn missing_name(error: &minijinja::Error) -> String {
    let source = error.template_source().unwrap_or_default();
    let text = error.range().and_then(|range| source.get(range)).unwrap_or_default().trim();
    if text.is_empty() { String::new() } else { format!(" `{text}`") }
}

/// Templates outside of files.
#[export_module]
pub mod template {
    use super::*;

    /// Renders a template given as text, with variables; the host's data is visible too.
    ///
    /// Fails when a name is undefined, naming the line.
    ///
    /// ```rhai
    /// let line = render("listen {{ port }};", #{ port: 8080 });
    /// ```
    #[rhai_fn(name = "render", return_raw)]
    pub fn render_text(ctx: NativeCallContext, text: ImmutableString, vars: Map) -> RhaiResultOf<Dynamic> {
        let vars = to_json(&vars.into()).map_err(|problem| mistake(&ctx, problem, None))?;
        let rendered = super::render(&ctx, "text", &text, vars)?;
        Ok(match crate::secret::contains_token(&rendered) {
            true => Dynamic::from(Opaque(rendered)),
            false => rendered.into(),
        })
    }
}
