//! Many host names in few words.

/// Host names, those that differ in a trailing number alone drawn together: `db-1, web-1..3`.
pub fn names<S: AsRef<str>>(hosts: &[S]) -> String {
    let mut runs: Vec<Span<'_>> = Vec::new();
    for host in hosts {
        let span = Span::of(host.as_ref());
        match runs.last_mut() {
            Some(last) if last.goes_on_with(&span) => last.last = span.last,
            _ => runs.push(span),
        }
    }
    let shown: Vec<String> = runs.iter().map(Span::shown).collect();
    shown.join(", ")
}

/// Numbered names in a row.
struct Span<'a> {
    stem: &'a str,
    first: &'a str,
    last: &'a str,
}

impl<'a> Span<'a> {
    fn of(host: &'a str) -> Self {
        let stem = host.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = &host[stem.len()..];
        Self { stem, first: number, last: number }
    }

    /// `web-9` is followed by `web-10`, and `web-09` by `web-10`, but `web-9` not by `web-010`.
    fn goes_on_with(&self, next: &Self) -> bool {
        let follows = match (self.last.parse::<u64>(), next.first.parse::<u64>()) {
            (Ok(last), Ok(first)) => last.checked_add(1) == Some(first),
            _ => false,
        };
        let grows = |text: &str| !text.starts_with('0') || text == "0";
        let padded = self.last.len() == next.first.len() || (grows(self.last) && grows(next.first));
        self.stem == next.stem && follows && padded
    }

    fn shown(&self) -> String {
        let (stem, first, last) = (self.stem, self.first, self.last);
        match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(one), Ok(two)) if one == two => format!("{stem}{first}"),
            (Ok(one), Ok(two)) if one + 1 == two => format!("{stem}{first}, {stem}{last}"),
            (Ok(_), Ok(_)) => format!("{stem}{first}..{last}"),
            _ => format!("{stem}{first}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn numbered_hosts_are_drawn_together() {
        assert_eq!(names(&["db-1", "web-1", "web-2", "web-3", "web-5"]), "db-1, web-1..3, web-5");
        assert_eq!(names(&["web-08", "web-09", "web-10"]), "web-08..10");
        assert_eq!(names(&["web-9", "web-10", "web-11"]), "web-9..11");
        assert_eq!(names(&["web-9", "web-010"]), "web-9, web-010");
        assert_eq!(names(&["a1", "a2"]), "a1, a2");
        assert_eq!(names(&["a", "b"]), "a, b");
    }

    #[test]
    fn a_number_too_large_for_a_machine_is_a_name_like_any_other() {
        let host = "h99999999999999999999999999";
        assert_eq!(names(&[host, host]), format!("{host}, {host}"));
    }
}
