//! What people see of a run.

use crate::machine_output::{document, lines};
use crate::support::events::{RUN, Story, change, nginx, timeout};
use rhapsode::event::{Bus, Event, Failure, HostStatus, Mode, OpStatus, Sign, Sink, SinkError};
use rhapsode::report::{EventLines, Human, Look, Paint, Verbosity};
use rhapsode::state::Store;
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Keeps what is written to it.
#[derive(Clone, Default)]
pub struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Screen {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

fn shown(events: &[Event], look: Look) -> String {
    let screen = Screen::default();
    let mut human = Human::new(Box::new(screen.clone()), look);
    play(&mut human, events);
    screen.text()
}

pub fn play(sink: &mut dyn Sink, events: &[Event]) {
    events.iter().for_each(|event| sink.emit(event).expect("the sink takes it"));
    sink.finish().expect("the sink ends");
}

fn plain(events: &[Event]) -> String {
    shown(events, Look::plain(Verbosity::Normal))
}

#[test]
fn an_apply_shows_what_changes_and_what_fails() {
    insta::assert_snapshot!(plain(&Story::mixed(Mode::Apply)), @r#"
    apply playbooks/site.rhai on 4 hosts (inventories/production.yaml, commit 9f2c1a7)
    web-1   ~ file::put /etc/motd  content, mode 0600 -> 0644
    web-1   ! cmd::run make install
        | cc -o app app.c
        | done
    db-1    x service::running nginx  cannot start unit `nginx.service` on `db-1`
    web-1: release 42
    web-1: is out
    warning: web-2: the clock is 90 s behind
    lost-1  x unreachable: cannot reach `lost-1`: connection timed out

    error: cannot start unit `nginx.service` on `db-1`
        at playbooks/site.rhai:15:5
    caused by: `systemctl start -- nginx.service` exited with 1
        | Job for nginx.service failed.
    hint: `nginx -t` on the host names the faulty line

    error: cannot reach `lost-1`: connection timed out
    hint: try `ssh lost-1` by hand

    host    result       ok  changed  failed  skipped  exchanges   time
    web-1   changed       1        2       0        0          3  29 ms
    web-2   ok            1        0       0        1          3  26 ms
    db-1    failed        0        0       1        0          3  23 ms
    lost-1  unreachable   0        0       0        0          0   0 ms
    apply 01JD3K8P2M: 4 hosts, 2 changes, 1 failed, 1 unreachable in 812 ms
    "#);
}

#[test]
fn a_plan_is_one_page_in_the_order_of_the_script() {
    let events = Story::new(Mode::Plan, &["web-1", "web-2", "web-3", "db-1"])
        .op("db-1", "user::present", "app", OpStatus::Changed, |end| {
            end.changes = vec![change(Sign::Create, "user, uid 1000")];
        })
        .play("web tier")
        .motd("web-2")
        .op("web-1", "user::absent", "app", OpStatus::Unchanged, |_| {})
        .motd("web-1")
        .motd("web-3")
        .op("web-2", "file::absent", "/etc/motd.old", OpStatus::Changed, |end| {
            end.changes = vec![change(Sign::Remove, "file")];
            end.diff = Some("-old\n".into());
        })
        .op("web-1", "pkg::installed", "nginx", OpStatus::Changed, |end| {
            end.name = Some("web server".into());
            end.changes = ["nginx", "nginx-common", "libgd3", "libxpm4"]
                .map(|name| change(Sign::Create, &format!("{name} 1.26.0")))
                .into();
        })
        .op("web-1", "service::running", "nginx", OpStatus::Unknown, |end| {
            end.reason = Some("package nginx is not installed yet".into());
        })
        .event(Event::NotPredictable {
            host: "web-3".into(),
            at: "playbooks/site.rhai:31:9".into(),
            reason: "output of `nginx -v`".into(),
        })
        .done("web-1")
        .done("web-2")
        .done("web-3")
        .done("db-1")
        .finish(0);
    insta::assert_snapshot!(plain(&events), @r#"
    plan playbooks/site.rhai on 4 hosts (inventories/production.yaml, commit 9f2c1a7)

    db-1      + user::present app  user, uid 1000
    play web tier
    web-1..3  ~ file::put /etc/motd  content, mode 0600 -> 0644
        @@ -1 +1,2 @@
        -hello
        +welcome
        +to web
    web-3     ? not predictable after line 31: output of `nginx -v`  playbooks/site.rhai:31:9
    web-2     - file::absent /etc/motd.old  file
        -old
    web-1     + pkg::installed nginx (web server)  4 changes
        + nginx 1.26.0
        + nginx-common 1.26.0
        + libgd3 1.26.0
        + libxpm4 1.26.0
    web-1     ? service::running nginx  known after apply: package nginx is not installed yet

    host   result   ok  changed  failed  unknown  exchanges   time
    web-1  changed   1        2       0        1          3  12 ms
    web-2  changed   0        2       0        0          3   6 ms
    web-3  changed   0        1       0        0          3   3 ms
    db-1   changed   0        1       0        0          3   3 ms
    plan 01JD3K8P2M: 6 changes on 4 of 4 hosts, 1 known only after apply, 1 host not predictable; nothing was changed
    "#);
}

#[test]
fn a_plan_draws_equal_changes_of_many_hosts_together() {
    let hosts: Vec<String> = (1..=20).map(|n| format!("web-{n}")).collect();
    let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let mut story = Story::new(Mode::Plan, &names);
    for (n, host) in names.iter().enumerate() {
        story = story.motd(host);
        if n % 2 == 0 {
            story = story.op(host, "file::absent", "/tmp/x", OpStatus::Changed, |end| {
                end.changes = vec![change(Sign::Remove, "file")];
            });
        }
        story = story.done(host);
    }
    let text = plain(&story.finish(0));
    let page: Vec<&str> = text.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    insta::assert_snapshot!(page.join("\n"), @r#"
    web-1..20  ~ file::put /etc/motd  content, mode 0600 -> 0644
        @@ -1 +1,2 @@
        -hello
        +welcome
        +to web
    10 hosts   - file::absent /tmp/x  file
        on web-1, web-3, web-5, web-7, web-9, web-11, web-13, web-15, web-17, web-19
    "#);
}

#[test]
fn a_plan_without_changes_says_so_in_one_sentence() {
    let events = Story::new(Mode::Plan, &["web-1"])
        .op("web-1", "file::put", "/etc/motd", OpStatus::Unchanged, |_| {})
        .done("web-1")
        .finish(0);
    insta::assert_snapshot!(plain(&events), @r#"
    plan playbooks/site.rhai on web-1 (inventories/production.yaml, commit 9f2c1a7)

    host   result  ok  changed  failed  exchanges  time
    web-1  ok       1        0       0          3  3 ms
    plan 01JD3K8P2M: no changes on 1 host
    "#);
}

#[test]
fn drift_speaks_of_differences() {
    let events = Story::new(Mode::Drift, &["web-1", "web-2"]).motd("web-1").done("web-1").done("web-2").finish(2);
    let text = plain(&events);
    assert_eq!(text.lines().last(), Some("drift 01JD3K8P2M: 1 difference on 1 of 2 hosts; nothing was changed"));
    assert!(text.contains("    +welcome\n"), "the diff is shown unasked:\n{text}");
}

#[test]
fn verbose_shows_what_is_unchanged_and_what_commands_print() {
    let text = shown(&Story::mixed(Mode::Apply), Look::plain(Verbosity::Verbose));
    insta::assert_snapshot!(text, @r#"
    apply playbooks/site.rhai on 4 hosts (inventories/production.yaml, commit 9f2c1a7)
    web-1   ~ file::put /etc/motd  content, mode 0600 -> 0644
    web-2   = file::put /etc/motd
    web-1   = pkg::installed curl
    web-1   ! cmd::run make install
        | cc -o app app.c
        | done
    web-2   . cron::job backup  skipped: tag `slow`
    db-1    x service::running nginx  cannot start unit `nginx.service` on `db-1`
            at playbooks/site.rhai:15:5
        caused by: `systemctl start -- nginx.service` exited with 1
            | Job for nginx.service failed.
        hint: `nginx -t` on the host names the faulty line
    web-1: release 42
    web-1: is out
    warning: web-2: the clock is 90 s behind
    lost-1  x unreachable: cannot reach `lost-1`: connection timed out

    error: cannot start unit `nginx.service` on `db-1`
        at playbooks/site.rhai:15:5
    caused by: `systemctl start -- nginx.service` exited with 1
        | Job for nginx.service failed.
    hint: `nginx -t` on the host names the faulty line

    error: cannot reach `lost-1`: connection timed out
    hint: try `ssh lost-1` by hand

    host    result       ok  changed  failed  skipped  exchanges   time
    web-1   changed       1        2       0        0          3  29 ms
    web-2   ok            1        0       0        1          3  26 ms
    db-1    failed        0        0       1        0          3  23 ms
    lost-1  unreachable   0        0       0        0          0   0 ms
    apply 01JD3K8P2M: 4 hosts, 2 changes, 1 failed, 1 unreachable in 812 ms
    "#);
}

#[test]
fn very_verbose_adds_durations_and_ids() {
    let events = Story::new(Mode::Apply, &["web-1"]).motd("web-1").done("web-1").finish(0);
    let text = shown(&events, Look::plain(Verbosity::Detailed));
    assert_eq!(
        text.lines().nth(1),
        Some("web-1  ~ file::put /etc/motd  content, mode 0600 -> 0644  3 ms  web-1/file/\\/etc\\/motd")
    );
}

#[test]
fn quiet_prints_errors_alone() {
    let text = shown(&Story::mixed(Mode::Apply), Look::plain(Verbosity::Quiet));
    insta::assert_snapshot!(text, @r#"
    error: cannot start unit `nginx.service` on `db-1`
        at playbooks/site.rhai:15:5
    caused by: `systemctl start -- nginx.service` exited with 1
        | Job for nginx.service failed.
    hint: `nginx -t` on the host names the faulty line

    error: cannot reach `lost-1`: connection timed out
    hint: try `ssh lost-1` by hand
    "#);
    let good = Story::new(Mode::Apply, &["web-1"]).motd("web-1").done("web-1").finish(0);
    assert_eq!(shown(&good, Look::plain(Verbosity::Quiet)), "");
}

#[test]
fn an_apply_with_diff_shows_the_same_one_once() {
    let events = ["a", "b"].iter().fold(Story::new(Mode::Apply, &["a", "b"]), |story, host| story.motd(host)).finish(0);
    let look = Look { diff: Some(true), ..Look::plain(Verbosity::Normal) };
    let text = shown(&events, look);
    assert_eq!(text.matches("+welcome").count(), 1);
    assert!(text.contains("0600 -> 0644  (diff as on a)\n"), "{text}");
    assert!(!plain(&events).contains("welcome"), "not asked for");
}

#[test]
fn a_failure_that_the_script_caught_is_a_line_and_no_error() {
    let events = Story::new(Mode::Apply, &["web-1"])
        .op("web-1", "service::running", "nginx", OpStatus::Failed, |end| end.error = Some(nginx("web-1")))
        .motd("web-1")
        .done("web-1")
        .finish(0);
    insta::assert_snapshot!(plain(&events), @r#"
    apply playbooks/site.rhai on web-1 (inventories/production.yaml, commit 9f2c1a7)
    web-1  x service::running nginx  cannot start unit `nginx.service` on `web-1`
    web-1  ~ file::put /etc/motd  content, mode 0600 -> 0644

    host   result   ok  changed  failed  exchanges  time
    web-1  changed   0        1       1          3  6 ms
    apply 01JD3K8P2M: 1 host, 1 change, 0 failed in 812 ms
    "#);
}

#[test]
fn an_error_of_the_script_is_told_with_its_host() {
    let error = Failure::new("division by zero").at("playbooks/site.rhai:3:1");
    let events = Story::new(Mode::Apply, &["web-1"]).end("web-1", HostStatus::Failed, Some(error)).finish(3);
    insta::assert_snapshot!(plain(&events), @r#"
    apply playbooks/site.rhai on web-1 (inventories/production.yaml, commit 9f2c1a7)
    web-1  x failed: division by zero

    error: web-1: division by zero
        at playbooks/site.rhai:3:1

    host   result  ok  changed  failed  exchanges  time
    web-1  failed   0        0       0          3  0 ms
    apply 01JD3K8P2M: 1 host, 0 changes, 1 failed in 812 ms
    "#);
}

#[test]
fn a_host_that_tells_less_than_its_operation_is_explained_by_it() {
    let events = Story::new(Mode::Apply, &["web-1"])
        .op("web-1", "service::running", "nginx", OpStatus::Failed, |end| end.error = Some(nginx("web-1")))
        .end("web-1", HostStatus::Failed, Some(Failure::new(nginx("web-1").message)))
        .finish(3);
    let text = plain(&events);
    assert!(text.contains("hint: `nginx -t`"), "{text}");
    assert_eq!(text.matches("cannot start unit").count(), 2, "beside the operation and in the error:\n{text}");
}

#[test]
fn a_thousand_hosts_give_a_summary_that_can_be_read() {
    let hosts: Vec<String> = (0..1_000).map(|n| format!("h{n:03}")).collect();
    let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let mut story = Story::new(Mode::Plan, &names);
    for (n, host) in names.iter().enumerate() {
        story = match n {
            7 => story.end(host, HostStatus::Failed, Some(nginx(host))),
            8..=10 => story.end(host, HostStatus::Unreachable, Some(timeout(host))),
            _ if n % 2 == 0 => story.motd(host).end(host, HostStatus::Changed, None),
            _ => story.end(host, HostStatus::Ok, None),
        };
    }
    insta::assert_snapshot!(plain(&story.finish(3)), @r#"
    plan playbooks/site.rhai on 1000 hosts (inventories/production.yaml, commit 9f2c1a7)

    498 hosts  ~ file::put /etc/motd  content, mode 0600 -> 0644
        on h000, h002, h004, h006, h012, h014, h016, h018, h020, h022, h024, h026, h028, h030, h032, h034, h036, h038, h040, h042, h044, h046, h048, h050, h052, h054, …
        @@ -1 +1,2 @@
        -hello
        +welcome
        +to web

    error: cannot start unit `nginx.service` on `h007`
        at playbooks/site.rhai:15:5
    caused by: `systemctl start -- nginx.service` exited with 1
        | Job for nginx.service failed.
    hint: `nginx -t` on the host names the faulty line

    error: cannot reach `h008`: connection timed out
    hint: try `ssh h008` by hand
    the same on 2 more: h009, h010

    host  result       ok  changed  failed  exchanges  time
    h007  failed        0        0       0          3  0 ms
    h008  unreachable   0        0       0          0  0 ms
    h009  unreachable   0        0       0          0  0 ms
    h010  unreachable   0        0       0          0  0 ms
    … and 996 hosts without problems: 498 ok, 498 changed
    plan 01JD3K8P2M: 498 changes on 498 of 1000 hosts, 1 failed, 3 unreachable; nothing was changed
    "#);
}

#[test]
fn a_thousand_broken_hosts_do_not_fill_the_screen() {
    let hosts: Vec<String> = (0..1_000).map(|n| format!("h{n:03}")).collect();
    let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let story = names.iter().fold(Story::new(Mode::Plan, &names), |story, host| {
        story.end(host, HostStatus::Unreachable, Some(timeout(host)))
    });
    let text = plain(&story.finish(4));
    assert!(text.lines().count() < 60, "{text}");
    assert!(text.contains("\nthe same on 999 more: h001..999\n"), "{text}");
    assert!(text.contains("\n… and 960 more with problems: 960 unreachable\n"), "{text}");
}

#[test]
fn a_run_that_was_killed_is_shown_as_far_as_it_came() {
    let events = Story::new(Mode::Apply, &["web-1", "web-2"]).motd("web-1").done("web-1").abandoned();
    insta::assert_snapshot!(plain(&events), @r#"
    apply playbooks/site.rhai on 2 hosts (inventories/production.yaml, commit 9f2c1a7)
    web-1  ~ file::put /etc/motd  content, mode 0600 -> 0644

    host   result      ok  changed  failed  exchanges  time
    web-1  changed      0        1       0          3  3 ms
    web-2  unfinished   0        0       0          0  0 ms
    apply 01JD3K8P2M: 2 hosts, 1 change, 0 failed; it did not end
    "#);
}

#[test]
fn without_colours_nothing_but_text_is_printed() {
    for mode in [Mode::Plan, Mode::Apply, Mode::Drift] {
        for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose, Verbosity::Detailed] {
            let text = shown(&Story::mixed(mode), Look::plain(verbosity));
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{mode:?} {verbosity:?}:\n{text:?}");
        }
    }
}

#[test]
fn colours_change_no_text() {
    let look = Look { paint: Paint::COLOUR, ..Look::plain(Verbosity::Normal) };
    for mode in [Mode::Plan, Mode::Apply] {
        let painted = shown(&Story::mixed(mode), look);
        assert!(painted.contains("\u{1b}[32m"), "{painted:?}");
        assert_eq!(console::strip_ansi_codes(&painted), plain(&Story::mixed(mode)));
    }
}

#[test]
fn a_host_cannot_play_tricks_on_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\rx";
    let events = Story::new(Mode::Apply, &["web-1"])
        .op("web-1", "file::put", &format!("/tmp/{evil}"), OpStatus::Changed, |end| {
            end.changes = vec![change(Sign::Create, evil)];
            end.diff = Some(format!("+{evil}\n"));
            end.output = Some(evil.into());
        })
        .event(Event::Log { host: "web-1".into(), text: evil.into() })
        .event(Event::Warning { host: None, text: evil.into() })
        .end("web-1", HostStatus::Failed, Some(Failure { stderr: Some(evil.into()), ..Failure::new(evil) }.hint(evil)))
        .finish(3);
    let look = Look { diff: Some(true), ..Look::plain(Verbosity::Detailed) };
    let text = shown(&events, look);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn a_stored_run_replays_as_it_was_shown() {
    let dir = tempfile::tempdir().expect("a temp dir");
    for mode in [Mode::Apply, Mode::Plan] {
        let store = Store::open(&dir.path().join(format!("{}.db", mode.as_str()))).expect("the store opens");
        let events = Story::mixed(mode);
        let Event::RunStarted(start) = &events[0] else { panic!("a run starts") };
        play(&mut store.begin(start).expect("recorded"), &events);
        let replayed = store.events(RUN).expect("events");
        for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose, Verbosity::Detailed] {
            let look = Look { diff: Some(true), ..Look::plain(verbosity) };
            assert_eq!(shown(&replayed, look), shown(&events, look));
        }
        assert_eq!(document(&replayed), document(&events));
        assert_eq!(lines(&replayed).last(), lines(&events).last());
    }
}

#[test]
fn an_events_file_without_room_is_reported_once_and_the_run_goes_on() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let screen = Screen::default();
    let human = Human::new(Box::new(screen.clone()), Look::plain(Verbosity::Normal));
    let bus = Bus::new(vec![Box::new(EventLines::new(Box::new(full))), Box::new(human)]);
    Story::mixed(Mode::Apply).into_iter().for_each(|event| bus.emit(event));
    let dropped: Vec<(String, SinkError)> = bus.finish().into_iter().map(|sink| (sink.sink, sink.error)).collect();
    assert_eq!(dropped.len(), 1);
    let text = screen.text();
    assert_eq!(text.matches("warning: the events file gets no more events: No space left").count(), 1, "{text}");
    assert!(text.ends_with("in 812 ms\n"), "{text}");
}
