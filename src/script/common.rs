//! The arguments that every operation takes.

use super::convert::to_json;
use super::done::Done;
use super::opaque::Opaque;
use crate::engine::{Becoming, Settings};
use crate::inventory::{Escalation, Method};
use rhai::{Array, Dynamic, FnPtr, Map};
use std::time::Duration;

/// Names of the common arguments, for checks and suggestions.
pub const COMMON: &[&str] = &[
    "name",
    "when",
    "unless",
    "tags",
    "notify",
    "sudo",
    "su",
    "doas",
    "sudo_password",
    "env",
    "chdir",
    "shell",
    "timeout",
    "retries",
    "delay",
    "retry_until",
    "ignore_errors",
    "success_codes",
    "changed_when",
    "failed_when",
    "delegate_to",
    "run_once",
    "sensitive",
    "requires",
    "undo",
    "loud",
    "keep",
    "redeclare",
];

/// A condition: known, to be asked, or known only after apply.
#[derive(Clone)]
pub enum Condition {
    /// `true` or `false`.
    Known(bool),
    /// A closure.
    Ask(FnPtr),
    /// Depends on what only an apply can tell.
    Unknown(String),
}

/// The common arguments of one call.
#[derive(Clone, Default)]
pub struct Common {
    /// A name for people.
    pub name: Option<String>,
    /// Runs only when true.
    pub when: Option<Condition>,
    /// Runs only when false.
    pub unless: Option<Condition>,
    /// Handlers.
    pub notify: Vec<String>,
    /// What blocks and plays set too.
    pub settings: Settings,
    /// Interpreter.
    pub shell: Option<String>,
    /// Exit statuses that mean success.
    pub success_codes: Option<Vec<i32>>,
    /// Whether it counts as changed.
    pub changed_when: Option<Condition>,
    /// Whether it counts as failed.
    pub failed_when: Option<Condition>,
    /// Tried again until true.
    pub retry_until: Option<FnPtr>,
    /// Another host.
    pub delegate_to: Option<String>,
    /// On one host only.
    pub run_once: bool,
    /// Handles that must not have failed or been skipped.
    pub requires: Vec<Done>,
    /// Undoes the change when the block around fails.
    pub undo: Option<FnPtr>,
    /// Shows the output.
    pub loud: bool,
    /// Never removed by a prune.
    pub keep: bool,
    /// May contradict what the playbook declared before.
    pub redeclare: bool,
}

/// Which argument is wrong, and how.
pub struct Wrong {
    /// The argument.
    pub argument: String,
    /// What is expected.
    pub problem: String,
}

impl Common {
    /// Takes the common arguments out of a map; those that the operation has itself stay.
    ///
    /// # Errors
    /// The first argument of a wrong type.
    pub fn take(map: &mut Map, own: &[&str]) -> Result<Self, Wrong> {
        let mut common = Self::default();
        for key in COMMON.iter().filter(|key| !own.contains(key)) {
            if let Some(value) = map.remove(*key) {
                common.set(key, &value).map_err(|problem| Wrong { argument: (*key).into(), problem })?;
            }
        }
        settle_password(&mut common.settings);
        Ok(common)
    }

    fn set(&mut self, key: &str, value: &Dynamic) -> Result<(), String> {
        match key {
            "name" => self.name = Some(text(value)?),
            "when" => self.when = Some(condition(value)?),
            "unless" => self.unless = Some(condition(value)?),
            "notify" => self.notify = texts(value)?,
            "shell" => self.shell = Some(text(value)?),
            "success_codes" => self.success_codes = Some(codes(value)?),
            "changed_when" => self.changed_when = Some(condition(value)?),
            "failed_when" => self.failed_when = Some(condition(value)?),
            "retry_until" => self.retry_until = Some(closure(value)?),
            "delegate_to" => self.delegate_to = Some(text(value)?),
            "run_once" => self.run_once = flag(value)?,
            "requires" => self.requires = handles(value)?,
            "undo" => self.undo = Some(closure(value)?),
            "loud" => self.loud = flag(value)?,
            "keep" => self.keep = flag(value)?,
            "redeclare" => self.redeclare = flag(value)?,
            _ => {
                set(&mut self.settings, key, value)?;
            }
        }
        Ok(())
    }
}

/// Under this name a password waits in the variables until the user it belongs to is known.
const PASSWORD: &str = "\u{0}password";

