//! Everything that a run of a manifest would need, looked at without a run.

use std::sync::Arc;

use fedhost_domain::model::NodeId;

use super::lag::{self, Reader};
use super::{buses, components, topics};
use crate::role::fog_node::plugins::Configured;
use fedhost_base::announce::Announcer;
use fedhost_base::observer::NoObserver;
use fedhost_base::observer::Observer;
use fedhost_bus::checkup::{Finding, Tell, examine_directory};
use fedhost_bus::embedded;
use fedhost_bus::kafka::doctor::{Needs, Reading};
use fedhost_bus::kafka::{self, Options};
use fedhost_manifest::{BusKind, ClientRole, Loaded, Manifest};
use fedhost_plugin::Registry;

/// Examines plug-ins, then the bus, and tells of each finding as it is made. Blocks; must not be
/// called on a thread that runs async tasks.
pub fn examine(manifest: &Loaded, tell: &mut Tell<'_>) {
    let manifest = &manifest.manifest;
    plugins(manifest, tell);
    let directory = &manifest.bus.directory;
    examine_directory("directory", directory, tell);
    match manifest.bus.kind {
        BusKind::Embedded => embedded::doctor::examine(directory, tell),
        BusKind::Kafka => {
            if manifest.spool.enabled {
                examine_directory("spool", &buses::spool_directory(manifest), tell);
            }
            let nobody: Arc<dyn Observer> = Arc::new(NoObserver);
            let options = buses::kafka_options(manifest, ClientRole::Admin, &nobody);
            kafka::doctor::examine(&options, &needs(manifest, &options), tell);
        }
    }
}

fn plugins(manifest: &Manifest, tell: &mut Tell<'_>) {
    let registry = match components::uncached_registry(manifest, &Announcer::new(Vec::new())) {
        Ok(registry) => registry,
        Err(error) => return tell(failure("plug-ins", &error)),
    };
    if manifest.preprocess.is_some() {
        tell(plugin(
            "preprocess.plugin",
            components::preprocessor(manifest, &registry).transpose(),
        ));
    }
    tell(plugin(
        "model.plugin",
        components::model(manifest, &registry).map(Some),
    ));
    refused(&registry, tell);
}

fn plugin(section: &str, found: Result<Option<Configured>, miette::Report>) -> Finding {
    match found {
        Ok(found) => {
            let found = found.map(|configured| configured.plugin);
            let words = found.map(|plugin| format!("{}, can {}", plugin.id(), plugin.abilities()));
            Finding::ok(section, words.unwrap_or_default())
        }
        Err(error) => failure(section, &error),
    }
}

/// Files that are no plug-ins hurt nobody as long as none of them is asked for.
fn refused(registry: &Registry, tell: &mut Tell<'_>) {
    for refused in registry.refused() {
        let detail = format!("{} is refused: {}", refused.file.display(), refused.reason);
        tell(Finding::warning(
            "plug-ins",
            detail,
            "`fedhost plugin inspect` says more; move the file away if it is none",
        ));
    }
}

/// Errors carry their remedy on a line of its own.
fn failure(subject: &str, error: &miette::Report) -> Finding {
    let told = format!("{error:#}");
    let (detail, hint) = told
        .split_once("\nhint: ")
        .unwrap_or((&told, "`fedhost plugin list` shows what there is"));
    Finding::failed(subject, detail, hint)
}

/// What the roles of the manifest do on a cluster.
fn needs(manifest: &Manifest, options: &Options) -> Needs {
    let asked = topics::asked(manifest);
    Needs {
        reads: readings(manifest, options),
        writes: asked
            .iter()
            .filter(|asked| is_written(manifest, &asked.spec.name))
            .map(|asked| asked.spec.name.clone())
            .collect(),
        topics: asked.into_iter().map(|asked| asked.spec).collect(),
    }
}

fn readings(manifest: &Manifest, options: &Options) -> Vec<Reading> {
    let tracked = lag::readers(manifest)
        .into_iter()
        .map(|Reader { group, topic }| (group, topic, true));
    let models = manifest.fog_node_ids().into_iter().map(|node| {
        let group = format!("{}.models", NodeId::fog(node).as_str());
        (group, manifest.topics.global_model().name, false)
    });
    let reading = |(group, topic, stores_offsets): (String, String, bool)| Reading {
        group: options.group(&group),
        topic,
        stores_offsets,
    };
    tracked.chain(models).map(reading).collect()
}

/// Topics that the manifest only names are made, and left to others.
fn is_written(manifest: &Manifest, name: &str) -> bool {
    let topics = &manifest.topics;
    let shared = [
        topics.global_model(),
        topics.model_updates(),
        topics.predictions(),
        topics.evaluations(),
        topics.state(),
    ];
    let readings = manifest
        .fog_node_ids()
        .into_iter()
        .map(|node| topics.sensor_data_of(node));
    let read: Vec<_> = readings.chain([topics.model_updates()]).collect();
    let letters = read
        .iter()
        .map(|topic| topics.dead_letter_of(topic))
        .collect::<Vec<_>>();
    shared
        .iter()
        .chain(&read)
        .chain(&letters)
        .any(|topic| topic.name == name)
}
