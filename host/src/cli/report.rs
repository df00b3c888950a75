//! `fedhost report`.

use std::path::PathBuf;

use clap::Args;
use miette::miette;

use super::{Global, screen};
use crate::report::{self, NamedLog};

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
        let logs = self
            .logs
            .iter()
            .map(|path| NamedLog::read(path))
            .collect::<Result<Vec<_>, _>>()?;
        for log in logs.iter().filter(|log| !log.bad_lines.is_empty()) {
            screen::note(&format!(
                "{}: {} lines hold no event and were skipped",
                log.name,
                log.bad_lines.len()
            ));
        }
        if global.json {
            return screen::json(&report::summarise(&logs));
        }
        let page = report::render(&logs);
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
