//! `fedhost dlq show`.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{OfTopic, Scene, bound, content, counted, ending_of};
use crate::cli::{Ending, Global, screen};
use crate::dead_letters::{Bound, DeadLetter, Error, Filter, Reader};
use fedhost_base::clock::rfc3339;

/// Dead-letter records read at a time.
const BATCH: usize = 16;

/// Shows dead-letter records whole, the oldest first: key, headers and value, as text or, where
/// they are none, byte by byte. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost dlq show config/demo.toml model_updates
  fedhost dlq show config/demo.toml model_updates.dlq --reason not_json --limit 3
  fedhost dlq show config/demo.toml model_updates --offset 0:17 --raw >update.json")]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    pub(super) of: OfTopic,
    /// Begin at this partition and offset, such as 0:17
    #[arg(long, value_name = "P:O", value_parser = bound)]
    offset: Option<Bound>,
    /// Dead-letter records to show at the most; by default 10, with --raw 1
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Only dead-letter records of this reason
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// Write the values alone, byte for byte, one after another
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

impl Show {
    pub(super) async fn run(&self, scene: &Scene, global: &Global) -> Ending {
        match scene.unless_stopped(self.show(scene, global)).await {
            None => Ending::Interrupted,
            Some(Err(error)) => ending_of(error),
            Some(Ok(shown)) => {
                if shown == 0 && !global.json && !global.quiet {
                    screen::note("no dead-letter record matches");
                }
                Ending::Done
            }
        }
    }

    async fn show(&self, scene: &Scene, global: &Global) -> Result<u64, Error> {
        let filter = Filter {
            reason: self.reason.clone(),
            from: self.offset,
            ..Filter::default()
        };
        let topic = self.of.resolve(&scene.manifest).name;
        let mut reader = Reader::browse(scene.bus_of(&topic)?, &topic, &filter).await?;
        let limit = self.limit.unwrap_or(if self.raw { 1 } else { 10 });
        let mut shown = 0;
        let mut looked_at = 0;
        while shown < limit {
            let read = reader.next(BATCH).await?;
            if read.is_empty() {
                return Ok(shown);
            }
            for dead_letter in &read {
                if shown == limit {
                    break;
                }
                looked_at += 1;
                if filter.admits(dead_letter) {
                    self.print(dead_letter, global);
                    shown += 1;
                }
            }
        }
        let of = reader.seen().of;
        if of > looked_at && !self.raw && !global.json && !global.quiet {
            screen::note(&format!(
                "that was the first {looked_at} of {}; --limit shows more",
                counted(of)
            ));
        }
        Ok(shown)
    }

    fn print(&self, dead_letter: &DeadLetter, global: &Global) {
        if self.raw {
            screen::bytes(&dead_letter.0.value);
        } else if global.json {
            screen::json_line(&document(dead_letter));
        } else {
            screen::result(&describe(dead_letter));
        }
    }
}

fn document(dead_letter: &DeadLetter) -> serde_json::Value {
    let record = &dead_letter.0;
    let headers: Vec<_> = record
        .headers
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": content::document(value) }))
        .collect();
    json!({
        "topic": &*record.position.topic,
        "partition": record.position.partition,
        "offset": record.position.offset,
        "timestamp_ms": record.timestamp_ms,
        "reason": dead_letter.reason(),
        "key": record.key.as_deref().map(content::document),
        "headers": headers,
        "value": content::document(&record.value),
    })
}

fn describe(dead_letter: &DeadLetter) -> String {
    let record = &dead_letter.0;
    let position = &record.position;
    let mut text = format!(
        "dead-letter record {}:{} of {}\n",
        position.partition, position.offset, position.topic
    );
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name:<9} {value}").ok();
    };
    line("timestamp", &rfc3339(record.timestamp_ms));
    line(
        "key",
        &record
            .key
            .as_deref()
            .map_or_else(|| "none".to_owned(), content::line),
    );
    for (name, value) in &record.headers {
        line(
            "header",
            &format!(
                "{} = {}",
                content::line(name.as_bytes()),
                content::line(value)
            ),
        );
    }
    line("value", &format!("{} bytes", record.value.len()));
    let value = content::block(&record.value);
    writeln!(text, "{}", value.strip_suffix('\n').unwrap_or(&value)).ok();
    text
}
