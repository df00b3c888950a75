//! `fedhost plugin inspect`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{Ending, Global, list, screen};
use fedhost_plugin::{ComponentVerdict, Inspection};

/// Shows what a component is: name, imports, exports, parameters, digest, memory; and whether this
/// host would run it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  fedhost plugin inspect plugins/logistic-regression.wasm\n\nExit code 1 when the component would be refused."
)]
pub(super) struct Inspect {
    /// The component
    file: PathBuf,
}

impl Inspect {
    pub(super) fn execute(&self, global: &Global) -> Ending {
        let inspected = list::loader().and_then(|loader| Ok(loader.inspect(&self.file)?));
        let inspection = match inspected {
            Ok(inspection) => inspection,
            Err(error) => return Ending::Refused(error.wrap_err(self.file.display().to_string())),
        };
        if global.json {
            if let Err(error) = screen::json(&inspection) {
                return Ending::Failed(error);
            }
        } else {
            screen::result(&describe(&inspection));
        }
        match &inspection.verdict {
            ComponentVerdict::Accepted => Ending::Done,
            ComponentVerdict::Refused { reason } => Ending::Failed(miette::miette!(
                "{} would be refused: {reason}",
                self.file.display()
            )),
        }
    }
}

fn describe(inspection: &Inspection) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        writeln!(text, "{name:<15} {value}").ok();
    };
    if let Some(descriptor) = &inspection.descriptor {
        line("name", &descriptor.name);
        line("version", &descriptor.version.to_string());
        line("summary", &descriptor.summary);
    }
    if let Some(abilities) = &inspection.abilities {
        line("can", &abilities.to_string());
    }
    line("sha256", inspection.sha256.as_str());
    line("size", &format!("{} bytes", inspection.size_bytes));
    if let Some(memory) = inspection.initial_memory_bytes {
        line("memory", &format!("{memory} bytes to begin with"));
    }
    line("imports", &or_nothing(&inspection.imports));
    line("exports", &or_nothing(&inspection.exports));
    let producers: Vec<String> = inspection
        .producers
        .iter()
        .map(|one| format!("{} {}", one.name, one.version))
        .collect();
    line("made with", &or_nothing(&producers));
    line(
        "licence",
        inspection.licence.as_deref().unwrap_or("not stated"),
    );
    for parameter in inspection
        .descriptor
        .iter()
        .flat_map(|descriptor| &descriptor.parameters)
    {
        line(
            "parameter",
            &format!(
                "{} = {}: {}",
                parameter.name, parameter.default, parameter.summary
            ),
        );
    }
    if inspection.verdict == ComponentVerdict::Accepted {
        line("verdict", "this host would run it");
    }
    text
}

fn or_nothing(items: &[String]) -> String {
    if items.is_empty() {
        "nothing".to_owned()
    } else {
        items.join(", ")
    }
}
