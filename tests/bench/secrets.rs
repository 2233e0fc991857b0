//! How fast the scrubber is with 200 secrets: `cargo bench --bench secrets`.

use rhapsode::secret::{Scrubber, Stream};
use std::hint::black_box;
use std::time::Instant;

/// Bytes of each text.
const SIZE: usize = 32 << 20;

fn main() {
    let secrets: Vec<String> = (0..200).map(secret).collect();
    let started = Instant::now();
    let scrubber = Scrubber::of(&secrets);
    println!("{:<44} {:>8.1} ms", "200 secrets learned", started.elapsed().as_secs_f64() * 1e3);
    let lines = "2026-11-20T12:00:00Z web-1 nginx[4711]: GET /index.html 200 1532 \"-\" \"curl/7.88\"\n";
    let clean = lines.repeat(SIZE / lines.len());
    let mut dirty = clean.clone();
    for (at, secret) in secrets.iter().cycle().take(2000).enumerate() {
        let from = at * (SIZE / 2100);
        dirty.replace_range(from..from + secret.len().min(60), &secret[..secret.len().min(60)]);
    }
    measured("a text without secrets", &clean, |text| scrubber.text(text).len());
    measured("a text with a secret every 16 KB", &dirty, |text| scrubber.text(text).len());
    measured("the same in pieces of 8 KB", &dirty, |text| {
        let mut stream = Stream::default();
        let pieces = text.as_bytes().chunks(8192);
        pieces.map(|piece| stream.push(piece, &scrubber).len()).sum::<usize>() + stream.finish(&scrubber).len()
    });
}

/// Tokens, passwords, and every tenth a key of 24 lines.
fn secret(number: usize) -> String {
    let line = |part: usize| format!("{:016x}{:016x}", (number * 7919 + part) * 0x9e37_79b9, number * 104_729 + part);
    match number % 10 {
        0 => (0..24).map(|part| format!("{}{}\n", line(part), line(part + 99))).collect(),
        _ => line(0),
    }
}

fn measured(what: &str, text: &str, scrub: impl Fn(&str) -> usize) {
    let started = Instant::now();
    let length = black_box(scrub(black_box(text)));
    let seconds = started.elapsed().as_secs_f64();
    println!("{what:<44} {:>8.0} MB/s   ({length} bytes left)", text.len() as f64 / 1e6 / seconds);
}
