//! Fresh hosts for the playbooks.

use crate::support::aptrepo::{self, Deb};
use crate::support::digest::Digest;
use crate::support::docker::Container;
use std::process::Command as Process;
use tempfile::TempDir;

/// Where a playbook is planned and applied.
pub enum Bed {
    /// Debian with repositories of packages and of git, and the key of one of them.
    Debian { container: Container, key: Option<Vec<u8>> },
    /// This machine, for its docker engine.
    Here { folder: TempDir, project: String },
}

const SERVICE: &str = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";

fn debs() -> Vec<Deb> {
    let start =
        |name: &str| format!("systemctl daemon-reload && systemctl enable --now {name}.service >/dev/null 2>&1");
    vec![
        Deb::new("rh-web", "1.0")
            .file("/etc/rh-web/web.conf", "port = 80\nworkers = 2\n")
            .file("/etc/rh-web/sample.conf", "sample\n")
            .file("/usr/lib/systemd/system/rh-web.service", SERVICE)
            .script("postinst", &format!("id rhweb >/dev/null 2>&1 || useradd -r rhweb; {}", start("rh-web"))),
        Deb::new("rh-idle", "1.0")
            .file("/usr/lib/systemd/system/rh-idle.service", SERVICE)
            .script("postinst", "systemctl daemon-reload"),
        Deb::new("rh-old", "1.0").file("/etc/rh-old.conf", "old\n"),
        Deb::new("rh-lib", "1.0"),
        Deb::new("rh-app", "1.0").field("Depends: rh-lib").file("/etc/rh-app.conf", "1\n"),
        Deb::new("rh-app", "2.0").field("Depends: rh-lib").file("/etc/rh-app.conf", "2\n"),
        Deb::new("rh-mta", "1.0").field("Provides: rh-virtual"),
        Deb::new("rh-signed", "1.0").file("/etc/rh-signed.conf", "signed\n"),
    ]
}

/// A bare repository with a branch `main`, and a tag `v1` on its first commit.
const GIT: &str = "git config --system safe.directory '*' && git config --global user.email t@example && \
    git config --global user.name t && git init -q -b main /srv/work && cd /srv/work && echo one > file && git add . && \
    git commit -qm one && git tag -a v1 -m v1 && echo two > file && git commit -qam two && git clone -q --bare . /srv/app.git";

impl Bed {
    /// A fresh host for a playbook.
    pub fn start(playbook: &str) -> Self {
        if playbook == "compose" {
            let folder = tempfile::tempdir().expect("a temp folder");
            return Self::Here { folder, project: format!("rh-fid-{}", std::process::id()) };
        }
        let container = Container::debian_with(&["--cap-add=NET_ADMIN"]);
        container.exec("mount -o remount,rw /proc/sys");
        aptrepo::only(&container, &debs());
        container.exec(&format!("apt-get -qq update && apt-get -qq install rh-old >/dev/null && {GIT}"));
        let key = (playbook == "repository").then(|| sign(&container));
        Self::Debian { container, key }
    }

    /// The inventory with this host as `bed`.
    pub fn inventory(&self) -> String {
        match self {
            Self::Debian { container, .. } => {
                format!("hosts: {{ bed: {{ connect: docker, container: {} }} }}\n", container.name())
            }
            Self::Here { folder, project } => {
                let dir = folder.path().display();
                format!("hosts: {{ bed: {{ connect: local, data: {{ dir: '{dir}', project: {project} }} }} }}\n")
            }
        }
    }

    /// The key of the signed repository.
    pub fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Debian { key, .. } => key.as_deref(),
            Self::Here { .. } => None,
        }
    }

    /// Runs a script in it.
    pub fn exec(&self, script: &str) -> String {
        match self {
            Self::Debian { container, .. } => container.exec(script),
            Self::Here { .. } => panic!("a script would run on this machine"),
        }
    }

    /// The host as it is.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Debian { container, .. } => container.digest(),
            Self::Here { folder, .. } => {
                let list = Process::new("find").arg(folder.path()).output().expect("find starts");
                Digest::parse(&String::from_utf8_lossy(&list.stdout))
            }
        }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Self::Here { project, .. } = self {
            let script = "docker ps -aq --filter label=com.docker.compose.project=$0 | xargs -r docker rm -f -v
                docker network rm ${0}_default";
            let _ = Process::new("sh").args(["-c", script, project]).output();
        }
    }
}

/// Makes `/srv/signed` a repository that only a key opens, with nothing else to take its packages from; gives the key.
fn sign(container: &Container) -> Vec<u8> {
    container.exec(
        "cp -r /srv/apt /srv/signed && rm /etc/apt/sources.list.d/* && apt-get -qq update && mkdir -p /etc/apt/keyrings",
    );
    let home = tempfile::tempdir().expect("a temp folder");
    let gpg = |words: &[&str]| {
        let mut process = Process::new("gpg");
        process.arg("--homedir").arg(home.path()).args(["--batch", "--quiet", "--yes", "--passphrase", ""]);
        let output = process.args(words).output().expect("gpg starts; `tests/run` installs what the tests need");
        assert!(output.status.success(), "gpg: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    gpg(&["--quick-generate-key", "tests@localhost", "ed25519", "sign", "never"]);
    let release = home.path().join("Release");
    std::fs::write(&release, container.read("/srv/signed/Release")).expect("written");
    let signed = gpg(&["--clearsign", "--output", "-", &release.display().to_string()]);
    container.write("/srv/signed/InRelease", signed);
    let key = gpg(&["--armor", "--export"]);
    let _ = Process::new("gpgconf").arg("--homedir").arg(home.path()).args(["--kill", "all"]).output();
    key
}
