//! Turns sections of the manifest into what each role is given.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedhost_domain::event::Event;
use fedhost_domain::fog::schedule;
use fedhost_domain::model::NodeId;
use fedhost_domain::round::{Expected, Rules};
use tokio::task::JoinError;

use super::options::{Options, Role};
use super::{Components, Prepared};
use crate::announce::Announcer;
use crate::bus::embedded::{self, EmbeddedLog};
use crate::bus::{self, Admin as _};
use crate::manifest::{self, Fsync, Join, Manifest, Parameter, PluginSelector, RowsPerRound, Topic, WhenBehind};
use crate::plugin::{Engine, Loader, Parameters, Plugin, Registry, Selector, Value};
use crate::role::fog_node::plugins::{Configured, Plugins};
use crate::role::{Context, Error, Topics, aggregator, fog_node, sensor};

/// The plug-ins that the manifest names, their parameters checked. Compiles what is not in the cache, so it blocks.
pub(super) fn plugins(manifest: &Manifest, announcer: &Announcer) -> Result<Components, anyhow::Error> {
    let registry = registry(manifest, announcer)?;
    let preprocess = manifest.preprocess.as_ref();
    let preprocess = preprocess
        .map(|section| configure(&registry, "preprocess", &section.plugin, &section.parameters, Needs::Preprocessing))
        .transpose()?;
    let model = configure(&registry, "model", &manifest.model.plugin, &manifest.model.parameters, Needs::Model)?;
    for configured in preprocess.iter().chain([&model]) {
        announcer.announce(configured.plugin.loaded());
    }
    Ok(Components { preprocess, model })
}

/// All components of the manifest's directory; compiled code is kept beside the log.
fn registry(manifest: &Manifest, announcer: &Announcer) -> Result<Registry, anyhow::Error> {
    let settings = manifest.plugins.clone();
    let limits_for = Arc::new(move |name: &str| {
        let manifest::Limits { memory_bytes, call_deadline_ms, output_bytes, log_lines_per_call, log_line_bytes } =
            settings.limits_for(name);
        crate::plugin::Limits { memory_bytes, call_deadline_ms, output_bytes, log_lines_per_call, log_line_bytes }
    });
    let loader = Loader::new(&Engine::new()?, announcer.sink())
        .with_limits(limits_for)
        .with_cache(&manifest.bus.directory.join("compiled-plugins"));
    Ok(Registry::open(&manifest.plugins.directory, &loader)?)
}

#[derive(Clone, Copy)]
enum Needs {
    Preprocessing,
    Model,
}

fn configure(
    registry: &Registry,
    section: &str,
    selector: &PluginSelector,
    parameters: &manifest::Parameters,
    needs: Needs,
) -> Result<Configured, anyhow::Error> {
    let sha256 = selector.sha256.clone().map(TryInto::try_into).transpose()?;
    let selector = Selector { name: selector.name.clone(), version: selector.version.clone(), sha256 };
    let plugin = registry.find(&selector).map_err(|error| anyhow::anyhow!("{section}.plugin: {error}"))?;
    check_abilities(&plugin, section, needs)?;
    let given: Parameters = parameters.iter().map(|(name, value)| (name.clone(), value_of(value))).collect();
    let parameters = plugin.check_parameters(&given).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("{section}.parameters: {problem}")).collect();
        anyhow::anyhow!(lines.join("\n"))
    })?;
    Ok(Configured { plugin, parameters })
}

