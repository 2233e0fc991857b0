//! What a word on the command line means: a name, a module, or something to search for.

use super::{COMMON_ARGUMENTS, language, members};
use crate::cli::failure::CommandError;
use crate::script::reference::{Group, Topic, groups, nearest, topics};

/// What is shown.
pub enum Found {
    /// Everything, as a list.
    All,
    /// Names, each in full.
    Full(Vec<&'static Topic>),
    /// A module or a type, with its members.
    Group(&'static Group),
    /// Functions without a module.
    Language,
    /// The arguments of every operation.
    CommonArguments,
    /// What holds the words of a search.
    Hits(Vec<&'static Topic>),
}

impl Found {
    /// The names in it.
    pub fn topics(&self) -> Vec<&'static Topic> {
        match self {
            Self::All => topics().iter().collect(),
            Self::Full(topics) | Self::Hits(topics) => topics.clone(),
            Self::Group(group) => members(&group.name),
            Self::Language => language(),
            Self::CommonArguments => Vec::new(),
        }
    }
}

/// Finds what is meant: an exact name first, then a module, a last part of names, and at last any text.
///
/// # Errors
/// A mistake with the nearest name.
pub fn find(wanted: Option<&str>) -> Result<Found, CommandError> {
    let Some(wanted) = wanted.map(str::trim).filter(|wanted| !wanted.is_empty()) else {
        return Ok(Found::All);
    };
    let found = exact(wanted).or_else(|| whole(wanted)).or_else(|| last_part(wanted)).or_else(|| search(wanted));
    found.ok_or_else(|| {
        let error = CommandError::mistake(format!("nothing is known about `{wanted}`"));
        match nearest(wanted) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`rhapsode docs` lists all there is"),
        }
    })
}

fn exact(wanted: &str) -> Option<Found> {
    let named = |topic: &&Topic| {
        let module = topic.group.as_deref().and_then(|group| groups().iter().find(|known| known.name == group));
        let renamed = module.into_iter().flat_map(|module| &module.aliases);
        let mut renamed = renamed.map(|alias| format!("{alias}::{}", topic.name()));
        topic.path == wanted || topic.aliases.iter().any(|alias| alias == wanted) || renamed.any(|path| path == wanted)
    };
    let found: Vec<&Topic> = topics().iter().filter(named).collect();
    (!found.is_empty()).then_some(Found::Full(found))
}

fn whole(wanted: &str) -> Option<Found> {
    let wanted = wanted.strip_suffix("::").unwrap_or(wanted);
    let lower = wanted.to_lowercase();
    let group = groups().iter().find(|group| group.name == lower || group.aliases.contains(&lower));
    match (group, lower.as_str()) {
        (Some(group), _) => Some(Found::Group(group)),
        (None, "language") => Some(Found::Language),
        (None, "common-arguments" | "arguments") => Some(Found::CommonArguments),
        _ => None,
    }
}

/// `put` is `file::put` when no other name ends so.
fn last_part(wanted: &str) -> Option<Found> {
    let found: Vec<&Topic> = topics().iter().filter(|topic| topic.name() == wanted).collect();
    (found.len() == 1).then_some(Found::Full(found))
}

fn search(wanted: &str) -> Option<Found> {
    let words: Vec<String> = wanted.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let holds = |text: &str| words.iter().all(|word| text.to_lowercase().contains(word));
    let rank = |topic: &Topic| match () {
        () if holds(&topic.path) || topic.aliases.iter().any(|alias| holds(alias)) => Some(0),
        () if topic.arguments().iter().any(|argument| words == [*argument]) => Some(1),
        () if holds(&topic.summary()) => Some(2),
        () if holds(&topic.doc) => Some(3),
        () => None,
    };
    let mut hits: Vec<(u8, &Topic)> =
        topics().iter().filter_map(|topic| rank(topic).map(|rank| (rank, topic))).collect();
    hits.sort_by_key(|(rank, _)| *rank);
    if !hits.is_empty() {
        return Some(Found::Hits(hits.into_iter().map(|(_, topic)| topic).collect()));
    }
    COMMON_ARGUMENTS.contains(&format!("| `{wanted}`")).then_some(Found::CommonArguments)
}
