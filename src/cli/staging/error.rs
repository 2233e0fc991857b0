use crate::inventory::Host;
use std::path::PathBuf;

/// Why the staging is not as asked, split by what the user can do.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// Nothing to start.
    #[error("no host of `{inventory}` has an `image`", inventory = inventory.display())]
    NoHosts {
        /// The inventory.
        inventory: PathBuf,
    },
    /// An `image` with a connection that has no containers.
    #[error("host `{host}` has an `image`, but `connect` is neither `docker` nor `podman`")]
    NoEngine {
        /// The host.
        host: String,
    },
    /// The name given to `shell`.
    #[error("no staging host `{host}`")]
    NoSuchHost {
        /// The name.
        host: String,
        /// What there is.
        known: Vec<String>,
    },
    /// `shell` on a host whose container does not run.
    #[error("container of `{host}` does not run")]
    NotRunning {
        /// The host.
        host: String,
    },
    /// The image is not here and cannot be pulled.
    #[error("no image `{image}` for host `{host}`: {answer}")]
    Image {
        /// The host.
        host: String,
        /// The image.
        image: String,
        /// What the engine said.
        answer: String,
    },
    /// A container of that name is somebody else's.
    #[error("container `{container}` of host `{host}` was not started by this inventory")]
    Foreign {
        /// The host.
        host: String,
        /// The container.
        container: String,
    },
    /// The container runs, but takes no commands.
    #[error("host `{host}` was not ready after {secs} s: {answer}")]
    NotReady {
        /// The host.
        host: String,
        /// How long we waited.
        secs: u64,
        /// What it said last.
        answer: String,
    },
    /// The engine's client is not installed.
    #[error("cannot start `{program}`")]
    Client {
        /// The client.
        program: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The engine refused.
    #[error("`{command}` failed: {answer}")]
    Engine {
        /// The command line.
        command: String,
        /// What the engine said.
        answer: String,
    },
    /// Our own output.
    #[error("cannot write the report")]
    Output(#[from] std::io::Error),
}

impl StagingError {
    pub(super) fn no_such_host(host: &str, staged: &[&Host]) -> Self {
        Self::NoSuchHost { host: host.to_owned(), known: staged.iter().map(|host| host.name.clone()).collect() }
    }

    /// Something to do about it, where known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoHosts { .. } => "`image: rh-debian` with `connect: docker` makes a host a staging host".to_owned(),
            Self::NoEngine { host } => format!("set `connect: docker` or `connect: podman` for `{host}`"),
            Self::NoSuchHost { known, .. } => format!("staging hosts are: {}", known.join(", ")),
            Self::NotRunning { .. } => "`rhapsode staging up` starts it".to_owned(),
            Self::Image { image, .. } => image_hint(image),
            Self::Foreign { container, .. } => {
                format!("set another `container:` for the host, or remove `{container}` yourself")
            }
            Self::NotReady { .. } => {
                "`docker logs` shows what it printed; `rhapsode staging reset` makes it anew".to_owned()
            }
            Self::Client { program, .. } => format!("install `{program}`; on Debian: `apt-get install docker.io`"),
            Self::Engine { answer, .. } if answer.contains("daemon") => {
                "start the engine: `systemctl start docker`, and see that you may use its socket".to_owned()
            }
            Self::Engine { .. } | Self::Output(_) => return None,
        })
    }
}

fn image_hint(image: &str) -> String {
    let name = image.split(':').next().unwrap_or(image);
    match name {
        "rh-debian" | "rh-busybox" => {
            let recipe = name.trim_start_matches("rh-");
            format!(
                "`tests/staging/build {recipe}` makes it without a registry; with one: \
                 `docker build --target {recipe} --tag {name} tests/staging`"
            )
        }
        _ => format!("build it, or `docker pull {image}` where the registry is reachable"),
    }
}
