//! How far an evaluation has come: on a terminal a bar, elsewhere a line now and then.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use fedhost_domain::protocol::PlanError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::cli::{Global, LogFormat, screen};
use fedhost_base::clock::Stopwatch;
use fedhost_dataset as dataset;
use fedhost_evaluate::{Evaluation, Step};

/// Between two lines.
const EVERY: Duration = Duration::from_secs(5);
const ROWS: &str = "{msg} {wide_bar} {human_pos} of {human_len} rows ({eta} left)";
const BYTES: &str = "{msg} {wide_bar} {bytes} of {total_bytes} ({eta} left)";

/// Shows progress on stderr.
pub(super) struct Progress(RefCell<Shown>);

enum Shown {
    Bar(ProgressBar),
    Lines {
        since: Stopwatch,
        done: u64,
        of: u64,
    },
    Nothing,
}

impl Progress {
    fn new(global: &Global, template: &str, of: u64) -> Self {
        Self(RefCell::new(
            if global.quiet || global.log_format == LogFormat::Json {
                Shown::Nothing
            } else if screen::is_watched() {
                let bar = ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::stderr());
                bar.set_style(
                    ProgressStyle::with_template(template)
                        .unwrap_or_else(|_| ProgressStyle::default_bar()),
                );
                Shown::Bar(bar)
            } else {
                Shown::Lines {
                    since: Stopwatch::start(),
                    done: 0,
                    of,
                }
            },
        ))
    }

    /// Shows how far files are read.
    pub(super) fn reading<T>(
        global: &Global,
        read: impl FnOnce(&mut dyn FnMut(dataset::Progress<'_>) -> ControlFlow<()>) -> T,
        cancel: &CancellationToken,
    ) -> T {
        let progress = Self::new(global, BYTES, 0);
        let outcome = read(&mut |reading| {
            progress.at(
                &format!("reading {}", short(reading.file)),
                reading.read_bytes,
                reading.total_bytes,
            );
            if cancel.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        progress.finish();
        outcome
    }

    /// Shows how far plug-ins have come with rows to train on and to score.
    pub(super) fn judging(
        global: &Global,
        evaluation: &Evaluation<'_>,
        plugins: usize,
    ) -> Result<Self, PlanError> {
        Ok(Self::new(
            global,
            ROWS,
            evaluation.rows_in_all()? * plugins as u64,
        ))
    }

    pub(super) fn step(&self, plugin: &str, step: Step) -> ControlFlow<()> {
        if let Step::Fit { rows } | Step::Score { rows } = step {
            let (done, of) = self.0.borrow_mut().add(rows);
            self.say(plugin, done, of, "rows");
        }
        ControlFlow::Continue(())
    }

    fn at(&self, what: &str, done: u64, of: u64) {
        self.0.borrow_mut().set(done, of);
        self.say(what, done, of, "bytes");
    }

    fn say(&self, what: &str, done: u64, of: u64, unit: &str) {
        match &mut *self.0.borrow_mut() {
            Shown::Bar(bar) => bar.set_message(what.to_owned()),
            Shown::Lines { since, .. } if since.elapsed() >= EVERY => {
                *since = Stopwatch::start();
                screen::note(&format!("{what}: {done} of {of} {unit} in all"));
            }
            Shown::Lines { .. } | Shown::Nothing => {}
        }
    }

    pub(super) fn finish(&self) {
        if let Shown::Bar(bar) = &*self.0.borrow() {
            bar.finish_and_clear();
        }
    }
}

impl Shown {
    fn add(&mut self, rows: u64) -> (u64, u64) {
        match self {
            Self::Bar(bar) => {
                bar.inc(rows);
                (bar.position(), bar.length().unwrap_or(0))
            }
            Self::Lines { done, of, .. } => {
                *done += rows;
                (*done, *of)
            }
            Self::Nothing => (0, 0),
        }
    }

    fn set(&mut self, now: u64, all: u64) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(all);
                bar.set_position(now);
            }
            Self::Lines { done, of, .. } => (*done, *of) = (now, all),
            Self::Nothing => {}
        }
    }
}

fn short(file: &Path) -> String {
    file.file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy()
        .into_owned()
}