fn check_abilities(plugin: &Plugin, section: &str, needs: Needs) -> Result<(), anyhow::Error> {
    let abilities = plugin.abilities();
    let (able, what) = match needs {
        Needs::Preprocessing => (abilities.preprocessing, "preprocess rows"),
        Needs::Model => (abilities.training && abilities.detection, "both train and score"),
    };
    if able {
        return Ok(());
    }
    anyhow::bail!(
        "{section}.plugin: {} cannot {what}; it exports {abilities}\nhint: `fedhost plugin list` shows what each plug-in can do",
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

/// Opens the log, and announces what a disk has damaged in it.
pub(super) async fn open_log(manifest: &Manifest, announcer: &Announcer) -> Result<Arc<EmbeddedLog>, anyhow::Error> {
    let (announcer, warner) = (announcer.clone(), announcer.clone());
    let options = embedded::Options {
        fsync: match manifest.bus.fsync {
            Fsync::Always => embedded::Fsync::Always,
            Fsync::Never => embedded::Fsync::Never,
        },
        on_damage: Arc::new(move |damage: embedded::Damage| {
            announcer.announce(Event::LogDamaged {
                topic: damage.topic,
                partition: damage.partition,
                from: damage.from,
                to: damage.to,
                detail: damage.detail,
            });
        }),
        on_warning: Arc::new(move |detail| warner.announce(Event::Warned { part: "log".to_owned(), detail })),
        ..embedded::Options::new(&manifest.bus.directory)
    };
    Ok(Arc::new(tokio::task::spawn_blocking(move || EmbeddedLog::open(options)).await??))
}

/// Makes the federation's topics, and for each the topic of its dead letters.
pub(super) async fn create_topics(log: &EmbeddedLog, manifest: &Manifest) -> Result<(), bus::Error> {
    for topic in manifest.topics.all(&manifest.fog_node_ids()) {
        let dead_letters = manifest.topics.dead_letter_of(&topic);
        for topic in [topic, dead_letters] {
            log.create_topic(spec(topic)).await?;
        }
    }
    Ok(())
}

fn spec(topic: Topic) -> bus::TopicSpec {
    let Topic { name, partitions, retention_ms, retention_bytes, max_message_bytes } = topic;
    bus::TopicSpec { name, partitions, retention_ms, retention_bytes, max_message_bytes }
}

/// The rules of the federation.
///
/// # Errors
/// The limits together leave no room for an exact mean.
pub(super) fn rules(manifest: &Manifest, options: &Options) -> Result<Rules, anyhow::Error> {
    let federation = &manifest.federation;
    let nodes = manifest.fog_node_ids().into_iter().map(NodeId::fog);
    let rules = Rules {
        expected: match federation.join {
            Join::Listed => Expected::Listed(nodes.collect()),
            Join::Open => Expected::Open,
        },
        min_nodes: u64::from(federation.min_nodes),
        round_interval_ms: federation.round_interval_ms,
        max_staleness_rounds: federation.max_staleness_rounds,
        max_update_age_ms: federation.max_update_age_ms,
        plugin: manifest.model.plugin.name.clone(),
        max_weight: federation.max_weight,
        max_norm: federation.max_norm,
        max_samples: federation.max_samples,
        max_nodes: u64::from(federation.max_nodes),
        rounds: rounds(manifest, options),
    };
    rules.check().map_err(|error| {
        anyhow::anyhow!("federation: {error}\nhint: lower max_weight, max_samples or max_nodes to what the models need")
    })?;
    Ok(rules)
}

fn rounds(manifest: &Manifest, options: &Options) -> Option<u64> {
    options.rounds.or(manifest.federation.rounds)
}

/// What the aggregator is given, when it runs here.
pub(super) fn aggregator(prepared: &Prepared, context: Context) -> Option<aggregator::Service> {
    let components = prepared.plugins.as_ref().filter(|_| prepared.options.runs(Role::Aggregator))?;
    Some(aggregator::Service {
        context,
        topics: topics(&prepared.manifest.manifest),
        rules: prepared.rules.clone(),
        plugin: components.model.plugin.id().clone(),
        rounds_logged: prepared.rounds_logged,
    })
}

/// What each fog node that runs here is given.
pub(super) fn fog_nodes(prepared: &Prepared, context: &Context) -> Vec<fog_node::Service> {
    let manifest = &prepared.manifest.manifest;
    let Some(components) = prepared.plugins.as_ref().filter(|_| prepared.options.runs(Role::FogNode)) else {
        return Vec::new();
    };
    let topics = topics(manifest);
    let numbers = manifest.fog_node_ids().into_iter().filter(|&number| prepared.options.runs_node(number));
    numbers.map(|number| fog_node(prepared, components, &topics, context, number)).collect()
}

fn fog_node(
    prepared: &Prepared,
    components: &Components,
    topics: &Arc<Topics>,
    context: &Context,
    number: u32,
) -> fog_node::Service {
    let manifest = &prepared.manifest.manifest;
    let training = &manifest.training;
    let batch_rows = usize::try_from(training.batch_rows).unwrap_or(usize::MAX);
    let labels: BTreeSet<&str> = manifest.sensors_of(number).filter_map(|sensor| sensor.label()).collect();
    fog_node::Service {
        number,
        readings: manifest.topics.sensor_data_of(number).name.into(),
        topics: Arc::clone(topics),
        plugins: Arc::new(Plugins {
            node: NodeId::fog(number),
            preprocess: components.preprocess.clone(),
            model: components.model.clone(),
            seed: manifest.model.seed,
            batch_rows,
            announcer: context.announcer.clone(),
            cancel: context.stop.child_token(),
        }),
        schedule: schedule(manifest, &prepared.options),
        epochs: manifest.model.local_epochs,
        window_rows: usize::try_from(training.window_rows).unwrap_or(usize::MAX),
        held_out_rows: usize::try_from(training.held_out_rows).unwrap_or(usize::MAX),
        batch_rows,
        // Rows from elsewhere carry their label as simulated ones do.
        labels: if labels.is_empty() {
            vec!["anomaly".to_owned()]
        } else {
            labels.into_iter().map(str::to_owned).collect()
        },
        sensors: manifest.sensors_of(number).map(|sensor| sensor.name().to_owned()).collect(),
        context: context.clone(),
    }
}

fn schedule(manifest: &Manifest, options: &Options) -> schedule::Config {
    schedule::Config {
        rows_per_round: match manifest.training.rows_per_round {
            RowsPerRound::Count(rows) => schedule::RowsPerRound::Rows(rows),
            RowsPerRound::All(_) => schedule::RowsPerRound::All,
        },
        backlog_rows: manifest.training.window_rows,
        when_behind: match manifest.training.when_behind {
            WhenBehind::Skip => schedule::WhenBehind::Skip,
            WhenBehind::Wait => schedule::WhenBehind::Wait,
        },
        rounds: rounds(manifest, options),
        // One interval for the round to close without this node, one for the answer to be lost.
        retry_after_ms: manifest.federation.round_interval_ms.saturating_mul(2),
    }
}

/// What each sensor that runs here is given.
pub(super) fn sensors(prepared: &Prepared, context: &Context) -> Vec<sensor::Service> {
    let manifest = &prepared.manifest.manifest;
    let here =
        |sensor: &&manifest::Sensor| prepared.options.runs(Role::Sensor) && prepared.options.runs_node(sensor.node());
    let service = |sensor: &manifest::Sensor| sensor::Service {
        context: context.clone(),
        sensor: sensor.clone(),
        topic: manifest.topics.sensor_data_of(sensor.node()).name.into(),
    };
    manifest.sensor.iter().filter(here).map(service).collect()
}

fn topics(manifest: &Manifest) -> Arc<Topics> {
    let name = |topic: &Topic| Arc::from(topic.name.as_str());
    Arc::new(Topics {
        global_model: name(&manifest.topics.global_model),
        model_updates: name(&manifest.topics.model_updates),
        predictions: name(&manifest.topics.predictions),
        evaluations: name(&manifest.topics.evaluations),
        dead_letter_suffix: manifest.topics.dead_letter_suffix.clone(),
    })
}

/// A task's end; a panic in it is a defect of this program.
pub(super) fn joined(ended: Result<Result<(), Error>, JoinError>) -> Result<(), Error> {
    ended.unwrap_or_else(|error| Err(Error::Defect { role: "a role".to_owned(), reason: error.to_string() }))
}
