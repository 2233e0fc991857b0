//! The containers of a compose project, by the labels that compose gives them.

use crate::ops::OpError;
use crate::ops::resource::Resource;
use crate::remote::{Command, Output, quote};
use serde_json::Value;

/// A compose project. The key is its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Project {
    /// Its containers.
    pub members: Vec<Member>,
    /// Its networks.
    pub networks: Vec<String>,
}

/// One container of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Id of the container.
    pub id: String,
    /// Name of the service.
    pub service: String,
    /// Hash of the configuration that it was made of.
    pub hash: String,
    /// Name of its image.
    pub image: String,
    /// Id of the image it was made of.
    pub image_id: String,
    /// True while it runs, and when it ended well and is not to be started again.
    pub settled: bool,
}

impl Resource for Project {
    const KIND: &'static str = "compose project";

    fn script(keys: &[String]) -> Command {
        let mut script = String::new();
        for key in keys {
            let filter = quote(&format!("label=com.docker.compose.project={key}"));
            script.push_str(&format!(
                "i=$(docker ps -a -q --no-trunc --filter {filter}) || exit 1
[ -z \"$i\" ] || docker container inspect --format '{{{{json .}}}}' $i
docker network ls --filter {filter} --format 'network {{{{.Name}}}}'
echo ==\n"
            ));
        }
        Command::script(script)
    }

    fn parse(keys: &[String], output: &Output) -> Result<Vec<Self>, OpError> {
        if !output.ok() {
            return Err(OpError::refused_with(
                format!("no docker engine answers: {}", output.err_text()),
                "install and start it before, or act as a user who may use it: `sudo: true`",
            ));
        }
        let text = output.text();
        let parts: Vec<&str> = text.split("==").collect();
        keys.iter().zip(parts).map(|(_, part)| parse_one(part)).collect()
    }

    fn is_absent(&self) -> bool {
        self.members.is_empty()
    }
}

fn parse_one(part: &str) -> Result<Project, OpError> {
    let mut project = Project::default();
    for line in part.lines().filter(|line| !line.is_empty()) {
        if let Some(network) = line.strip_prefix("network ") {
            project.networks.push(network.to_owned());
            continue;
        }
        let object: Value =
            serde_json::from_str(line).map_err(|_| OpError::answer("docker inspect", line.as_bytes()))?;
        let label = |name: &str| object["Config"]["Labels"][format!("com.docker.compose.{name}")].as_str();
        // `compose run` makes containers that belong to no service's scale.
        if label("oneoff").is_some_and(|oneoff| oneoff.eq_ignore_ascii_case("true")) {
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let ended_well = object["State"]["Status"] == "exited" && object["State"]["ExitCode"] == 0;
        let once =
            matches!(object["HostConfig"]["RestartPolicy"]["Name"].as_str(), None | Some("" | "no" | "on-failure"));
        project.members.push(Member {
            id: text(&object["Id"]),
            service: label("service").unwrap_or_default().to_owned(),
            hash: label("config-hash").unwrap_or_default().to_owned(),
            image: text(&object["Config"]["Image"]),
            image_id: text(&object["Image"]),
            settled: object["State"]["Status"] == "running" || (ended_well && once),
        });
    }
    Ok(project)
}
