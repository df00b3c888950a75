//! Everything that a run of a manifest would need, looked at without a run.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{buses, components, topics};
use crate::role::engine::plugins::Configured;
use fedhost_base::announce::Announcer;
use fedhost_base::hint::hint;
use fedhost_base::observer::NoObserver;
use fedhost_base::observer::Observer;
use fedhost_bus::TopicSpec;
use fedhost_bus::checkup::{Finding, Tell, examine_directory};
use fedhost_bus::embedded;
use fedhost_bus::kafka::doctor::{Needs, ReadNeed};
use fedhost_bus::kafka::{self, Options};
use fedhost_manifest::{BusKind, ClientRole, Extent, Loaded, Manifest, Read, RoleSpec};
use fedhost_plugin::Registry;

/// What to do about a setting that gives something up.
const SETTINGS_HINT: &str = "`fedhost check --print` shows where each value comes from; remove the setting unless it is meant";

/// Examines plug-ins, then the bus, and reports each finding as it is made. Blocks; must not be
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
                examine_directory("spool", &manifest.spool_directory(), tell);
            }
            let no_observer: Arc<dyn Observer> = Arc::new(NoObserver);
            let options = buses::kafka_options(manifest, ClientRole::Admin, &no_observer);
            for warning in manifest.kafka_warnings() {
                tell(Finding::warning("kafka settings", warning, SETTINGS_HINT));
            }
            let needs = needs(manifest, &manifest.roles(), &options);
            kafka::doctor::examine(&options, &needs, tell);
        }
    }
}

fn plugins(manifest: &Manifest, tell: &mut Tell<'_>) {
    let registry = match components::whole_registry(manifest, &Announcer::new(Vec::new())) {
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

/// Files that are no plug-ins are ignored unless the manifest names one.
fn refused(registry: &Registry, tell: &mut Tell<'_>) {
    for refused in registry.refused() {
        let detail = format!("{} is refused: {}", refused.file.display(), refused.reason);
        let hint = hint(&refused.reason).unwrap_or_else(|| {
            "`fedhost plugin inspect` says more; move the file away if it is none".to_owned()
        });
        tell(Finding::warning("plug-ins", detail, hint));
    }
}

/// Errors carry their remedy on a line of its own.
fn failure(subject: &str, error: &miette::Report) -> Finding {
    let hint = hint(error.as_ref())
        .unwrap_or_else(|| "`fedhost plugin list` shows what there is".to_owned());
    Finding::failed(subject, format!("{error:#}"), hint)
}

/// What the roles of the manifest do on a cluster. Topics that no role writes are made, and left to
/// other programs.
pub(super) fn needs(manifest: &Manifest, roles: &[RoleSpec], options: &Options) -> Needs {
    let written: BTreeSet<String> = roles
        .iter()
        .flat_map(|spec| spec.writes(manifest))
        .map(|topic| topic.name)
        .collect();
    let topics: Vec<TopicSpec> = topics::asked(manifest)
        .into_iter()
        .map(|asked| asked.spec)
        .collect();
    let names = topics.iter().map(|topic| &topic.name);
    Needs {
        reads: roles
            .iter()
            .flat_map(|spec| &spec.reads)
            .map(|read| reading(read, options))
            .collect(),
        writes: names
            .filter(|name| written.contains(*name))
            .cloned()
            .collect(),
        topics,
    }
}

fn reading(read: &Read, options: &Options) -> ReadNeed {
    ReadNeed {
        group: options.group(&read.group),
        topic: read.topic.name.clone(),
        stores_offsets: read.extent == Extent::All,
    }
}
