//! `fedhost topics lag`.

use clap::Args;

use crate::app::lag::{self, DeadLetterOffsets, Waiting};
use crate::cli::columns::{Align, columns};
use crate::cli::on_bus::{Failure, on_bus};
use crate::cli::{Ending, Global, ManifestArgs, screen};
use fedhost_base::clock;

/// Shows how far each consumer group of a manifest is behind in each partition, in offsets and in
/// seconds, and how many offsets the dead-letter records take that wait to be replayed or purged.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost topics lag config/demo.toml
  watch fedhost topics lag config/kafka.toml
  fedhost topics lag config/kafka.toml --json | jq .records_not_safe

`committed` is the first record whose results are not stored yet, - when nothing is: everything
before it survives a crash. `waiting` is the age of that record. Fog nodes take only the newest
global model, so their readers of models are never behind. Lag and dead-letter records are counted by their
offsets: on Kafka, the marks that transactions leave count too, so these are upper bounds; `fedhost
dlq list` reads the records and counts them one by one. The embedded log belongs to one process
at a time: ask when its run has stopped.")]
pub(in crate::cli) struct Lag {
    #[command(flatten)]
    manifest: ManifestArgs,
}

impl Lag {
    pub(super) fn execute(&self, global: &Global) -> Ending {
        on_bus(&self.manifest, global, async |manifest, opener| {
            let bus = opener.open_existing(manifest).await?.ok_or_else(|| {
                let directory = manifest.manifest.bus.directory.display();
                Failure::Refused(miette::miette!(
                    help = "`fedhost run` or `fedhost topics create` makes it",
                    "there is no log in {directory} yet"
                ))
            })?;
            let waiting = lag::waiting(bus.as_ref(), &manifest.manifest, clock::now_ms()).await?;
            if global.json {
                return Ok(screen::json(&waiting)?);
            }
            screen::result(&describe(&waiting));
            Ok(())
        })
    }
}

fn describe(waiting: &Waiting) -> String {
    let row = |lag: &lag::Lag| {
        [
            lag.group.clone(),
            lag.topic.clone(),
            lag.partition.to_string(),
            lag.committed
                .map_or_else(|| "-".to_owned(), |next| next.to_string()),
            lag.end.to_string(),
            lag.records.to_string(),
            format!("{:.1} s", lag.seconds),
            if lag.expired > 0 {
                format!("{} were dropped before they were read", lag.expired)
            } else {
                String::new()
            },
        ]
    };
    let rows: Vec<_> = waiting.groups.iter().map(row).collect();
    let (left, right) = (Align::Left, Align::Right);
    let head = [
        ("group", left),
        ("topic", left),
        ("partition", right),
        ("committed", right),
        ("end", right),
        ("lag", right),
        ("waiting", right),
        ("", left),
    ];
    let mut text = columns(head, &rows);
    text.push_str(&format!(
        "\n{} records are not safe yet: their results are not stored\n\n",
        waiting.records_not_safe
    ));
    let row = |topic: &DeadLetterOffsets| [topic.topic.clone(), topic.offsets.to_string()];
    let rows: Vec<_> = waiting.dead_letters.iter().map(row).collect();
    text.push_str(&columns(
        [("dead-letter records", left), ("offsets", right)],
        &rows,
    ));
    text
}
