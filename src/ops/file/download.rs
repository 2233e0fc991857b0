//! A file from a web server, fetched by the host itself.

use super::attributes::Attributes;
use super::place::{HostPath, Place};
use crate::event::Sign;
use crate::ops::args::Mode;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::{Contents, Digest, HASH, Kind, Path};
use crate::ops::{Change, FileWrite, OpError, Operation, Plan, Source, Step, View};
use crate::remote::quote;
use crate::secret::{contains_token, redact};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// Keeps a file that a web server has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    path: HostPath,
    url: String,
    sha256: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    max_age: Option<Age>,
    owner: Option<String>,
    group: Option<String>,
    mode: Option<Mode>,
    #[serde(default)]
    insecure: bool,
}

/// A span of time: seconds as a number, or `"30m"`, `"12h"`, `"7d"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Age {
    secs: u64,
}

impl Age {
    fn parse(text: &str) -> Option<Self> {
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let factor = match unit {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(factor).map(|secs| Self { secs })
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Secs(u64),
            Text(String),
        }
        let wrong = || serde::de::Error::custom("expected seconds, or a text such as \"30m\", \"12h\", \"7d\"");
        match Form::deserialize(deserializer).map_err(|_| wrong())? {
            Form::Secs(secs) => Ok(Self { secs }),
            Form::Text(text) => Self::parse(&text).ok_or_else(wrong),
        }
    }
}

/// What was found.
#[derive(Debug)]
pub struct Seen {
    place: Place,
    digest: Option<Digest>,
}

impl Operation for Download {
    const NAME: &'static str = "file::download";
    const TARGET: &'static str = "path";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        let scheme = ["http://", "https://", "ftp://"].iter().any(|scheme| self.url.starts_with(scheme));
        if !(scheme || contains_token(&self.url)) || self.url.contains(['\n', '\r', ' ']) {
            return Err(format!("argument `url`: `{}` is no web address", redact(&self.url)));
        }
        if let Some(sha256) = &self.sha256
            && !(sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err("argument `sha256` must be 64 hexadecimal digits".into());
        }
        if self.headers.iter().any(|(name, value)| name.contains([':', '\n', '\r']) || value.contains(['\n', '\r'])) {
            return Err("argument `headers`: each is one line".into());
        }
        self.attributes().check()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        vec![args.path("file").takes(args, &["url", "sha256"]).content(args)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        let path = self.path.as_str();
        if self.sha256.is_none() {
            return Ok(Seen { place: Place::follow(view, path)?, digest: None });
        }
        let (place, digest) = Place::see_with::<Digest>(view, path, false, true)?;
        Ok(Seen { place, digest: Some(digest) })
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let place = &seen.place;
        let text = match place.at.kind {
            Kind::Absent => "download".to_owned(),
            Kind::File => match self.reason(seen)? {
                Some(reason) => format!("download again: {reason}"),
                None => return Ok(Plan::of(self.attributes().changes(&place.path, &place.at)?)),
            },
            other => {
                return Err(OpError::refused(format!("`{}` is a {}", place.path, other.word())));
            }
        };
        place.needs_parent("`file::dir` makes it")?;
        let sign = if place.at.kind == Kind::Absent { Sign::Create } else { Sign::Update };
        Ok(self.fetched(Change::new(sign, format!("{text} from {}", redact(&self.url))), place).into())
    }
}

