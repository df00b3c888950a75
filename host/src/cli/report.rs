//! `fedhost report`.

use std::path::PathBuf;

use clap::Args;
use miette::miette;

use super::{Global, screen};
use crate::report;

/// Turns run logs into one self-contained HTML page: loss and ROC AUC by round, participation,
/// nodes, rejections.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fedhost report data/demo/aggregation_log.jsonl\n  fedhost report a.jsonl b.jsonl --out compared.html\n  fedhost report --json data/demo/aggregation_log.jsonl"
)]
pub(super) struct Report {
    /// Run logs; several are shown side by side
    #[arg(required = true, value_name = "RUN_LOG")]
    logs: Vec<PathBuf>,
    /// The page to write
    #[arg(long, default_value = "report.html", value_name = "FILE")]
    out: PathBuf,
}

impl Report {
    pub(super) fn execute(&self, global: &Global) -> Result<(), miette::Report> {
        let runs = report::read(&self.logs)?;
        for run in runs.iter().filter(|run| !run.bad_lines.is_empty()) {
            let lines: u64 = run.bad_lines.iter().map(|bad| bad.count).sum();
            screen::note(&format!(
                "{}: {lines} lines hold no event and were skipped",
                run.log
            ));
        }
        if global.json {
            return screen::json(&runs);
        }
        let page = report::render(&runs);
        std::fs::write(&self.out, page).map_err(|error| {
            miette!(
                help = "choose another place with --out",
                "the page {} cannot be written: {error}",
                self.out.display()
            )
        })?;
        screen::result(&self.out.display().to_string());
        Ok(())
    }
}
