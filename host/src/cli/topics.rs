//! `fedhost topics`.

mod create;
mod describe;
mod lag;
mod list;
mod recommend;

use clap::Subcommand;
use serde_json::{Value, json};

use super::on_bus::{Failure, Opener};
use super::{Ending, Global};
use crate::app::topics::{self, Asked, Found};
use fedhost_bus::TopicInfo;
use fedhost_bus::compare::Difference;
use fedhost_manifest::Loaded;

/// Looks after the topics of a manifest; works on the embedded log and on Kafka alike.
#[derive(Debug, Subcommand)]
pub(super) enum Topics {
    /// Make every topic of a manifest, and those of dead-letter records; topics that exist stay as
    /// they are
    Create(create::Create),
    /// List the topics of a manifest: what each is for, its partitions and records
    List(list::List),
    /// Show the settings of topics beside those that the manifest asks for, and their offsets
    Describe(describe::Describe),
    /// Show how far each reader is behind, in offsets and in seconds, and the dead-letter records
    /// that wait
    Lag(lag::Lag),
    /// Recommend a number of partitions for a throughput and a number of consumers
    Recommend(recommend::Recommend),
}

impl Topics {
    pub(super) fn execute(self, global: &Global) -> Ending {
        match self {
            Self::Create(create) => create.execute(global),
            Self::List(list) => list.execute(global),
            Self::Describe(describe) => describe.execute(global),
            Self::Lag(lag) => lag.execute(global),
            Self::Recommend(recommend) => recommend.execute(global).into(),
        }
    }
}

/// Why a topic is hidden.
const NO_RIGHT: &str = "no right to Describe it";

/// How these topics are found; there are none while the log does not exist.
async fn look_for(
    manifest: &Loaded,
    opener: &Opener,
    asked: Vec<Asked>,
) -> Result<Vec<(Asked, Found)>, Failure> {
    let found = match opener.open_existing(manifest).await? {
        Some(bus) => {
            topics::look_for(
                bus.as_ref(),
                asked.iter().map(|asked| asked.spec.name.as_str()),
            )
            .await?
        }
        None => vec![Found::Missing; asked.len()],
    };
    Ok(asked.into_iter().zip(found).collect())
}

/// Offsets between the oldest and the newest; on Kafka, marks of transactions count.
fn records(info: &TopicInfo) -> u64 {
    info.offsets
        .iter()
        .map(|offsets| offsets.end.saturating_sub(offsets.start))
        .sum()
}

fn document(difference: &Difference) -> Value {
    let Difference {
        setting,
        asked,
        found,
    } = difference;
    json!({ "setting": setting, "asked": asked, "found": found })
}
