//! `fedhost check`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Global, ManifestArgs, screen};
use fedhost_manifest::Problems;

/// Says everything that is wrong with a manifest, with key paths and lines, without starting
/// anything.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fedhost check config/demo.toml\n  fedhost check config/demo.toml --print --set federation.rounds=3"
)]
pub(super) struct Check {
    #[command(flatten)]
    layers: CheckedLayers,
    /// Print the effective manifest, each value with where it comes from; secrets are hidden
    #[arg(long)]
    print: bool,
    /// Print the JSON schema of manifests, and nothing else
    #[arg(long, conflicts_with_all = ["print", "manifest"])]
    schema: bool,
}

/// As [`ManifestArgs`], but the schema can be printed without a manifest.
#[derive(Debug, Args)]
struct CheckedLayers {
    /// The manifest, a TOML file such as config/demo.toml
    #[arg(required_unless_present = "schema")]
    manifest: Option<PathBuf>,
    /// Set a value of the manifest; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

impl Check {
    pub(super) fn execute(self, global: &Global) -> Result<(), miette::Report> {
        let CheckedLayers {
            manifest: Some(manifest),
            sets,
        } = self.layers
        else {
            return screen::json(fedhost_manifest::schema());
        };
        let layers = ManifestArgs { manifest, sets };
        match layers.load() {
            Ok(loaded) => {
                let warnings = loaded.manifest.kafka_warnings();
                if global.json && !self.print {
                    return screen::json(&json!({ "problems": [], "warnings": warnings }));
                }
                for warning in &warnings {
                    screen::note(&format!("warning: kafka: {warning}"));
                }
                if self.print {
                    screen::result(&loaded.to_toml_with_origins());
                } else {
                    screen::result(&format!("{}: no problems", layers.manifest.display()));
                }
            }
            Err(error) => {
                if let (true, Some(problems)) = (global.json, error.downcast_ref::<Problems>()) {
                    screen::json(&json!({ "problems": problems }))?;
                }
                return Err(error);
            }
        }
        Ok(())
    }
}
