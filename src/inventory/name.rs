//! Names of hosts and groups, and ranges of them: `web-[01..12]`.

use super::{InventoryError, Spot};

/// The group that holds every host.
pub const ALL: &str = "all";

/// More names than this in one range are taken for a typing mistake.
const MOST: u64 = 100_000;

/// Refuses names that a selector, a path below `host_data` or a command line would take for something else.
pub(super) fn check(name: &str, what: &str, at: &Spot) -> Result<(), InventoryError> {
    let fits = |c: char| c.is_alphanumeric() || "._-:+@".contains(c);
    let message = if name.is_empty() {
        format!("a {what} without a name")
    } else if name.starts_with(['-', '.', '@', '+']) {
        format!("the name of {what} `{name}` begins with `{}`", &name[..1])
    } else if let Some(odd) = name.chars().find(|c| !fits(*c)) {
        format!("the name of {what} `{name}` holds `{}`", odd.escape_default())
    } else {
        return Ok(());
    };
    Err(InventoryError::at(at, message).hint("a name is made of letters, digits and `. _ - : + @`"))
}

/// The names that a name with ranges stands for; itself when it has none.
///
/// Zeros before the first number set the width: `[08..11]` gives 08, 09, 10, 11.
pub(super) fn expand(name: &str, at: &Spot) -> Result<Vec<String>, InventoryError> {
    let mut names = vec![String::new()];
    let mut rest = name;
    while let Some((before, range, after)) = split(rest) {
        let numbers = numbers(range, name, at)?;
        if names.len() as u64 * numbers.len() as u64 > MOST {
            return Err(too_many(name, at));
        }
        let with =
            |start: &String| numbers.iter().map(move |number| format!("{start}{before}{number}")).collect::<Vec<_>>();
        names = names.iter().flat_map(with).collect();
        rest = after;
    }
    names.iter_mut().for_each(|name| name.push_str(rest));
    Ok(names)
}

/// True when the name holds a range.
pub(super) fn is_range(name: &str) -> bool {
    split(name).is_some()
}

fn split(name: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = name.split_once('[')?;
    let (range, after) = rest.split_once(']')?;
    range.contains("..").then_some((before, range, after))
}

fn too_many(name: &str, at: &Spot) -> InventoryError {
    InventoryError::at(at, format!("`{name}` stands for more than {MOST} names")).hint("use a smaller range")
}

fn numbers(range: &str, name: &str, at: &Spot) -> Result<Vec<String>, InventoryError> {
    let wrong = || {
        InventoryError::at(at, format!("`[{range}]` in `{name}` is not a range"))
            .hint("write `[01..12]`, the lower first")
    };
    let (first, last) = range.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| match text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse::<u64>().ok(),
        false => None,
    };
    let (Some(from), Some(to)) = (number(first), number(last)) else { return Err(wrong()) };
    if from > to {
        return Err(wrong());
    }
    if to - from >= MOST {
        return Err(too_many(name, at));
    }
    let width = if first.starts_with('0') { first.len() } else { 0 };
    Ok((from..=to).map(|number| format!("{number:0width$}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(name: &str) -> Vec<String> {
        expand(name, &Spot::whole("x")).expect("a range")
    }

    #[test]
    fn a_range_keeps_its_width() {
        assert_eq!(expanded("web-[08..11].lan"), ["web-08.lan", "web-09.lan", "web-10.lan", "web-11.lan"]);
        assert_eq!(expanded("r[1..2]s[0..1]"), ["r1s0", "r1s1", "r2s0", "r2s1"]);
        assert_eq!(expanded("plain"), ["plain"]);
    }

    #[test]
    fn refuses_ranges_that_run_backwards_or_away() {
        for name in ["web-[5..1]", "web-[a..b]", "web-[1..]", "web-[1..99999999999]", "a[1..999]b[1..999]"] {
            assert!(expand(name, &Spot::whole("x")).is_err(), "{name}");
        }
    }

    #[test]
    fn refuses_names_that_mean_something_elsewhere() {
        for name in ["", "-oProxyCommand=x", "../etc", "a/b", "a b", "a,b", "a&b", "!a", "@failed", "a\nb"] {
            assert!(check(name, "host", &Spot::whole("x")).is_err(), "{name:?}");
        }
        assert!(check("web-1.example.org", "host", &Spot::whole("x")).is_ok());
    }
}
