//! What a package manager says it would do.

use crate::ops::OpError;
use crate::remote::Output;

/// One package that would be installed, upgraded or downgraded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// `curl`, `libc6:i386`.
    pub name: String,
    /// The version before, when it was installed.
    pub from: Option<String>,
    /// The version after.
    pub to: String,
}

/// The answer of a simulation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simulated {
    /// What comes or moves.
    pub moves: Vec<Move>,
    /// What goes.
    pub removes: Vec<String>,
}

impl Simulated {
    /// Takes what `apt-get --simulate` printed.
    ///
    /// # Errors
    /// The words of apt when it refuses.
    pub fn apt(output: &Output) -> Result<Self, OpError> {
        if !output.ok() {
            return Err(refusal_of_apt(output));
        }
        let text = output.text();
        let mut simulated = Self::default();
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("Inst", rest)) => simulated.moves.extend(apt_move(rest)),
                Some(("Remv" | "Purg", rest)) => {
                    simulated.removes.extend(rest.split(' ').next().map(str::to_owned));
                }
                _ => {}
            }
        }
        simulated.removes.dedup();
        Ok(simulated)
    }

    /// Takes what `apk --simulate` printed.
    ///
    /// # Errors
    /// The words of apk when it refuses.
    pub fn apk(output: &Output) -> Result<Self, OpError> {
        if !output.ok() {
            let words = format!("{}\n{}", output.text(), output.err_text());
            let words = words.lines().skip_while(|line| !line.starts_with("ERROR")).collect::<Vec<_>>().join("; ");
            let words = words.trim_start_matches("ERROR: ");
            return Err(OpError::refused_with(
                format!("apk refuses: {words}"),
                "`update: true` reads the package lists anew",
            ));
        }
        let text = output.text();
        let mut simulated = Self::default();
        for line in text.lines() {
            let Some((_, step)) = line.split_once(") ").filter(|_| line.starts_with('(')) else { continue };
            match step.split_once(' ') {
                Some(("Purging", rest)) => simulated.removes.extend(rest.split(' ').next().map(str::to_owned)),
                Some((_, rest)) => simulated.moves.extend(apk_move(rest)),
                None => {}
            }
        }
        Ok(simulated)
    }
}

/// `libfoo [1.0] (1.1 Debian:12/stable [amd64]) []`, without the brackets of a version before when it is new.
fn apt_move(rest: &str) -> Option<Move> {
    let (head, tail) = rest.split_once('(')?;
    let mut words = head.split_whitespace();
    let name = words.next()?.to_owned();
    let from = words.next().map(|word| word.trim_matches(['[', ']']).to_owned());
    Some(Move { name, from, to: tail.split([' ', ')']).next()?.to_owned() })
}

/// `foo (1.0-r0)` or `foo (1.0-r0 -> 1.1-r0)`.
fn apk_move(rest: &str) -> Option<Move> {
    let (name, versions) = rest.split_once(" (")?;
    let versions = versions.trim_end().strip_suffix(')')?;
    let (from, to) = match versions.split_once(" -> ") {
        Some((from, to)) => (Some(from.to_owned()), to),
        None => (None, versions),
    };
    Some(Move { name: name.to_owned(), from, to: to.to_owned() })
}

fn refusal_of_apt(output: &Output) -> OpError {
    let stderr = output.err_text();
    let errors: Vec<&str> = stderr.lines().filter_map(|line| line.strip_prefix("E: ")).collect();
    let mut words = if errors.is_empty() { stderr.clone() } else { errors.join("; ") };
    let stdout = output.text();
    if let Some((_, unmet)) = stdout.split_once("unmet dependencies:\n") {
        let unmet: Vec<&str> = unmet.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        words = format!("{words} ({})", unmet.join("; "));
    }
    let hint = if words.contains("--allow-downgrades") {
        "`allow_downgrade: true` lets it go back to an older version"
    } else if words.contains("held packages") || words.contains("Held packages") {
        "pkg::hold(names, #{ present: false }) releases a package"
    } else if words.contains("dpkg was interrupted") {
        "`dpkg --configure -a` on the host ends the broken installation"
    } else {
        "`update: true` reads the package lists anew"
    };
    OpError::refused_with(format!("apt refuses: {words}"), hint)
}

/// The moves in words, the named packages first: `install curl 7.88.1 (with libcurl4); remove exim4`.
pub fn summary(simulated: &Simulated, named: &[String]) -> String {
    let is_named = |name: &str| named.iter().any(|word| word == name || word.split(':').next() == Some(name));
    let (asked, others): (Vec<&Move>, Vec<&Move>) = simulated.moves.iter().partition(|moved| is_named(&moved.name));
    let (asked, others) = if asked.is_empty() { (others, Vec::new()) } else { (asked, others) };
    let mut text = asked.into_iter().map(in_words).collect::<Vec<_>>().join(", ");
    if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|moved| moved.name.as_str()).collect();
        text.push_str(&format!(" (with {})", names.join(", ")));
    }
    if !simulated.removes.is_empty() {
        let separator = if text.is_empty() { "" } else { "; " };
        text.push_str(&format!("{separator}remove {}", simulated.removes.join(", ")));
    }
    text
}

fn in_words(moved: &Move) -> String {
    match &moved.from {
        Some(from) => format!("{} {from} -> {}", moved.name, moved.to),
        None => format!("install {} {}", moved.name, moved.to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &str, stderr: &str, code: i32) -> Output {
        Output { stdout: stdout.into(), stderr: stderr.into(), code }
    }

    #[test]
    fn apt_tells_what_comes_moves_and_goes() {
        let printed = "Reading package lists...\nRemv exim4 [4.96-15]\n\
                       Inst libcurl4 [7.88.1-9] (7.88.1-10 Debian:12.9/stable [amd64]) []\n\
                       Inst curl (7.88.1-10 Debian:12.9/stable [amd64])\nConf curl (7.88.1-10 Debian:12.9/stable)\n";
        let simulated = Simulated::apt(&output(printed, "", 0)).expect("understood");
        assert_eq!(summary(&simulated, &["curl".into()]), "install curl 7.88.1-10 (with libcurl4); remove exim4");
        assert_eq!(simulated.moves[0].from.as_deref(), Some("7.88.1-9"));
    }

    #[test]
    fn apt_refuses_in_its_own_words() {
        let stderr = "E: Unable to locate package nosuch\n";
        let error = Simulated::apt(&output("Reading package lists...\n", stderr, 100)).expect_err("refused");
        assert_eq!(error.to_string(), "apt refuses: Unable to locate package nosuch");
    }

    #[test]
    fn apk_tells_what_comes_moves_and_goes() {
        let printed = "(1/3) Installing nginx (1.24.0-r15)\n(2/3) Upgrading pcre (8.44-r0 -> 8.45-r3)\n\
                       (3/3) Purging lighttpd (1.4.73-r0)\nOK: 12 MiB in 20 packages\n";
        let simulated = Simulated::apk(&output(printed, "", 0)).expect("understood");
        assert_eq!(summary(&simulated, &["nginx".into()]), "install nginx 1.24.0-r15 (with pcre); remove lighttpd");
        let refused =
            "ERROR: unable to select packages:\n  nosuch (no such package):\n    required by: world[nosuch]\n";
        let error = Simulated::apk(&output("", refused, 1)).expect_err("refused");
        assert!(error.to_string().contains("nosuch (no such package)"), "{error}");
    }
}
