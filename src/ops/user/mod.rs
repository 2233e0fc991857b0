//! Users: accounts, passwords, keys.

mod absent;
mod authorized;
pub(super) mod bare;
mod create;
mod home;
mod keys;
mod password;
mod present;
pub(super) mod tools;

pub use absent::Absent;
pub use keys::Keys;
pub use present::Present;

use crate::remote::{Command, quote};

/// Whether no package makes an account with this number.
///
/// Spec: Debian policy 9.2.2 "UID and GID classes": packages take numbers below 1000.
pub(super) fn is_of_people(id: u32) -> bool {
    id >= 1000
}

/// True when `blob` is the base64 of a public key of this type.
pub(super) fn is_key(kind: &str, blob: &str) -> bool {
    authorized::is_blob_of(blob, kind)
}

/// Makes `~/.ssh`. Root writes there into a folder that belongs to the user: through a link it would write anywhere.
pub(super) fn make_folder(user: &str, group: &str, home: &str) -> Command {
    let folder = quote(&format!("{}/.ssh", home.trim_end_matches('/')));
    Command::script(format!(
        "# make {folder}\nd={folder}; [ ! -L \"$d\" ] || {{ echo \"$d is a symbolic link\" >&2; exit 1; }}
[ -d \"$d\" ] || {{ mkdir -m 0700 -- \"$d\" && chown {} \"$d\"; }}",
        quote(&format!("{user}:{group}")),
    ))
}

/// A name that the account files can hold and no tool takes for an option.
///
/// # Errors
/// A text that names the argument.
pub(super) fn name_ok(argument: &str, name: &str) -> Result<(), String> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || ":,/\"'\\".contains(c);
    if name.is_empty() || name.starts_with('-') || name.contains(odd) {
        return Err(format!("argument `{argument}`: {name:?} is no name for an account"));
    }
    Ok(())
}

/// A field of a line in passwd(5).
///
/// # Errors
/// A text that names the argument.
pub(super) fn field_ok(argument: &str, text: Option<&str>) -> Result<(), String> {
    match text {
        Some(text) if text.contains(|c: char| c == ':' || c.is_control()) => {
            Err(format!("argument `{argument}`: {text:?} must not hold `:` or a line break"))
        }
        _ => Ok(()),
    }
}