/// Sets one of the settings that plays and blocks take too; false when there is no such setting.
///
/// # Errors
/// What is expected.
pub fn set(settings: &mut Settings, key: &str, value: &Dynamic) -> Result<bool, String> {
    match key {
        "tags" => settings.tags = texts(value)?,
        "sudo" | "su" | "doas" => settings.becoming = Some(becoming(key, value)?),
        "sudo_password" => {
            settings.env.insert(PASSWORD.into(), text(value)?);
        }
        "env" => settings.env.extend(variables(value)?),
        "chdir" => settings.chdir = Some(text(value)?),
        "timeout" => settings.timeout = Some(seconds(value)?),
        "retries" => settings.retries = Some(count(value)?),
        "delay" => settings.delay = Some(seconds(value)?),
        "ignore_errors" => settings.ignore_errors = Some(flag(value)?),
        "sensitive" => settings.sensitive = Some(flag(value)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Puts a password that came with the settings where it belongs.
pub fn settle_password(settings: &mut Settings) {
    if let Some(password) = settings.env.remove(PASSWORD)
        && let Some(Becoming::User(escalation)) = &mut settings.becoming
    {
        escalation.password = Some(password);
    }
}

fn becoming(key: &str, value: &Dynamic) -> Result<Becoming, String> {
    let method = match key {
        "sudo" => Method::Sudo,
        "su" => Method::Su,
        _ => Method::Doas,
    };
    let user = match value.as_bool() {
        Ok(false) => return Ok(Becoming::Nobody),
        Ok(true) => "root".to_owned(),
        Err(_) => text(value).map_err(|_| "must be true, false or the name of a user".to_owned())?,
    };
    Ok(Becoming::User(Escalation { method, user, password: None }))
}

fn condition(value: &Dynamic) -> Result<Condition, String> {
    if let Ok(known) = value.as_bool() {
        return Ok(Condition::Known(known));
    }
    if let Some(opaque) = value.read_lock::<Opaque>() {
        return Ok(Condition::Unknown(opaque.reason()));
    }
    closure(value).map(Condition::Ask).map_err(|_| "must be true, false or a closure".into())
}

fn closure(value: &Dynamic) -> Result<FnPtr, String> {
    value.clone().try_cast().ok_or_else(|| format!("must be a closure such as `|result| ...`, not {}", kind(value)))
}

/// A text; it may hold hidden values.
///
/// # Errors
/// What is expected.
pub fn text(value: &Dynamic) -> Result<String, String> {
    if let Some(opaque) = value.read_lock::<Opaque>() {
        return Ok(opaque.0.clone());
    }
    value.clone().into_string().map_err(|_| format!("must be a text, not {}", kind(value)))
}

/// One text, or an array of them.
///
/// # Errors
/// What is expected.
pub fn texts(value: &Dynamic) -> Result<Vec<String>, String> {
    match value.read_lock::<Array>() {
        Some(array) => array.iter().map(text).collect(),
        None => {
            text(value).map(|text| vec![text]).map_err(|_| format!("must be a text or an array, not {}", kind(value)))
        }
    }
}

fn flag(value: &Dynamic) -> Result<bool, String> {
    value.as_bool().map_err(|_| format!("must be true or false, not {}", kind(value)))
}

fn count(value: &Dynamic) -> Result<u32, String> {
    let number = value.as_int().map_err(|_| format!("must be a number, not {}", kind(value)))?;
    u32::try_from(number).map_err(|_| format!("must not be negative, but is {number}"))
}

/// Seconds, whole or not.
///
/// # Errors
/// What is expected.
pub fn seconds(value: &Dynamic) -> Result<Duration, String> {
    let seconds = value.as_float().or_else(|_| value.as_int().map(|whole| whole as f64));
    let seconds = seconds.map_err(|_| format!("must be a number of seconds, not {}", kind(value)))?;
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("must be a number of seconds, not {seconds}"))
}

fn codes(value: &Dynamic) -> Result<Vec<i32>, String> {
    let wrong = || format!("must be an array of exit statuses, not {}", kind(value));
    let array = value.read_lock::<Array>().ok_or_else(wrong)?;
    array.iter().map(|code| code.as_int().map(|code| code as i32).map_err(|_| wrong())).collect()
}

fn variables(value: &Dynamic) -> Result<Vec<(String, String)>, String> {
    let wrong = || format!("must be a map of texts, not {}", kind(value));
    let map = value.read_lock::<Map>().ok_or_else(wrong)?;
    let variable = |(key, value): (&rhai::Identifier, &Dynamic)| {
        let valid = key
            .chars()
            .enumerate()
            .all(|(at, c)| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit()));
        if !valid || key.is_empty() {
            return Err(format!("`{key}` is no name of a variable"));
        }
        let text = text(value).or_else(|_| match to_json(value)? {
            serde_json::Value::Bool(flag) => Ok(flag.to_string()),
            serde_json::Value::Number(number) => Ok(number.to_string()),
            _ => Err(wrong()),
        })?;
        Ok((key.to_string(), text))
    };
    map.iter().map(variable).collect()
}

fn handles(value: &Dynamic) -> Result<Vec<Done>, String> {
    let handle = |value: &Dynamic| {
        if let Some(certificate) = value.read_lock::<super::cert::Certificate>() {
            return Ok(certificate.done().clone());
        }
        if let Some(bundle) = value.read_lock::<super::cert::Bundle>() {
            return Ok(bundle.done.clone());
        }
        if let Some(key) = value.read_lock::<super::ssh::SshKey>() {
            return Ok(key.done.clone());
        }
        if let Some(certificate) = value.read_lock::<super::ssh::SshCertificate>() {
            return Ok(certificate.done.clone());
        }
        value.clone().try_cast::<Done>().ok_or_else(|| format!("must be handles of operations, not {}", kind(value)))
    };
    match value.read_lock::<Array>() {
        Some(array) => array.iter().map(handle).collect(),
        None => handle(value).map(|handle| vec![handle]),
    }
}

/// What a value is, in words that people use.
pub fn kind(value: &Dynamic) -> String {
    match value.type_name() {
        "i64" => format!("the number {value}"),
        "f64" => format!("the number {value}"),
        "bool" => format!("{value}"),
        "string" => "a text".into(),
        "array" => "an array".into(),
        "map" => "a map".into(),
        "Fn" => "a closure".into(),
        "()" => "nothing".into(),
        other => format!("a {other}"),
    }
}
