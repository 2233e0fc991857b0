//! Functions of Rhai's standard library that look into texts, kept from values that nobody may look at.
//!
//! A hidden value inside a text is a token: `len` or `split` would give an answer, and it would be wrong. So each
//! function with a text among its parameters stands here again, asks first, and then calls the original.

use super::opaque::{Opaque, look};
use crate::secret::contains_token;
use rhai::def_package;
use rhai::packages::{Package, StandardPackage};
use rhai::{
    Array, Blob, Dynamic, Engine, FLOAT, FnNamespace, FuncRegistration, INT, ImmutableString, Map, Module,
    NativeCallContext, Position, RhaiFunc, Shared,
};
use serde::Deserialize;
use std::any::TypeId;
use std::ops::{Range, RangeInclusive};
use std::sync::OnceLock;

/// They pass a text on without looking.
const HARMLESS: &[&str] = &["+", "+=", "append", "clear", "print", "debug", "to_string", "to_debug"];

/// They compare the items of an array.
const COMPARING: &[&str] = &["sort", "sort_desc", "order", "order_desc", "dedup"];

def_package! {
    /// The guarded functions.
    pub GuardPackage(module) {
        for function in of_texts() {
            guard(module, &function);
        }
        // A text gives its characters.
        module.set_iter_result(TypeId::of::<ImmutableString>(), |value| {
            let text = value.cast::<ImmutableString>();
            if contains_token(&text) {
                return Box::new(std::iter::once(Err(super::opaque::refuse(&text, "for", Position::NONE))));
            }
            let letters: Vec<char> = text.chars().collect();
            Box::new(letters.into_iter().map(|letter| Ok(letter.into())))
        });
        module.set_iter_result(TypeId::of::<Opaque>(), |value| {
            let value = value.cast::<Opaque>();
            Box::new(std::iter::once(Err(super::opaque::refuse(&value.0, "for", Position::NONE))))
        });
    }
}

#[derive(Deserialize)]
struct Listed {
    functions: Vec<Original>,
}

#[derive(Deserialize)]
struct Original {
    name: String,
    #[serde(default)]
    params: Vec<Parameter>,
}

impl Original {
    fn compares_items(&self) -> bool {
        COMPARING.contains(&self.name.as_str())
    }
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "type", default)]
    kind: String,
}

impl Parameter {
    fn is_text(&self) -> bool {
        self.kind.ends_with("str") || self.kind.ends_with("String")
    }

    fn id(&self) -> Option<TypeId> {
        Some(match self.kind.trim_start_matches("&mut ") {
            _ if self.is_text() => TypeId::of::<ImmutableString>(),
            "char" => TypeId::of::<char>(),
            "i64" => TypeId::of::<INT>(),
            "f64" => TypeId::of::<FLOAT>(),
            "bool" => TypeId::of::<bool>(),
            "Range<i64>" => TypeId::of::<Range<INT>>(),
            "RangeInclusive<i64>" => TypeId::of::<RangeInclusive<INT>>(),
            "Array" => TypeId::of::<Array>(),
            "Map" => TypeId::of::<Map>(),
            "Blob" => TypeId::of::<Blob>(),
            "Dynamic" => TypeId::of::<Dynamic>(),
            _ => return None,
        })
    }
}

/// The standard library alone: where the originals are.
fn plain() -> &'static Engine {
    static PLAIN: OnceLock<Engine> = OnceLock::new();
    PLAIN.get_or_init(|| {
        let mut engine = Engine::new_raw();
        engine.register_global_module(StandardPackage::new().as_shared_module());
        engine
    })
}

fn of_texts() -> impl Iterator<Item = Original> {
    let json = plain().gen_fn_metadata_to_json(true).expect("metadata have a JSON form");
    let listed: Listed = serde_json::from_str(&json).expect("the form of Rhai's metadata");
    let texts = |function: &Original| function.params.iter().any(Parameter::is_text);
    listed.functions.into_iter().filter(move |function| match function.compares_items() {
        true => function.params.len() == 1,
        false => texts(function) && !HARMLESS.contains(&function.name.as_str()),
    })
}

/// Registers a function for texts, and for hidden values in the place of any of them.
fn guard(module: &mut Module, original: &Original) {
    let Some(types) = original.params.iter().map(Parameter::id).collect::<Option<Vec<TypeId>>>() else {
        return;
    };
    let texts: Vec<usize> = (0..types.len()).filter(|at| original.params[*at].is_text()).collect();
    let changes = original.params.first().is_some_and(|first| first.kind.starts_with("&mut "));
    for hidden in 0..1_u32 << texts.len() {
        let mut types = types.clone();
        for (bit, at) in texts.iter().enumerate() {
            if hidden & (1 << bit) != 0 {
                types[*at] = TypeId::of::<Opaque>();
            }
        }
        let options = FuncRegistration::new(&original.name).with_namespace(FnNamespace::Global);
        options.set_into_module_raw(module, types, asking(&original.name, changes));
    }
}

fn asking(name: &str, changes: bool) -> RhaiFunc {
    let name = name.to_owned();
    let func = move |ctx: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| {
        let ctx = ctx.expect("it asked for the context");
        for arg in args.iter() {
            if let Some(text) = arg.read_lock::<ImmutableString>() {
                look(&ctx, &text)?;
            } else if let Some(hidden) = arg.read_lock::<Opaque>() {
                look(&ctx, &hidden.0)?;
            } else if let Some(array) = arg.read_lock::<Array>().filter(|_| COMPARING.contains(&&*name)) {
                array
                    .iter()
                    .filter_map(|item| super::common::text(item).ok())
                    .try_for_each(|text| look(&ctx, &text))?;
            }
        }
        let (source, global, at) = (ctx.call_source(), ctx.global_runtime_state(), ctx.call_position());
        let original = NativeCallContext::from((plain(), &*name, source, global, at));
        original.call_native_fn_raw(&name, changes, args)
    };
    let func = Shared::new(func);
    match changes {
        true => RhaiFunc::Method { func, has_context: true, is_pure: false, is_volatile: false },
        false => RhaiFunc::Pure { func, has_context: true, is_pure: true, is_volatile: false },
    }
}

#[cfg(test)]
mod tests {
    use crate::script::{Limits, bare};

    #[test]
    fn texts_without_hidden_values_are_treated_as_ever() {
        let engine = bare(Limits::default());
        let script = r#"
            let text = "  a-b-c "; text.trim(); text.replace("-", "+");
            let parts = text.split("+"); parts.push(`${text.len} ${text.len()} ${text.contains('b')} ${"c" in text}`);
            parts.push(text.sub_string(0..1) + text.to_upper() + text.index_of("b") + parse_int("7") + #{ k: 1 }.get("k"));
            parts.push(["a", "b"].contains("b")); parts.push("a" < "b"); parts.push(text[0]);
            parts
        "#;
        let parts: rhai::Array = engine.eval(script).expect("a good script");
        let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
        assert_eq!(parts, ["a", "b", "c", "5 5 true true", "aA+B+C271", "true", "true", "a"]);
    }
}
