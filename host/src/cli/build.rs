//! `fedhost plugin build`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::progress::Spinner;
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
        let spinner = Spinner::new(global, "looking at the sources");
        let built = build::build(&self.directories, &self.out, &tools, &mut |step| {
            show(global, &spinner, &step);
        });
        spinner.finish();
        match built {
            Ok(built) => self.print(global, &built),
            Err(error) => Ending::Failed(error.into()),
        }
    }

    fn print(&self, global: &Global, built: &[Built]) -> Ending {
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

/// Shows a step that begins as a line and beside the spinner, and output of tools as a line.
fn show(global: &Global, spinner: &Spinner, step: &BuildStep<'_>) {
    if global.quiet {
        return;
    }
    let begun = match step {
        BuildStep::ToolOutput(line) => return screen::note(line),
        BuildStep::Installed(built) if global.json => return screen::note(&installed(built)),
        BuildStep::Installed(built) => return screen::result(&installed(built)),
        BuildStep::AddingTarget => {
            "fetching the standard library for WebAssembly with rustup".to_owned()
        }
        BuildStep::BuildingStd { rustc } => format!(
            "building the standard library for WebAssembly with {}",
            rustc.display()
        ),
        BuildStep::Compiling { packages } => format!("compiling {}", packages.join(", ")),
        BuildStep::InstallingTools { language, folder } => {
            format!("fetching the tools for {language} to {}", folder.display())
        }
        BuildStep::Packing { name, language } => format!("packing {name} with {language}"),
    };
    screen::note(&begun);
    spinner.set(|| begun);
}

fn installed(built: &Built) -> String {
    format!(
        "{}  {} bytes  sha256 {}",
        built.path.display(),
        built.bytes,
        built.sha256
    )
}
