//! `fedhost plugin list`.

use miette::IntoDiagnostic as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::{Global, screen};
use crate::compiled_code;
use fedhost_base::hint::{explain, with_hint};
use fedhost_plugin::{Engine, EventSink, Loader, Plugin, Registry, this_program};

/// Lists the plug-ins of a directory: what each can do, its parameters, and the files that are
/// refused with the reason.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fedhost plugin list --directory plugins")]
pub(super) struct List {
    /// Where the components lie
    #[arg(long, default_value = "plugins", value_name = "DIR")]
    directory: PathBuf,
}

/// A loader with default limits. Its events are dropped: the command shows what it refuses.
pub(super) fn loader() -> Result<Loader, miette::Report> {
    let no_listener: EventSink = Arc::new(|_| {});
    let mut loader =
        Loader::new(&Engine::new()?, no_listener).compiled_by(this_program().into_diagnostic()?);
    if let Some(cache) = compiled_code::directory() {
        loader = loader.with_cache(&cache);
    }
    if screen::is_terminal() {
        loader = loader.announcing_compilation(Arc::new(|file| {
            screen::note(&format!("compiling {}", file_name(file)));
        }));
    }
    Ok(loader)
}

impl List {
    pub(super) fn execute(&self, global: &Global) -> Result<(), miette::Report> {
        let registry = Registry::open(&self.directory, &loader()?)?;
        if global.json {
            let refused = registry.refused().iter();
            let refused: Vec<_> = refused
                .map(|one| json!({ "file": one.file, "reason": explain(&one.reason) }))
                .collect();
            let plugins: Vec<_> = registry
                .plugins()
                .iter()
                .map(|plugin| document(plugin))
                .collect();
            return screen::json(&json!({ "plugins": plugins, "refused": refused }));
        }
        if registry.plugins().is_empty() && registry.refused().is_empty() {
            let directory = self.directory.display();
            screen::note(&with_hint(
                format_args!("{directory} holds no component"),
                Some(&format!(
                    "`fedhost plugin build DIR... --out {directory}` makes some"
                )),
            ));
        }
        for plugin in registry.plugins() {
            screen::result(&describe(plugin));
        }
        for refused in registry.refused() {
            screen::note(&format!(
                "refused: {}: {}",
                file_name(&refused.file),
                explain(&refused.reason)
            ));
        }
        Ok(())
    }
}

fn document(plugin: &Plugin) -> serde_json::Value {
    json!({
        "id": plugin.id(),
        "file": plugin.file(),
        "abilities": plugin.abilities(),
        "summary": plugin.descriptor().summary,
        "parameters": plugin.descriptor().parameters,
    })
}

fn describe(plugin: &Plugin) -> String {
    let descriptor = plugin.descriptor();
    let parameters: Vec<String> = descriptor
        .parameters
        .iter()
        .map(|parameter| format!("{}={}", parameter.name, parameter.default))
        .collect();
    format!(
        "{:<22} {:<8} {:<24} {}\n{:<22} {}",
        plugin.id().name,
        plugin.id().version,
        plugin.abilities().to_string(),
        parameters.join(" "),
        "",
        descriptor.summary
    )
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
