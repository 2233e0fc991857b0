//! Bytes as commands of the shell that print them: any bytes, in any locale, without a process.

use std::fmt::Write;
use zeroize::Zeroizing;

/// More would make the one word that a shell without a `printf` of its own passes on too long.
const PIECE: usize = 32 * 1024;

/// Lines of shell that print bytes; `failing` follows each of them.
pub(super) fn printing(bytes: &[u8], failing: &str) -> Zeroizing<String> {
    let raw = std::str::from_utf8(bytes).is_ok();
    let mut script = Zeroizing::new(String::with_capacity(bytes.len() + bytes.len() / 4 + 64));
    for piece in bytes.chunks(PIECE) {
        script.push_str("printf %b '");
        escape(piece, raw, &mut script);
        script.push('\'');
        script.push_str(failing);
        script.push('\n');
    }
    script
}

/// As `printf %b` takes it. `raw` leaves bytes above 127: those of a text are safe in every locale.
fn escape(bytes: &[u8], raw: bool, into: &mut String) {
    // A piece may end in the middle of a character, which `String` cannot hold.
    let text = if raw { std::str::from_utf8(bytes).ok() } else { None };
    match text {
        Some(text) => text.chars().for_each(|c| escape_one(c, into)),
        None => bytes.iter().for_each(|&byte| match byte {
            0x80.. => octal(byte, into),
            _ => escape_one(byte as char, into),
        }),
    }
}

fn escape_one(c: char, into: &mut String) {
    match c {
        '\\' => into.push_str("\\\\"),
        '\'' => octal(b'\'', into),
        '\n' | '\t' => into.push(c),
        c if (c as u32) < 0x20 || c as u32 == 0x7f => octal(c as u8, into),
        c => into.push(c),
    }
}

fn octal(byte: u8, into: &mut String) {
    write!(into, "\\0{byte:03o}").expect("a string takes everything");
}
