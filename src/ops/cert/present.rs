//! `cert::present`

use super::pem::Certificate;
use super::together::together;
use crate::event::Sign;
use crate::ops::args::Mode;
use crate::ops::file::{Difference, HostPath, SmallFile, Whole};
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Path;
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::secret::{conceal, contains_token};
use serde::Deserialize;

/// Keeps a certificate and its key where a service reads them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Present {
    path: HostPath,
    certificate: Material,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
    cert_mode: Option<Mode>,
    chain: Option<bool>,
    cert_path: Option<String>,
    key_path: Option<String>,
    chain_path: Option<String>,
    ca_path: Option<String>,
    combined_path: Option<String>,
}

/// A certificate with what belongs to it, in PEM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Material {
    /// The certificate itself.
    cert: String,
    /// Those that issued it, the root left out.
    #[serde(default)]
    chain: String,
    /// Those that are trusted.
    #[serde(default)]
    root: String,
    /// Its private key.
    #[serde(default)]
    key: Option<String>,
}

/// One file.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    path: String,
    content: String,
    mode: u32,
}

impl Operation for Present {
    const NAME: &'static str = "cert::present";
    const TARGET: &'static str = "path";
    type Seen = Vec<SmallFile>;

    fn check(&self) -> Result<(), String> {
        let problem = |problem| format!("argument `certificate`: {problem}");
        let [own] = <[Certificate; 1]>::try_from(Certificate::all(&self.certificate.cert).map_err(problem)?)
            .map_err(|all| problem(format!("`cert` holds {} certificates; others belong into `chain`", all.len())))?;
        if own.signs {
            let text = "it is that of an authority, whose key stays in the project; `cert::trust` makes hosts trust it";
            return Err(problem(text.to_owned()));
        }
        for issuers in [&self.certificate.chain, &self.certificate.root] {
            if !issuers.is_empty() {
                Certificate::all(issuers).map_err(problem)?;
            }
        }
        if self.certificate.key.is_none() && self.needs_key() {
            return Err(problem("it has no `key`".to_owned()));
        }
        if self.ca_path.is_some() && self.certificate.root.is_empty() {
            return Err("`ca_path` needs a certificate of an authority; this one has no `root`".into());
        }
        if self.is_combined() && [&self.cert_path, &self.key_path].iter().any(|path| path.is_some()) {
            return Err("a path that ends in `.pem` is one file; name a folder to have several".into());
        }
        let pieces = self.pieces()?;
        let twice =
            pieces.iter().enumerate().find(|(at, one)| pieces[..*at].iter().any(|other| other.path == one.path));
        twice.map_or(Ok(()), |(_, one)| Err(format!("two of its files would stand at `{}`", one.path)))
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let Ok(present) = serde_json::from_value::<Self>(args.0.clone()) else { return Vec::new() };
        let pieces = present.pieces().unwrap_or_default();
        let managed = pieces.into_iter().map(|piece| {
            let thing = args.thing("path", &piece.path).state("file").takes(args, &["owner", "group"]);
            let thing = thing.aspect("mode", Mode(piece.mode).to_string()).aspect("content", piece.content);
            thing.reads::<Path>(&piece.path).within_file(&piece.path)
        });
        managed.collect()
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Self::Seen, OpError> {
        let pieces = self.pieces().map_err(OpError::refused)?;
        SmallFile::see_all(view, &pieces.into_iter().map(|piece| piece.path).collect::<Vec<_>>())
    }

    fn plan(&self, seen: &Self::Seen) -> Result<Plan, OpError> {
        let pieces = self.pieces().map_err(OpError::refused)?;
        let (mut changes, mut writes) = (Vec::new(), Vec::new());
        for (file, piece) in seen.iter().zip(&pieces) {
            let whole = file.whole(&piece.content, piece.mode, self.owner.as_deref(), self.group.as_deref());
            if let Some(change) = self.change(file, &whole)? {
                writes.push(file.write(&whole));
                changes.push(change);
            }
        }
        if let Some(last) = changes.pop() {
            let paths: Vec<String> = writes.iter().map(|write| write.path.clone()).collect();
            changes.push(last.run(together(&writes)).touching(paths));
        }
        Ok(Plan::of(changes))
    }
}

impl Present {
    fn change(&self, file: &SmallFile, whole: &Whole) -> Result<Option<Change>, OpError> {
        let path = file.path();
        let change = match file.difference(whole)? {
            None => return Ok(None),
            Some(Difference::Missing) => Change::new(Sign::Create, format!("create {path}")),
            Some(Difference::Content) => Change::new(Sign::Update, format!("content of {path}")),
            Some(Difference::Attribute(text)) => Change::new(Sign::Update, format!("{text} of {path}")),
        };
        Ok(Some(file.noted(file.folder_made(change, 0o755, None), whole)?))
    }

