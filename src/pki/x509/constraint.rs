//! Which names an authority may certify.

use super::san::{San, is_dns, is_email};
use crate::pki::PkiError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A subtree of names (RFC 5280, 4.2.1.10): `dns:internal`, `ip:10.0.0.0/8`, `email:example.org`.
///
/// It says something about names of its own kind alone: an authority for `dns:internal` may certify any address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameConstraint {
    /// A DNS name and all below it.
    Dns(String),
    /// The addresses with the same first bits.
    Ip(IpAddr, u8),
    /// One address, all of a host (`example.org`), or all of the hosts below one (`.example.org`).
    Email(String),
}

impl NameConstraint {
    /// Whether a name is one of this kind.
    pub fn concerns(&self, san: &San) -> bool {
        matches!(
            (self, san),
            (Self::Dns(_), San::Dns(_)) | (Self::Ip(..), San::Ip(_)) | (Self::Email(_), San::Email(_))
        )
    }

    /// Whether a name is in the subtree.
    pub fn holds(&self, san: &San) -> bool {
        match (self, san) {
            (Self::Dns(tree), San::Dns(name)) => is_below(name, tree),
            (Self::Ip(network, prefix), San::Ip(address)) => masked(*address, *prefix) == Some(*network),
            (Self::Email(tree), San::Email(address)) => {
                let host = address.rsplit_once('@').map_or("", |(_, host)| host).to_ascii_lowercase();
                match tree.strip_prefix('.') {
                    Some(above) => host.len() > above.len() && is_below(&host, above),
                    None if tree.contains('@') => with_lower_host(address) == *tree,
                    None => host == *tree,
                }
            }
            _ => false,
        }
    }

    /// Whether a name may be in the subtree: a wildcard stands for names that it does not spell.
    pub fn touches(&self, san: &San) -> bool {
        let wildcard = match (self, san) {
            (Self::Dns(tree), San::Dns(name)) => name.strip_prefix("*.").is_some_and(|above| is_below(tree, above)),
            _ => false,
        };
        wildcard || self.holds(san)
    }
}

/// Upper and lower case count in front of the `@` alone (RFC 5280, 7.5).
fn with_lower_host(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, host)) => format!("{local}@{}", host.to_ascii_lowercase()),
        None => address.to_ascii_lowercase(),
    }
}

fn is_below(name: &str, tree: &str) -> bool {
    name == tree || name.strip_suffix(tree).is_some_and(|front| front.ends_with('.'))
}

/// The address with its last bits cleared; `None` when there are not so many.
pub(super) fn masked(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) if prefix <= 32 => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) if prefix <= 128 => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
        _ => return None,
    })
}

impl fmt::Display for NameConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(tree) => write!(f, "dns:{tree}"),
            Self::Ip(network, prefix) => write!(f, "ip:{network}/{prefix}"),
            Self::Email(tree) => write!(f, "email:{tree}"),
        }
    }
}

impl FromStr for NameConstraint {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        let wrong = |hint: &str| PkiError::invalid_hint(format!("`{text}` is no name constraint"), hint);
        let network = |value: &str| {
            let (address, prefix) = value.split_once('/').map_or((value, None), |(a, p)| (a, Some(p)));
            let address: IpAddr = address.parse().ok()?;
            let all = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.map_or(Some(all), |prefix| prefix.parse().ok())?;
            Some(Self::Ip(masked(address, prefix)?, prefix))
        };
        match text.split_once(':') {
            Some(("ip", value)) => network(value).ok_or_else(|| wrong("write `ip:10.0.0.0/8` or `ip:fd00::/8`")),
            Some(("email", value)) => {
                let host = value.strip_prefix('.').unwrap_or(value);
                let fits = if value.contains('@') { is_email(value) } else { is_dns(host) };
                fits.then(|| Self::Email(with_lower_host(value)))
                    .ok_or_else(|| wrong("write `email:example.org` or `email:a@b.example`"))
            }
            Some(("uri", _)) => Err(wrong("URIs cannot be constrained; DNS names, addresses and e-mail can")),
            Some(("dns", value)) => domain(value).ok_or_else(|| wrong("write `dns:internal`")),
            _ => network(text).or_else(|| domain(text)).ok_or_else(|| wrong("write `dns:internal` or `ip:10.0.0.0/8`")),
        }
    }
}

fn domain(value: &str) -> Option<NameConstraint> {
    let name = value.strip_prefix('.').unwrap_or(value);
    is_dns(name).then(|| NameConstraint::Dns(name.to_ascii_lowercase()))
}

impl Serialize for NameConstraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NameConstraint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subtree_holds_what_is_below_it() {
        let holds = |tree: &str, name: &str| {
            let (tree, san) = (tree.parse::<NameConstraint>().expect(tree), name.parse::<San>().expect(name));
            tree.concerns(&san) && tree.holds(&san)
        };
        for (tree, name) in [
            ("dns:internal", "internal"),
            (".Internal", "a.b.internal"),
            ("internal", "*.internal"),
            ("10.0.0.0/8", "10.255.0.1"),
            ("ip:0.0.0.0/0", "1.2.3.4"),
            ("fd00::/8", "fdff::1"),
            ("email:example.org", "a@Example.org"),
            ("email:.example.org", "a@b.example.org"),
            ("email:a@example.org", "a@example.org"),
            ("email:a@Example.org", "a@examplE.org"),
        ] {
            assert!(holds(tree, name), "{tree} {name}");
        }
        for (tree, name) in [
            ("internal", "notinternal"),
            ("a.internal", "internal"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/8", "fd00::1"),
            ("email:A@example.org", "a@example.org"),
            ("email:example.org", "a@b.example.org"),
            ("email:.example.org", "a@example.org"),
            ("email:example.org", "example.org"),
        ] {
            assert!(!holds(tree, name), "{tree} {name}");
        }
    }

    #[test]
    fn a_wildcard_touches_what_it_may_stand_for() {
        let tree: NameConstraint = "dns:secret.internal".parse().expect("a tree");
        assert!(tree.touches(&"*.internal".parse().expect("a name")));
        assert!(!tree.touches(&"*.public.internal".parse().expect("a name")));
    }

    #[test]
    fn bits_of_hosts_are_cleared_and_nonsense_is_told() {
        assert_eq!("ip:10.1.2.3/8".parse::<NameConstraint>().expect("a network").to_string(), "ip:10.0.0.0/8");
        for wrong in ["", "dns:*.a", "ip:10.0.0.0/33", "ip:10.0.0.0/-1", "ip:a", "uri:https://a", "email:@", "dns:a b"]
        {
            assert!(wrong.parse::<NameConstraint>().is_err(), "{wrong:?}");
        }
    }
}
