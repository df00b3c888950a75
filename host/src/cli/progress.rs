//! The progress of a long command: on a terminal a moving line, elsewhere a line every few seconds.
//! `--quiet` and `--log-format json` show none.

use std::cell::RefCell;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Global, LogFormat, screen};
use fedhost_base::clock::Stopwatch;

/// Time between two lines where stderr is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// Time between two pictures of the spinner.
const TICK: Duration = Duration::from_millis(250);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    Records,
    Rows,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Records => "records",
            Self::Rows => "rows",
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Bytes => "{msg} {wide_bar} {bytes} of {total_bytes} ({eta} left)",
            Self::Records => "{msg} {wide_bar} {human_pos} of {human_len} records ({eta} left)",
            Self::Rows => "{msg} {wide_bar} {human_pos} of {human_len} rows ({eta} left)",
        }
    }
}

/// How much of a work is done, shown on stderr.
pub(super) struct Progress {
    unit: Unit,
    count: RefCell<Count>,
    display: Display,
}

struct Count {
    done: u64,
    of: u64,
    since_line: Stopwatch,
}

enum Display {
    Bar(ProgressBar),
    Lines { interval: Duration },
    Hidden,
}

impl Progress {
    /// Nothing is done yet of `of`; 0 where the amount is not known yet. With `-v` every step is a
    /// line where stderr is no terminal.
    pub(super) fn new(global: &Global, unit: Unit, of: u64) -> Self {
        let display = if is_hidden(global) {
            Display::Hidden
        } else if screen::is_terminal() {
            Display::Bar(bar(Some(of), unit.template()))
        } else if global.verbose > 0 {
            Display::Lines {
                interval: Duration::ZERO,
            }
        } else {
            Display::Lines {
                interval: LINE_INTERVAL,
            }
        };
        Self {
            unit,
            count: RefCell::new(Count {
                done: 0,
                of,
                since_line: Stopwatch::start(),
            }),
            display,
        }
    }

    /// `done` of `of` are done; `what` says what is done with them.
    pub(super) fn set(&self, what: &str, done: u64, of: u64) {
        {
            let mut count = self.count.borrow_mut();
            count.done = done;
            count.of = of;
        }
        self.show(what);
    }

    /// `more` are done.
    pub(super) fn add(&self, what: &str, more: u64) {
        self.count.borrow_mut().done += more;
        self.show(what);
    }

    fn show(&self, what: &str) {
        let mut count = self.count.borrow_mut();
        match &self.display {
            Display::Bar(bar) => {
                bar.set_length(count.of);
                bar.set_position(count.done);
                bar.set_message(what.to_owned());
            }
            Display::Lines { interval } if count.since_line.elapsed() >= *interval => {
                count.since_line = Stopwatch::start();
                let Count { done, of, .. } = *count;
                screen::note(&format!("{what}: {done} of {of} {}", self.unit.name()));
            }
            Display::Lines { .. } | Display::Hidden => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if matches!(self.display, Display::Bar(_)) {
            screen::remove_bar();
        }
    }
}

/// A moving line for work whose end is not known. It exists only on a terminal: elsewhere the
/// command's own lines show what happens.
pub(super) struct Spinner(Option<ProgressBar>);

impl Spinner {
    pub(super) fn new(global: &Global, message: &str) -> Self {
        if is_hidden(global) || !screen::is_terminal() {
            return Self(None);
        }
        let bar = bar(None, "{spinner} {msg} ({elapsed})");
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }

    /// Replaces the message.
    pub(super) fn set(&self, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.0 {
            bar.set_message(message());
        }
    }

    /// Removes the line from the screen.
    pub(super) fn finish(&self) {
        if self.0.is_some() {
            screen::remove_bar();
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.finish();
    }
}

fn is_hidden(global: &Global) -> bool {
    global.quiet || global.log_format == LogFormat::Json
}

fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    screen::add_bar(bar.clone());
    bar
}
