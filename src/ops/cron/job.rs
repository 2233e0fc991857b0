//! `cron::job`

use super::table::{own_lines, with_job};
use crate::event::Sign;
use crate::ops::file::masked_edit;
use crate::ops::managed::{Args, Managed};
use crate::ops::resource::Key;
use crate::ops::resource::crontab::{Crontab, crontab};
use crate::ops::{Change, OpError, Operation, Plan, View};
use crate::remote::Command;
use crate::secret::{RevealError, contains_token, redact, reveal};
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Keeps one job in the crontab of a user.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    name: String,
    command: Option<String>,
    user: Option<String>,
    #[serde(default, deserialize_with = "time_field")]
    minute: Option<String>,
    #[serde(default, deserialize_with = "time_field")]
    hour: Option<String>,
    #[serde(default, deserialize_with = "time_field")]
    day: Option<String>,
    #[serde(default, deserialize_with = "time_field")]
    month: Option<String>,
    #[serde(default, deserialize_with = "time_field")]
    weekday: Option<String>,
    at: Option<String>,
    #[serde(default)]
    env: IndexMap<String, String>,
    present: Option<bool>,
}

/// `5` as well as `"*/5"`.
fn time_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(serde::de::Error::custom("a number or a text such as \"*/5\"")),
    }
}

