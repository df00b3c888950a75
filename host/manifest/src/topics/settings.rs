//! Which settings of a topic Kafka knows.

/// As of Kafka 4.3. Any other name may be a newer one, and is left to the broker.
const KNOWN: [&str; 25] = [
    "delete.retention.ms",
    "errors.deadletterqueue.group.enable",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "local.retention.bytes",
    "local.retention.ms",
    "max.compaction.lag.ms",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "preallocate",
    "remote.copy.disable",
    "remote.log.delete.on.disable",
    "remote.storage.enable",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
];

/// Settings that are keys of the topic itself.
const OWN: [(&str, &str); 8] = [
    ("cleanup.policy", "cleanup_policy"),
    ("compression.type", "compression"),
    ("max.message.bytes", "max_message_bytes"),
    ("min.insync.replicas", "min_insync_replicas"),
    ("num.partitions", "partitions"),
    ("replication.factor", "replication_factor"),
    ("retention.bytes", "retention_bytes"),
    ("retention.ms", "retention_ms"),
];

/// # Errors
/// What is wrong with a setting of that name, and the remedy.
pub(crate) fn check_setting(name: &str) -> Result<(), (String, String)> {
    if let Some((_, key)) = OWN.iter().find(|(own, _)| *own == name) {
        return Err((
            "this setting is a key of the topic itself".to_owned(),
            format!("give {key} beside the topic's name"),
        ));
    }
    if KNOWN.contains(&name) {
        return Ok(());
    }
    // Close enough for a slip of the fingers, not for a sibling of a name that is known.
    let slip = |known: &&&str| strsim::damerau_levenshtein(known, &name.replace('_', ".")) <= 2;
    match KNOWN
        .iter()
        .chain(OWN.iter().map(|(own, _)| own))
        .find(slip)
    {
        Some(near) => Err((
            "Kafka has no such setting of topics".to_owned(),
            format!("did you mean {near:?}?"),
        )),
        None => Ok(()),
    }
}
