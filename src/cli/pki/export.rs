//! `pki export`: certificates for everybody, keys for their owner.

use super::super::failure::{CommandError, Exit};
use super::words::Part;
use crate::event::Failure;
use crate::pki::{Pkcs12Want, Pki, certificate_pem, read_certificates};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What is to be written, and how.
pub struct Export<'a> {
    pub name: &'a str,
    pub what: Part,
    pub output: Option<&'a Path>,
    pub reveal: bool,
    pub extra: &'a [PathBuf],
    pub friendly_name: Option<&'a str>,
}

/// Writes a part of a certificate to a file or to stdout.
///
/// # Errors
/// There is no such certificate; a private key would go where others can read it; the file cannot be written.
pub fn export(pki: &Pki, export: &Export<'_>) -> Result<Exit, CommandError> {
    let is_private = matches!(export.what, Part::Key | Part::Password);
    let shown = export.output.is_none();
    if is_private && shown && !export.reveal && !std::io::stdout().is_terminal() {
        let failure = Failure::new("a private key or password is shown on a terminal only");
        return Err(CommandError::new(Exit::Usage, failure).hint("add `--reveal`, or name a file with `--output`"));
    }
    let bytes = content(pki, export)?;
    match export.output {
        None => {
            let mut out = std::io::stdout();
            out.write_all(&bytes)?;
            out.flush()?;
        }
        Some(path) => {
            let mode = if is_private || matches!(export.what, Part::P12 | Part::EncryptedKey) { 0o600 } else { 0o644 };
            written(path, &bytes, mode)?;
        }
    }
    Ok(Exit::Done)
}

fn content(pki: &Pki, export: &Export<'_>) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let packed = || {
        let want = Pkcs12Want { friendly_name: export.friendly_name.map(str::to_owned) };
        pki.pkcs12(export.name, &want)
    };
    Ok(match export.what {
        Part::Key => Zeroizing::new(pki.key(export.name)?.pem().as_bytes().to_vec()),
        Part::P12 => packed()?.der,
        Part::Password => Zeroizing::new(format!("{}\n", *packed()?.password).into_bytes()),
        Part::EncryptedKey => Zeroizing::new(packed()?.encrypted_key_pem.as_bytes().to_vec()),
        Part::Cert => pki.show(export.name)?.pem.into_bytes().into(),
        Part::Fullchain => pki.show(export.name)?.chain_pem.into_bytes().into(),
        Part::Chain => {
            let shown = pki.show(export.name)?;
            let issuers = shown.chain_pem.strip_prefix(&shown.pem).unwrap_or_default();
            issuers.as_bytes().to_vec().into()
        }
        Part::Bundle => {
            let mut bundle = pki.show(export.name)?.bundle_pem;
            for path in export.extra {
                let failed = |problem: String| {
                    let failure = Failure::new(format!("cannot read `{}`", path.display()));
                    CommandError::new(Exit::Invalid, Failure { causes: vec![problem], ..failure })
                };
                let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
                let more = read_certificates(&text).map_err(|error| failed(error.to_string()))?;
                bundle.extend(more.iter().map(|der| certificate_pem(der)));
            }
            bundle.into_bytes().into()
        }
    })
}

/// Writes a file whole, for its owner alone from its first octet on where it is private.
fn written(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CommandError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let done = tempfile::NamedTempFile::new_in(folder).and_then(|mut draft| {
        draft.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
        draft.write_all(bytes)?;
        draft.as_file().sync_all()?;
        draft.persist(path).map_err(|error| error.error)
    });
    done.map(drop).map_err(|error| {
        let failure = Failure::new(format!("cannot write `{}`", path.display()));
        CommandError::new(Exit::Invalid, Failure { causes: vec![error.to_string()], ..failure })
    })
}
