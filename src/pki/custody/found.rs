//! Private keys in a text, whatever is around them.

use super::public::Public;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Keys have longer lines of base64, words and most passwords shorter ones.
const SHORTEST: usize = 40;
/// Base64 in base64, as in a `Secret` of Kubernetes that is kept in base64 itself.
const DEEPEST: usize = 3;

const OPENSSH: &[u8] = b"openssh-key-v1\0";

/// The public halves of the private keys that stand in a text without a passphrase: in PEM, indented or quoted as in
/// YAML and JSON, or in base64 alone.
pub fn private_keys(text: &str) -> Vec<Public> {
    let mut found = Vec::new();
    look(text, 0, &mut found);
    found
}

/// All of them have their octets in base64: each run of it is decoded and looked at.
fn look(text: &str, depth: usize, found: &mut Vec<Public>) {
    let text = without_escapes(text);
    let mut rest = text.as_str();
    while let Some(at) = rest.find(is_base64) {
        rest = &rest[at..];
        let run = rest.find(|c| !is_base64(c)).unwrap_or(rest.len());
        if run < SHORTEST {
            rest = &rest[run..];
            continue;
        }
        // Lines go on below each other.
        let end = rest.find(|c: char| !is_base64(c) && !c.is_ascii_whitespace()).unwrap_or(rest.len());
        let bytes = decoded(&rest[..end]);
        found.extend(Public::of_private(&bytes));
        found.extend(bytes.starts_with(OPENSSH).then(|| Public::of_openssh(&bytes)).flatten());
        if depth < DEEPEST {
            look(front(&bytes), depth + 1, found);
        }
        rest = &rest[end..];
    }
}

/// The text at the beginning: behind it stand words that are no base64.
fn front(bytes: &[u8]) -> &str {
    let end = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    std::str::from_utf8(&bytes[..end]).unwrap_or_default()
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '+' || c == '/'
}

/// Line ends and slashes as JSON, YAML and dotenv write them.
fn without_escapes(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('\\', Some('n' | 'r' | 't')) => {
                chars.next();
                plain.push('\n');
            }
            ('\\', Some('/')) => {}
            _ => plain.push(c),
        }
    }
    plain
}

/// The octets of base64 with blanks in it; words behind it become octets, too, which nobody reads.
fn decoded(run: &str) -> Zeroizing<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let mut digits = Zeroizing::new(Vec::with_capacity(run.len()));
    digits.extend(run.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    // A single digit is no octet.
    let whole = if digits.len() % 4 == 1 { digits.len() - 1 } else { digits.len() };
    let bytes = GeneralPurpose::new(&STANDARD, LENIENT).decode(&digits[..whole]);
    Zeroizing::new(bytes.unwrap_or_default())
}
