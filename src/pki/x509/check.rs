//! What makes no sense whoever issues it.

use super::san::{San, is_uri};
use super::span::Span;
use super::want::{Authority, KeyUsage, Leaf, Use, Want};
use crate::pki::PkiError;

/// Lifetimes of whoever says nothing: 8 years and 824 days, as browsers and Apple's platforms allow at most.
const ROOT_DAYS: i64 = 2920;
const LEAF_DAYS: i64 = 824;
const CRL_DAYS: i64 = 30;

impl Want {
    /// Looks at every value.
    ///
    /// # Errors
    /// The first one that makes no sense.
    pub fn check(&self, name: &str) -> Result<(), PkiError> {
        let needs_issuer = matches!(self, Self::Intermediate(_) | Self::Leaf(_));
        match (self.issuer(), needs_issuer) {
            (None, true) => {
                let problem = format!("nobody is named to issue `{name}`");
                return Err(PkiError::invalid_hint(problem, "name an authority as `ca`"));
            }
            (Some(issuer), false) => {
                let problem = format!("`{name}` signs itself: `{issuer}` cannot issue it");
                return Err(PkiError::invalid_hint(problem, "leave `ca` out"));
            }
            (Some(issuer), true) if issuer == name => {
                return Err(PkiError::invalid(format!("`{name}` cannot be its own issuer")));
            }
            (Some(issuer), true) => super::shelf::check_name(issuer)?,
            (None, false) => {}
        }
        match self {
            Self::Root(authority) | Self::Intermediate(authority) => authority.check()?,
            Self::Leaf(leaf) | Self::SelfSigned(leaf) => leaf.check(name)?,
        }
        let (lifetime, window) = (self.lifetime()?, self.window());
        match (lifetime, window) {
            (Some(lifetime), Some(window)) if window >= lifetime => Err(PkiError::invalid(format!(
                "`renew_before` {window} is not shorter than the lifetime {lifetime} of `{name}`"
            ))),
            _ => Ok(()),
        }
    }

    /// The lifetime that is asked for, or the default; `None` for an intermediate that is to last as long as it can.
    pub(super) fn lifetime(&self) -> Result<Option<Span>, PkiError> {
        let (days, hours) = match self {
            Self::Root(authority) | Self::Intermediate(authority) => (authority.days, authority.hours),
            Self::Leaf(leaf) | Self::SelfSigned(leaf) => (leaf.days, leaf.hours),
        };
        let in_words = |field: &str, number: i64| {
            PkiError::invalid(format!("`{field}` is {number}, but a lifetime is between an hour and 100 years"))
        };
        match (days, hours, self) {
            (Some(_), Some(_), _) => Err(PkiError::invalid("both `days` and `hours` are given")),
            (Some(days), None, _) => Span::days(days).map(Some).map_err(|_| in_words("days", days)),
            (None, Some(hours), _) => Span::hours(hours).map(Some).map_err(|_| in_words("hours", hours)),
            (None, None, Self::Root(_)) => Span::days(ROOT_DAYS).map(Some),
            (None, None, Self::Intermediate(_)) => Ok(None),
            (None, None, _) => Span::days(LEAF_DAYS).map(Some),
        }
    }

    /// How long before its end it is renewed, where that is asked for.
    pub(super) fn window(&self) -> Option<Span> {
        match self {
            Self::Root(authority) | Self::Intermediate(authority) => authority.renew_before,
            Self::Leaf(leaf) | Self::SelfSigned(leaf) => leaf.renew_before,
        }
    }
}

impl Authority {
    fn check(&self) -> Result<(), PkiError> {
        self.subject.check()?;
        for url in self.crl_urls.iter().chain(&self.issuer_urls) {
            if !is_uri(url) {
                return Err(PkiError::invalid_hint(format!("`{url}` is no URL"), "write `http://ca.example/home.crl`"));
            }
        }
        self.crl_lifetime().map(drop)
    }

    /// How long a revocation list holds.
    pub(super) fn crl_lifetime(&self) -> Result<Span, PkiError> {
        let days = self.crl_days.unwrap_or(CRL_DAYS);
        Span::days(days).map_err(|_| PkiError::invalid(format!("`crl_days` is {days}, but must be at least 1")))
    }
}

impl Leaf {
    /// What it is for.
    pub(super) fn purpose(&self) -> Use {
        self.usage.unwrap_or(Use::Both)
    }

    fn check(&self, name: &str) -> Result<(), PkiError> {
        self.subject.check()?;
        if self.sans.is_empty() && self.purpose() != Use::Client {
            let problem = format!("`{name}` has no names: clients look for servers in `sans` alone");
            let hint = "name them: `sans: [\"dns:web.internal\"]`; one for a client needs none: `use: \"client\"`";
            return Err(PkiError::invalid_hint(problem, hint));
        }
        if let Some(usage) =
            self.key_usages.iter().find(|usage| matches!(usage, KeyUsage::CertSign | KeyUsage::CrlSign))
        {
            let problem = format!(
                "`{name}` is no authority: its key must not sign {}",
                match usage {
                    KeyUsage::CertSign => "certificates",
                    _ => "revocation lists",
                }
            );
            return Err(PkiError::invalid(problem));
        }
        Ok(())
    }

    /// The common name when none is given: the first DNS name that fits, else the last part of the name.
    pub(super) fn default_common_name(&self, name: &str) -> String {
        let dns = self.sans.iter().find_map(|san| match san {
            San::Dns(dns) if dns.len() <= 64 => Some(dns.clone()),
            _ => None,
        });
        dns.unwrap_or_else(|| name.rsplit('/').next().unwrap_or(name).chars().take(64).collect())
    }
}