const NICKNAMES: [&str; 8] =
    ["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

impl Job {
    fn user(&self) -> &str {
        self.user.as_deref().unwrap_or("root")
    }

    fn times(&self) -> [(&'static str, &Option<String>); 5] {
        [
            ("minute", &self.minute),
            ("hour", &self.hour),
            ("day", &self.day),
            ("month", &self.month),
            ("weekday", &self.weekday),
        ]
    }

    fn when(&self) -> String {
        match &self.at {
            Some(at) => at.clone(),
            None => self.times().map(|(_, field)| field.as_deref().unwrap_or("*")).join(" "),
        }
    }

    fn lines(&self) -> Vec<String> {
        match (&self.command, self.present.unwrap_or(true)) {
            (Some(command), true) => {
                let variables = self.env.iter().map(|(key, value)| format!("{key}={value}"));
                variables.chain([format!("{} {command}", self.when())]).collect()
            }
            _ => Vec::new(),
        }
    }

    fn check_when(&self) -> Result<(), String> {
        let given: Vec<&str> = self.times().iter().filter(|(_, time)| time.is_some()).map(|(name, _)| *name).collect();
        match &self.at {
            Some(_) if !given.is_empty() => Err(format!("arguments `at` and `{}` exclude each other", given[0])),
            Some(at) if !NICKNAMES.contains(&at.as_str()) => {
                Err(format!("argument `at`: `{at}` is none of {}", NICKNAMES.join(", ")))
            }
            Some(_) => Ok(()),
            None if given.is_empty() => Err("say when: `at: \"@daily\"`, or `minute`, `hour` and so on".into()),
            None => self.times().into_iter().try_for_each(|(name, time)| check_time(name, time.as_deref())),
        }
    }
}

/// Spec: crontab(5): numbers, names, `*`, ranges, lists and steps.
fn check_time(name: &str, time: Option<&str>) -> Result<(), String> {
    let (low, high) = match name {
        "minute" => (0, 59),
        "hour" => (0, 23),
        "day" => (1, 31),
        "month" => (1, 12),
        _ => (0, 7),
    };
    let Some(time) = time else { return Ok(()) };
    let is_name =
        |word: &str| ["month", "weekday"].contains(&name) && word.len() == 3 && word.chars().all(char::is_alphabetic);
    let is_number = |word: &str| word.parse::<u32>().is_ok_and(|number| (low..=high).contains(&number));
    let fits = |item: &str| {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let (from, to) = range.split_once('-').map_or((range, None), |(from, to)| (from, Some(to)));
        let end = |word: &str| is_number(word) || is_name(word);
        (range == "*" || end(from) && to.is_none_or(end))
            && step.is_none_or(|step| step.parse::<u32>().is_ok_and(|n| n > 0))
    };
    match time.split(',').all(fits) {
        true => Ok(()),
        false => Err(format!("argument `{name}`: `{time}` is no time of a crontab: {low}-{high}, `*/5`, `1,15`")),
    }
}

impl Operation for Job {
    const NAME: &'static str = "cron::job";
    type Seen = Crontab;

    fn check(&self) -> Result<(), String> {
        let broken = |text: &str| text.is_empty() || text.contains(['\n', '\r']);
        if broken(&self.name) || self.name.trim() != self.name {
            return Err("argument `name` must be one line".into());
        }
        if self.user().is_empty() || self.user().starts_with('-') {
            return Err(format!("argument `user`: `{}` is no user name", self.user()));
        }
        if !self.present.unwrap_or(true) {
            return Ok(());
        }
        match &self.command {
            None => return Err("argument `command` is missing".into()),
            Some(command) if broken(command) => return Err("argument `command` must be one line".into()),
            Some(_) => {}
        }
        for (key, value) in &self.env {
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || value.contains('\n') {
                return Err(format!("argument `env`: `{key}` is no variable of one line"));
            }
        }
        self.check_when()
    }

    fn manages(args: &Args<'_>) -> Vec<Managed> {
        let user = if args.text("user").is_empty() { "root" } else { args.text("user") };
        let fields = ["command", "minute", "hour", "day", "month", "weekday", "at", "env"];
        let mut job = args.kept("cron-job", format!("{user}: {}", args.text("name")), &fields);
        job.held_by = Some(Key::of::<Crontab>(user));
        vec![job.aspect("name", args.text("name")).aspect("user", user)]
    }

    fn probe(&self, view: &mut View<'_>) -> Result<Crontab, OpError> {
        view.see::<Crontab>(self.user())
    }

    fn plan(&self, seen: &Crontab) -> Result<Plan, OpError> {
        if !seen.supported {
            if self.lines().is_empty() {
                return Ok(Plan::new());
            }
            return Err(OpError::refused_with("no crontab(1) on this host", "pkg::installed(\"cron\") brings it"));
        }
        let lines = self.lines();
        let revealed = lines.iter().map(|line| plain(line)).collect::<Result<Vec<String>, OpError>>()?;
        if revealed.iter().any(|line| line.contains(['\n', '\r'])) {
            return Err(OpError::refused_with(
                format!("the job `{}` holds a secret of several lines, and a job of a crontab is one", self.name),
                "keep the secret in a file, and let the command read it",
            ));
        }
        let wanted = with_job(&seen.text, &self.name, &lines, &revealed);
        if plain(&wanted)? == plain(&seen.text)? {
            return Ok(Plan::new());
        }
        let had = seen.text.lines().any(|line| line.strip_prefix("# rhapsode: ") == Some(self.name.as_str()));
        let (sign, verb) = match (had, lines.is_empty()) {
            (false, _) => (Sign::Create, "add"),
            (true, false) => (Sign::Update, "change"),
            (true, true) => (Sign::Remove, "remove"),
        };
        let command = Command::script(crontab(self.user(), "-")).stdin(wanted.clone());
        // Its own lines alone: what the other jobs hold may be their secrets, and what it holds now may be the one that is
        // being replaced.
        let (before, after) = (own_lines(&seen.text, &self.name), own_lines(&wanted, &self.name));
        let (before, after) = match contains_token(&after) {
            true => {
                let (before, after, _) = masked_edit(&before, &after);
                (before, after)
            }
            false => (redact(&before), redact(&after)),
        };
        let change = Change::new(sign, format!("{verb} job `{}` of {}", self.name, self.user()))
            .diff(before, after)
            .run(command)
            .touching(["/var/spool/cron", "/etc/crontabs"])
            .makes(self.user(), Crontab { supported: true, text: wanted });
        Ok(change.into())
    }
}

fn plain(text: &str) -> Result<String, OpError> {
    match reveal(text) {
        Ok(plain) => Ok(plain.to_string()),
        Err(RevealError::Unknown(what)) => Err(OpError::Unknown(what)),
        Err(_) => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::conceal;

    fn planned(seen: &str, token: &str) -> Result<Plan, OpError> {
        let want = serde_json::json!({ "name": "backup", "command": "/bin/backup", "at": "@daily", "env": { "TOKEN": token } });
        let job: Job = serde_json::from_value(want).expect("a job");
        job.plan(&Crontab { supported: true, text: seen.to_owned() })
    }

    #[test]
    fn neither_a_former_secret_nor_those_of_other_jobs_are_shown() {
        let seen =
            "OTHER=theirs-4711\n0 1 * * * /bin/true\n# rhapsode: backup\nTOKEN=former-4711\n@daily /bin/backup\n";
        let seen = format!("{seen}# rhapsode: inline\n@daily curl theirs-4711\n");
        let plan = planned(&seen, &conceal("cron-new-4711").to_string()).expect("a plan");
        let (before, after) = plan.changes[0].diff.clone().expect("a diff");
        assert_eq!((before.as_str(), after.as_str()), ("TOKEN=[secret]\n", "TOKEN=[secret] (changed)\n"));
    }

    #[test]
    fn a_secret_of_several_lines_adds_none_to_the_table() {
        let error = planned("", &conceal("line one\n* * * * * /bin/evil").to_string()).expect_err("refused");
        assert!(error.to_string().contains("several lines"), "{error}");
    }
}
