//! How things look: colours, amount, live lines.

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use std::fmt::Display;
use std::io::IsTerminal;

/// How much is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// What changes, and a summary.
    #[default]
    Normal,
    /// Operations that change nothing and output of commands too, and whole diffs.
    Verbose,
    /// The id and duration of every operation too.
    Detailed,
}

/// How a run is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// How much.
    pub verbosity: Verbosity,
    /// Whether diffs are shown; `None` shows them where nothing is changed: in a plan and for drift.
    pub diff: Option<bool>,
    /// Colours.
    pub paint: Paint,
    /// One line a host while it runs; needs a terminal.
    pub live: bool,
}

impl Look {
    /// The look that fits stderr: live lines on a terminal only, colours unless `no_color`, `NO_COLOR` or a dumb
    /// terminal forbid them.
    pub fn for_stderr(verbosity: Verbosity, diff: Option<bool>, no_color: bool) -> Self {
        let stderr = std::io::stderr();
        let live = stderr.is_terminal() && verbosity > Verbosity::Quiet && !dumb();
        Self { verbosity, diff, paint: Paint::for_stream(&stderr, no_color), live }
    }

    /// No colours, no cursor movements.
    pub fn plain(verbosity: Verbosity) -> Self {
        Self { verbosity, diff: None, paint: Paint::default(), live: false }
    }
}

fn dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// Colours text, or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Always colours.
    pub const COLOUR: Self = Self { on: true };

    /// Colours that fit a stream: none when `no_color` or the environment says so, or when it is no terminal.
    pub fn for_stream(stream: &impl anstream::stream::RawStream, no_color: bool) -> Self {
        Self { on: !no_color && AutoStream::choice(stream) != ColorChoice::Never }
    }

    /// The text in a style.
    pub fn with(self, style: Style, text: impl Display) -> String {
        if self.on { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    pub(super) fn good(self, text: impl Display) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn changed(self, text: impl Display) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(super) fn bad(self, text: impl Display) -> String {
        self.with(AnsiColor::Red.on_default(), text)
    }

    pub(super) fn error(self, text: impl Display) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub(super) fn note(self, text: impl Display) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    pub(super) fn unsure(self, text: impl Display) -> String {
        self.with(AnsiColor::Magenta.on_default(), text)
    }

    pub(super) fn strong(self, text: impl Display) -> String {
        self.with(Style::new().bold(), text)
    }

    pub(super) fn faint(self, text: impl Display) -> String {
        self.with(Style::new().dimmed(), text)
    }
}
