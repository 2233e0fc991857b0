//! Certificates in PEM.
//!
//! Spec: RFC 7468.

use crate::secret::contains_token;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::Pem;

const COLUMNS: usize = 64;

/// One certificate, written as RFC 7468 wants it, whatever it looked like before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// With its line end.
    pub pem: String,
    /// It may issue others.
    pub signs: bool,
}

impl Certificate {
    /// The certificates of a text, in order.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn all(text: &str) -> Result<Vec<Self>, String> {
        if contains_token(text) {
            return Err("a certificate is public: it cannot be a secret".to_owned());
        }
        let mut all = Vec::new();
        for block in Pem::iter_from_buffer(text.as_bytes()) {
            let block = block.map_err(|error| format!("this is no PEM: {error}"))?;
            if block.label != "CERTIFICATE" {
                return Err(format!("a certificate is expected in PEM, not a `{}`", block.label));
            }
            all.push(Self::of(&block)?);
        }
        if all.is_empty() { Err("there is no certificate in PEM in it".to_owned()) } else { Ok(all) }
    }

    fn of(block: &Pem) -> Result<Self, String> {
        let parsed = block.parse_x509().map_err(|error| format!("this is no certificate: {error}"))?;
        let is_ca = parsed.basic_constraints().ok().flatten().is_some_and(|constraints| constraints.value.ca);
        let usage = parsed.key_usage().ok().flatten();
        let signs = is_ca && usage.is_some_and(|usage| usage.value.key_cert_sign());
        let body = STANDARD.encode(&block.contents);
        let lines = body.as_bytes().chunks(COLUMNS).map(|line| std::str::from_utf8(line).expect("base64 is ASCII"));
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        lines.for_each(|line| pem.extend([line, "\n"]));
        pem.push_str("-----END CERTIFICATE-----\n");
        Ok(Self { pem, signs })
    }

    /// A line of the signature, which no other certificate has: bundles made of it hold the same line.
    pub fn mark(&self) -> &str {
        let full = self.pem.lines().rev().find(|line| line.len() == COLUMNS && !line.starts_with('-'));
        full.expect("a certificate is longer than a line")
    }
}
