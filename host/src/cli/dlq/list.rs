//! `fedhost dlq list`.

use clap::Args;
use serde::Serialize;

use super::{Scene, ending_of};
use crate::cli::progress::{Progress, Unit};
use crate::cli::{Ending, Global, ManifestArgs, screen};
use crate::dead_letters::{Error, Survey, survey};
use fedhost_base::clock::rfc3339;

/// Counts the dead-letter records of every topic of a manifest, by reason. Reads them all, and
/// changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fedhost dlq list config/demo.toml")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    pub(super) manifest: ManifestArgs,
}

/// A topic and what it holds.
#[derive(Serialize)]
struct Row {
    topic: String,
    exists: bool,
    #[serde(flatten)]
    survey: Survey,
}

impl Row {
    fn new(topic: String, exists: bool, survey: Survey) -> Self {
        Self {
            topic,
            exists,
            survey,
        }
    }
}

impl List {
    pub(super) async fn run(&self, scene: &Scene, global: &Global) -> Ending {
        let rows = match scene.unless_stopped(rows(scene, global)).await {
            None => return Ending::Interrupted,
            Some(Err(error)) => return ending_of(error),
            Some(Ok(rows)) => rows,
        };
        if !global.json {
            screen::result(&table(&rows));
            return Ending::Done;
        }
        match screen::json(&rows) {
            Ok(()) => Ending::Done,
            Err(error) => Ending::Failed(error),
        }
    }
}

async fn rows(scene: &Scene, global: &Global) -> Result<Vec<Row>, Error> {
    let topics = &scene.manifest.topics;
    let nodes = scene.manifest.fog_node_ids();
    let mut rows = Vec::new();
    for topic in topics
        .all(&nodes)
        .iter()
        .map(|topic| topics.dead_letter_of(topic).name)
    {
        let progress = Progress::new(global, Unit::Records, 0);
        let found = match scene.bus_of(&topic) {
            Ok(bus) => {
                survey(bus, &topic, |seen| {
                    progress.set(&format!("counting {topic}"), seen.records, seen.of)
                })
                .await
            }
            Err(error) => Err(error),
        };
        rows.push(match found {
            Ok(survey) => Row::new(topic, true, survey),
            Err(Error::NoTopic { .. }) => Row::new(topic, false, Survey::default()),
            Err(error) => return Err(error),
        });
    }
    Ok(rows)
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.topic.len()).max().unwrap_or(0);
    let heading = format!(
        "{:<width$}  {:>8}  {:<24}  reasons",
        "topic", "records", "newest"
    );
    let lines = rows.iter().map(
        |Row {
             topic,
             exists,
             survey,
         }| {
            let newest = survey.newest_ms.map_or_else(|| "-".to_owned(), rfc3339);
            let reasons = if *exists {
                reasons(survey)
            } else {
                "there is no such topic yet".to_owned()
            };
            format!(
                "{topic:<width$}  {:>8}  {newest:<24}  {reasons}",
                survey.records
            )
        },
    );
    [heading]
        .into_iter()
        .chain(lines)
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// The most frequent first.
fn reasons(survey: &Survey) -> String {
    let mut reasons: Vec<_> = survey.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let words: Vec<String> = reasons
        .into_iter()
        .map(|(reason, count)| format!("{} {count}", reason.escape_debug()))
        .collect();
    words.join(", ")
}
