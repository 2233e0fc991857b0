//! Which paths a command names: what it may touch.

/// Every absolute path of at least two names in a text of the shell, without those that no playbook manages.
pub fn all(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || "/._-+@%:,~".contains(c);
    // A path behind any other letter is none: `s/a/b/`, `http://x/y`.
    let starts = text.match_indices('/').filter(move |(at, _)| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| c.is_whitespace() || "\"'=<>(){};|&:`".contains(c)) && !text[..*at].ends_with("://")
    });
    let paths = starts.map(move |(at, _)| {
        let end = text[at..].find(|c| !is_part(c)).map_or(text.len(), |length| at + length);
        text[at..end].trim_end_matches(['/', '.', ',', ':'])
    });
    paths.filter(|path| path.rfind('/').is_some_and(|at| at > 0) && !path.contains("//") && !is_of_system(path))
}

fn is_of_system(path: &str) -> bool {
    ["/dev/", "/proc/", "/sys/", "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"].iter().any(|top| path.starts_with(top))
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_found_where_the_shell_finds_them() {
        let text = "cd /srv/app && sed 's/a/b/' </etc/x.conf >'/srv/out' --prefix=/opt/y/; curl http://h/p/q /dev/null \
                    /usr/bin/env / /srv \"$d/e/f\" a/b:/c/d";
        let found: Vec<&str> = super::all(text).collect();
        assert_eq!(found, ["/srv/app", "/etc/x.conf", "/srv/out", "/opt/y", "/c/d"]);
    }
}
