//! `fedhost topics create`.

use clap::Args;
use serde_json::{Value, json};

use crate::app::topics::{self, Asked, Found, Made};
use crate::cli::columns::{Align, columns};
use crate::cli::on_bus::{Failure, Opener, on_bus};
use crate::cli::{Ending, Global, ManifestArgs, screen};
use fedhost_bus::compare::{Difference, differences};
use fedhost_manifest::Loaded;

/// Makes every topic of a manifest, and for each its dead-letter topic. A topic that exists is
/// never altered; its differences from the manifest are listed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost topics create config/demo.toml
  fedhost topics create config/demo.toml --dry-run
  fedhost topics create config/demo.toml --set topics.model_updates.partitions=6

A run makes its topics itself. This is for clusters where only an administrator may do that. A dry run
shows for each topic whether it `existed`, `differs`, is `missing`, or is `hidden`: there is no right
to Describe it, so it is unknown whether it exists.")]
pub(in crate::cli) struct Create {
    #[command(flatten)]
    manifest: ManifestArgs,
    /// Only show what would be made
    #[arg(long)]
    dry_run: bool,
}

/// A topic of the manifest and what became of it.
struct Line {
    asked: Asked,
    state: State,
}

enum State {
    Created,
    Existed(Vec<Difference>),
    Missing,
    Hidden,
}

impl From<Made> for State {
    fn from(made: Made) -> Self {
        match made {
            Made::Created => Self::Created,
            Made::Existed(differences) => Self::Existed(differences),
        }
    }
}

impl Create {
    pub(super) fn execute(self, global: &Global) -> Ending {
        on_bus(&self.manifest, global, async |manifest, opener| {
            let lines = if self.dry_run {
                look(manifest, opener).await?
            } else {
                make(manifest, opener).await?
            };
            if global.json {
                let topics: Vec<Value> = lines.iter().map(Line::document).collect();
                return Ok(screen::json(&json!({ "topics": topics }))?);
            }
            screen::result(&describe(&lines));
            Ok(())
        })
    }
}

async fn make(manifest: &Loaded, opener: &Opener) -> Result<Vec<Line>, Failure> {
    let bus = opener.open(manifest).await?;
    let found = bus.topics().await?;
    let mut lines = Vec::new();
    for asked in topics::asked(&manifest.manifest) {
        let made = topics::make(bus.as_ref(), &asked.spec, &found).await?;
        lines.push(Line {
            asked,
            state: made.into(),
        });
    }
    Ok(lines)
}

async fn look(manifest: &Loaded, opener: &Opener) -> Result<Vec<Line>, Failure> {
    let line = |(asked, found): (Asked, Found)| {
        let state = match found {
            Found::There(known) => State::Existed(differences(&asked.spec, &known)),
            Found::Missing => State::Missing,
            Found::Hidden => State::Hidden,
        };
        Line { asked, state }
    };
    let found = super::look_for(manifest, opener, topics::asked(&manifest.manifest)).await?;
    Ok(found.into_iter().map(line).collect())
}

impl Line {
    fn status(&self) -> &'static str {
        match &self.state {
            State::Created => "created",
            State::Existed(differences) if differences.is_empty() => "existed",
            State::Existed(_) => "differs",
            State::Missing => "missing",
            State::Hidden => "hidden",
        }
    }

    fn differences(&self) -> &[Difference] {
        match &self.state {
            State::Existed(differences) => differences,
            State::Created | State::Missing | State::Hidden => &[],
        }
    }

    /// What is different about it, what keeps it from being seen, or else what it is for.
    fn note(&self) -> String {
        let difference =
            |one: &Difference| format!("{} is {}, not {}", one.setting, one.found, one.asked);
        match &self.state {
            State::Existed(differences) if !differences.is_empty() => differences
                .iter()
                .map(difference)
                .collect::<Vec<_>>()
                .join("; "),
            State::Hidden => format!("{}: {}", super::NO_RIGHT, self.asked.purpose),
            _ => self.asked.purpose.clone(),
        }
    }

    fn document(&self) -> Value {
        let differences: Vec<Value> = self.differences().iter().map(super::document).collect();
        json!({
            "topic": self.asked.spec.name,
            "purpose": self.asked.purpose,
            "status": self.status(),
            "differences": differences,
        })
    }
}

fn describe(lines: &[Line]) -> String {
    let row = |line: &Line| {
        [
            line.asked.spec.name.clone(),
            line.status().to_owned(),
            line.note(),
        ]
    };
    let rows: Vec<[String; 3]> = lines.iter().map(row).collect();
    columns(
        [
            ("topic", Align::Left),
            ("status", Align::Left),
            ("", Align::Left),
        ],
        &rows,
    )
}
