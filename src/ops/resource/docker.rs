//! Things of a docker engine, as `docker inspect` tells them.

use super::Resource;
use crate::ops::OpError;
use crate::remote::{Command, Output};
use serde_json::Value;
use std::fmt::Debug;

/// A thing of the engine, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Docker<T> {
    /// No engine answers, and what was said instead.
    NoEngine(String),
    /// No such thing.
    Absent,
    /// It is there.
    There(T),
}

/// A kind of thing that `docker inspect` knows.
pub trait Inspected: Debug + Clone + Send + Sync + 'static {
    /// [`Resource::KIND`].
    const KIND: &'static str;
    /// The word of docker: `container`.
    const OBJECT: &'static str;

    /// Takes what is of interest out of an inspected object.
    fn parse(object: &Value) -> Option<Self>;

    /// Whether an inspected object is the one of this key.
    fn is(object: &Value, key: &str) -> bool {
        object["Name"].as_str().is_some_and(|name| name.trim_start_matches('/') == key)
    }
}

impl<T: Inspected> Resource for Docker<T> {
    const KIND: &'static str = T::KIND;

    fn script(keys: &[String]) -> Command {
        let inspect = Command::new("docker").arg(T::OBJECT).arg("inspect").arg("--format").arg("{{json .}}");
        // The exit status only says that some of them are absent; stderr says which, and what else went wrong.
        inspect.arg("--").args(keys).raw("|| :")
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        let err = output.err_text();
        if let Some(line) = err.lines().find(|line| !says_absent(line, T::OBJECT)) {
            return Ok(vec![Self::NoEngine(line.to_owned()); keys.len()]);
        }
        let objects: Result<Vec<Value>, _> =
            output.text().lines().filter(|line| !line.is_empty()).map(serde_json::from_str).collect();
        let objects = objects.map_err(|_| OpError::answer("docker inspect", &output.stdout))?;
        let state = |key: &String| match objects.iter().find(|object| T::is(object, key)) {
            None => Ok(Self::Absent),
            Some(object) => {
                T::parse(object).map(Self::There).ok_or_else(|| OpError::answer("docker inspect", &output.stdout))
            }
        };
        keys.iter().map(state).collect()
    }

    fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    fn snapshot(&self) -> Value {
        Value::Bool(matches!(self, Self::There(_)))
    }
}

/// The clients of docker 20 and 28 put it differently.
fn says_absent(line: &str, object: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.trim().is_empty()
        || line.contains(&format!("no such {object}"))
        || (line.contains(&format!("daemon: {object} ")) && line.ends_with("not found"))
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Id of the image it was made from.
    pub image_id: String,
    /// The label that tells what it was made of; nothing when it was not made by us.
    pub spec: Option<String>,
    /// Whether its process runs.
    pub running: bool,
}

/// The label on containers of ours.
pub const SPEC_LABEL: &str = "rhapsode.spec";

impl Inspected for Container {
    const KIND: &'static str = "container";
    const OBJECT: &'static str = "container";

    fn parse(object: &Value) -> Option<Self> {
        Some(Self {
            image_id: object["Image"].as_str()?.to_owned(),
            spec: object["Config"]["Labels"][SPEC_LABEL].as_str().map(str::to_owned),
            running: object["State"]["Running"].as_bool()?,
        })
    }
}

/// An image in the engine's own store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `sha256:...`
    pub id: String,
}

impl Inspected for Image {
    const KIND: &'static str = "image";
    const OBJECT: &'static str = "image";

    fn parse(object: &Value) -> Option<Self> {
        Some(Self { id: object["Id"].as_str()?.to_owned() })
    }

    fn is(object: &Value, key: &str) -> bool {
        let wanted = full_name(key);
        let lists = |field: &str| {
            let names = object[field].as_array().into_iter().flatten().filter_map(Value::as_str);
            names.into_iter().any(|name| full_name(name) == wanted)
        };
        let digits = key.strip_prefix("sha256:").unwrap_or(key);
        let id = object["Id"].as_str().and_then(|id| id.strip_prefix("sha256:"));
        lists("RepoTags") || lists("RepoDigests") || (digits.len() >= 12 && id.is_some_and(|id| id.starts_with(digits)))
    }
}

/// `debian` is short for `docker.io/library/debian:latest`.
fn full_name(name: &str) -> String {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// `bridge`.
    pub driver: String,
    /// No way out.
    pub internal: bool,
    /// Of its address ranges.
    pub subnets: Vec<String>,
}

impl Inspected for Network {
    const KIND: &'static str = "network";
    const OBJECT: &'static str = "network";

    fn parse(object: &Value) -> Option<Self> {
        let ranges = object["IPAM"]["Config"].as_array().into_iter().flatten();
        Some(Self {
            driver: object["Driver"].as_str()?.to_owned(),
            internal: object["Internal"].as_bool().unwrap_or(false),
            subnets: ranges.filter_map(|range| Some(range["Subnet"].as_str()?.to_owned())).collect(),
        })
    }
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// `local`.
    pub driver: String,
}

impl Inspected for Volume {
    const KIND: &'static str = "volume";
    const OBJECT: &'static str = "volume";

    fn parse(object: &Value) -> Option<Self> {
        Some(Self { driver: object["Driver"].as_str()?.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &str, stderr: &str) -> Output {
        Output { stdout: stdout.into(), stderr: stderr.into(), code: 0 }
    }

    #[test]
    fn tells_absent_things_from_an_absent_engine() {
        let keys = ["web".to_owned(), "db".to_owned()];
        let web = r#"{"Name":"/web","Image":"sha256:aa","Config":{"Labels":{"rhapsode.spec":"{}"}},"State":{"Running":true}}"#;
        for stderr in ["Error: No such container: db", "Error response from daemon: No such container: db\n"] {
            let read = Docker::<Container>::parse(&keys, &output(web, stderr)).expect("parses");
            let there = Container { image_id: "sha256:aa".into(), spec: Some("{}".into()), running: true };
            assert_eq!(read, [Docker::There(there), Docker::Absent]);
        }
        for stderr in ["sh: 1: docker: not found", "dial unix /var/run/docker.sock: connect: no such file or directory"]
        {
            let read = Docker::<Container>::parse(&keys, &output("", stderr)).expect("parses");
            assert_eq!(read[0], Docker::NoEngine(stderr.into()));
        }
        let gone = output("", "Error response from daemon: network front not found");
        assert_eq!(Docker::<Network>::parse(&["front".into()], &gone).expect("parses"), [Docker::Absent]);
    }

    #[test]
    fn an_image_has_many_names() {
        let image =
            r#"{"Id":"sha256:0123456789abcdef","RepoTags":["debian:latest","reg:5000/a/b:1"],"RepoDigests":[]}"#;
        for name in ["debian", "docker.io/library/debian:latest", "reg:5000/a/b:1", "0123456789ab"] {
            let read = Docker::<Image>::parse(&[name.to_owned()], &output(image, "")).expect("parses");
            assert!(!read[0].is_absent(), "{name}");
        }
        let read = Docker::<Image>::parse(&["debian:12".to_owned()], &output(image, "")).expect("parses");
        assert!(read[0].is_absent());
    }
}
