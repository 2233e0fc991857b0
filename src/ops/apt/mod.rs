//! Repositories, their keys, and single packages of apt.

mod archive;
mod deb;
mod key;
mod openpgp;
mod repo;

pub use deb::Deb;
pub use key::Key;
pub use repo::Repo;

/// Refuses what apt would not read as a file name of its folders.
///
/// Spec: sources.list(5): letters, digits, underscore, hyphen and period.
fn check_file_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.starts_with(['-', '.']) || !name.chars().all(plain) {
        return Err(format!("argument `name`: `{name}` is no file name that apt reads"));
    }
    Ok(())
}
