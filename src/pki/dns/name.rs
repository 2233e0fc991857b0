//! Names of the domain name system.

use super::DnsError;
use domain::base::name::Name;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use std::fmt;

/// A name up to the root, in lower case; `Display` writes it as zone files do, with its final dot.
///
/// Spec: RFC 1035, 2.3.4 (a label has at most 63 octets, a name 255) and 5.1; RFC 5891 for other scripts than Latin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Name<Vec<u8>>);

impl DomainName {
    /// Reads a name that ends at the root, whether its final dot is written or not.
    ///
    /// # Errors
    /// It is none, or too long.
    pub fn absolute(text: &str) -> Result<Self, DnsError> {
        let ascii = ascii(text)?;
        let dotted = if ascii.ends_with('.') { ascii.clone() } else { format!("{ascii}.") };
        Self::parse(text, &dotted)
    }

    /// Reads a name as zone files write it: `@` is the origin, and what has no final dot stands below it.
    ///
    /// # Errors
    /// It is none, or too long.
    pub fn within(text: &str, origin: &Self) -> Result<Self, DnsError> {
        match text {
            "@" => Ok(origin.clone()),
            _ if text.ends_with('.') => Self::absolute(text),
            _ if origin.0.is_root() => Self::absolute(text),
            _ => Self::parse(text, &format!("{}.{origin}", ascii(text)?)),
        }
    }

    fn parse(text: &str, dotted: &str) -> Result<Self, DnsError> {
        let wrong = |problem: &str| DnsError::wrong(format!("`{text}` is no domain name: {problem}"));
        if let Some(odd) = dotted.chars().find(|c| !c.is_ascii_graphic() || "\"();@$".contains(*c)) {
            return Err(wrong(&format!("it has {odd:?}")));
        }
        let labels = dotted.trim_end_matches('.').split('.');
        if dotted != "." && labels.clone().any(str::is_empty) {
            return Err(wrong("a label is empty"));
        }
        // Escapes make a label shorter than it looks.
        if let Some(long) = labels.clone().find(|label| label.len() > 63 && !label.contains('\\')) {
            return Err(wrong(&format!("the label `{long}` has {} characters, at most 63 can be", long.len())));
        }
        let name = Name::vec_from_str(dotted).map_err(|error| match error.to_string() {
            long if long.contains("name") => wrong("it has more than 255 octets"),
            other => wrong(&other),
        })?;
        Ok(Self(name))
    }

    /// True when it is the other name or stands below it.
    pub fn is_in(&self, other: &Self) -> bool {
        self.0.ends_with(&other.0)
    }

    /// As a zone file with this origin writes it best: `@`, `www`, or the whole name.
    pub fn relative_to(&self, origin: &Self) -> String {
        if self == origin {
            return "@".into();
        }
        let (whole, end) = (self.to_string(), format!(".{origin}"));
        let short = if origin.0.is_root() { whole.strip_suffix('.') } else { whole.strip_suffix(&end) };
        short.filter(|_| self.is_in(origin)).map_or(whole.clone(), str::to_owned)
    }

    /// The canonical wire form (RFC 4034, 6.2).
    pub(super) fn wire(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Without the final dot, for files and keys that are named after it.
    pub fn plain(&self) -> String {
        let text = self.to_string();
        text.strip_suffix('.').filter(|plain| !plain.is_empty()).unwrap_or("root").to_owned()
    }

    /// The name one label up; none above the root.
    pub(super) fn parent(&self) -> Option<Self> {
        let parent = self.0.parent()?;
        Some(Self::of(&parent))
    }

    /// A name that a parsed record holds.
    pub(super) fn of(name: &impl domain::base::name::ToName) -> Self {
        let mut name: Name<Vec<u8>> = name.to_name();
        name.make_canonical();
        Self(name)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.fmt_with_dot())
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// In lower case, and in punycode where it is not ASCII.
pub(super) fn ascii(text: &str) -> Result<String, DnsError> {
    if text.is_ascii() {
        return Ok(text.to_ascii_lowercase());
    }
    let made = Uts46::new().to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Check, DnsLength::Ignore);
    made.map(|name| name.into_owned())
        .map_err(|_| DnsError::wrong(format!("`{text}` is no internationalised domain name (RFC 5891)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> DomainName {
        DomainName::absolute("Internal.Example").expect("a name")
    }

    #[test]
    fn a_name_is_read_as_in_a_zone_file() {
        for (text, whole) in [
            ("@", "internal.example."),
            ("www", "www.internal.example."),
            ("a.b", "a.b.internal.example."),
            ("other.example.", "other.example."),
            ("_sip._tcp", "_sip._tcp.internal.example."),
            ("*.apps", "*.apps.internal.example."),
            ("bücher", "xn--bcher-kva.internal.example."),
            ("0/25", "0/25.internal.example."),
        ] {
            let name = DomainName::within(text, &origin()).expect(text);
            assert_eq!(name.to_string(), whole);
            assert_eq!(DomainName::within(&name.relative_to(&origin()), &origin()).expect("the same"), name);
        }
        assert_eq!(DomainName::absolute(".").expect("the root").to_string(), ".");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let label = "a".repeat(64);
        let long = ["a".repeat(63).as_str(); 4].join(".");
        for bad in ["", "a..b", ".a", "a b", "a;b", "a(b", "$x", "a\nb", "a\"b", label.as_str(), long.as_str()] {
            let error = DomainName::within(bad, &origin()).expect_err(bad);
            assert!(error.to_string().contains("is no domain name"), "{error}");
        }
        let full = format!("{}.{}", ["a".repeat(63).as_str(); 3].join("."), "a".repeat(61));
        assert_eq!(DomainName::absolute(&full).expect("255 octets").wire().len(), 255);
        assert!(DomainName::absolute(&format!("{full}a")).is_err());
    }
}
