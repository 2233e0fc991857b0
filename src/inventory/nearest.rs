//! The name that was probably meant.

use strsim::damerau_levenshtein;

/// The name that differs least from `word`, if it differs by no more than a third of its letters, or by half when
/// both begin alike.
///
/// Case counts for nothing; of equally near names the first is taken.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let mut best: Option<(usize, &str)> = None;
    for name in names {
        let lower = name.to_lowercase();
        let alike = word.chars().zip(lower.chars()).take_while(|(ours, theirs)| ours == theirs).count();
        let share = if alike >= 4 { 2 } else { 3 };
        let allowed = (length.max(lower.chars().count()) / share).max(1);
        let distance = damerau_levenshtein(&word, &lower);
        if distance <= allowed && distance < length && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_that_was_meant() {
        assert_eq!(nearest("adress", ["user", "address", "port"]), Some("address"));
        assert_eq!(nearest("wbe", ["db", "web"]), Some("web"));
        assert_eq!(nearest("Port", ["port"]), Some("port"));
        assert_eq!(nearest("childs", ["hosts", "children"]), Some("children"));
    }

    #[test]
    fn gives_nothing_when_no_name_is_near() {
        assert_eq!(nearest("banana", ["user", "port"]), None);
        assert_eq!(nearest("", ["user"]), None);
        assert_eq!(nearest("c", ["a"]), None);
    }
}
