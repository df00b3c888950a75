//! The plug-ins that a manifest names: found, accepted, their parameters checked.

use miette::{IntoDiagnostic as _, WrapErr as _};
use std::sync::Arc;

use crate::compiled_code;
use crate::role::engine::plugins::Configured;
use fedhost_base::announce::Announcer;
use fedhost_base::hint::explain;
use fedhost_manifest::{self as manifest, Manifest, Parameter, PluginSelector};
use fedhost_plugin::{
    Engine, Limits, Loader, Parameters, Plugin, Registry, Trust, Value, this_program,
};

/// Loads the plug-ins of the manifest, and returns the loader for those to come. The other files of
/// the directory are loaded when the directory is looked at again.
pub(super) fn registry(
    manifest: &Manifest,
    announcer: &Announcer,
) -> Result<(Loader, Registry), miette::Report> {
    let loader = loader(manifest, announcer)?;
    let preprocess = manifest.preprocess.as_ref();
    let wanted: Vec<PluginSelector> = preprocess
        .map(|section| &section.plugin)
        .into_iter()
        .chain([&manifest.model.plugin])
        .cloned()
        .collect();
    let registry = Registry::open_named(&manifest.plugins.directory, &loader, &wanted)?;
    Ok((loader, registry))
}

/// What rows pass through, if anything.
pub(super) fn preprocessor(
    manifest: &Manifest,
    registry: &Registry,
) -> Option<Result<Configured, miette::Report>> {
    let section = manifest.preprocess.as_ref()?;
    Some(configure(
        registry,
        "preprocess",
        &section.plugin,
        &section.parameters,
        Needs::Preprocessing,
    ))
}

/// What learns.
pub(super) fn model(
    manifest: &Manifest,
    registry: &Registry,
) -> Result<Configured, miette::Report> {
    configure(
        registry,
        "model",
        &manifest.model.plugin,
        &manifest.model.parameters,
        Needs::Model,
    )
}

/// Loads all components of the manifest's directory.
pub(super) fn whole_registry(
    manifest: &Manifest,
    announcer: &Announcer,
) -> Result<Registry, miette::Report> {
    Ok(Registry::open(
        &manifest.plugins.directory,
        &loader(manifest, announcer)?,
    )?)
}

fn loader(manifest: &Manifest, announcer: &Announcer) -> Result<Loader, miette::Report> {
    let settings = manifest.plugins.clone();
    let limits_for = Arc::new(move |name: &str| limits(settings.limits_for(name)));
    let trust = Trust::new(
        &manifest.plugins.trusted_keys,
        manifest.plugins.require_signature,
    );
    let trust = trust.wrap_err("plugins.trusted_keys")?;
    let engine = Engine::with_total_memory(manifest.plugins.total_memory_bytes)?;
    let loader = Loader::new(&engine, announcer.sink())
        .with_limits(limits_for)
        .trusting(trust);
    let cache = compiled_code::directory()
        .unwrap_or_else(|| manifest.bus.directory.join("compiled-plugins"));
    Ok(loader
        .with_cache(&cache)
        .compiled_by(this_program().into_diagnostic()?))
}

#[derive(Clone, Copy)]
enum Needs {
    Preprocessing,
    Model,
}

fn configure(
    registry: &Registry,
    section: &str,
    wanted: &PluginSelector,
    parameters: &manifest::Parameters,
    needs: Needs,
) -> Result<Configured, miette::Report> {
    let plugin = registry
        .find(wanted)
        .wrap_err_with(|| format!("{section}.plugin"))?;
    check_abilities(&plugin, section, needs)?;
    let given: Parameters = parameters
        .iter()
        .map(|(name, value)| (name.clone(), value_of(value)))
        .collect();
    let parameters = plugin.check_parameters(&given).map_err(|problems| {
        let lines: Vec<String> = problems
            .iter()
            .map(|problem| format!("{section}.parameters: {}", explain(problem)))
            .collect();
        miette::miette!(lines.join("\n"))
    })?;
    Ok(Configured { plugin, parameters })
}

fn check_abilities(plugin: &Plugin, section: &str, needs: Needs) -> Result<(), miette::Report> {
    let abilities = plugin.abilities();
    let (able, what) = match needs {
        Needs::Preprocessing => (abilities.preprocessing, "preprocess rows"),
        Needs::Model => (
            abilities.training && abilities.detection,
            "both train and score",
        ),
    };
    if able {
        return Ok(());
    }
    miette::bail!(
        help = "`fedhost plugin list` shows what each plug-in can do",
        "{section}.plugin: {} cannot {what}; it exports {abilities}",
        plugin.id()
    )
}

fn value_of(parameter: &Parameter) -> Value {
    match parameter {
        Parameter::Boolean(value) => Value::Boolean(*value),
        Parameter::Integer(value) => Value::Integer(*value),
        Parameter::Number(value) => Value::Number(*value),
        Parameter::Text(value) => Value::Text(value.clone()),
    }
}

/// The manifest's word for them, and the runtime's.
fn limits(given: manifest::Limits) -> Limits {
    let manifest::Limits {
        memory_bytes,
        table_elements,
        tables,
        instances,
        stack_bytes,
        call_deadline_ms,
        fuel_per_call,
        output_bytes,
        log_lines_per_call,
        log_line_bytes,
        log_bytes_per_minute,
        output_columns,
        component_bytes,
        compile_ms,
        compile_memory_bytes,
        failures_in_a_row,
        quarantine_first_ms,
        quarantine_longest_ms,
    } = given;
    Limits {
        memory_bytes,
        table_elements,
        tables,
        instances,
        stack_bytes,
        call_deadline_ms,
        fuel_per_call,
        output_bytes,
        log_lines_per_call,
        log_line_bytes,
        log_bytes_per_minute,
        output_columns,
        component_bytes,
        compile_ms,
        compile_memory_bytes,
        failures_in_a_row,
        quarantine_first_ms,
        quarantine_longest_ms,
    }
}