impl Download {
    fn attributes(&self) -> Attributes<'_> {
        Attributes::new(&self.owner, &self.group, self.mode)
    }

    /// Why a file that is there is fetched again.
    fn reason(&self, seen: &Seen) -> Result<Option<String>, OpError> {
        if let (Some(wanted), Some(found)) = (&self.sha256, &seen.digest) {
            let differs = found.sha256.as_deref() != Some(wanted.to_ascii_lowercase().as_str());
            return Ok(differs.then(|| "its sha256 is another".to_owned()));
        }
        let Some(age) = self.max_age else { return Ok(None) };
        let unknown = || OpError::Unknown(format!("age of `{}`", seen.place.path));
        let written = seen.place.at.mtime.ok_or_else(unknown)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let old = now.saturating_sub(written) > age.secs as i64;
        Ok(old.then(|| format!("it is older than {}s", age.secs)))
    }

    fn fetched(&self, change: Change, place: &Place) -> Change {
        let at = match place.at.kind {
            Kind::Absent => place.made(Kind::File, 0o644),
            _ => Path { inode: None, ..place.at.clone() },
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let after = Path { mtime: Some(now), ..self.attributes().on(at) };
        let mut write = FileWrite::new(&place.path, Source::Bytes([].as_slice().into()));
        write.mode = Some(after.mode);
        write.owner.clone_from(&self.owner);
        write.group.clone_from(&self.group);
        write.content = self.content();
        let change = change.step(Step::Write(write)).makes(&place.path, after);
        let why = format!("content of `{}`", place.path);
        let change = change.makes_unknown::<Contents>(&place.path, &why);
        match &self.sha256 {
            Some(sha256) => change.makes(&place.path, Digest { sha256: Some(sha256.to_ascii_lowercase()) }),
            None => change.makes_unknown::<Digest>(&place.path, why),
        }
    }

    /// Address and headers go by stdin, line by line: they may hold secrets, and words of a command may be read by
    /// every user of the host.
    fn content(&self) -> Source {
        let mut lines = format!("{}\n", self.url);
        for (name, value) in &self.headers {
            lines.push_str(&format!("{name}: {value}\n"));
        }
        let mut fill = format!("s={} k={} x={}\n", u8::from(contains_token(&lines)), u8::from(self.insecure), {
            quote(&self.sha256.as_deref().unwrap_or_default().to_ascii_lowercase())
        });
        fill.push_str(FETCH);
        if self.sha256.is_some() {
            fill.push_str(HASH);
            fill.push_str(VERIFY);
        }
        Source::Script { fill, stdin: lines.into_bytes().into() }
    }
}

/// curl and GNU wget take headers from a file that is no argument. busybox wget takes them as arguments only, and
/// does not check certificates ("TLS certificate validation not implemented", its networking/wget.c). No `-T` for it:
/// the static busybox 1.35 of Debian 12 crashes with that option; the limit of the operation holds anyway.
const FETCH: &str = r#"c="$t.conf"; trap 'rm -f -- "$t" "$c"' EXIT; trap 'rm -f -- "$t" "$c"; exit 1' HUP INT TERM PIPE
IFS= read -r u
e() { sed -e 's/[\\"]/\\&/g' -e "s/^/$1 = \"/" -e 's/$/"/'; }
if command -v curl >/dev/null 2>&1; then
{ printf '%s\n' "$u" | e url; e header; } > "$c" || exit 1
[ $k = 0 ] || echo insecure >> "$c"
curl -fsSL --connect-timeout 30 --config "$c" -o "$t" || exit 1
elif command -v wget >/dev/null 2>&1 && wget --version 2>/dev/null | grep -q GNU; then
sed 's/^/header = /' > "$c" || exit 1
[ $k = 0 ] || echo 'check_certificate = off' >> "$c"
printf '%s\n' "$u" | wget --config="$c" -nv -T 30 -O "$t" -i - || exit 1
elif command -v wget >/dev/null 2>&1; then
[ $s = 0 ] || { echo 'the address or a header is secret, and this wget takes them on its command line only: install curl' >&2; exit 1; }
case $u in https:*) [ $k = 1 ] || [ -n "$x" ] || { echo 'this wget does not check certificates: install curl, or give `sha256` or `insecure: true`' >&2; exit 1; };; esac
set --
while IFS= read -r h; do set -- "$@" --header "$h"; done
wget -q -O "$t" "$@" -- "$u" || exit 1
else
echo 'neither curl nor wget is installed' >&2; exit 1
fi
rm -f -- "$c"
"#;

const VERIFY: &str = r#"y=$(h < "$t") || { echo 'no tool for sha256 is installed' >&2; exit 1; }
y=${y#\\}; y=${y%% *}
[ "$y" = "$x" ] || { echo "sha256 of the download is $y, wanted $x" >&2; exit 1; }
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_a_unit() {
        let age = |json: &str| serde_json::from_str::<Age>(json).map(|age| age.secs).ok();
        assert_eq!(
            (age("90"), age("\"90\""), age("\"2h\""), age("\"7d\"")),
            (Some(90), Some(90), Some(7200), Some(604_800))
        );
        assert_eq!((age("\"soon\""), age("-1"), age("\"h\"")), (None, None, None));
    }
}
