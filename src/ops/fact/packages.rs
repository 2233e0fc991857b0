//! `deb.`, `apt.` and `apk.`

use super::args::Args;
use super::{Fact, fact};
use crate::remote::{Command, Output};
use serde_json::{Map, Value, json};

pub(super) const FACTS: &[Fact] = &[
    fact("deb.DebPackages", &[], |_| dpkg(), |_, output| debs(output)),
    fact("deb.DebPackage", &["package!"], deb, |_, output| Some(one_deb(output))),
    fact("apt.AptSources", &[], |_| source_files(), |_, output| Some(sources(&output.text()))),
    fact("apt.AptKeys", &[], |_| key_files(), |_, output| Some(keys(&output.text()))),
    fact("apk.ApkPackages", &[], |_| apk(), |_, output| Some(apks(&output.text()))),
];

const FORMAT: &str = "${db:Status-Status} ${Package} ${Version} ${Architecture}\\n";

fn dpkg() -> Command {
    Command::new("dpkg-query").arg("-W").arg("-f").arg(FORMAT)
}

fn debs(output: &Output) -> Option<Value> {
    let text = output.text();
    let mut packages: Map<String, Value> = Map::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let ["installed", name, version, _] = words[..] else { continue };
        // Two architectures of one package are two versions of it.
        if let Value::Array(versions) = packages.entry(name).or_insert_with(|| json!([])) {
            versions.push(version.into());
        }
    }
    output.ok().then(|| packages.into())
}

fn deb(args: &Args) -> Command {
    dpkg().arg("--").arg(args.text("package")).raw("2>/dev/null || :")
}

fn one_deb(output: &Output) -> Value {
    let text = output.text();
    let mut lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    match lines.find(|words| words[0] == "installed").as_deref() {
        Some([_, name, version, architecture]) => {
            json!({ "name": name, "version": version, "architecture": architecture })
        }
        _ => Value::Null,
    }
}

