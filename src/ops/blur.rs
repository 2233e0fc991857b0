//! What an operation may have touched of which a plan cannot tell what it does.

use super::change::{Change, Effect};
use super::pkg::brings;
use super::resource::apt_index::AptIndex;
use super::resource::hostname::Hostname;
use super::resource::package::Package;
use super::resource::sysctl::Sysctl;
use super::resource::timezone::Timezone;
use super::resource::unit::{Unit, key};
use super::resource::{Checkout, Contents, Digest, Group, Password, Path, User};
use crate::event::Sign;

/// The effects of an operation that is known only after apply: later operations on the same thing are, too.
pub fn blur(op: &str, target: &str) -> Vec<Effect> {
    let why = format!("what {op} `{target}` does");
    let change = Change::new(Sign::Update, String::new());
    let files = |paths: &[String]| paths.iter().fold(Change::new(Sign::Update, ""), |c, path| touch(c, path, &why));
    let change = match op.split_once("::").unwrap_or((op, "")) {
        ("file", _) | ("cert", "present" | "pkcs12" | "crl") => touch(change, target, &why),
        ("git", "repo") => touch(change, target, &why).makes_unknown::<Checkout>(target, &why),
        ("user", _) => touch(change, &format!("/home/{target}"), &why)
            .makes_unknown::<User>(target, &why)
            .makes_unknown::<Group>(target, &why)
            .makes_unknown::<Password>(target, &why),
        ("group", _) => change.makes_unknown::<Group>(target, &why),
        ("pkg", _) => {
            brings(target.split(' ').fold(change, |change, name| change.makes_unknown::<Package>(name, &why)), target)
        }
        ("service", _) => change.makes_unknown::<Unit>(key(None, target), &why),
        ("systemd", _) => {
            let stem = target.trim_end_matches(".timer");
            let units = [key(None, target), format!("{stem}.timer")];
            let paths = units.clone().map(|unit| format!("/etc/systemd/system/{unit}"));
            units.into_iter().fold(files(&paths), |change, unit| change.makes_unknown::<Unit>(unit, &why))
        }
        ("sudo", _) => touch(change, &format!("/etc/sudoers.d/{target}"), &why),
        ("apt", _) => {
            let list = format!("/etc/apt/sources.list.d/{target}");
            let key = format!("/etc/apt/keyrings/{target}");
            files(&[format!("{list}.list"), format!("{list}.sources"), format!("{key}.asc"), format!("{key}.gpg")])
                .makes_unknown::<AptIndex>(AptIndex::KEY, &why)
        }
        ("sys", "hostname") => change.makes_unknown::<Hostname>(Hostname::KEY, &why),
        ("sys", "timezone") => change.makes_unknown::<Timezone>(target, &why),
        ("sys", "sysctl") => change.makes_unknown::<Sysctl>(target, &why),
        _ => change,
    };
    change.effects
}

fn touch(change: Change, path: &str, why: &str) -> Change {
    let change = change.makes_unknown::<Path>(path, why).makes_unknown::<Contents>(path, why);
    change.makes_unknown::<Digest>(path, why).unknown_below(path, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Overlay;

    #[test]
    fn what_an_unknown_operation_may_have_touched_is_unknown() {
        let mut overlay = Overlay::default();
        overlay.take(blur("file::put", "/srv/a"));
        overlay.take(blur("user::present", "ada"));
        for path in ["/srv/a", "/srv/a/b", "/home/ada/.bashrc"] {
            assert!(overlay.predicted::<Path>(path).is_some_and(|state| state.is_err()), "{path}");
        }
        assert!(overlay.predicted::<User>("ada").is_some_and(|state| state.is_err()));
        assert!(overlay.predicted::<Path>("/srv").is_none());
    }
}
