//! A block of lines between two marker lines.

use super::content::{holds_token, plain};
use super::edit::{Edit, Form, Seen};
use super::lines::{Anchors, Lines};
use super::place::HostPath;
use super::put::check_validate;
use crate::ops::args::Content;
use crate::ops::managed::{Args, Managed};
use crate::ops::{OpError, Operation, Plan, View};
use serde::Deserialize;

/// Keeps a block of lines in a file, or keeps it out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    path: HostPath,
    content: Option<Content>,
    id: Option<String>,
    marker: Option<String>,
    after: Option<String>,
    before: Option<String>,
    present: Option<bool>,
    #[serde(default)]
    create: bool,
    #[serde(default)]
    backup: bool,
    validate: Option<String>,
}

/// The two marker lines.
#[derive(Debug)]
struct Markers {
    begin: String,
    end: String,
}

impl Operation for Block {
    const NAME: &'static str = "file::block";
    const TARGET: &'static str = "path";
    type Seen = Seen;

    fn check(&self) -> Result<(), String> {
        if self.present() && self.content.is_none() {
            return Err("give the `content` of the block".into());
        }
        let id = self.id.as_deref().unwrap_or_default();
        let marker = self.marker.as_deref().unwrap_or("{mark}");
        if !marker.contains("{mark}") {
            return Err("argument `marker`: `{mark}` must stand where BEGIN and END go".into());
        }
        if [id, marker].iter().any(|text| text.contains(['\n', '\r']) || holds_token(text.as_bytes())) {
            return Err("arguments `id` and `marker` are one line without secrets".into());
        }
        Anchors::new(&self.after, &self.before, false)?;
        check_validate(self.validate.as_deref())
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let path = args.text("path");
        let marker = [args.text("id"), args.text("marker"), "rhapsode"].into_iter().find(|text| !text.is_empty());
        let id = format!("{path}: {}", marker.unwrap_or_default());
        let block = args.kept("block", id, &[]).content(args).takes(args, &["path", "id", "marker"]);
        vec![block.within_file(path)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Seen, OpError> {
        Seen::probe(view, &self.path)
    }

    fn plan(&self, seen: &Seen) -> Result<Plan, OpError> {
        let content = self.content.as_ref().map(|content| plain(&content.0)).transpose()?;
        let anchors = Anchors::new(&self.after, &self.before, false).expect("checked");
        let edit = Edit {
            create: self.create,
            backup: self.backup,
            validate: self.validate.as_deref(),
            secret: self.content.as_ref().is_some_and(|content| holds_token(&content.0)),
        };
        let markers = self.markers();
        let tokens = self.content.as_ref().map(|content| &content.0[..]);
        let content = content.as_ref().map(|content| content.as_slice());
        edit.plan(seen, self.present(), |text, form| match if form == Form::Plain { content } else { tokens } {
            Some(content) if self.present() => with_block(text, content, &markers, &anchors),
            _ => without_block(text, &markers),
        })
    }
}

impl Block {
    fn present(&self) -> bool {
        self.present.unwrap_or(true)
    }

    fn markers(&self) -> Markers {
        let id = self.id.as_deref().unwrap_or("rhapsode");
        let marker = match &self.marker {
            Some(marker) => marker.replace("{id}", id),
            None => format!("# {{mark}} {id}"),
        };
        Markers { begin: marker.replace("{mark}", "BEGIN"), end: marker.replace("{mark}", "END") }
    }
}

fn with_block(text: &[u8], content: &[u8], markers: &Markers, anchors: &Anchors) -> Result<Vec<u8>, OpError> {
    let inner = content.strip_suffix(b"\n").unwrap_or(content);
    let mut new: Vec<&[u8]> = vec![markers.begin.as_bytes()];
    if !content.is_empty() {
        new.extend(inner.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)));
    }
    if new[1..].iter().any(|line| *line == markers.begin.as_bytes() || *line == markers.end.as_bytes()) {
        return Err(OpError::refused_with(
            format!("the content holds its own marker `{}`", markers.begin),
            "choose another `id` or `marker`",
        ));
    }
    new.push(markers.end.as_bytes());
    let mut lines = Lines::of(text);
    match found(&lines, markers)? {
        Some(range) if lines.are(range.clone(), &new) => {}
        Some(range) => {
            let at = range.start;
            lines.remove(range);
            lines.insert(at, &new);
        }
        None => lines.insert(anchors.place(&lines), &new),
    }
    Ok(lines.into_bytes())
}

