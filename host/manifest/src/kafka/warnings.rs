//! Settings that the user chose, and that weaken a promise: a run announces them before it begins.

use std::collections::BTreeSet;

use super::decided::Decision;
use super::effective::Effective;
use super::property::{Side, key_of};
use super::{GroupProtocol, Kafka, rules};
use crate::topics::{Topic, wire_bytes};
use crate::{BusKind, Manifest};

/// A sentence for each, without repeats; none when the bus is not Kafka.
pub(super) fn warnings(manifest: &Manifest) -> Vec<String> {
    if manifest.bus.kind != BusKind::Kafka {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let clients = rules::clients().flat_map(|(role, side)| {
        let effective = Effective::of(manifest, role, side);
        let size = (side == Side::Producer)
            .then(|| chunks(manifest, &effective))
            .flatten();
        of_client(&effective, side)
            .into_iter()
            .chain(size)
            .chain(overruled(&effective))
            .collect::<Vec<_>>()
    });
    clients
        .chain(unused(&manifest.kafka))
        .chain(no_copy_to_spare(manifest))
        .filter(|warning| seen.insert(warning.clone()))
        .collect()
}

/// A value that is taken and does nothing.
fn overruled(effective: &Effective) -> impl Iterator<Item = String> {
    let sentence = |(
        value,
        Decision {
            name,
            value: decided,
            reason,
        },
    ): (&str, &Decision)| {
        format!(
            "{} = {value} does nothing, it is {decided}: {reason}",
            key_of(name)
        )
    };
    effective.overruled().map(sentence)
}

/// A choice that no client of a run follows.
fn unused(kafka: &Kafka) -> Option<String> {
    (kafka.group_protocol == GroupProtocol::Consumer).then(|| {
        "group_protocol = consumer does nothing for a run: it is for readers that share partitions, and of the readers of a \
         role one has them all"
            .to_owned()
    })
}

/// Topics of which every copy must be there for a write: the first broker that is away stops them.
fn no_copy_to_spare(manifest: &Manifest) -> Vec<String> {
    let topics = manifest.topics.by_key(&manifest.fog_node_ids());
    let sentence = |topic: &Topic| {
        let (copies, least) = (topic.replication_factor?, topic.min_insync_replicas?);
        (copies > 1 && least >= copies).then(|| {
            format!(
                "topic {:?} has {copies} copies and min_insync_replicas = {least}: no write succeeds while one of its \
                 brokers is away; {} would do",
                topic.name,
                copies - 1
            )
        })
    };
    topics
        .iter()
        .filter_map(|(_, topic)| sentence(topic))
        .collect()
}

/// A dead-letter record is larger than the record that it was.
fn chunks(manifest: &Manifest, effective: &Effective) -> Option<String> {
    let (limit, needed) = (
        effective.whole("message.max.bytes"),
        wire_bytes(manifest.topics.largest_message_bytes()),
    );
    (limit < needed).then(|| {
        format!(
            "max_request_size = {limit}: larger records travel in chunks, and {needed} would let all that the topics take \
             pass in one piece"
        )
    })
}

fn of_client(effective: &Effective, side: Side) -> Vec<String> {
    let is = |name: &str, value: &str| effective.is(name, value);
    let is_plain = is("security.protocol", "SASL_PLAINTEXT") && is("sasl.mechanism", "PLAIN");
    let uses_tls = effective.text("security.protocol").ends_with("SSL");
    let mut found = vec![
        (
            uses_tls && is("enable.ssl.certificate.verification", "false"),
            "certificates of brokers are not verified: anyone on the way can read and change everything",
        ),
        (
            uses_tls && is("ssl.endpoint.identification.algorithm", "none"),
            "names in certificates of brokers are not checked: any certificate of a trusted authority passes",
        ),
        (
            is_plain,
            "the password goes over the network as it is: SASL_SSL would encrypt it",
        ),
    ];
    match side {
        Side::Producer => found.extend([
            (is("acks", "1"), "acks = 1: a record is lost when its broker fails before another has a copy"),
            (
                is("enable.idempotence", "false"),
                "enable_idempotence = false: a record that is sent again may be stored twice",
            ),
        ]),
        Side::Consumer => found.extend([
            (
                is("auto.offset.reset", "latest"),
                "auto_offset_reset = latest: a new fog node skips the readings that are there already; models and updates \
                 are read from the earliest all the same",
            ),
            (
                is("isolation.level", "read_uncommitted"),
                "isolation_level = read_uncommitted: records of transactions that fail are read as if they counted",
            ),
        ]),
    }
    found
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, warning)| warning.to_owned())
        .collect()
}
