//! Settings of clients that read.

use crate::kafka::property::{Kind, Property};

pub(super) static TABLE: &[Property] = &[
    Property::word(
        "auto.offset.reset",
        &["earliest", "latest", "error"],
        "Where a new group of a fog node begins to read its readings.",
    )
    .meaning(&[
        ("smallest", "earliest"),
        ("beginning", "earliest"),
        ("largest", "latest"),
        ("end", "latest"),
        ("none", "error"),
    ])
    .default("earliest")
    .of_host(),
    Property::flag("enable.auto.commit", "Whether offsets are stored by the clock.")
        .fixed("false", "an offset is stored with what came of the record, so that nothing is lost or done twice"),
    Property::flag("enable.auto.offset.store", "Whether a record counts as done when it is handed out.")
        .fixed("false", "an offset is stored with what came of the record, so that nothing is lost or done twice"),
    Property::word(
        "isolation.level",
        &["read_committed", "read_uncommitted"],
        "Whether records of open and aborted transactions are read.",
    )
    .default("read_committed"),
    Property::whole("max.poll.records", 1, 2_147_483_647, "Records handed out at a time.").default("500").of_host(),
    Property::whole(
        "max.poll.interval.ms",
        1,
        86_400_000,
        "Milliseconds without asking for records after which a reader is taken for dead.",
    )
    .default("300000"),
    Property::whole(
        "session.timeout.ms",
        1,
        3_600_000,
        "Milliseconds of silence after which the broker takes a reader for dead, and gives its place to another.",
    )
    .default("10000"),
    Property::whole("heartbeat.interval.ms", 1, 3_600_000, "Milliseconds between signs of life.").default("3000"),
    Property::new(
        "partition.assignment.strategy",
        Kind::Words(&["range", "roundrobin", "cooperative-sticky"]),
        "How the readers of a group divide the partitions: any value is range, since of those of a role one has them all.",
    )
    .meaning(ASSIGNORS),
    Property::text(
        "group.remote.assignor",
        "The broker's own way to divide partitions between readers that share them, with group_protocol = \"consumer\".",
    ),
    Property::whole(
        "coordinator.query.interval.ms",
        1,
        3_600_000,
        "Milliseconds between looks for the group's coordinator.",
    ),
    Property::whole("fetch.min.bytes", 1, 100_000_000, "Bytes that a broker collects before it answers.").default("1"),
    Property::whole("fetch.wait.max.ms", 0, 300_000, "Milliseconds that a broker collects them.")
        .also(&["fetch_max_wait_ms"])
        .default("500"),
    Property::whole(
        "max.partition.fetch.bytes",
        1,
        1_000_000_000,
        "Bytes of one partition in one answer; by default, what the topics need.",
    )
    .also(&["fetch_message_max_bytes"]),
    Property::whole("fetch.max.bytes", 0, 2_147_483_135, "Bytes of one answer.").default("52428800"),
    Property::whole(
        "receive.message.max.bytes",
        1000,
        2_147_483_647,
        "Bytes of an answer above which the connection is given up.",
    )
    .default("100000000"),
    Property::whole(
        "fetch.queue.backoff.ms",
        0,
        300_000,
        "Milliseconds before more is asked for when enough is queued.",
    )
    .default("100"),
    Property::whole("fetch.error.backoff.ms", 0, 300_000, "Milliseconds before more is asked for after an error."),
    Property::whole("queued.min.messages", 1, 10_000_000, "Records that are kept ready for each partition.")
        .default("100000"),
    Property::whole("queued.max.messages.kbytes", 1, 2_097_151, "KiB of records that are kept ready.").default("65536"),
    Property::flag("check.crcs", "Whether the checksum of every record is verified.").default("true"),
];

const ASSIGNORS: &[(&str, &str)] = &[
    ("org.apache.kafka.clients.consumer.RangeAssignor", "range"),
    (
        "org.apache.kafka.clients.consumer.RoundRobinAssignor",
        "roundrobin",
    ),
    (
        "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
        "cooperative-sticky",
    ),
    (
        "kafka.coordinator.assignors.range.RangePartitionAssignor",
        "range",
    ),
    (
        "kafka.coordinator.assignors.roundrobin.RoundRobinPartitionAssignor",
        "roundrobin",
    ),
    (
        "aiokafka.coordinator.assignors.range.RangePartitionAssignor",
        "range",
    ),
    (
        "aiokafka.coordinator.assignors.roundrobin.RoundRobinPartitionAssignor",
        "roundrobin",
    ),
    ("RangeAssignor", "range"),
    ("RangePartitionAssignor", "range"),
    ("RoundRobinAssignor", "roundrobin"),
    ("RoundRobinPartitionAssignor", "roundrobin"),
    ("CooperativeStickyAssignor", "cooperative-sticky"),
];
