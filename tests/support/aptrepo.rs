//! A flat apt repository of tiny packages, made inside a container that has dpkg-deb.

use super::docker::Container;

/// Where the packages and their index are.
pub const FOLDER: &str = "/srv/apt";

/// One package to build.
pub struct Deb {
    name: String,
    version: String,
    fields: String,
    files: Vec<(String, String)>,
    scripts: Vec<(&'static str, String)>,
}

impl Deb {
    /// A package of no architecture that holds nothing.
    pub fn new(name: &str, version: &str) -> Self {
        let (name, version) = (name.to_owned(), version.to_owned());
        Self { name, version, fields: "Architecture: all\n".into(), files: Vec::new(), scripts: Vec::new() }
    }

    /// Adds a field of the control file: `Provides: x`.
    pub fn field(mut self, line: &str) -> Self {
        self.fields.push_str(&format!("{line}\n"));
        self
    }

    /// Adds a file; below `/etc` it is a configuration file.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.push((path.to_owned(), content.to_owned()));
        self
    }

    /// Adds a maintainer script: `preinst`, `postinst`.
    pub fn script(mut self, which: &'static str, text: &str) -> Self {
        self.scripts.push((which, format!("#!/bin/sh\n{text}\n")));
        self
    }

    /// Builds it in a folder of the container, and gives its path there.
    pub fn build(&self, container: &Container, folder: &str) -> String {
        let root = format!("/tmp/deb-{}-{}", self.name, self.version);
        let control = format!(
            "Package: {}\nVersion: {}\nMaintainer: Tests <tests@localhost>\nDescription: made by a test\n{}",
            self.name, self.version, self.fields
        );
        let conffiles: String = self
            .files
            .iter()
            .filter(|(path, _)| path.starts_with("/etc/"))
            .map(|(path, _)| format!("{path}\n"))
            .collect();
        container.exec(&format!("mkdir -p {root}/DEBIAN {folder} && chmod 755 {root}"));
        container.write(&format!("{root}/DEBIAN/control"), control);
        container.write(&format!("{root}/DEBIAN/conffiles"), conffiles);
        for (path, content) in &self.files {
            container.exec(&format!("mkdir -p \"$(dirname '{root}{path}')\""));
            container.write(&format!("{root}{path}"), content);
        }
        for (which, text) in &self.scripts {
            container.write(&format!("{root}/DEBIAN/{which}"), text);
            container.exec(&format!("chmod 755 {root}/DEBIAN/{which}"));
        }
        let path = format!("{folder}/{}_{}_all.deb", self.name, self.version);
        container.exec(&format!("dpkg-deb -b {root} {path} >/dev/null && rm -rf {root}"));
        path
    }
}

/// Builds packages into the repository, and its index and `Release` anew.
pub fn publish(container: &Container, debs: &[Deb]) {
    for deb in debs {
        deb.build(container, FOLDER);
    }
    container.exec(&format!(
        "cd {FOLDER} && for f in *.deb; do dpkg-deb -f \"$f\"; echo \"Filename: ./$f\"; \
         echo \"Size: $(stat -c %s \"$f\")\"; echo \"SHA256: $(sha256sum \"$f\" | cut -d ' ' -f 1)\"; echo; done > Packages && \
         {{ echo 'Origin: rhapsode tests'; echo 'Suite: local'; echo 'SHA256:'; \
         echo \" $(sha256sum Packages | cut -d ' ' -f 1) $(stat -c %s Packages) Packages\"; }} > Release"
    ));
}

/// Publishes packages and makes this the only repository of the container; the lists are not read yet.
///
/// `copy:` instead of `file:`, so that the lists are copies, as those of a distant repository are.
pub fn only(container: &Container, debs: &[Deb]) {
    publish(container, debs);
    container.exec(&format!(
        "rm -f /etc/apt/sources.list.d/* && : > /etc/apt/sources.list && \
         echo 'deb [trusted=yes] copy:{FOLDER} ./' > /etc/apt/sources.list.d/tests.list"
    ));
}
