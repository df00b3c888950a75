//! The progress of an evaluation: bytes of files that are read, then rows that plug-ins take.

use std::ops::ControlFlow;
use std::path::Path;

use fedhost_domain::protocol::PlanError;
use tokio_util::sync::CancellationToken;

use crate::cli::Global;
use crate::cli::progress::{Progress, Unit};
use fedhost_dataset as dataset;
use fedhost_evaluate::{Evaluation, Step};

/// Shows how far files are read; `cancel` stops the reading.
pub(super) fn reading<T>(
    global: &Global,
    read: impl FnOnce(&mut dyn FnMut(dataset::Progress<'_>) -> ControlFlow<()>) -> T,
    cancel: &CancellationToken,
) -> T {
    let progress = Progress::new(global, Unit::Bytes, 0);
    read(&mut |reading| {
        progress.set(
            &format!("reading {}", file_name(reading.file)),
            reading.read_bytes,
            reading.total_bytes,
        );
        if cancel.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

/// For the rows that `plugins` plug-ins train on and score.
pub(super) fn rows(
    global: &Global,
    evaluation: &Evaluation<'_>,
    plugins: usize,
) -> Result<Progress, PlanError> {
    let rows = evaluation.rows_in_all()? * plugins as u64;
    Ok(Progress::new(global, Unit::Rows, rows))
}

/// Shows one step of a plug-in.
pub(super) fn step(progress: &Progress, plugin: &str, step: Step) {
    if let Step::Fit { rows } | Step::Score { rows } = step {
        progress.add(plugin, rows);
    }
}

fn file_name(file: &Path) -> String {
    file.file_name()
        .unwrap_or(file.as_os_str())
        .to_string_lossy()
        .into_owned()
}
