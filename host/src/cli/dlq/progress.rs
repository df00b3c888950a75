//! How far a long work has come: on a terminal a bar, elsewhere a line now and then.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{Global, LogFormat, screen};
use crate::dead_letters::Seen;
use fedhost_base::clock::Stopwatch;

/// Between two lines.
const EVERY: Duration = Duration::from_secs(5);
const TEMPLATE: &str = "{wide_bar} {pos} of {len} letters, {msg} ({eta} left)";

/// Shows progress on stderr.
pub(super) enum Progress {
    Bar(ProgressBar),
    Lines { every: Duration, since: Stopwatch },
    Nothing,
}

impl Progress {
    pub(super) fn new(global: &Global) -> Self {
        if global.quiet || global.log_format == LogFormat::Json {
            return Self::Nothing;
        }
        if screen::is_watched() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(
                ProgressStyle::with_template(TEMPLATE)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            return Self::Bar(bar);
        }
        let every = if global.verbose {
            Duration::ZERO
        } else {
            EVERY
        };
        Self::Lines {
            every,
            since: Stopwatch::start(),
        }
    }

    /// `what` was done so far, for example `12 replayed`.
    pub(super) fn show(&mut self, seen: Seen, what: &str) {
        let Seen { records, of } = seen;
        match self {
            Self::Bar(bar) => {
                bar.set_length(of);
                bar.set_position(records);
                bar.set_message(what.to_owned());
            }
            Self::Lines { every, since } if since.elapsed() >= *every => {
                screen::note(&format!("{records} of {of} letters, {what}"));
                *since = Stopwatch::start();
            }
            Self::Lines { .. } | Self::Nothing => {}
        }
    }

    /// Takes the bar off the screen.
    pub(super) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
