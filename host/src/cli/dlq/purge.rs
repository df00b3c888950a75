//! `fedhost dlq purge`.

use miette::IntoDiagnostic as _;
use std::io::{self, IsTerminal as _};

use clap::Args;
use serde_json::json;

use super::{OfTopic, Scene, bound, ending_of};
use crate::cli::progress::{Progress, Unit};
use crate::cli::{Ending, Global, screen};
use crate::dead_letters::{Bound, Cut, Error, delete, plan_purge};

/// Deletes dead-letter records permanently: all that are there now, or those before a place.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost dlq purge config/demo.toml model_updates
  fedhost dlq purge config/demo.toml model_updates --before 0:120 --yes
  fedhost dlq purge config/demo.toml model_updates --before 7d --yes

A place is an offset (120), a partition and an offset (0:120), a time, or an age (36h, 7d): then the time of the failure
counts, and each partition is emptied up to the first record that is not older.")]
pub(in crate::cli) struct Purge {
    #[command(flatten)]
    pub(super) of: OfTopic,
    /// Only records before this place
    #[arg(long, value_name = "PLACE", value_parser = bound)]
    before: Option<Bound>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Purge {
    pub(super) async fn run(&self, scene: &Scene, global: &Global) -> Ending {
        let topic = self.of.resolve(&scene.manifest).name;
        let cuts = match scene.unless_stopped(self.plan(scene, &topic, global)).await {
            None => return Ending::Interrupted,
            Some(Err(error)) => return ending_of(error),
            Some(Ok(cuts)) => cuts,
        };
        if !cuts.is_empty() && !self.yes {
            match self.ask(scene, &topic, &cuts).await {
                Ok(Some(true)) => {}
                Ok(Some(false)) => {
                    screen::note("nothing was deleted");
                    return Ending::Done;
                }
                Ok(None) => return Ending::Interrupted,
                Err(error) => return Ending::Refused(error),
            }
        }
        let deleted = match scene.bus_of(&topic) {
            Ok(bus) => delete(bus.as_ref(), &topic, &cuts).await,
            Err(error) => Err(error),
        };
        if let Err(error) = deleted {
            return ending_of(error);
        }
        if !global.json {
            screen::result(&format!("{topic}: {}", describe(&cuts, "deleted")));
            return Ending::Done;
        }
        match screen::json(&json!({ "topic": topic, "deleted": cuts })) {
            Ok(()) => Ending::Done,
            Err(error) => Ending::Failed(error),
        }
    }

    async fn plan(&self, scene: &Scene, topic: &str, global: &Global) -> Result<Vec<Cut>, Error> {
        let bus = scene.bus_of(topic)?;
        let progress = Progress::new(global, Unit::Records, 0);
        plan_purge(bus, topic, self.before, |seen| {
            progress.set("looking for the place", seen.records, seen.of)
        })
        .await
    }

    /// Whether the user at the terminal agrees; `None` when Ctrl-C was the answer.
    async fn ask(
        &self,
        scene: &Scene,
        topic: &str,
        cuts: &[Cut],
    ) -> Result<Option<bool>, miette::Report> {
        if !io::stdin().is_terminal() {
            miette::bail!(
                help = "--yes deletes without asking",
                "nothing was deleted, as stdin is no terminal to ask at"
            );
        }
        screen::note(&format!(
            "{topic}: {}; type yes to continue",
            describe(cuts, "will be deleted permanently")
        ));
        let answer = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            io::stdin().read_line(&mut answer).map(|_| answer)
        });
        match scene.unless_stopped(answer).await {
            None => Ok(None),
            Some(answer) => Ok(Some(
                answer.into_diagnostic()?.into_diagnostic()?.trim() == "yes",
            )),
        }
    }
}

/// Says which records the cuts delete.
fn describe(cuts: &[Cut], verb: &str) -> String {
    let range = |cut: &Cut| {
        format!(
            "{} to {} of partition {}",
            cut.from,
            cut.before - 1,
            cut.partition
        )
    };
    match cuts {
        [] => "nothing to delete".to_owned(),
        cuts => format!(
            "records {} {verb}",
            cuts.iter().map(range).collect::<Vec<_>>().join(", ")
        ),
    }
}
