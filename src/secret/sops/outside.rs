//! The `sops` program, for files whose keys we cannot use: PGP, cloud key services, several keys at once.

use super::error::SopsError;
use super::formats::Format;
use std::path::Path;
use std::process::Command;
use zeroize::Zeroizing;

/// What `sops` decrypts of a file; it checks the MAC itself.
///
/// # Errors
/// There is no such program, or it does not open the file.
pub fn decrypt(path: &Path, format: Format) -> Result<Zeroizing<Vec<u8>>, SopsError> {
    let word = format.word();
    let mut sops = Command::new("sops");
    sops.args(["--decrypt", "--input-type", word, "--output-type", word]).arg(path);
    let output = crate::secret::program::output(sops, &format!("`sops` to open `{}`", path.display()));
    let output = output.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => SopsError::Program("there is no program `sops`, which could open it".into()),
        _ => SopsError::Program(format!("cannot run `sops`: {error}")),
    })?;
    let plain = Zeroizing::new(output.stdout);
    match output.status.success() {
        true => Ok(plain),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
            Err(SopsError::Program(format!("`sops` does not open it: {last}")))
        }
    }
}