fn without_block(text: &[u8], markers: &Markers) -> Result<Vec<u8>, OpError> {
    let mut lines = Lines::of(text);
    if let Some(range) = found(&lines, markers)? {
        lines.remove(range);
    }
    Ok(lines.into_bytes())
}

/// The lines of the block with its markers. Half a block, or two, are left for a person to look at.
fn found(lines: &Lines<'_>, markers: &Markers) -> Result<Option<std::ops::Range<usize>>, OpError> {
    let begins = lines.positions(markers.begin.as_bytes());
    let ends = lines.positions(markers.end.as_bytes());
    match (&begins[..], &ends[..]) {
        ([], []) => Ok(None),
        ([begin], [end]) if begin < end => Ok(Some(*begin..end + 1)),
        _ => Err(OpError::refused_with(
            format!(
                "the markers do not make one block: `{}` stands there {} times, `{}` {} times",
                markers.begin,
                begins.len(),
                markers.end,
                ends.len()
            ),
            "put the markers right by hand, or choose another `id` or `marker`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn markers() -> Markers {
        Markers { begin: "# BEGIN x".into(), end: "# END x".into() }
    }

    fn put(text: &str, content: &str) -> Result<String, String> {
        let anchors = Anchors::new(&None, &None, false).expect("none");
        let after = with_block(text.as_bytes(), content.as_bytes(), &markers(), &anchors);
        after.map(|after| String::from_utf8(after).expect("UTF-8")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_block_is_added_replaced_and_removed() {
        let added = put("a", "one\ntwo").expect("a block");
        assert_eq!(added, "a\n# BEGIN x\none\ntwo\n# END x\n");
        assert_eq!(put(&added, "one\ntwo\n"), Ok(added.clone()));
        let replaced = put(&format!("{added}z\n"), "").expect("a block");
        assert_eq!(replaced, "a\n# BEGIN x\n# END x\nz\n");
        assert_eq!(without_block(replaced.as_bytes(), &markers()).expect("a block"), b"a\nz\n");
    }

    #[test]
    fn half_a_block_and_its_own_marker_are_refused() {
        assert!(put("# BEGIN x\na\n", "b").is_err());
        assert!(put("# END x\n# BEGIN x\n", "b").is_err());
        assert!(put("a\n", "b\n# END x\n").is_err());
    }

    #[test]
    fn dos_lines_stay_dos_lines() {
        let added = put("a\r\n", "one\n").expect("a block");
        assert_eq!(added, "a\r\n# BEGIN x\r\none\r\n# END x\r\n");
        assert_eq!(put(&added, "one"), Ok(added.clone()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_block_put_twice_is_put_once_and_removed_leaves_the_rest(
            text in "[a\n\r#]{0,30}",
            content in "[b\n]{0,12}",
            after in proptest::option::of(Just("a".to_owned())),
        ) {
            let anchors = Anchors::new(&after, &None, false).expect("anchors");
            let once = with_block(text.as_bytes(), content.as_bytes(), &markers(), &anchors).expect("a block");
            let twice = with_block(&once, content.as_bytes(), &markers(), &anchors).expect("a block");
            prop_assert_eq!(&twice, &once);
            let removed = without_block(&once, &markers()).expect("a block");
            // A last line without newline had to get one, as all lines of the file have it.
            let rest = removed.strip_prefix(text.as_bytes()).expect("the rest is untouched");
            prop_assert!(rest.is_empty() || (!text.ends_with('\n') && [b"\n".as_slice(), b"\r\n"].contains(&rest)));
        }
    }
}
