//! Subject alternative names.

use crate::pki::PkiError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A subject alternative name (RFC 5280, 4.2.1.6): `dns:a.example`, `ip:10.0.0.1`, `uri:https://...`, `email:a@b`.
///
/// Without its kind, an address is an IP, what has `://` a URI, what has `@` an e-mail address, all else a DNS name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum San {
    /// A DNS name in lower case; `*` may be its first label.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// An absolute URI.
    Uri(String),
    /// An e-mail address.
    Email(String),
}

impl fmt::Display for San {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "dns:{name}"),
            Self::Ip(address) => write!(f, "ip:{address}"),
            Self::Uri(uri) => write!(f, "uri:{uri}"),
            Self::Email(address) => write!(f, "email:{address}"),
        }
    }
}

impl FromStr for San {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        let (kind, value) = match text.split_once(':') {
            Some((kind @ ("dns" | "ip" | "uri" | "email"), value)) => (kind, value),
            _ => (guessed(text), text),
        };
        let wrong = |what: &str, hint: &str| {
            let hint = (!hint.is_empty()).then(|| hint.to_owned());
            PkiError::Invalid { problem: format!("`{value}` is no {what}"), hint }
        };
        match kind {
            "ip" => value.parse().map(Self::Ip).map_err(|_| wrong("IP address", "write `10.0.0.1` or `fd00::1`")),
            "uri" if is_uri(value) => Ok(Self::Uri(value.to_owned())),
            "uri" => Err(wrong("URI", "write one with its scheme, in ASCII: `https://a.example/x`")),
            "email" if is_email(value) => Ok(Self::Email(value.to_owned())),
            "email" => Err(wrong("e-mail address", "")),
            _ if is_dns(value.strip_prefix("*.").unwrap_or(value)) => Ok(Self::Dns(value.to_ascii_lowercase())),
            _ if !value.is_ascii() => Err(wrong("DNS name", "write it as DNS has it: `xn--...`")),
            _ => Err(wrong("DNS name", "")),
        }
    }
}

fn guessed(text: &str) -> &'static str {
    match text {
        _ if text.parse::<IpAddr>().is_ok() => "ip",
        _ if text.contains("://") => "uri",
        _ if text.contains('@') => "email",
        _ => "dns",
    }
}

/// Letters, digits, hyphens, and the underscores that names of containers have (RFC 1123, 2.1; RFC 2181, 11).
pub(super) fn is_dns(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && name.split('.').all(label) && name.parse::<IpAddr>().is_err()
}

pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let letters = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && letters
        && !matches!(rest, "" | "//")
        && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

pub(super) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte);
    !local.is_empty() && local.len() <= 64 && local.bytes().all(plain) && is_dns(host)
}

impl Serialize for San {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for San {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_their_kind() {
        for (text, shown) in [
            ("Web.Example", "dns:web.example"),
            ("*.internal", "dns:*.internal"),
            ("dns:my_app", "dns:my_app"),
            ("10.0.0.1", "ip:10.0.0.1"),
            ("FD00::0:1", "ip:fd00::1"),
            ("ip:::1", "ip:::1"),
            ("https://a.example/x?y=1", "uri:https://a.example/x?y=1"),
            ("uri:urn:uuid:1-2", "uri:urn:uuid:1-2"),
            ("spiffe://home/web", "uri:spiffe://home/web"),
            ("ada@example.org", "email:ada@example.org"),
        ] {
            assert_eq!(text.parse::<San>().expect(text).to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_name_is_told() {
        let long = format!("{}.example", "x".repeat(64));
        for wrong in [
            "",
            "dns:",
            "a..b",
            "-a.b",
            "a b",
            "grün.example",
            "*",
            "a.*.b",
            "dns:10.0.0.1",
            "ip:10.0.0",
            "ip:10.0.0.0/8",
            "uri:nothing",
            "uri:https://a b",
            "email:ada",
            "email:@b",
            "ada@",
            &long,
        ] {
            assert!(wrong.parse::<San>().is_err(), "{wrong:?}");
        }
    }
}
