//! Settings of clients that write.

use crate::kafka::property::{Kind, Property};

const UNLIMITED: &[(&str, &str)] = &[
    ("inf", "2147483647"),
    ("none", "2147483647"),
    ("null", "2147483647"),
];

pub(super) static TABLE: &[Property] = &[
    Property::word("acks", &["all", "1", "0"], "Copies that must have a record before it counts as written.")
        .also(&["request_required_acks"])
        .meaning(&[("-1", "all")])
        .default("all"),
    Property::flag("enable.idempotence", "A record that is sent again is stored once, and in order.").default("true"),
    Property::whole(
        "retries",
        0,
        2_147_483_647,
        "How often the client sends a record again; then the writer does, for as long as it takes.",
    )
    .also(&["message_send_max_retries"])
    .meaning(UNLIMITED)
    .default("2147483647"),
    Property::whole("max.in.flight.requests.per.connection", 1, 1_000_000, "Requests under way to one broker.")
        .also(&["max_in_flight"])
        .default("5"),
    Property::whole(
        "delivery.timeout.ms",
        0,
        2_147_483_647,
        "Milliseconds after which a client gives a record up: the writer decides, and it never does, so any value is 0.",
    )
    .also(&["message_timeout_ms"]),
    Property::whole(
        "transaction.timeout.ms",
        1000,
        2_147_483_647,
        "Milliseconds after which the broker ends a transaction.",
    )
    .default("60000"),
    Property::new(
        "linger.ms",
        Kind::Number { min: 0, max: 900_000 },
        "Milliseconds that a record may wait for others; 0 with delivery = \"exactly-once\", where a transaction goes at once.",
    )
    .also(&["queue_buffering_max_ms"])
    .default("5"),
    Property::whole("batch.size", 1, 2_147_483_647, "Bytes of one batch.").also(&["max_batch_size"]).default("1000000"),
    Property::whole("batch.num.messages", 1, 1_000_000, "Records of one batch.").default("10000"),
    Property::word("compression.type", &["none", "gzip", "snappy", "lz4", "zstd"], "How batches are compressed.")
        .also(&["compression_codec"])
        .refusing(&[("producer", "that is a setting of topics: topics.NAME.compression")])
        .default("none"),
    Property::whole("compression.level", -1, 12, "How hard a batch is compressed; -1: as the codec likes."),
    Property::whole("queue.buffering.max.messages", 1, 2_147_483_647, "Records that wait to be sent.")
        .default("100000"),
    Property::whole("queue.buffering.max.kbytes", 1, 2_147_483_647, "KiB of records that wait to be sent.")
        .in_bytes(&["buffer_memory"])
        .default("65536"),
    Property::whole("queue.buffering.backpressure.threshold", 1, 1_000_000, "Requests that wait before batches grow.")
        .default("1"),
    Property::whole(
        "max.block.ms",
        0,
        2_147_483_647,
        "Milliseconds that a writer waits for room in a full queue before it says so.",
    )
    .default("60000")
    .of_host(),
    Property::whole(
        "sticky.partitioning.linger.ms",
        0,
        900_000,
        "Milliseconds that records without a key keep to one partition.",
    ),
    Property::word(
        "partitioner",
        &["murmur2_random", "murmur2", "consistent_random", "consistent", "fnv1a_random", "fnv1a", "random"],
        "Which partition a key belongs to.",
    )
    .fixed("murmur2_random", "every bus, and every Java and Python client, finds a key's partition that way"),
    Property::flag("enable.gapless.guarantee", "An error that could leave a gap ends the client."),
    Property::flag("delivery.report.only.error", "Whether only failures are reported.")
        .fixed("false", "a write is answered when every record of it is reported as written"),
];
