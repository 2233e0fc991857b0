//! The files of a compose project that a plan changes before: what compose makes of them, though no host has them yet.

use crate::ops::resource::{Contents, is_below};
use crate::ops::{OpError, View};
use crate::remote::{Command, quote};
use crate::secret::contains_token;
use std::collections::BTreeMap;

/// Names that compose looks for, and those of files that it lays over them.
const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVER: [&str; 4] =
    ["compose.override.yaml", "compose.override.yml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// Planned files with their texts.
pub struct Draft {
    dir: String,
    /// Compose files in their order; those of the host as they are.
    files: Vec<String>,
    planned: BTreeMap<String, String>,
}

impl Draft {
    /// The draft of a project; nothing when no file of it is planned.
    ///
    /// # Errors
    /// [`OpError::Unknown`] when compose cannot be shown what it will find.
    pub fn of(dir: Option<&str>, files: &[String], view: &mut View<'_>) -> Result<Option<Self>, OpError> {
        let first = files.first().and_then(|file| file.rsplit_once('/')).map_or("/", |(dir, _)| dir);
        let dir = dir.unwrap_or(first).trim_end_matches('/').to_owned();
        let named = |file: &String| if file.starts_with('/') { file.clone() } else { format!("{dir}/{file}") };
        let named: Vec<String> = files.iter().map(named).collect();
        // Whatever a checkout or a package brings there is not known.
        view.ask::<Contents>(&[format!("{dir}/.env")])?;
        let concerns = |path: &str| is_below(path, &dir) || named.iter().any(|file| file == path);
        let keys = view.planned_keys::<Contents>();
        let keys: Vec<String> = keys.into_iter().filter(|path| concerns(path)).collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let states = view.see_all::<Contents>(&keys)?;
        let texts: Option<BTreeMap<String, String>> =
            keys.into_iter().zip(states).map(|(path, state)| Some((path, text(&state)?))).collect();
        let draft = texts.and_then(|planned| Self::new(dir.clone(), named, planned));
        draft.map(Some).ok_or_else(|| OpError::Unknown(format!("what compose makes of the files in `{dir}`")))
    }

    fn new(dir: String, named: Vec<String>, planned: BTreeMap<String, String>) -> Option<Self> {
        let inside = |name: &&str| planned.contains_key(&format!("{dir}/{name}"));
        let found: Vec<&str> = NAMES.iter().copied().filter(|name| inside(name)).collect();
        let files = match (named.is_empty(), found.as_slice()) {
            (false, _) => named,
            (true, [only]) if !OVER.iter().any(inside) => vec![format!("{dir}/{only}")],
            // Which one of the host's compose takes depends on its version.
            (true, _) => return None,
        };
        let is_read = |path: &String| files.contains(path) || *path == format!("{dir}/.env");
        let shown: Vec<&String> = files.iter().filter_map(|file| planned.get(file)).collect();
        // A file that the compose files name is read by compose as well, where it will be.
        let is_foreign = |path: &String| {
            let name = path.rsplit('/').next().unwrap_or_default();
            shown.len() == files.len() && !shown.iter().any(|text| text.contains(name))
        };
        planned.keys().all(|path| is_read(path) || is_foreign(path)).then_some(Self { dir, files, planned })
    }

    /// Asks compose for the hash of each service, with the planned files in a folder that goes again.
    pub fn command(&self, project: &str, find: &str) -> Command {
        let mut script = format!("# docker compose -p {project} config\n{find}");
        script.push_str("t=$(mktemp -d) || exit 1; trap 'rm -rf \"$t\"' EXIT\n");
        let dir = quote(&self.dir);
        // Which one is taken would be up to compose.
        for name in NAMES.iter().chain(&OVER).filter(|name| !self.files.iter().any(|file| file.ends_with(*name))) {
            script.push_str(&format!("[ ! -e {dir}/{name} ] || exit 3\n"));
        }
        script.push_str(&format!("set -- -p {project} --project-directory {dir}"));
        let mut writes = String::new();
        for (at, file) in self.files.iter().enumerate() {
            match self.planned.get(file) {
                Some(text) => {
                    writes.push_str(&format!("printf %s {} >\"$t/{at}.yml\"\n", quote(text)));
                    script.push_str(&format!(" -f \"$t/{at}.yml\""));
                }
                None => script.push_str(&format!(" -f {}", quote(file))),
            }
        }
        if let Some(text) = self.planned.get(&format!("{}/.env", self.dir)) {
            writes.push_str(&format!("printf %s {} >\"$t/env\"\n", quote(text)));
            script.push_str(" --env-file \"$t/env\"");
        }
        Command::script(format!("{script}\n{writes}cd / && $c \"$@\" config --hash '*'"))
    }
}

fn text(state: &Contents) -> Option<String> {
    match state {
        Contents::Bytes(bytes) | Contents::Planned(bytes) => {
            let text = String::from_utf8(bytes.to_vec()).ok()?;
            (!contains_token(&text)).then_some(text)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(named: &[&str], planned: &[(&str, &str)]) -> Option<Draft> {
        let named = named.iter().map(|file| (*file).to_owned()).collect();
        let planned = planned.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Draft::new("/srv/app".into(), named, planned.collect())
    }

    #[test]
    fn only_files_that_compose_can_be_shown_make_a_draft() {
        let compose = ("/srv/app/compose.yml", "services: { a: { image: x } }");
        assert!(draft(&[], &[compose, ("/srv/app/.env", "A=1"), ("/srv/app/data", "x")]).is_some());
        let naming = ("/srv/app/compose.yml", "services: { a: { env_file: data } }");
        assert!(draft(&[], &[naming, ("/srv/app/data", "x")]).is_none());
        assert!(draft(&[], &[("/srv/app/.env", "A=1")]).is_none(), "the compose file is that of the host");
        assert!(draft(&["/srv/app/a.yml"], &[("/srv/app/.env", "A=1")]).is_some());
        assert!(draft(&[], &[compose, ("/srv/app/compose.override.yml", "x")]).is_none());
    }
}
