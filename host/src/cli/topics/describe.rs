//! `fedhost topics describe`.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use crate::app::topics::{self, Asked, Found};
use crate::cli::columns::{Align, columns};
use crate::cli::on_bus::{Failure, on_bus};
use crate::cli::{Ending, Global, ManifestArgs, screen};
use fedhost_bus::TopicInfo;
use fedhost_bus::compare::{differences, settings, shown};
use fedhost_manifest::Manifest;

/// Shows the settings of topics beside those that the manifest asks for, differences marked with *,
/// and their offsets.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost topics describe config/demo.toml
  fedhost topics describe config/demo.toml model_updates model_updates.dlq

Nothing is ever changed about a topic that exists: use the tools of your cluster for that, or
change the manifest.")]
pub(in crate::cli) struct Describe {
    #[command(flatten)]
    manifest: ManifestArgs,
    /// Only these topics of the manifest; without any, all of them
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
}

/// One setting of a topic.
struct Setting {
    name: String,
    asked: String,
    found: Option<String>,
    differs: bool,
}

impl Describe {
    pub(super) fn execute(&self, global: &Global) -> Ending {
        on_bus(&self.manifest, global, async |manifest, opener| {
            let chosen = self
                .choose(topics::asked(&manifest.manifest))
                .map_err(Failure::Refused)?;
            let chosen = super::look_for(manifest, opener, chosen).await?;
            let chosen = chosen.iter().map(|(asked, found)| (asked, found));
            if global.json {
                let topics: Vec<Value> = chosen
                    .map(|(asked, found)| document(&manifest.manifest, asked, found))
                    .collect();
                return Ok(screen::json(&json!({ "topics": topics }))?);
            }
            let texts: Vec<String> = chosen
                .map(|(asked, found)| describe(&manifest.manifest, asked, found))
                .collect();
            screen::result(&texts.join("\n"));
            Ok(())
        })
    }

    fn choose(&self, asked: Vec<Asked>) -> Result<Vec<Asked>, miette::Report> {
        if let Some(unknown) = self
            .topics
            .iter()
            .find(|name| asked.iter().all(|asked| asked.spec.name != **name))
        {
            miette::bail!(
                help = format!(
                    "`fedhost topics list {}` shows those it has",
                    self.manifest.manifest.display()
                ),
                "the manifest has no topic {unknown:?}"
            );
        }
        let chosen =
            |asked: &Asked| self.topics.is_empty() || self.topics.contains(&asked.spec.name);
        Ok(asked.into_iter().filter(chosen).collect())
    }
}

fn side_by_side(asked: &Asked, found: Option<&TopicInfo>) -> Vec<Setting> {
    let differences = found
        .map(|found| differences(&asked.spec, found))
        .unwrap_or_default();
    let setting = |(name, asked): (String, String)| Setting {
        found: found.and_then(|found| shown(found, &name)),
        differs: differences.iter().any(|one| one.setting == name),
        name,
        asked,
    };
    settings(&asked.spec).into_iter().map(setting).collect()
}

fn document(manifest: &Manifest, asked: &Asked, found: &Found) -> Value {
    let (exists, found) = (found.exists(), found.info());
    let setting = |one: Setting| json!({ "setting": one.name, "asked": one.asked, "found": one.found, "differs": one.differs });
    let partition = |(partition, offsets): (u32, &std::ops::Range<u64>)| json!({ "partition": partition, "start": offsets.start, "end": offsets.end });
    let settings: Vec<Value> = side_by_side(asked, found)
        .into_iter()
        .map(setting)
        .collect();
    let offsets = found.map(|found| (0..).zip(&found.offsets).map(partition).collect::<Vec<_>>());
    json!({
        "topic": asked.spec.name,
        "purpose": asked.purpose,
        "exists": exists,
        "settings": settings,
        "offsets": offsets,
        "beyond_the_limit": found.and_then(|found| topics::beyond_the_limit(manifest, &found.spec)),
    })
}

fn describe(manifest: &Manifest, asked: &Asked, found: &Found) -> String {
    let mut text = format!("{}: {}\n", asked.spec.name, asked.purpose);
    let found = match found {
        Found::There(found) => found,
        Found::Missing => return text + "  missing: `fedhost topics create` makes it\n",
        Found::Hidden => return format!("{text}  hidden: {}\n", super::NO_RIGHT),
    };
    let row = |one: Setting| {
        let mark = if one.differs { "*" } else { "" };
        [
            format!("  {}", one.name),
            one.asked,
            one.found.unwrap_or_else(|| "-".to_owned()),
            mark.to_owned(),
        ]
    };
    let rows: Vec<_> = side_by_side(asked, Some(found))
        .into_iter()
        .map(row)
        .collect();
    let head = [
        ("  setting", Align::Left),
        ("asked", Align::Right),
        ("found", Align::Right),
        ("", Align::Left),
    ];
    text.push_str(&columns(head, &rows));
    if let Some(beyond) = topics::beyond_the_limit(manifest, &found.spec) {
        writeln!(text, "  {beyond}").ok();
    }
    for (partition, offsets) in found.offsets.iter().enumerate() {
        writeln!(
            text,
            "  partition {partition}: offsets {} to {}",
            offsets.start, offsets.end
        )
        .ok();
    }
    text
}
