//! As much of OpenPGP as a fingerprint needs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What a fingerprint is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fingerprint {
    /// Version 4: the SHA-1 of these bytes.
    Sha1Of(Vec<u8>),
    /// Version 6, in hex.
    Known(String),
}

/// Whether a file holds keys in ASCII armour.
pub fn is_armoured(content: &[u8]) -> bool {
    content.trim_ascii_start().starts_with(b"-----BEGIN PGP")
}

/// The fingerprint of the first key in a file, binary or armoured.
///
/// Spec: RFC 9580, 4.2 (packet headers), 5.5.4 (fingerprints), 6 (armour).
pub fn fingerprint(content: &[u8]) -> Option<Fingerprint> {
    let binary = if is_armoured(content) { unarmour(content)? } else { content.to_vec() };
    let body = first_packet(&binary)?;
    let length = body.len();
    match body.first()? {
        4 => {
            let length = u16::try_from(length).ok()?.to_be_bytes();
            Some(Fingerprint::Sha1Of([&[0x99], &length[..], body].concat()))
        }
        6 => {
            let length = u32::try_from(length).ok()?.to_be_bytes();
            let hash = Sha256::digest([&[0x9b], &length[..], body].concat());
            Some(Fingerprint::Known(hash.iter().map(|byte| format!("{byte:02X}")).collect()))
        }
        _ => None,
    }
}

fn unarmour(content: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN PGP"));
    lines.next()?;
    let body = lines.skip_while(|line| !line.is_empty()).skip(1);
    let body: String = body.take_while(|line| !line.starts_with(['=', '-'])).collect();
    STANDARD.decode(body).ok()
}

/// The body of the first packet, which must be a public key (tag 6).
fn first_packet(bytes: &[u8]) -> Option<&[u8]> {
    let header = *bytes.first()?;
    let number = |from: usize, size: usize| {
        Some(bytes.get(from..from + size)?.iter().fold(0usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    let (tag, start, length) = match header & 0xc0 {
        0xc0 => match usize::from(*bytes.get(1)?) {
            short @ 0..192 => (header & 0x3f, 2, short),
            long @ 192..224 => (header & 0x3f, 3, ((long - 192) << 8) + number(2, 1)? + 192),
            255 => (header & 0x3f, 6, number(2, 4)?),
            _ => return None,
        },
        0x80 => {
            let size = 1 << (header & 3);
            if size == 8 {
                return None;
            }
            ((header & 0x3c) >> 2, 1 + size, number(1, size)?)
        }
        _ => return None,
    };
    if tag != 6 { None } else { bytes.get(start..start.checked_add(length)?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_packet_is_found_in_old_and_new_framing() {
        let body = [4u8, 0, 0, 0, 1, 22];
        let hashed = Fingerprint::Sha1Of([&[0x99, 0, 6], &body[..]].concat());
        let old = [&[0x98, 6], &body[..], &[0xb4, 0]].concat();
        let new = [&[0xc6, 6], &body[..]].concat();
        assert_eq!(fingerprint(&old), Some(hashed.clone()));
        assert_eq!(fingerprint(&new), Some(hashed.clone()));
        let armour =
            format!("-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\n{}\n=AAAA\n-----END", STANDARD.encode(&old));
        assert_eq!(fingerprint(armour.as_bytes()), Some(hashed));
        assert_eq!(fingerprint(b"<html>not found</html>"), None);
        assert_eq!(fingerprint(&[0xc6, 255, 255, 255, 255, 255, 4]), None);
    }
}
