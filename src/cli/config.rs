//! Settings: flags over `RHAPSODE_*` over `rhapsode.yaml` over defaults.

use super::args::Common;
use crate::engine::{Guard, Pattern};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// `rhapsode.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    inventory: Option<Words>,
    limit: Option<String>,
    forks: Option<usize>,
    keep_logins: Option<u64>,
    keep_runs: Option<u32>,
    diff: Option<bool>,
    color: Option<bool>,
    state: Option<String>,
    max_operations: Option<u64>,
    max_depth: Option<usize>,
    guards: Guards,
}

/// What no run may do; more of it for single inventories.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guards {
    max_changes: Option<u64>,
    forbid: Vec<Forbidden>,
    inventories: BTreeMap<String, Own>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Own {
    max_changes: Option<u64>,
    forbid: Vec<Forbidden>,
}

#[derive(Debug, Clone)]
struct Forbidden(Pattern);

impl<'de> Deserialize<'de> for Forbidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pattern::parse(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Guards {
    /// The guards of a run with these inventories, which may be named by path or by file name.
    pub fn of(&self, inventories: &[String]) -> Vec<Guard> {
        let is_named = |name: &str| {
            let stem = |path: &str| Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            inventories.iter().any(|path| path == name || stem(path).as_deref() == Some(name))
        };
        let guard = |most: Option<u64>, forbid: &[Forbidden], at: String| Guard {
            max_changes: most,
            forbid: forbid.iter().map(|forbidden| forbidden.0.clone()).collect(),
            at,
        };
        let all = guard(self.max_changes, &self.forbid, "guards in rhapsode.yaml".into());
        let own = self.inventories.iter().filter(|(name, _)| is_named(name));
        let own =
            own.map(|(name, own)| guard(own.max_changes, &own.forbid, format!("guards of {name} in rhapsode.yaml")));
        std::iter::once(all).chain(own).filter(|guard| !guard.is_empty()).collect()
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Many(Vec<String>),
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag of this command line.
    Flag(&'static str),
    /// A variable of the environment.
    Variable(&'static str),
    /// The file.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

/// A value with its origin.
#[derive(Debug, Clone)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Inventories.
    pub inventory: Setting<Vec<String>>,
    /// Selector.
    pub limit: Setting<Option<String>>,
    /// Hosts at work at once.
    pub forks: Setting<usize>,
    /// Seconds for which ssh logins outlive a run.
    pub keep_logins: Setting<u64>,
    /// Days for which runs are remembered; 0 is for ever.
    pub keep_runs: Setting<u32>,
    /// Whether diffs are shown; by default in plans only.
    pub diff: Setting<Option<bool>>,
    /// Whether colours are used where the terminal has them.
    pub color: Setting<bool>,
    /// Path of the state store.
    pub state: Setting<String>,
    /// Steps of the script engine for one host.
    pub max_operations: Setting<u64>,
    /// Calls inside calls.
    pub max_depth: Setting<usize>,
    /// What no run may do.
    pub guards: Guards,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The folder that `--project` names is not there.
    #[error("there is no folder `{}`", .0.display())]
    Folder(PathBuf),
    /// The file is not as it must be.
    #[error("{message}")]
    File {
        /// What is wrong.
        message: String,
        /// `rhapsode.yaml:3:1`
        at: String,
        /// Something to do.
        hint: Option<String>,
    },
    /// A variable has a value that is not as it must be.
    #[error("`{name}` is `{value}`, but must be {wanted}")]
    Variable {
        /// Name of the variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is expected.
        wanted: &'static str,
    },
}

/// Names of settings, as `rhapsode.yaml` has them.
const NAMES: &[&str] = &[
    "inventory",
    "limit",
    "forks",
    "keep_logins",
    "keep_runs",
    "diff",
    "color",
    "state",
    "max_operations",
    "max_depth",
    "guards",
];

/// Names below `guards`.
const GUARD_NAMES: &[&str] = &["max_changes", "forbid", "inventories"];

impl Config {
    /// Reads the settings for a project.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(flags: &Common, root: &Path) -> Result<Self, ConfigError> {
        let path = root.join("rhapsode.yaml");
        let file = read(&path)?;
        let from = Origins { file: PathBuf::from("rhapsode.yaml") };
        let inventory = match file.inventory {
            Some(Words::One(one)) => Some(vec![one]),
            Some(Words::Many(many)) => Some(many),
            None => None,
        };
        let words = |text: String| Ok(text.split_whitespace().map(str::to_owned).collect());
        let given = (!flags.inventory.is_empty()).then(|| flags.inventory.clone());
        let diff = flags.no_diff.then_some(false).or(flags.diff.then_some(true));
        Ok(Self {
            inventory: from.pick("-i", given, "RHAPSODE_INVENTORY", words, inventory, Vec::new())?,
            limit: from.pick(
                "--limit",
                flags.limit.clone().map(Some),
                "RHAPSODE_LIMIT",
                |text| Ok(Some(text)),
                file.limit.map(Some),
                None,
            )?,
            forks: from.pick("--forks", flags.forks, "RHAPSODE_FORKS", |text| number(&text), file.forks, 100)?,
            keep_logins: from.pick(
                "--keep-logins",
                flags.keep_logins,
                "RHAPSODE_KEEP_LOGINS",
                |text| number(&text),
                file.keep_logins,
                60,
            )?,
            keep_runs: from.pick("", None, "RHAPSODE_KEEP_RUNS", |text| number(&text), file.keep_runs, 365)?,
            diff: from.pick(
                "--diff",
                diff.map(Some),
                "RHAPSODE_DIFF",
                |text| flag(&text).map(Some),
                file.diff.map(Some),
                None,
            )?,
            color: from.pick(
                "--no-color",
                flags.no_color.then_some(false),
                "RHAPSODE_COLOR",
                |text| flag(&text),
                file.color,
                true,
            )?,
            state: from.pick(
                "--state",
                flags.state.clone(),
                "RHAPSODE_STATE",
                Ok,
                file.state,
                crate::state::Store::PATH.to_owned(),
            )?,
            max_operations: from.pick(
                "",
                None,
                "RHAPSODE_MAX_OPERATIONS",
                |text| number(&text),
                file.max_operations,
                5_000_000,
            )?,
            max_depth: from.pick("", None, "RHAPSODE_MAX_DEPTH", |text| number(&text), file.max_depth, 64)?,
            guards: file.guards,
        })
    }

    /// Name, value and origin of each setting.
    pub fn rows(&self) -> Vec<(&'static str, Value, &Origin)> {
        vec![
            ("inventory", json!(self.inventory.value), &self.inventory.origin),
            ("limit", json!(self.limit.value), &self.limit.origin),
            ("forks", json!(self.forks.value), &self.forks.origin),
            ("keep_logins", json!(self.keep_logins.value), &self.keep_logins.origin),
            ("keep_runs", json!(self.keep_runs.value), &self.keep_runs.origin),
            ("diff", json!(self.diff.value), &self.diff.origin),
            ("color", json!(self.color.value), &self.color.origin),
            ("state", json!(crate::state::shown(&self.state.value)), &self.state.origin),
            ("max_operations", json!(self.max_operations.value), &self.max_operations.origin),
            ("max_depth", json!(self.max_depth.value), &self.max_depth.origin),
        ]
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

struct Origins {
    file: PathBuf,
}

impl Origins {
    fn pick<T>(
        &self,
        flag: &'static str,
        given: Option<T>,
        variable: &'static str,
        parse: impl FnOnce(String) -> Result<T, &'static str>,
        file: Option<T>,
        default: T,
    ) -> Result<Setting<T>, ConfigError> {
        if let Some(value) = given {
            return Ok(Setting { value, origin: Origin::Flag(flag) });
        }
        if let Some(text) = std::env::var_os(variable).filter(|text| !text.is_empty()) {
            let odd = |text: OsString| {
                let value = text.to_string_lossy().into_owned();
                ConfigError::Variable { name: variable, value, wanted: "text in UTF-8" }
            };
            let text = text.into_string().map_err(odd)?;
            let value =
                parse(text.clone()).map_err(|wanted| ConfigError::Variable { name: variable, value: text, wanted })?;
            return Ok(Setting { value, origin: Origin::Variable(variable) });
        }
        Ok(match file {
            Some(value) => Setting { value, origin: Origin::File(self.file.clone()) },
            None => Setting { value: default, origin: Origin::Default },
        })
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, &'static str> {
    text.trim().parse().map_err(|_| "a whole number")
}

fn flag(text: &str) -> Result<bool, &'static str> {
    match text.trim() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("true or false"),
    }
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(source) => return Err(ConfigError::Read { path: path.to_owned(), source }),
    };
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(File::default());
    }
    let options = serde_yaml::options! { with_snippet: false };
    serde_yaml::from_str_with_options(&text, options).map_err(|error| wrong(&error))
}

fn wrong(error: &serde_yaml::Error) -> ConfigError {
    let at = match error.location() {
        Some(location) => format!("rhapsode.yaml:{}:{}", location.line(), location.column()),
        None => "rhapsode.yaml".into(),
    };
    let text = error.render_with_formatter(&serde_yaml::UserMessageFormatter);
    let message = text.split(" at line ").next().unwrap_or_default().trim_end_matches([',', '.', ':']).to_owned();
    let unknown = message.split('`').nth(1).filter(|_| message.contains("unknown field")).map(str::to_owned);
    let hint = unknown.and_then(|name| {
        // The error tells which names it expected.
        let names = if message.contains("forbid") { GUARD_NAMES } else { NAMES };
        crate::inventory::nearest(&name, names.iter().copied()).map(|near| format!("did you mean `{near}`?"))
    });
    ConfigError::File { message, at, hint }
}
