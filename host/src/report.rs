//! Pictures and tables from run logs: one HTML page that needs no server, no script and no network.
//!
//! Events become plain numbers in [`summary`], numbers become a page; nothing here reads a clock or
//! the environment. The log may come from strangers: their names and texts are shown, never
//! trusted.

mod chart;
pub mod evaluation;
mod frame;
mod page;
pub mod summary;
mod table;
mod words;

use std::path::Path;

use fedhost_base::event::Stamped;

use crate::run_log::{self, BadLine};
use summary::RunSummary;

/// A run log and what to call it.
#[derive(Clone, Debug, Default)]
pub struct NamedLog {
    /// How readers tell it from the others: its path, as given on the command line.
    pub name: String,
    /// What happened, in the order written.
    pub events: Vec<Stamped>,
    /// Lines that held no event.
    pub bad_lines: Vec<BadLine>,
}

impl NamedLog {
    /// Reads the log at `path`, and calls it that.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> Result<Self, run_log::Error> {
        let (events, bad_lines) = run_log::read(path)?;
        Ok(Self {
            name: path.display().to_string(),
            events,
            bad_lines,
        })
    }
}

/// The numbers of each log, for `report --json`.
#[must_use]
pub fn summarise(logs: &[NamedLog]) -> Vec<RunSummary> {
    let paths: Vec<&str> = logs.iter().map(|log| log.name.as_str()).collect();
    let names = words::distinct(&paths);
    logs.iter()
        .zip(names)
        .map(|(log, name)| RunSummary {
            name,
            ..RunSummary::of(log)
        })
        .collect()
}

/// The page. Several logs share its pictures, so that they can be compared.
#[must_use]
pub fn render(logs: &[NamedLog]) -> String {
    page::page(&summarise(logs)).into_string()
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
