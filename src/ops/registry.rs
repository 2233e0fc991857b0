//! The list of operations, and what can be done with any of them by name: arguments, plans, reference.

use super::{Args, Managed, OpError, Operation, Plan, View, file};
use crate::secret::contains_token;
use serde::de::{DeserializeOwned, Deserializer, Visitor, value::Error as NoValue};
use serde_json::Value;
use std::sync::OnceLock;

/// An operation whose arguments were accepted.
pub trait Planned: Send {
    /// Probes and plans.
    ///
    /// # Errors
    /// As the operation's `probe` and `plan`.
    fn plan(&self, view: &mut View<'_>) -> Result<Plan, OpError>;

    /// What it keeps in a state; nothing for an action. A secret among its arguments is asked for.
    fn manages(&self) -> &[Managed] {
        &[]
    }

    /// True when what it manages cannot be told without asking for a secret.
    fn is_sealed(&self) -> bool {
        false
    }
}

struct Accepted<O> {
    operation: O,
    args: Value,
    managed: OnceLock<Vec<Managed>>,
}

impl<O: Operation + Send> Planned for Accepted<O> {
    fn plan(&self, view: &mut View<'_>) -> Result<Plan, OpError> {
        let seen = self.operation.probe(view)?;
        self.operation.plan(&seen)
    }

    fn manages(&self) -> &[Managed] {
        self.managed.get_or_init(|| O::manages(&Args(&self.args)))
    }

    fn is_sealed(&self) -> bool {
        holds_token(&self.args)
    }
}

fn holds_token(value: &Value) -> bool {
    match value {
        Value::String(text) => contains_token(text),
        Value::Array(items) => items.iter().any(holds_token),
        Value::Object(map) => map.values().any(holds_token),
        _ => false,
    }
}

/// One operation of the list.
pub struct Entry {
    /// `file::put`.
    pub name: &'static str,
    /// The field that the first argument fills.
    pub target: &'static str,
    /// True when the first argument may be an array that makes one operation.
    pub takes_many: bool,
    /// Fields that name files on this machine.
    pub local_paths: &'static [&'static str],
    /// All fields, the target among them.
    pub fields: fn() -> &'static [&'static str],
    /// Checks arguments; see [`ArgumentError`].
    pub accept: fn(Value) -> Result<Box<dyn Planned>, ArgumentError>,
}

impl Entry {
    /// An operation on the project: no host knows of it, and its first argument is one name.
    pub const fn of_project(
        name: &'static str,
        target: &'static str,
        fields: fn() -> &'static [&'static str],
        accept: fn(Value) -> Result<Box<dyn Planned>, ArgumentError>,
    ) -> Self {
        Self { name, target, takes_many: false, local_paths: &[], fields, accept }
    }
}

/// An argument that no operation takes like this.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArgumentError {
    /// No such argument.
    #[error("`{op}` has no argument `{field}`")]
    UnknownField {
        /// `file::put`.
        op: &'static str,
        /// What was given.
        field: String,
        /// What may be given.
        known: &'static [&'static str],
    },
    /// A value of the wrong type or form.
    #[error("`{op}`: argument `{field}`: {problem}")]
    Value {
        /// `file::put`.
        op: &'static str,
        /// Which argument, with the path inside it.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Arguments that do not go together, or one that is missing.
    #[error("`{op}`: {problem}")]
    Arguments {
        /// `file::put`.
        op: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl Entry {
    const fn of<O: Operation + Send + 'static>() -> Self {
        Self {
            name: O::NAME,
            target: O::TARGET,
            takes_many: O::TAKES_MANY,
            local_paths: O::LOCAL_PATHS,
            fields: fields::<O>,
            accept: |value| accept::<O>(value),
        }
    }
}

fn accept<O: Operation + Send + 'static>(value: Value) -> Result<Box<dyn Planned>, ArgumentError> {
    all_known(O::NAME, fields::<O>(), &value)?;
    let args = value.clone();
    let operation: O = arguments(O::NAME, value)?;
    operation.check().map_err(|problem| ArgumentError::Arguments { op: O::NAME, problem })?;
    Ok(Box::new(Accepted { operation, args, managed: OnceLock::new() }))
}

