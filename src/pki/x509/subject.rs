//! The name of whom a certificate is about.

use crate::pki::PkiError;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// A distinguished name with one value a kind, in the order in which it is written into certificates.
///
/// As text: `CN=web,O=Home,C=DE`; a text without `=` is the common name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// C: two capital letters (ISO 3166).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// ST
    #[serde(skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// L
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// O
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// OU
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// CN
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
}

/// The short names with the most characters that RFC 5280, appendix A, allows.
const KINDS: [(&str, usize); 6] = [("C", 2), ("ST", 128), ("L", 128), ("O", 64), ("OU", 64), ("CN", 64)];

impl Subject {
    /// With a common name alone.
    pub fn named(common_name: impl Into<String>) -> Self {
        Self { common_name: Some(common_name.into()), ..Self::default() }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.parts().next().is_none()
    }

    /// Short names with their values, in the order of certificates.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let values = [&self.country, &self.province, &self.locality, &self.organization, &self.unit, &self.common_name];
        KINDS.iter().zip(values).filter_map(|((kind, _), value)| Some((*kind, value.as_deref()?)))
    }

    /// Sets a part by its short or long name.
    ///
    /// # Errors
    /// No such part, or it is set already.
    pub fn set(&mut self, kind: &str, value: &str) -> Result<(), PkiError> {
        let slot = match kind.to_ascii_lowercase().as_str() {
            "c" | "country" => &mut self.country,
            "st" | "s" | "province" | "state" => &mut self.province,
            "l" | "locality" => &mut self.locality,
            "o" | "org" | "organization" => &mut self.organization,
            "ou" | "unit" | "organizational_unit" => &mut self.unit,
            "cn" | "common_name" => &mut self.common_name,
            _ => {
                let problem = format!("a subject has no `{kind}`");
                return Err(PkiError::invalid_hint(problem, "it has CN, O, OU, L, ST and C"));
            }
        };
        if slot.replace(value.to_owned()).is_some() {
            return Err(PkiError::invalid(format!("the subject has `{kind}` twice")));
        }
        Ok(())
    }

    /// Looks at every value.
    ///
    /// # Errors
    /// One that is empty, too long or has control characters; a country that is no code.
    pub fn check(&self) -> Result<(), PkiError> {
        for (kind, value) in self.parts() {
            let (_, longest) = KINDS.iter().find(|(known, _)| *known == kind).expect("one of them");
            let length = value.chars().count();
            let problem = match kind {
                _ if value.trim().is_empty() => "is empty".to_owned(),
                _ if value.chars().any(char::is_control) => "has control characters".to_owned(),
                "C" if length != 2 || !value.chars().all(|c| c.is_ascii_uppercase()) => {
                    format!("is a code of two capital letters, not `{value}`")
                }
                _ if length > *longest => format!("has {length} characters, more than {longest}: `{value}`"),
                _ => continue,
            };
            return Err(PkiError::invalid(format!("`{kind}` of the subject {problem}")));
        }
        Ok(())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.parts().map(|(kind, value)| format!("{kind}={}", escaped(value))).collect();
        f.write_str(&parts.iter().rev().map(String::as_str).collect::<Vec<_>>().join(","))
    }
}

fn escaped(value: &str) -> String {
    value.chars().flat_map(|c| ",=\\".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

impl FromStr for Subject {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        if !text.contains('=') {
            return Ok(Self::named(text));
        }
        let mut subject = Self::default();
        for part in split(text) {
            let Some((kind, value)) = part.split_once('=') else {
                return Err(PkiError::invalid_hint(
                    format!("`{part}` is no part of a subject"),
                    "write `CN=web,O=Home`, and a comma in a value as `\\,`",
                ));
            };
            subject.set(kind.trim(), &unescaped(value.trim()))?;
        }
        Ok(subject)
    }
}

fn split(text: &str) -> Vec<String> {
    let (mut parts, mut escape) = (vec![String::new()], false);
    for c in text.chars() {
        let last = parts.last_mut().expect("never empty");
        match c {
            ',' if !escape => parts.push(String::new()),
            _ => last.push(c),
        }
        escape = c == '\\' && !escape;
    }
    parts
}

fn unescaped(value: &str) -> String {
    let (mut text, mut escape) = (String::new(), false);
    for c in value.chars() {
        if c != '\\' || escape {
            text.push(c);
        }
        escape = c == '\\' && !escape;
    }
    text
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Parts(std::collections::BTreeMap<String, String>),
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
            Form::Parts(parts) => {
                let mut subject = Self::default();
                for (kind, value) in parts {
                    subject.set(&kind, &value).map_err(serde::de::Error::custom)?;
                }
                Ok(subject)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_as_it_is_shown() {
        let subject: Subject = "CN=web 1,OU=host,O=Home\\, sweet,L=World,C=UN".parse().expect("a subject");
        assert_eq!(subject.organization.as_deref(), Some("Home, sweet"));
        assert_eq!(subject.to_string(), "CN=web 1,OU=host,O=Home\\, sweet,L=World,C=UN");
        assert_eq!(subject.to_string().parse::<Subject>().expect("again"), subject);
        assert_eq!("web".parse::<Subject>().expect("a name"), Subject::named("web"));
        let of_map: Subject = serde_json::from_str(r#"{"cn":"web","org":"Home"}"#).expect("a map");
        assert_eq!(of_map.to_string(), "CN=web,O=Home");
    }

    #[test]
    fn values_that_no_certificate_can_have_are_told() {
        for wrong in ["CN=", "CN=  ", "C=de", "C=DEU", &format!("CN={}", "x".repeat(65)), "CN=a\u{7}b"] {
            assert!(wrong.parse::<Subject>().and_then(|subject| subject.check()).is_err(), "{wrong:?}");
        }
        assert!("XX=1".parse::<Subject>().is_err() && "CN=a,CN=b".parse::<Subject>().is_err());
    }
}
