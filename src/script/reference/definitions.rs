//! Definitions for editors that know Rhai: completion, hovering, types.

use super::{own, words};

/// Everything that playbooks can call, as one file of Rhai definitions (`.d.rhai`).
///
/// The standard library is left out: editors bring it along.
pub fn definitions() -> String {
    let file = own().definitions().include_standard_packages(false).single_file();
    let mut text = String::new();
    for line in file.trim().lines() {
        match line.starts_with("///") {
            true => text.push_str(line),
            false => text.push_str(&words::renamed(line, "?")),
        }
        text.push('\n');
        if line.starts_with("module static;") {
            text.push_str("\n/// The host that the script runs for.\nlet host: Host;\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_scripts() {
        let text = definitions();
        assert!(text.contains("module cmd {\n"), "{text}");
        assert!(text.contains("fn run(command: ?, want: map) -> Done;"), "{text}");
        assert!(text.contains("fn get groups(host: Host) -> array;"), "{text}");
        let rust = ["RhaiResultOf", "EvalAltResult", "Dynamic", "HostRef", "ImmutableString", "FnPtr", "Map;"];
        let found: Vec<&str> = rust.into_iter().filter(|word| text.contains(word)).collect();
        assert!(found.is_empty(), "names of Rust in the definitions: {found:?}");
    }
}
