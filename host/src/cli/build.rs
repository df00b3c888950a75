//! `fedhost plugin build`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Ending, Global, screen};
use fedhost_plugin::build::{self, BuildStep, Built, Tools};

/// Builds plug-ins from source into components and installs them, each in one step that readers
/// never see half done.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fedhost plugin build guests/logistic-regression\n  fedhost plugin build guests/standard-scaler my-model --out plugins\n  fedhost plugin build my-python-model --install-tools"
)]
pub(super) struct Build {
    /// Directories of plug-ins' sources: crates, or Python or JavaScript with a plugin.toml
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<PathBuf>,
    /// Where to install the components
    #[arg(long, default_value = "plugins", value_name = "DIR")]
    out: PathBuf,
    /// Where the tools for Python and JavaScript lie
    #[arg(long, default_value = "target/tools", value_name = "DIR")]
    tools: PathBuf,
    /// Fetch the tools that are missing, from PyPI and npm
    #[arg(long)]
    install_tools: bool,
}

impl Build {
    pub(super) fn execute(&self, global: &Global) -> Ending {
        let tools = Tools {
            folder: &self.tools,
            install: self.install_tools,
        };
        match build::build(&self.directories, &self.out, &tools, &mut |step| {
            tell(global, &step)
        }) {
            Ok(built) => self.show(global, &built),
            Err(error) => Ending::Failed(error.into()),
        }
    }

    fn show(&self, global: &Global, built: &[Built]) -> Ending {
        let documents: Vec<_> = built.iter().map(document).collect();
        match global.json.then(|| screen::json(&json!(documents))) {
            Some(Err(error)) => Ending::Failed(error),
            _ => Ending::Done,
        }
    }
}

fn document(built: &Built) -> serde_json::Value {
    json!({ "name": built.name, "path": built.path, "bytes": built.bytes, "sha256": built.sha256 })
}

fn tell(global: &Global, step: &BuildStep<'_>) {
    if global.quiet {
        return;
    }
    match step {
        BuildStep::AddingTarget => {
            screen::note("fetching the standard library for WebAssembly with rustup")
        }
        BuildStep::BuildingStd { rustc } => {
            screen::note(&format!(
                "building the standard library for WebAssembly with {}",
                rustc.display()
            ));
        }
        BuildStep::Compiling { packages } => {
            screen::note(&format!("compiling {}", packages.join(", ")))
        }
        BuildStep::InstallingTools { language, folder } => {
            screen::note(&format!(
                "fetching the tools for {language} to {}",
                folder.display()
            ));
        }
        BuildStep::Packing { name, language } => {
            screen::note(&format!("packing {name} with {language}"))
        }
        BuildStep::ToolOutput(line) => screen::note(line),
        BuildStep::Installed(built) if global.json => screen::note(&installed(built)),
        BuildStep::Installed(built) => screen::result(&installed(built)),
    }
}

fn installed(built: &Built) -> String {
    format!(
        "{}  {} bytes  sha256 {}",
        built.path.display(),
        built.bytes,
        built.sha256
    )
}
