//! The reference at a terminal.

use super::find::Found;
use super::markdown::Sheet;
use super::{COMMON_ARGUMENTS, language, members};
use crate::report::Paint;
use crate::script::reference::{Group, Topic, groups};
use anstyle::{AnsiColor, Style};

/// Wider lines are hard to read.
const WIDEST: usize = 100;
const TITLE: Style = Style::new().bold();
const FAINT: Style = AnsiColor::BrightBlack.on_default();

/// The text of what was found.
pub fn show(found: &Found, paint: Paint) -> String {
    let (_, columns) = console::Term::stdout().size_checked().unwrap_or((0, WIDEST as u16));
    let width = usize::from(columns).clamp(40, WIDEST);
    let sheet = Sheet { width, paint, coloured: paint != Paint::default() };
    match found {
        Found::All => all(&sheet),
        Found::Full(topics) => topics.iter().map(|topic| full(&sheet, topic)).collect::<Vec<_>>().join("\n"),
        Found::Group(group) => self::group(&sheet, group, true),
        Found::Language => format!("{}{}", title(&sheet, "Functions of the language"), list(&sheet, &language())),
        Found::CommonArguments => sheet.page(COMMON_ARGUMENTS),
        Found::Hits(topics) => list(&sheet, topics),
    }
}

fn all(sheet: &Sheet) -> String {
    let modules = groups().iter().map(|known| group(sheet, known, false));
    let language = format!("{}{}", title(sheet, "Functions without a module"), list(sheet, &language()));
    let parts: Vec<String> = modules.chain([language]).collect();
    let more = "`rhapsode docs NAME` shows one in full, `rhapsode docs common-arguments` what every operation takes; \
                any other word searches.";
    format!("{}\n{}", parts.join("\n"), sheet.paragraph(more, 0, 0))
}

fn title(sheet: &Sheet, text: &str) -> String {
    format!("{}\n", sheet.paint.with(TITLE, text))
}

fn group(sheet: &Sheet, group: &Group, whole: bool) -> String {
    let mut text = title(sheet, &group.name);
    if whole && !group.doc.is_empty() {
        text.push_str(&sheet.page(&group.doc));
        text.push('\n');
    }
    if whole && !group.aliases.is_empty() {
        text.push_str(&sheet.paragraph(&format!("Also called {}.", quoted(&group.aliases)), 0, 0));
        text.push('\n');
    }
    text.push_str(&list(sheet, &members(&group.name)));
    text
}

fn list(sheet: &Sheet, topics: &[&Topic]) -> String {
    let rows: Vec<Vec<String>> =
        topics.iter().map(|topic| vec![format!("  {}", topic.path), topic.summary()]).collect();
    sheet.table(&rows)
}

fn full(sheet: &Sheet, topic: &Topic) -> String {
    let mut text = String::new();
    for (signature, note) in &topic.signatures {
        text.push_str(&sheet.paint.with(TITLE, signature));
        if let Some(note) = note {
            text.push_str(&format!("\n{}", sheet.paint.with(FAINT, format!("    {note}"))));
        }
        text.push('\n');
    }
    text.push_str(&format!("\n{}", sheet.page(&topic.doc)));
    if topic.operation().is_some() {
        let own: Vec<String> = topic.arguments().into_iter().map(str::to_owned).collect();
        let own = if own.is_empty() { String::new() } else { format!("{}, and ", quoted(&own)) };
        let line = format!("Arguments: {own}those of every operation (`rhapsode docs common-arguments`).");
        text.push_str(&format!("\n{}", sheet.paragraph(&line, 0, 0)));
    }
    if !topic.aliases.is_empty() {
        let line = format!("Also called {}.", quoted(&topic.aliases));
        text.push_str(&format!("\n{}", sheet.paragraph(&line, 0, 0)));
    }
    text
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
