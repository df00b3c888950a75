//! `fedhost check`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Global, ManifestArgs, screen};
use crate::app;
use fedhost_manifest::{Loaded, Problems};

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

/// Loads a manifest, and looks at the files of its sensors; returns warnings about these.
fn load(layers: &ManifestArgs) -> Result<(Loaded, Vec<String>), miette::Report> {
    let loaded = layers.load()?;
    let warnings = app::check_sensor_files(&loaded, |_| true)?;
    Ok((loaded, warnings))
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
        match load(&layers) {
            Ok((loaded, of_sensors)) => {
                let kafka = loaded.manifest.kafka_warnings();
                if global.json && !self.print {
                    let warnings: Vec<String> = kafka.into_iter().chain(of_sensors).collect();
                    return screen::json(&json!({ "problems": [], "warnings": warnings }));
                }
                for warning in &kafka {
                    screen::note(&format!("warning: kafka: {warning}"));
                }
                for warning in &of_sensors {
                    screen::note(&format!("warning: {warning}"));
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
