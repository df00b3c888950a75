//! `fedhost dlq acknowledge`.

use clap::Args;
use fedhost_domain::model::NodeId;
use serde::Serialize;

use super::Scene;
use crate::cli::{Ending, Global, ManifestArgs, screen};
use crate::role::stopped::{Verdict, acknowledge, verdict};

/// Lets roles go on that stopped because too many records could not be used, and says which. Their
/// next run begins behind the records that were put aside.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fedhost dlq acknowledge config/demo.toml")]
pub(in crate::cli) struct Acknowledge {
    #[command(flatten)]
    pub(super) manifest: ManifestArgs,
}

/// A role that had stopped.
#[derive(Serialize)]
struct Stopped {
    role: String,
    #[serde(flatten)]
    verdict: Verdict,
}

impl Acknowledge {
    pub(super) async fn run(&self, scene: &Scene, global: &Global) -> Ending {
        let stopped = match scene.unless_stopped(go_on(scene)).await {
            None => return Ending::Interrupted,
            Some(Err(error)) => return Ending::Failed(error.into()),
            Some(Ok(stopped)) => stopped,
        };
        if !global.json {
            screen::result(&in_words(&stopped));
            return Ending::Done;
        }
        match screen::json(&stopped) {
            Ok(()) => Ending::Done,
            Err(error) => Ending::Failed(error),
        }
    }
}

async fn go_on(scene: &Scene) -> Result<Vec<Stopped>, crate::role::Error> {
    let Some(bus) = scene.bus.as_deref() else {
        return Ok(Vec::new());
    };
    let nodes = scene.manifest.fog_node_ids().into_iter().map(NodeId::fog);
    let roles = [NodeId::aggregator()]
        .into_iter()
        .chain(nodes)
        .map(|role| role.to_string());
    let mut stopped = Vec::new();
    for role in roles {
        if let Some(verdict) = verdict(bus, &role).await? {
            acknowledge(bus, &role).await?;
            stopped.push(Stopped { role, verdict });
        }
    }
    Ok(stopped)
}

fn in_words(stopped: &[Stopped]) -> String {
    let line = |Stopped {
                    role,
                    verdict:
                        Verdict {
                            topic, dead, of, ..
                        },
                }: &Stopped| {
        format!("{role} may go on; {dead} of {of} records of {topic} could not be used")
    };
    match stopped {
        [] => "no role has stopped because of dead letters".to_owned(),
        stopped => stopped.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}
