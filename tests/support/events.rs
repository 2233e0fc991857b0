//! Events of runs as an engine would send them, with fixed times.

use rhapsode::event::{ChangeLine, Event, Failure, HostStatus, Mode, OpStatus, OperationEnd, RunStart, Sign, Tally};

/// The run that all these events belong to.
pub const RUN: &str = "01JD3K8P2MZ5Q6R7S8T9VAWBXC";

/// The difference of a message of the day.
pub const DIFF: &str = "--- /etc/motd\n+++ /etc/motd\n@@ -1 +1,2 @@\n-hello\n+welcome\n+to web\n";

/// Builds the events of a run.
pub struct Story {
    events: Vec<Event>,
    play: Option<String>,
}

impl Story {
    /// A run on these hosts.
    pub fn new(mode: Mode, hosts: &[&str]) -> Self {
        let start = RunStart {
            run: RUN.into(),
            mode,
            playbook: "playbooks/site.rhai".into(),
            commit: Some("9f2c1a7e0d5b4c3a2f1e0d9c8b7a6f5e4d3c2b1a".into()),
            dirty: false,
            inventory: "inventories/production.yaml".into(),
            arguments: [("limit".to_owned(), serde_json::json!("web"))].into(),
            who: "ada@desk".into(),
            started: "2026-11-20T10:00:00Z".into(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            sources: None,
            resumes: None,
            undoes: None,
        };
        Self { events: vec![Event::RunStarted(start)], play: None }
    }

    /// Every later operation belongs to this play.
    pub fn play(mut self, name: &str) -> Self {
        self.play = Some(name.into());
        self
    }

    /// Any event.
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// A host logs in within 20 ms.
    pub fn connect(self, host: &str) -> Self {
        self.event(Event::HostConnecting { host: host.into() })
            .event(Event::HostConnected { host: host.into(), duration_ms: 20 })
    }

    /// An operation on a host, 3 ms long; `edit` changes what is not the usual.
    pub fn op(
        self,
        host: &str,
        op: &str,
        target: &str,
        status: OpStatus,
        edit: impl FnOnce(&mut OperationEnd),
    ) -> Self {
        let play = self.play.clone();
        let at = format!("playbooks/site.rhai:{}:5", 10 + target.len());
        let mut end = OperationEnd {
            id: format!("{host}/{}/{}", op.split("::").next().unwrap_or(op), target.replace('/', "\\/")),
            op: op.into(),
            target: target.into(),
            name: None,
            status,
            changes: vec![],
            diff: None,
            reason: None,
            error: None,
            output: None,
            at: at.clone(),
            play,
            duration_ms: 3,
            drift: None,
        };
        edit(&mut end);
        self.event(Event::OperationStarted { host: host.into(), op: op.into(), target: target.into(), at })
            .event(Event::OperationFinished { host: host.into(), end: Box::new(end) })
    }

    /// `file::put /etc/motd` with new content and mode.
    pub fn motd(self, host: &str) -> Self {
        self.op(host, "file::put", "/etc/motd", OpStatus::Changed, |end| {
            end.changes = vec![change(Sign::Update, "content"), change(Sign::Update, "mode 0600 -> 0644")];
            end.diff = Some(DIFF.into());
        })
    }

    /// A host ends, after 3 exchanges; the verdict follows from its operations.
    pub fn done(self, host: &str) -> Self {
        let status = tally(&self.events).verdict(host);
        self.end(host, status, None)
    }

    /// A host ends so.
    pub fn end(self, host: &str, status: HostStatus, error: Option<Failure>) -> Self {
        let exchanges = if status == HostStatus::Unreachable { 0 } else { 3 };
        self.event(Event::HostFinished { host: host.into(), status, exchanges, error })
    }

    /// The run ends after 812 ms.
    pub fn finish(self, exit: i32) -> Vec<Event> {
        let totals = tally(&self.events).totals();
        self.event(Event::RunFinished { exit, duration_ms: 812, totals }).events
    }

    /// The run was killed.
    pub fn abandoned(self) -> Vec<Event> {
        self.events
    }

    /// The same with another id and start.
    pub fn named(mut self, run: &str, started: &str) -> Self {
        if let Some(Event::RunStarted(start)) = self.events.first_mut() {
            start.run = run.into();
            start.started = started.into();
        }
        self
    }

    /// One good, one changed, one failed, and one unreachable host.
    pub fn mixed(mode: Mode) -> Vec<Event> {
        Self::new(mode, &["web-1", "web-2", "db-1", "lost-1"])
            .play("web tier")
            .connect("web-1")
            .connect("web-2")
            .connect("db-1")
            .motd("web-1")
            .op("web-2", "file::put", "/etc/motd", OpStatus::Unchanged, |_| {})
            .op("web-1", "pkg::installed", "curl", OpStatus::Unchanged, |_| {})
            .op("web-1", "cmd::run", "make install", OpStatus::Changed, |end| {
                end.changes = vec![change(Sign::Run, "make install")];
                end.output = Some("cc -o app app.c\n\u{1b}[32mdone\u{1b}[0m\r\n".into());
            })
            .op("web-2", "cron::job", "backup", OpStatus::Skipped, |end| end.reason = Some("tag `slow`".into()))
            .op("db-1", "service::running", "nginx", OpStatus::Failed, |end| end.error = Some(nginx("db-1")))
            .event(Event::Log { host: "web-1".into(), text: "release 42\nis out".into() })
            .event(Event::Warning { host: Some("web-2".into()), text: "the clock is 90 s behind".into() })
            .end("db-1", HostStatus::Failed, Some(nginx("db-1")))
            .end("lost-1", HostStatus::Unreachable, Some(timeout("lost-1")))
            .done("web-1")
            .done("web-2")
            .finish(3)
    }
}

/// A change in words.
pub fn change(sign: Sign, text: &str) -> ChangeLine {
    ChangeLine { sign, text: text.into(), open: false, secrets: None }
}

/// The error of the style guide.
pub fn nginx(host: &str) -> Failure {
    Failure {
        message: format!("cannot start unit `nginx.service` on `{host}`"),
        at: Some("playbooks/site.rhai:15:5".into()),
        calls: Vec::new(),
        causes: vec!["`systemctl start -- nginx.service` exited with 1".into()],
        hint: Some("`nginx -t` on the host names the faulty line".into()),
        code: Some(1),
        stderr: Some("Job for nginx.service failed.\n".into()),
    }
}

/// A host that does not answer.
pub fn timeout(host: &str) -> Failure {
    Failure::new(format!("cannot reach `{host}`: connection timed out")).hint(format!("try `ssh {host}` by hand"))
}

fn tally(events: &[Event]) -> Tally {
    let mut tally = Tally::default();
    events.iter().for_each(|event| tally.add(event));
    tally
}
