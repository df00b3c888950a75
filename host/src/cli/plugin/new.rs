//! `fedhost plugin new`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::{Ending, Global, screen};
use fedhost_plugin::new::{self, Scaffold, Started};

/// Starts a plug-in: a folder of plain files that builds, passes its own test, and has sample rows
/// to score.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fedhost plugin new vibration-score --kind detector\n  fedhost plugin new my-model --language python\n  fedhost plugin new my-model --sdk ../fedhost/guests/sdk"
)]
pub(in crate::cli) struct New {
    /// Its name, and its folder's: lower-case words joined by hyphens
    name: String,
    /// What it does
    #[arg(long, value_enum, default_value_t = Kind::Model)]
    kind: Kind,
    /// What it is written in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    language: Language,
    /// Where the source of the Rust SDK lies, the folder guests/sdk of fedhost's; found by itself
    /// inside that source
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Prepares rows for a model
    Preprocessor,
    /// Is trained, federated, and then scores
    Model,
    /// Scores without a training
    Detector,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
    Python,
    Javascript,
}

impl New {
    pub(in crate::cli) fn execute(&self, global: &Global) -> Ending {
        let sdk = self.sdk.clone().or_else(sdk_above);
        let start = Scaffold {
            name: &self.name,
            kind: self.kind.into(),
            language: self.language.into(),
            parent: Path::new(""),
            sdk: sdk.as_deref(),
        };
        match new::start(&start) {
            Ok(started) => show(global, &started).into(),
            Err(error) => Ending::Refused(error.into()),
        }
    }
}

fn show(global: &Global, started: &Started) -> Result<(), miette::Report> {
    if global.json {
        return screen::json(started);
    }
    let [test, next @ ..] = &started.commands;
    screen::note(&format!(
        "{} is ready; its test is run by `{test}`. Next:",
        started.folder.display()
    ));
    screen::result(&next.join("\n"));
    Ok(())
}

/// Inside fedhost's own source the SDK is near.
fn sdk_above() -> Option<PathBuf> {
    let here = Path::new(".").canonicalize().ok()?;
    let mut candidates = here.ancestors().map(|folder| folder.join("guests/sdk"));
    candidates.find(|folder| folder.join("Cargo.toml").is_file())
}

impl From<Kind> for new::PluginKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Preprocessor => Self::Preprocessor,
            Kind::Model => Self::Model,
            Kind::Detector => Self::Detector,
        }
    }
}

impl From<Language> for new::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::Rust => Self::Rust,
            Language::Python => Self::Python,
            Language::Javascript => Self::Javascript,
        }
    }
}
