//! `fedhost dlq acknowledge`.

use clap::Args;
use serde::Serialize;

use super::Scene;
use crate::cli::{Ending, Global, ManifestArgs, screen};
use crate::role::halt::{DeadLetterHalt, acknowledge, halt};

/// Lets roles continue that stopped because too many records could not be used, and lists them.
/// Their next run begins behind the records that were rejected.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fedhost dlq acknowledge config/demo.toml")]
pub(in crate::cli) struct Acknowledge {
    #[command(flatten)]
    pub(super) manifest: ManifestArgs,
}

/// A role that had halted.
#[derive(Serialize)]
struct Halted {
    role: String,
    #[serde(flatten)]
    halt: DeadLetterHalt,
}

impl Acknowledge {
    pub(super) async fn run(&self, scene: &Scene, global: &Global) -> Ending {
        let halted = match scene.unless_stopped(acknowledge_all(scene)).await {
            None => return Ending::Interrupted,
            Some(Err(error)) => return Ending::Failed(error.into()),
            Some(Ok(halted)) => halted,
        };
        if !global.json {
            screen::result(&summary(&halted));
            return Ending::Done;
        }
        match screen::json(&halted) {
            Ok(()) => Ending::Done,
            Err(error) => Ending::Failed(error),
        }
    }
}

async fn acknowledge_all(scene: &Scene) -> Result<Vec<Halted>, crate::role::Error> {
    let Some(bus) = scene.bus.as_deref() else {
        return Ok(Vec::new());
    };
    let mut halted = Vec::new();
    for role in scene.manifest.roles() {
        if role.reads.is_empty() {
            continue;
        }
        if let Some(halt) = halt(bus, &role.name).await? {
            acknowledge(bus, &role.name).await?;
            halted.push(Halted {
                role: role.name,
                halt,
            });
        }
    }
    Ok(halted)
}

fn summary(halted: &[Halted]) -> String {
    if halted.is_empty() {
        return "no role has stopped because of dead-letter records".to_owned();
    }
    let lines: Vec<String> = halted.iter().map(line).collect();
    lines.join("\n")
}

fn line(Halted { role, halt }: &Halted) -> String {
    let DeadLetterHalt {
        topic, dead, of, ..
    } = halt;
    format!("{role} may continue; {dead} of {of} records of {topic} could not be used")
}
