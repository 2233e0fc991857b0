//! PEM (RFC 7468).

use crate::pki::PkiError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The certificates of a PEM text, in DER and in their order; text between them is left out.
///
/// # Errors
/// There is none, one is torn, or one does not parse.
pub fn read_certificates(text: &str) -> Result<Vec<Vec<u8>>, PkiError> {
    let failed = |problem: String| PkiError::Unreadable { what: "the PEM text".into(), problem };
    let blocks = blocks(text).map_err(failed)?;
    let found: Vec<Vec<u8>> =
        blocks.into_iter().filter(|(label, _)| label == "CERTIFICATE").map(|(_, der)| der).collect();
    if found.is_empty() {
        return Err(failed("there is no certificate in it".into()));
    }
    found.iter().try_for_each(|der| super::read::parsed(der).map(drop))?;
    Ok(found)
}

/// Each block with its label.
pub(super) fn blocks(text: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let (mut found, mut open) = (Vec::new(), None::<(String, String)>);
    for (number, line) in text.lines().enumerate() {
        let (line, number) = (line.trim_end(), number + 1);
        let border = |word: &str| line.strip_prefix(word).and_then(|rest| rest.strip_suffix("-----"));
        match (&mut open, border("-----BEGIN "), border("-----END ")) {
            (None, Some(label), _) => open = Some((label.to_owned(), String::new())),
            (None, None, Some(label)) => return Err(format!("line {number} ends a `{label}` that did not begin")),
            (None, None, None) if line.starts_with("-----") => return Err(format!("line {number} is no whole border")),
            (None, None, None) => {}
            (Some(_), Some(label), _) => return Err(format!("line {number} begins a `{label}` within another block")),
            (Some((label, body)), None, Some(end)) => {
                if label != end {
                    return Err(format!("line {number} ends a `{end}` where a `{label}` began"));
                }
                let der = STANDARD.decode(body).map_err(|error| format!("the block before line {number}: {error}"))?;
                found.push((label.clone(), der));
                open = None;
            }
            (Some((_, body)), None, None) => body.push_str(line),
        }
    }
    match open {
        Some((label, _)) => Err(format!("the last `{label}` has no end")),
        None => Ok(found),
    }
}

/// A block in PEM.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// A certificate in PEM.
pub fn certificate_pem(der: &[u8]) -> String {
    encode("CERTIFICATE", der)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_as_they_are_written() {
        let text = format!("a remark\n{}between\n{}", encode("ONE", &[0; 100]), encode("TWO", b""));
        let found = blocks(&text).expect("read");
        assert_eq!(found, [("ONE".to_owned(), vec![0; 100]), ("TWO".to_owned(), vec![])]);
        assert_eq!(blocks(&text.replace('\n', "\r\n")).expect("read"), found);
    }

    #[test]
    fn torn_blocks_are_told() {
        let one = encode("ONE", &[7; 100]);
        for wrong in [
            one.replace("END ONE", "END TWO"),
            one.replace("-----END ONE-----\n", ""),
            one.replace("-----BEGIN ONE-----\n", ""),
            one.replace("Bwc", "B!c"),
            one.replacen('\n', &format!("\n{one}"), 1),
        ] {
            assert!(blocks(&wrong).is_err(), "{wrong}");
        }
    }
}
