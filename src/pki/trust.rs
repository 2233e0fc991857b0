//! Names of certificates in trust stores.

use super::PkiError;
use sha1::{Digest, Sha1};
use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

/// The subject hash of a certificate in DER, eight hexadecimal digits: the name of its link in a folder of trusted
/// certificates is this, a dot and a number.
///
/// It is what `openssl x509 -subject_hash` prints: the first four octets, the last one first, of the SHA-1 of the subject
/// in canonical form (texts as UTF-8 in lower case, with single blanks).
///
/// # Errors
/// The certificate does not parse.
///
/// Spec: X509_NAME_hash(3), and `x509_name_canon` of OpenSSL 3.
pub fn subject_hash(der: &[u8]) -> Result<String, PkiError> {
    let (_, certificate) = X509Certificate::from_der(der)
        .map_err(|error| PkiError::Unreadable { what: "the certificate".into(), problem: error.to_string() })?;
    let digest = Sha1::digest(canonical(certificate.subject()));
    let first = [digest[0], digest[1], digest[2], digest[3]];
    Ok(format!("{:08x}", u32::from_le_bytes(first)))
}

/// The canonical form: the sets of the name one behind the other, without the sequence around them.
fn canonical(name: &X509Name<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    for set in name.iter() {
        let mut parts: Vec<Vec<u8>> = set
            .iter()
            .map(|part| {
                let oid = tlv(0x06, part.attr_type().as_bytes());
                tlv(0x30, &[oid, value(part.attr_value())].concat())
            })
            .collect();
        // The order of a SET OF in DER (X.690, 11.6).
        parts.sort();
        all.extend(tlv(0x31, &parts.concat()));
    }
    all
}

fn value(value: &Any<'_>) -> Vec<u8> {
    let text = match value.header.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::VisibleString => {
            String::from_utf8_lossy(value.data).into_owned()
        }
        // OpenSSL takes these as Latin-1.
        Tag::T61String => value.data.iter().map(|byte| char::from(*byte)).collect(),
        Tag::BmpString => wide(value.data, 2),
        Tag::UniversalString => wide(value.data, 4),
        other => return tlv(u8::try_from(other.0).unwrap_or_default(), value.data),
    };
    tlv(0x0c, folded(&text).as_bytes())
}

fn wide(data: &[u8], width: usize) -> String {
    let code = |chunk: &[u8]| chunk.iter().fold(0u32, |code, byte| code << 8 | u32::from(*byte));
    data.chunks(width).map(|chunk| char::from_u32(code(chunk)).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Without blanks at either end, runs of them as one, and ASCII in lower case.
fn folded(text: &str) -> String {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
    let words: Vec<&str> = text.split(is_blank).filter(|word| !word.is_empty()).collect();
    words.join(" ").to_ascii_lowercase()
}

/// A value in DER with its tag and length.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    match content.len() {
        0..=127 => out.extend(significant),
        _ => {
            out.push(0x80 | u8::try_from(significant.len()).expect("a length has eight octets"));
            out.extend(significant);
        }
    }
    out.extend(content);
    out
}
