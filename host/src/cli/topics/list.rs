//! `fedhost topics list`.

use clap::Args;
use serde_json::{Value, json};

use crate::app::topics::{self, Asked, Found};
use crate::cli::columns::{Align, columns};
use crate::cli::on_bus::on_bus;
use crate::cli::{Ending, Global, ManifestArgs, screen};

/// Lists the topics of a manifest: partitions, records that are still there, and what each is for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost topics list config/demo.toml
  fedhost topics list config/demo.toml --json | jq '.topics[] | select(.exists | not)'

Records are counted by their offsets: on Kafka the marks that transactions leave count too. A topic
that there is no right to Describe is `hidden`: it is unknown whether it exists, and `exists` is
null.")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    manifest: ManifestArgs,
}

impl List {
    pub(super) fn execute(&self, global: &Global) -> Ending {
        on_bus(&self.manifest, global, async |manifest, opener| {
            let found =
                super::look_for(manifest, opener, topics::asked(&manifest.manifest)).await?;
            let lines = found.iter().map(|(asked, found)| (asked, found));
            if global.json {
                let topics: Vec<Value> =
                    lines.map(|(asked, found)| document(asked, found)).collect();
                return Ok(screen::json(&json!({ "topics": topics }))?);
            }
            let rows: Vec<_> = lines.map(|(asked, found)| row(asked, found)).collect();
            let head = [
                ("topic", Align::Left),
                ("partitions", Align::Right),
                ("records", Align::Right),
                ("holds", Align::Left),
            ];
            screen::result(&columns(head, &rows));
            Ok(())
        })
    }
}

fn document(asked: &Asked, found: &Found) -> Value {
    json!({
        "topic": asked.spec.name,
        "purpose": asked.purpose,
        "exists": found.exists(),
        "partitions": found.info().map(|found| found.spec.partitions),
        "records": found.info().map(super::records),
    })
}

fn row(asked: &Asked, found: &Found) -> [String; 4] {
    let (name, purpose) = (asked.spec.name.clone(), asked.purpose.clone());
    let [partitions, records] = match found {
        Found::There(info) => [
            info.spec.partitions.to_string(),
            super::records(info).to_string(),
        ],
        Found::Missing => ["missing", "missing"].map(str::to_owned),
        Found::Hidden => {
            return [
                name,
                "hidden".into(),
                "hidden".into(),
                format!("{}: {purpose}", super::NO_RIGHT),
            ];
        }
    };
    [name, partitions, records, purpose]
}
