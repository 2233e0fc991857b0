//! Events without secrets: the last look before they reach terminal, files and stores.

use crate::event::Event;
use crate::secret::{contains_token, redact, scrubber, unknowns};
use serde_json::Value;

/// Fields that hold words of ours and names of hosts: sinks tell things apart by them.
const NAMES: &[&str] = &["type", "status", "mode", "sign", "run", "started", "commit", "op", "host", "hosts"];

/// The event as every sink may have it.
///
/// Texts were redacted where they were made; what somebody forgot, or a program printed in a form of its own, is found
/// here.
pub fn scrubbed(event: Event) -> Event {
    let scrubber = scrubber();
    if scrubber.is_empty() && unknowns() == 0 {
        return event;
    }
    let Ok(text) = serde_json::to_string(&event) else { return event };
    if !scrubber.finds(text.as_bytes()) && !contains_token(&text) {
        return event;
    }
    let cleaned = serde_json::to_value(&event).ok().map(|mut value| {
        clean(&mut value, NAMES);
        serde_json::from_value(value)
    });
    // Its words are left alone above, so that this does not come; shown it must not be in any case.
    let left_out = || Event::Warning { host: None, text: "an event that holds a secret was left out".into() };
    cleaned.and_then(Result::ok).unwrap_or_else(left_out)
}

/// A document whose texts hold no secret.
pub fn scrubbed_json(mut value: Value) -> Value {
    clean(&mut value, &[]);
    value
}

/// Leaves the values of `names` alone.
fn clean(value: &mut Value, names: &[&str]) {
    match value {
        Value::String(text) => *text = redact(text),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, names)),
        Value::Object(map) => {
            let texts = map.iter_mut().filter(|(key, _)| !names.contains(&key.as_str()));
            texts.for_each(|(_, value)| clean(value, names));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Failure, HostStatus};
    use crate::secret::conceal;

    #[test]
    fn a_document_stays_one_whatever_a_secret_looks_like() {
        conceal("54327");
        let shown = scrubbed_json(serde_json::json!({ "port": 54327, "log": "at 54327" }));
        assert_eq!(shown, serde_json::json!({ "port": 54327, "log": "at [secret]" }));
    }

    #[test]
    fn what_stands_for_a_secret_is_not_shown_either() {
        let token = crate::secret::unknown("an answer").to_string();
        let Event::Log { text, .. } = scrubbed(Event::Log { host: "web-1".into(), text: format!("<{token}>") }) else {
            panic!("the same event");
        };
        assert_eq!(text, "<[known after apply]>");
        assert_eq!(scrubbed_json(serde_json::json!([token])), serde_json::json!(["[known after apply]"]));
    }

    #[test]
    fn a_forgotten_secret_is_found_in_every_text_of_an_event() {
        conceal("forgotten\"value");
        let event = Event::HostFinished {
            host: "web-1".into(),
            status: HostStatus::Failed,
            exchanges: 1,
            error: Some(Failure { causes: vec!["said forgotten\"value".into()], ..Failure::new("x") }),
        };
        let Event::HostFinished { error: Some(error), .. } = scrubbed(event) else { panic!("the same event") };
        assert_eq!(error.causes, ["said [secret]"]);
    }
}
