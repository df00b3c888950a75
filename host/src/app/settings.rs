//! Translates sections of the manifest into the types of roles and buses. Pure: opens nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedhost_domain::envelope::Compression;
use fedhost_domain::fog::schedule;
use fedhost_domain::model::NodeId;
use fedhost_domain::reading::Fields;
use fedhost_domain::round::{Expected, Rules};

use super::options::Options;
use crate::role::federation::{FederationTopics, Wire};
use crate::role::fog_node::TrainingNodes;
use crate::role::{DeadLetters, fog_node};
use fedhost_base::hint::hint;
use fedhost_bus as bus;
use fedhost_manifest::{
    self as manifest, BusKind, ClientRole, Join, Manifest, NewGroup, Packing, RowsPerRound, Sensor,
    Topic, WhenBehind,
};

/// The specification by which a topic is created.
pub(super) fn topic_spec(topic: Topic) -> bus::TopicSpec {
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
        let help = hint(&error).unwrap_or_else(|| {
            "lower max_weight, max_samples or max_nodes to what the models need".to_owned()
        });
        miette::miette!(help = help, "federation: {error}")
    })?;
    Ok(rules)
}

/// Whether a node's rows have labels. Rows of sensors that name no label have none; those of other
/// programs may have one.
pub(super) fn has_labels(manifest: &Manifest, number: u32) -> bool {
    let mut nodes = manifest.fog_node.iter();
    let names_label = nodes.any(|node| node.id == number && node.label.is_some());
    let mut sensors = manifest.sensors_of(number).peekable();
    names_label || sensors.peek().is_none() || sensors.any(|sensor| sensor.label().is_some())
}

/// The fog nodes that may train. Where other nodes may join, none of them is needed.
pub(super) fn training_nodes(manifest: &Manifest) -> TrainingNodes {
    let needed = match manifest.federation.join {
        Join::Listed => usize::try_from(manifest.federation.min_nodes).unwrap_or(usize::MAX),
        Join::Open => 0,
    };
    TrainingNodes::new(manifest.fog_node_ids(), needed)
}

fn rounds(manifest: &Manifest, options: &Options) -> Option<u64> {
    options.rounds.or(manifest.federation.rounds)
}

/// Where a fog node starts to read its readings without a stored offset.
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

/// What a fog node reads from its sensors.
pub(super) fn readings(manifest: &Manifest, number: u32, batch_rows: usize) -> fog_node::Readings {
    let node = manifest.fog_node.iter().find(|node| node.id == number);
    let sensors: Vec<&Sensor> = manifest.sensors_of(number).collect();
    let mut labels: BTreeSet<&str> = sensors.iter().filter_map(|sensor| sensor.label()).collect();
    labels.extend(node.and_then(|node| node.label.as_deref()));
    if labels.is_empty() {
        // Rows of other programs carry their label as simulated ones do.
        labels.insert("anomaly");
    }
    fog_node::Readings {
        topic: manifest.topics.sensor_data_of(number).name.into(),
        start: start(manifest),
        batch_rows,
        fields: Fields {
            labels: labels.into_iter().map(str::to_owned).collect(),
            ignored: node.map_or_else(BTreeSet::new, |node| node.ignore.iter().cloned().collect()),
            sensor: node.and_then(|node| node.sensor.clone()),
        },
        columns: node.map_or_else(Vec::new, |node| node.columns.clone()),
        sensors: sensors
            .iter()
            .map(|sensor| sensor.name().to_owned())
            .collect(),
    }
}

/// When a role gives up on a record, and when on its stream.
pub(super) fn dead_letters(manifest: &Manifest) -> DeadLetters {
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

/// When a fog node trains.
pub(super) fn schedule(manifest: &Manifest, options: &Options) -> schedule::Config {
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

/// The topics that roles share.
pub(super) fn topics(manifest: &Manifest) -> Arc<FederationTopics> {
    Arc::new(FederationTopics {
        global_model: manifest.topics.global_model().name.into(),
        model_updates: manifest.topics.model_updates().name.into(),
        predictions: manifest.topics.predictions().name.into(),
        evaluations: manifest.topics.evaluations().name.into(),
        dead_letter_suffix: manifest.topics.dead_letter_suffix.clone(),
        wire: wire(manifest),
    })
}

fn wire(manifest: &Manifest) -> Wire {
    Wire {
        binary: manifest.federation.wire == manifest::Wire::Binary,
        compression: match manifest.federation.compression {
            Packing::Gzip => Compression::Gzip,
            Packing::Zstd => Compression::Zstd,
            Packing::Lz4 => Compression::Lz4,
            Packing::None => Compression::None,
        },
    }
}