/// Refuses fields that there are none of.
pub fn all_known(op: &'static str, known: &'static [&'static str], value: &Value) -> Result<(), ArgumentError> {
    let mut fields = value.as_object().into_iter().flat_map(|map| map.keys());
    match fields.find(|field| !known.contains(&field.as_str())) {
        Some(field) => Err(ArgumentError::UnknownField { op, field: field.clone(), known }),
        None => Ok(()),
    }
}

/// Reads arguments whose names are known; says which one is wrong.
pub fn arguments<T: DeserializeOwned>(op: &'static str, value: Value) -> Result<T, ArgumentError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        let problem = in_words(&error.into_inner().to_string());
        match field.as_str() {
            "." | "" => ArgumentError::Arguments { op, problem },
            _ => ArgumentError::Value { op, field, problem },
        }
    })
}

/// What serde says, without types of Rust.
fn in_words(problem: &str) -> String {
    if let Some(name) = problem.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return format!("argument `{name}` is missing");
    }
    let Some((said, kind)) = problem.rsplit_once("expected ") else { return problem.to_owned() };
    let kind = match kind {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        _ => return problem.to_owned(),
    };
    format!("{said}expected {kind}")
}

/// The names of a struct's fields, as its derived `Deserialize` asks for them.
pub fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    struct Names<'a>(&'a mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for Names<'_> {
        type Error = NoValue;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoValue> {
            Err(serde::de::Error::custom("only the names are wanted"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, NoValue> {
            *self.0 = fields;
            self.deserialize_any(visitor)
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut names: &'static [&'static str] = &[];
    // Always an error: the deserializer has no value to give.
    let _ = T::deserialize(Names(&mut names));
    names
}

macro_rules! operations {
    ($($operation:path),* $(,)?) => { &[$(Entry::of::<$operation>()),*] };
}

/// Every operation. A new one is one line here.
pub static OPERATIONS: &[Entry] = operations![
    super::apt::Deb,
    super::apt::Key,
    super::apt::Repo,
    super::cert::Crl,
    super::cert::Pkcs12,
    super::cert::Present,
    super::cert::Trust,
    super::cron::Job,
    super::user::Present,
    super::user::Absent,
    super::user::Keys,
    super::group::Present,
    super::group::Absent,
    super::sudo::Rule,
    super::ssh::Server,
    super::ssh::KnownHost,
    super::cmd::Run,
    super::cmd::Script,
    super::cmd::Read,
    super::git::Repo,
    super::git::Config,
    super::docker::Container,
    super::docker::Image,
    super::docker::Network,
    super::docker::Volume,
    super::docker::Compose,
    super::wait::Port,
    super::wait::Http,
    super::wait::File,
    super::wait::Ssh,
    super::pkg::Hold,
    super::pkg::Installed,
    super::pkg::Latest,
    super::pkg::Removed,
    super::pkg::Update,
    super::pkg::Upgrade,
    super::service::Disabled,
    super::service::Enabled,
    super::service::Masked,
    super::service::Reloaded,
    super::service::Restarted,
    super::service::Running,
    super::service::Stopped,
    super::sys::Reboot,
    super::sys::SetHostname,
    super::sys::SetSysctl,
    super::sys::SetTimezone,
    super::systemd::DaemonReload,
    super::systemd::Timer,
    super::systemd::UnitFile,
    file::Put,
    file::Template,
    file::Present,
    file::Absent,
    file::Dir,
    file::Link,
    file::Line,
    file::Block,
    file::Replace,
    file::Mirror,
    file::Download,
];

/// The operation of a name.
pub fn entry(name: &str) -> Option<&'static Entry> {
    OPERATIONS.iter().find(|entry| entry.name == name)
}