fn source_files() -> Command {
    Command::script(
        "for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do [ ! -f \"$f\" ] || cat \"$f\"; echo; done
echo ==; for f in /etc/apt/sources.list.d/*.sources; do [ ! -f \"$f\" ] || cat \"$f\"; echo; done",
    )
}

/// Spec: sources.list(5), both the one-line and the deb822 style.
fn sources(text: &str) -> Value {
    let (lines, stanzas) = text.split_once("==\n").unwrap_or((text, ""));
    let mut sources: Vec<Value> = lines.lines().filter_map(one_line).collect();
    for stanza in stanzas.split("\n\n") {
        sources.extend(deb822(stanza));
    }
    sources.into()
}

fn one_line(line: &str) -> Option<Value> {
    let line = line.split('#').next()?.trim();
    let (kind, rest) = line.split_once(char::is_whitespace).filter(|(kind, _)| *kind == "deb" || *kind == "deb-src")?;
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (url, suite) = (words.next()?, words.next()?);
    let components: Vec<&str> = words.collect();
    Some(
        json!({ "type": kind, "url": url, "distribution": suite, "components": components, "options": options.trim() }),
    )
}

fn deb822(stanza: &str) -> Vec<Value> {
    let mut fields: Map<String, Value> = Map::new();
    let mut last = String::new();
    for line in stanza.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with([' ', '\t']) {
            let before = fields.get(&last).and_then(Value::as_str).unwrap_or_default();
            fields.insert(last.clone(), format!("{before} {}", line.trim()).into());
        } else if let Some((key, value)) = line.split_once(':') {
            last = key.trim().to_lowercase();
            fields.insert(last.clone(), value.trim().into());
        }
    }
    let words = |key: &str| {
        let value = fields.get(key).and_then(Value::as_str).unwrap_or_default();
        value.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    if fields.get("enabled").and_then(Value::as_str) == Some("no") {
        return Vec::new();
    }
    let mut sources = Vec::new();
    for kind in words("types") {
        for url in words("uris") {
            for suite in words("suites") {
                let options =
                    fields.get("signed-by").map(|by| format!("signed-by={}", by.as_str().unwrap_or_default()));
                sources.push(json!({
                    "type": kind, "url": url, "distribution": suite, "components": words("components"),
                    "options": options.unwrap_or_default(),
                }));
            }
        }
    }
    sources
}

/// Debian ships its keys without gpg to read them; then there is no answer but an empty one.
fn key_files() -> Command {
    Command::script(
        "command -v gpg >/dev/null || exit 0
h=$(mktemp -d) || exit 1; trap 'rm -rf -- \"$h\"' EXIT
for f in /etc/apt/trusted.gpg /etc/apt/trusted.gpg.d/*.gpg /etc/apt/trusted.gpg.d/*.asc /etc/apt/keyrings/*; do
[ ! -f \"$f\" ] || gpg --homedir \"$h\" --show-keys --with-colons --with-fingerprint \"$f\" 2>/dev/null; done; :",
    )
}

/// Spec: GnuPG doc/DETAILS, "Format of the colon listings".
fn keys(text: &str) -> Value {
    let mut keys: Map<String, Value> = Map::new();
    let (mut current, mut is_primary) = (String::new(), false);
    let mut length = Value::Null;
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.first().copied() {
            Some("pub") => {
                is_primary = true;
                length = fields.get(2).and_then(|length| length.parse::<u64>().ok()).into();
            }
            Some("sub") => is_primary = false,
            Some("fpr") if is_primary => {
                current = fields.get(9).copied().unwrap_or_default().to_owned();
                keys.insert(current.clone(), json!({ "length": length, "uids": [] }));
            }
            Some("uid") => {
                let uid = fields.get(9).copied().unwrap_or_default().replace("\\x3a", ":");
                if let Some(Value::Array(uids)) = keys.get_mut(&current).map(|key| &mut key["uids"]) {
                    uids.push(uid.into());
                }
            }
            _ => {}
        }
    }
    keys.into()
}

fn apk() -> Command {
    Command::script("cat /lib/apk/db/installed 2>/dev/null || :")
}

/// Spec: apk-installed(5): `P:` name, `V:` version, stanzas parted by empty lines.
fn apks(text: &str) -> Value {
    let mut packages: Map<String, Value> = Map::new();
    for stanza in text.split("\n\n") {
        let field = |key: &str| stanza.lines().find_map(|line| line.strip_prefix(key));
        if let (Some(name), Some(version)) = (field("P:"), field("V:")) {
            packages.insert(name.to_owned(), json!([version]));
        }
    }
    packages.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_styles_of_sources() {
        let text = "# x\ndeb [arch=amd64 signed-by=/k] http://a/debian bookworm main contrib\n\n==\n\
                    Types: deb deb-src\nURIs: http://b/\nSuites: s s-updates\nComponents: main\n non-free\nSigned-By: /k\n\n\
                    Types: deb\nURIs: http://c\nSuites: /\nEnabled: no\n";
        let read = sources(text);
        assert_eq!(read.as_array().map(Vec::len), Some(5));
        assert_eq!(
            (&read[0]["components"], &read[0]["options"]),
            (&json!(["main", "contrib"]), &json!("arch=amd64 signed-by=/k"))
        );
        assert_eq!(
            (&read[4]["type"], &read[4]["distribution"], &read[4]["components"]),
            (&json!("deb-src"), &json!("s-updates"), &json!(["main", "non-free"]))
        );
    }

    #[test]
    fn reads_installed_packages_only() {
        let output = Output {
            stdout: b"installed a 1:2-3 amd64\nconfig-files b 1 all\ninstalled a 1:2-3 i386\n".to_vec(),
            ..Output::default()
        };
        assert_eq!(debs(&output), Some(json!({"a": ["1:2-3", "1:2-3"]})));
        assert_eq!(
            apks("C:Q1\nP:musl\nV:1.2.5-r0\nF:lib\n\nC:Q2\nP:zlib\nV:1.3.1-r1\n"),
            json!({"musl": ["1.2.5-r0"], "zlib": ["1.3.1-r1"]})
        );
    }

    #[test]
    fn a_key_is_named_by_its_primary_fingerprint() {
        let text = "pub:-:4096:1:AA:1:::-:::scSC::::::23::0:\nfpr:::::::::FF01:\nuid:-::::1::X::Ada <a@x>::::::::::0:\n\
                    sub:-:4096:1:BB:1::::::e::::::23:\nfpr:::::::::FF02:\n";
        assert_eq!(keys(text), json!({"FF01": {"length": 4096, "uids": ["Ada <a@x>"]}}));
    }
}
