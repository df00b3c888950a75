//! Named sets of settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ClientRole;
use super::property::Side;

/// A named set of settings of producers and consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Records go out one by one, at once.
    LowLatency,
    /// Some batching, compressed with gzip.
    Balanced,
    /// Large batches, compressed with lz4.
    HighThroughput,
    /// Small buffers, for small machines.
    MemorySaving,
}

/// By librdkafka's names.
type Set = &'static [(&'static str, &'static str)];

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 4] = [
        Self::LowLatency,
        Self::Balanced,
        Self::HighThroughput,
        Self::MemorySaving,
    ];

    /// As the manifest writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LowLatency => "low-latency",
            Self::Balanced => "balanced",
            Self::HighThroughput => "high-throughput",
            Self::MemorySaving => "memory-saving",
        }
    }

    /// What it sets on clients of that side.
    ///
    /// The values are those of the configuration guides that users bring along: of a streaming
    /// analytics platform (its application's settings, its low-latency and its high-throughput
    /// sets), and of a federation on Kafka (its memory-efficient set). These trade safety too:
    /// `acks=1`, `retries=0` or `3`, `enable.idempotence=false`. Here acks, retries and idempotence
    /// stay as every profile has them, for a named set must not weaken a promise; and a
    /// `max_request_size` is raised to what the topics need. Of `fetch.wait.max.ms=0` only the
    /// intent is kept: with `fetch.min.bytes=1` the first record is answered at once anyway, and a
    /// wait of 0 asks again and again for nothing. Three values of the balanced set are ours, since
    /// it is the set of those who chose none: batches of 16 KiB would cost librdkafka most of its
    /// throughput, waiting for 1 KiB would hold a lone record up for half a second, and a session
    /// of 30 s would keep a role that was restarted after a crash waiting for its own former self.
    pub(super) fn settings(self, side: Side) -> Set {
        match side {
            Side::Producer => self.producer(),
            Side::Consumer => self.consumer(),
        }
    }

    /// What it sets on clients of one role above that.
    ///
    /// Only the balanced set does, as the set of those who chose none; the values are those that a
    /// guide for federations on Kafka gives its server, here the aggregator, and its clients, here
    /// the fog nodes. Not all of them, where another value serves better: `acks=1`, `retries=3` and
    /// the clients' `enable_idempotence=false` would weaken promises; `auto_offset_reset=latest`
    /// and `enable_auto_commit=true` would lose updates; batches of 8 KiB would cost a fog node,
    /// which writes a score for every reading, most of its throughput; a fog node's
    /// `max_poll_records=1`, meant for a client that reads models and nothing else, would make
    /// every reading a write of its own; a session of 30 s is too long here as above;
    /// `max_request_size` and `max_partition_fetch_bytes` follow the topics.
    pub(super) fn settings_of(self, role: ClientRole, side: Side) -> Set {
        match (self, role, side) {
            (Self::Balanced, ClientRole::Aggregator, Side::Producer) => &[
                ("batch.size", "16384"),
                ("linger.ms", "100"),
                ("max.in.flight.requests.per.connection", "1"),
            ],
            // An update is as large as a model.
            (Self::Balanced, ClientRole::Aggregator, Side::Consumer) => {
                &[("max.poll.records", "10")]
            }
            (Self::Balanced, ClientRole::FogNode, Side::Producer) => &[("linger.ms", "50")],
            _ => &[],
        }
    }

    fn producer(self) -> Set {
        match self {
            Self::LowLatency => &[
                ("batch.size", "1"),
                ("linger.ms", "0"),
                ("compression.type", "none"),
            ],
            Self::Balanced => &[
                ("batch.size", "1000000"),
                ("linger.ms", "5"),
                ("queue.buffering.max.kbytes", "32768"),
                ("compression.type", "gzip"),
            ],
            Self::HighThroughput => &[
                ("batch.size", "65536"),
                ("linger.ms", "10"),
                ("queue.buffering.max.kbytes", "131072"),
                ("compression.type", "lz4"),
            ],
            Self::MemorySaving => &[
                ("batch.size", "8192"),
                ("queue.buffering.max.kbytes", "16384"),
                ("message.max.bytes", "5242880"),
                ("socket.receive.buffer.bytes", "65536"),
                ("socket.send.buffer.bytes", "131072"),
            ],
        }
    }

    fn consumer(self) -> Set {
        match self {
            Self::LowLatency => &[
                ("fetch.min.bytes", "1"),
                ("fetch.queue.backoff.ms", "50"),
                ("max.poll.records", "100"),
            ],
            Self::Balanced => &[
                ("fetch.min.bytes", "1"),
                ("fetch.wait.max.ms", "500"),
                ("max.poll.records", "500"),
                ("heartbeat.interval.ms", "3000"),
            ],
            Self::HighThroughput => &[
                ("fetch.min.bytes", "65536"),
                ("fetch.wait.max.ms", "500"),
                ("max.poll.records", "5000"),
                ("socket.receive.buffer.bytes", "262144"),
            ],
            Self::MemorySaving => &[
                ("queued.max.messages.kbytes", "16384"),
                ("socket.receive.buffer.bytes", "65536"),
                ("socket.send.buffer.bytes", "131072"),
            ],
        }
    }
}
