//! Turns sections of the manifest into what each role is given.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedhost_domain::envelope::Compression;
use fedhost_domain::fog::schedule;
use fedhost_domain::model::NodeId;
use fedhost_domain::round::{Expected, Rules};
use tokio::task::JoinError;

use super::options::{Options, Role};
use super::{Prepared, run_log_path};
use crate::role::fog_node::plugins::Plugins;
use crate::role::{Context, DeadLetters, Error, Topics, aggregator, fog_node, models, sensor};
use crate::run_log::last_round;
use fedhost_bus as bus;
use fedhost_manifest::{
    self as manifest, BusKind, ClientRole, Join, Manifest, NewGroup, Packing, RowsPerRound, Topic,
    WhenBehind,
};

/// How a topic of the manifest is made.
pub(super) fn spec(topic: Topic) -> bus::TopicSpec {
    let settings = topic.further_settings();
    let Topic {
        name,
        partitions,
        retention_ms,
        retention_bytes,
        max_message_bytes,
        replication_factor,
        ..
    } = topic;
    bus::TopicSpec {
        name,
        partitions,
        retention_ms,
        retention_bytes,
        max_message_bytes,
        replication_factor,
        settings,
    }
}

/// The rules of the federation.
///
/// # Errors
/// The limits together leave no room for an exact mean.
pub(super) fn rules(manifest: &Manifest, options: &Options) -> Result<Rules, miette::Report> {
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
        miette::miette!(
            help = "lower max_weight, max_samples or max_nodes to what the models need",
            "federation: {error}"
        )
    })?;
    Ok(rules)
}

fn rounds(manifest: &Manifest, options: &Options) -> Option<u64> {
    options.rounds.or(manifest.federation.rounds)
}

/// What the aggregator is given, when it runs here.
pub(super) fn aggregator(prepared: &Prepared, context: Context) -> Option<aggregator::Service> {
    let supply = prepared
        .plugins
        .as_ref()
        .filter(|_| prepared.options.runs(Role::Aggregator))?;
    Some(aggregator::Service {
        context,
        topics: topics(&prepared.manifest.manifest),
        rules: prepared.rules.clone(),
        plugin: supply.model(),
        rounds_logged: last_round(&run_log_path(&prepared.manifest))
            .unwrap_or_default()
            .unwrap_or(0),
        dead_letters: dead_letters(&prepared.manifest.manifest),
    })
}

/// The numbers of the fog nodes that run here.
pub(super) fn fog_nodes(prepared: &Prepared) -> Vec<u32> {
    let options = &prepared.options;
    let numbers = prepared.manifest.manifest.fog_node_ids().into_iter();
    numbers
        .filter(|&number| options.runs(Role::FogNode) && options.runs_node(number))
        .collect()
}

/// What a fog node is given; nothing without plug-ins.
pub(super) fn fog_node(
    prepared: &Prepared,
    context: Context,
    number: u32,
) -> Option<fog_node::Service> {
    let mut wanted = prepared.plugins.as_ref()?.lineup();
    let lineup = wanted.borrow_and_update().clone();
    let manifest = &prepared.manifest.manifest;
    let training = &manifest.training;
    let batch_rows = usize::try_from(training.batch_rows).unwrap_or(usize::MAX);
    let labels: BTreeSet<&str> = manifest
        .sensors_of(number)
        .filter_map(|sensor| sensor.label())
        .collect();
    Some(fog_node::Service {
        number,
        readings: manifest.topics.sensor_data_of(number).name.into(),
        start: start(manifest),
        topics: topics(manifest),
        plugins: Arc::new(Plugins {
            node: NodeId::fog(number),
            lineup,
            seed: manifest.model.seed,
            batch_rows,
            announcer: context.announcer.clone(),
            cancel: context.stop.child_token(),
        }),
        lineup: wanted,
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
        sensors: manifest
            .sensors_of(number)
            .map(|sensor| sensor.name().to_owned())
            .collect(),
        dead_letters: dead_letters(manifest),
        keeps_global_models: manifest.fog_node_ids().first() == Some(&number),
        context,
    })
}

fn start(manifest: &Manifest) -> bus::Start {
    match manifest.bus.kind {
        BusKind::Embedded => bus::Start::Earliest,
        BusKind::Kafka => match manifest.kafka_clients(ClientRole::FogNode).start {
            NewGroup::Earliest => bus::Start::Earliest,
            NewGroup::Latest => bus::Start::Latest,
            NewGroup::Refuses => bus::Start::Stored,
        },
    }
}

fn dead_letters(manifest: &Manifest) -> DeadLetters {
    let manifest::DeadLetters {
        retries,
        retry_first_ms,
        retry_longest_ms,
        cap_share,
        cap_records,
    } = manifest.dead_letters;
    DeadLetters {
        retries,
        first_ms: retry_first_ms,
        longest_ms: retry_longest_ms,
        cap_share,
        cap_records: u32::try_from(cap_records).unwrap_or(u32::MAX),
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

/// The sensors that run here.
pub(super) fn sensors(prepared: &Prepared) -> Vec<manifest::Sensor> {
    let options = &prepared.options;
    let here =
        |sensor: &&manifest::Sensor| options.runs(Role::Sensor) && options.runs_node(sensor.node());
    prepared
        .manifest
        .manifest
        .sensor
        .iter()
        .filter(here)
        .cloned()
        .collect()
}

/// What a sensor is given.
pub(super) fn sensor(
    prepared: &Prepared,
    context: Context,
    sensor: &manifest::Sensor,
) -> sensor::Service {
    let topic = prepared
        .manifest
        .manifest
        .topics
        .sensor_data_of(sensor.node())
        .name
        .into();
    sensor::Service {
        context,
        sensor: sensor.clone(),
        topic,
    }
}

fn topics(manifest: &Manifest) -> Arc<Topics> {
    Arc::new(Topics {
        global_model: manifest.topics.global_model().name.into(),
        model_updates: manifest.topics.model_updates().name.into(),
        predictions: manifest.topics.predictions().name.into(),
        evaluations: manifest.topics.evaluations().name.into(),
        dead_letter_suffix: manifest.topics.dead_letter_suffix.clone(),
        wire: wire(manifest),
    })
}

fn wire(manifest: &Manifest) -> models::Wire {
    models::Wire {
        binary: manifest.federation.wire == manifest::Wire::Binary,
        compression: match manifest.federation.compression {
            Packing::Gzip => Compression::Gzip,
            Packing::Zstd => Compression::Zstd,
            Packing::Lz4 => Compression::Lz4,
            Packing::None => Compression::None,
        },
    }
}

/// A task's end; a panic in it is a defect of this program.
pub(super) fn joined(ended: Result<Result<(), Error>, JoinError>) -> Result<(), Error> {
    ended.unwrap_or_else(|error| {
        Err(Error::Defect {
            role: "a role".to_owned(),
            reason: error.to_string(),
        })
    })
}