    /// One file with everything, as haproxy(1) reads it.
    fn is_combined(&self) -> bool {
        self.path.as_str().ends_with(".pem")
    }

    fn needs_key(&self) -> bool {
        self.is_combined() || self.combined_path.is_some() || self.key_path.as_deref() != Some("")
    }

    /// Its files, the key behind the certificate: where there is a key, there is its certificate.
    fn pieces(&self) -> Result<Vec<Piece>, String> {
        let Material { cert, chain, root, key } = &self.certificate;
        let tidy = |text: &str| if text.is_empty() { String::new() } else { format!("{}\n", text.trim_end()) };
        let key = tidy(&key.as_deref().map(hidden).unwrap_or_default());
        let shown = if self.chain == Some(false) { tidy(cert) } else { format!("{}{}", tidy(cert), tidy(chain)) };
        let secret = self.mode.map_or(0o600, |mode| mode.0);
        let public = self.cert_mode.map_or(0o644, |mode| mode.0);
        let combined = format!("{}{}{key}", tidy(cert), tidy(chain));
        if self.is_combined() {
            let others = [(&self.chain_path, tidy(chain), public), (&self.ca_path, tidy(root), public)];
            let mut pieces = self.named(others)?;
            pieces.push(Piece { path: self.path.as_str().to_owned(), content: combined, mode: secret });
            return Ok(pieces);
        }
        let (cert_path, key_path) = (self.cert_path.clone(), self.key_path.clone());
        let all = [
            (&Some(cert_path.unwrap_or_else(|| "fullchain.pem".into())), shown, public),
            (&self.chain_path, tidy(chain), public),
            (&self.ca_path, tidy(root), public),
            (&self.combined_path, combined, secret),
            (&Some(key_path.unwrap_or_else(|| "privkey.pem".into())), key, secret),
        ];
        self.named(all)
    }

    fn named<const N: usize>(&self, all: [(&Option<String>, String, u32); N]) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        for (path, content, mode) in all {
            if let Some(path) = path.as_ref().filter(|path| !path.is_empty()) {
                pieces.push(Piece { path: self.below(path)?, content, mode });
            }
        }
        Ok(pieces)
    }

    /// A name in the folder, or a path of its own.
    fn below(&self, name: &str) -> Result<String, String> {
        let path = if name.starts_with('/') { name.to_owned() } else { format!("{}/{name}", self.path.as_str()) };
        HostPath::parse(&path).map(|path| path.as_str().to_owned())
    }
}

/// A key is a secret, whoever gives it.
fn hidden(key: &str) -> String {
    if contains_token(key) { key.to_owned() } else { conceal(key).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pieces(mut more: Value) -> Vec<(String, String)> {
        let all = more.as_object_mut().expect("a map");
        all.entry("path").or_insert("/etc/tls".into());
        all.insert("certificate".into(), json!({ "cert": "C\n", "chain": "I\n", "root": "R\n", "key": "K" }));
        let present: Present = serde_json::from_value(more).expect("arguments");
        let plain = |text: &str| crate::secret::reveal(text).expect("known").replace('\n', " ");
        let shown = |piece: Piece| (format!("{} {:04o}", piece.path, piece.mode), plain(&piece.content));
        present.pieces().expect("paths").into_iter().map(shown).collect()
    }

    fn of(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
    }

    #[test]
    fn the_key_comes_behind_its_certificate() {
        let plain = [("/etc/tls/fullchain.pem 0644", "C I "), ("/etc/tls/privkey.pem 0600", "K ")];
        assert_eq!(pieces(json!({})), of(&plain));
        let postgres =
            json!({ "cert_path": "server.crt", "key_path": "/srv/k", "ca_path": "root.crt", "mode": "0640" });
        let wanted = [("/etc/tls/server.crt 0644", "C I "), ("/etc/tls/root.crt 0644", "R "), ("/srv/k 0640", "K ")];
        assert_eq!(pieces(postgres), of(&wanted));
    }

    #[test]
    fn one_file_holds_all_where_a_service_wants_that() {
        assert_eq!(pieces(json!({ "path": "/etc/ha/web.pem" })), of(&[("/etc/ha/web.pem 0600", "C I K ")]));
    }
}
