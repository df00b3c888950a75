//! Pictures and tables from run logs: one HTML page that needs no server, no script and no network.
//!
//! Events become plain numbers in [`summary`], numbers become a page; nothing here reads a clock or
//! the environment. The log is untrusted: its names and texts are shown as text, never
//! interpreted.

mod chart;
pub mod evaluation;
mod frame;
mod page;
pub mod summary;
mod table;
mod words;

use std::path::Path;

use fedhost_base::text::visible;

use crate::run_log;
use summary::RunSummary;

/// Reads run logs, and returns the numbers of each. A log is never in memory as a whole.
///
/// # Errors
/// A file cannot be read.
pub fn read<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<RunSummary>, run_log::Error> {
    let runs = paths.iter().map(|path| RunSummary::read(path.as_ref()));
    Ok(with_names(runs.collect::<Result<_, _>>()?))
}

/// Names each run by the part of its log's path that differs from the others.
fn with_names(runs: Vec<RunSummary>) -> Vec<RunSummary> {
    let paths: Vec<&str> = runs.iter().map(|run| run.log.as_str()).collect();
    let names = words::distinct(&paths);
    runs.into_iter()
        .zip(names)
        .map(|(run, name)| RunSummary { name, ..run })
        .collect()
}

/// The page. Several runs share its pictures, so that they can be compared.
#[must_use]
pub fn render(runs: &[RunSummary]) -> String {
    visible(&page::page(runs).into_string()).into_owned()
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
