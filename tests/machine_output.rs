//! What machines see of a run: one document, or events in lines.

use crate::report::{Screen, play};
use crate::support::events::{DIFF, RUN, Story};
use rhapsode::event::{Event, Mode, Sink};
use rhapsode::report::{EventLines, Json};

pub fn document(events: &[Event]) -> String {
    let screen = Screen::default();
    play(&mut Json::new(Box::new(screen.clone())), events);
    screen.text()
}

#[test]
fn the_json_document_has_the_fields_of_the_design_in_their_order() {
    let events =
        Story::new(Mode::Apply, &["web-1"]).play("web tier").connect("web-1").motd("web-1").done("web-1").finish(0);
    insta::assert_snapshot!(document(&events), @r#"
    {
      "run": "01JD3K8P2MZ5Q6R7S8T9VAWBXC",
      "mode": "apply",
      "playbook": "playbooks/site.rhai",
      "commit": "9f2c1a7e0d5b4c3a2f1e0d9c8b7a6f5e4d3c2b1a",
      "dirty": false,
      "exit": 0,
      "duration_ms": 812,
      "totals": {
        "hosts": 1,
        "ok": 0,
        "changed": 1,
        "failed": 0,
        "unreachable": 0,
        "skipped": 0,
        "operations": 1,
        "changes": 1,
        "unknown": 0,
        "exchanges": 3,
        "not_predictable": 0,
        "orphans": 0
      },
      "hosts": {
        "web-1": {
          "status": "changed",
          "exchanges": 3,
          "error": null,
          "operations": [
            {
              "id": "web-1/file/\\/etc\\/motd",
              "op": "file::put",
              "target": "/etc/motd",
              "status": "changed",
              "diff": "--- /etc/motd\n+++ /etc/motd\n@@ -1 +1,2 @@\n-hello\n+welcome\n+to web\n",
              "at": "playbooks/site.rhai:19:5",
              "play": "web tier",
              "duration_ms": 3,
              "changes": [
                {
                  "sign": "update",
                  "text": "content"
                },
                {
                  "sign": "update",
                  "text": "mode 0600 -> 0644"
                }
              ]
            }
          ]
        }
      },
      "inventory": "inventories/production.yaml",
      "started": "2026-11-20T10:00:00Z",
      "who": "ada@desk",
      "warnings": []
    }
    "#);
}

#[test]
fn the_json_document_holds_every_host_and_every_verdict() {
    let document: serde_json::Value = serde_json::from_str(&document(&Story::mixed(Mode::Apply))).expect("JSON");
    assert_eq!(document["exit"], 3);
    assert_eq!(document["hosts"]["lost-1"]["status"], "unreachable");
    assert_eq!(document["hosts"]["lost-1"]["operations"], serde_json::json!([]));
    assert_eq!(document["hosts"]["lost-1"]["error"]["hint"], "try `ssh lost-1` by hand");
    assert_eq!(document["hosts"]["db-1"]["operations"][0]["error"]["code"], 1);
    assert_eq!(document["hosts"]["web-2"]["operations"][1]["reason"], "tag `slow`");
    assert_eq!(document["hosts"]["web-2"]["warnings"], serde_json::json!(["the clock is 90 s behind"]));
    assert_eq!(document["hosts"]["web-1"]["log"], serde_json::json!(["release 42\nis out"]));
    let order: Vec<&String> = document["hosts"].as_object().expect("a map").keys().collect();
    assert_eq!(order, ["web-1", "web-2", "db-1", "lost-1"]);
}

#[test]
fn the_json_document_of_a_killed_run_has_no_exit_code() {
    let events = Story::new(Mode::Apply, &["web-1"]).motd("web-1").abandoned();
    let document: serde_json::Value = serde_json::from_str(&document(&events)).expect("JSON");
    assert_eq!(document["exit"], serde_json::Value::Null);
    assert_eq!(document["hosts"]["web-1"]["status"], serde_json::Value::Null);
    assert_eq!(document["totals"]["changes"], 1);
}

pub fn lines(events: &[Event]) -> Vec<serde_json::Value> {
    let screen = Screen::default();
    play(&mut EventLines::new(Box::new(screen.clone())), events);
    screen.text().lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn every_event_line_names_its_type_and_run() {
    let events = Story::mixed(Mode::Apply);
    let lines = lines(&events);
    assert_eq!(lines.len(), events.len());
    for line in &lines {
        assert_eq!(line["run"], RUN);
        assert!(line["type"].is_string(), "{line}");
    }
    let ended = lines.iter().find(|line| line["type"] == "operation_finished").expect("an operation");
    assert_eq!(
        *ended,
        serde_json::json!({
            "run": RUN, "type": "operation_finished", "host": "web-1", "id": "web-1/file/\\/etc\\/motd",
            "op": "file::put", "target": "/etc/motd", "status": "changed",
            "changes": [{ "sign": "update", "text": "content" }, { "sign": "update", "text": "mode 0600 -> 0644" }],
            "diff": DIFF, "at": "playbooks/site.rhai:19:5", "play": "web tier", "duration_ms": 3,
        })
    );
}

#[test]
fn event_lines_of_a_file_stand_there_before_the_run_is_over() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let path = dir.path().join("events.jsonl");
    std::fs::write(&path, "what was there before\n").expect("written");
    let mut sink = EventLines::open(&path).expect("opened");
    let events = Story::mixed(Mode::Apply);
    sink.emit(&events[0]).expect("written");
    let text = std::fs::read_to_string(&path).expect("read");
    assert!(text.starts_with("{\"type\":\"run_started\"") && text.ends_with("}\n"), "{text}");
}
