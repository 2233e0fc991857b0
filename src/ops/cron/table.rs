//! A crontab as text, of which one job is ours.

use serde_json::{Map, Value};

const MARK: &str = "# rhapsode: ";

/// The crontab with this job in place of the one of its name, or at the end; without lines, the job goes.
///
/// A job is a marker comment, then its variables, then its line. Whatever else stands in the table stays byte by
/// byte. Variables hold for all lines below them, so a job with variables is moved to the end of the table.
///
/// `plain` are the lines with their secrets revealed, as the table holds them.
pub fn with_job(table: &str, name: &str, lines: &[String], plain: &[String]) -> String {
    let (before, ours, after) = split(table, name);
    if ours == plain {
        return table.to_owned();
    }
    let mut text = String::from(before);
    let sets_variables = lines.len() > 1;
    if sets_variables {
        text.push_str(after);
    }
    if !lines.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("{MARK}{name}\n{}\n", lines.join("\n")));
    }
    if !sets_variables {
        text.push_str(after);
    }
    text
}

/// The arguments of `cron::job` that would write the job as the table has it; `None` when it has none of this name.
pub fn job_of(table: &str, name: &str) -> Option<Map<String, Value>> {
    let (_, lines, _) = split(table, name);
    let (last, variables) = lines.split_last()?;
    let mut fields = Map::new();
    let pairs = variables.iter().filter_map(|line| line.split_once('='));
    let env: Map<String, Value> = pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().into())).collect();
    if !env.is_empty() {
        fields.insert("env".to_owned(), env.into());
    }
    let mut rest = last.trim_start();
    let names: &[&str] = if rest.starts_with('@') { &["at"] } else { &["minute", "hour", "day", "month", "weekday"] };
    for name in names {
        let (word, further) = rest.split_once(char::is_whitespace)?;
        fields.insert((*name).to_owned(), word.into());
        rest = further.trim_start();
    }
    fields.insert("command".to_owned(), rest.into());
    Some(fields)
}

/// The lines of a job as the table has them, without the marker.
pub fn own_lines(table: &str, name: &str) -> String {
    split(table, name).1.iter().map(|line| format!("{line}\n")).collect()
}

/// What stands before the job, its lines without the marker, and what stands after.
fn split<'a>(table: &'a str, name: &str) -> (&'a str, Vec<&'a str>, &'a str) {
    let mut offset = 0;
    let mut start = None;
    let mut ours = Vec::new();
    for line in table.split_inclusive('\n') {
        let text = line.trim_end_matches('\n');
        let begin = offset;
        offset += line.len();
        match start {
            None if text.strip_prefix(MARK) == Some(name) => start = Some(begin),
            None => {}
            // The marker is all that is left when somebody removed the line by hand.
            Some(first) if text.is_empty() || text.starts_with('#') => {
                return (&table[..first], ours, &table[begin..]);
            }
            Some(first) => {
                ours.push(text);
                if !is_variable(text) {
                    return (&table[..first], ours, &table[offset..]);
                }
            }
        }
    }
    match start {
        Some(first) => (&table[..first], ours, ""),
        None => (table, Vec::new(), ""),
    }
}

/// Spec: crontab(5): `name = value`; a job begins with a digit, `*` or `@`, which no name does.
fn is_variable(line: &str) -> bool {
    let name = line.split('=').next().unwrap_or_default().trim();
    line.contains('=') && !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn with_job(table: &str, name: &str, lines: &[String]) -> String {
        super::with_job(table, name, lines, lines)
    }

    #[test]
    fn a_job_takes_the_place_of_its_former_self() {
        let table = "MAILTO=me\n# rhapsode: a\n0 1 * * * old\n5 * * * * other\n";
        let new = with_job(table, "a", &lines(&["0 2 * * * new"]));
        assert_eq!(new, "MAILTO=me\n# rhapsode: a\n0 2 * * * new\n5 * * * * other\n");
        assert_eq!(with_job(&new, "a", &lines(&["0 2 * * * new"])), new);
        assert_eq!(with_job(&new, "a", &[]), "MAILTO=me\n5 * * * * other\n");
    }

    #[test]
    fn variables_of_a_job_stay_with_it_and_behind_the_others() {
        let table = "# rhapsode: a\n@daily a\n# note\n@weekly b";
        let new = with_job(table, "a", &lines(&["PATH=/x", "@daily a"]));
        assert_eq!(new, "# note\n@weekly b\n# rhapsode: a\nPATH=/x\n@daily a\n");
        assert_eq!(with_job(&new, "a", &[]), "# note\n@weekly b\n");
    }

    #[test]
    fn a_marker_without_its_line_is_filled_again() {
        assert_eq!(
            with_job("# rhapsode: a\n# rhapsode: b\n@daily b\n", "a", &lines(&["@daily a"])),
            "# rhapsode: a\n@daily a\n# rhapsode: b\n@daily b\n"
        );
        assert_eq!(with_job("", "a", &[]), "");
    }
}
