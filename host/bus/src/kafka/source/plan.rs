//! What a reader was asked for, and how its client is set up for it.

use std::sync::Arc;

use rdkafka::ClientConfig;

use super::statistics;
use crate::kafka::{Options, Properties};
use crate::{Error, Start};
use fedhost_base::clock;

/// How a group's partitions are divided between its readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Sharing {
    /// One reader has them all; others stand by to take over.
    Whole,
    /// Each reader has some.
    Shared,
}

pub(super) struct Plan {
    pub(super) group: String,
    /// Sorted, so that all members of the group agree on the first.
    pub(super) topics: Vec<Arc<str>>,
    pub(super) start: Start,
    pub(super) sharing: Sharing,
    pub(super) options: Options,
    /// When the reader was made, in milliseconds since the Unix epoch.
    pub(super) since_ms: u64,
}

/// With the group protocol of KIP-848 these are the broker's business, and refused.
const CLASSIC_ONLY: [&str; 3] = [
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "partition.assignment.strategy",
];

impl Plan {
    pub(super) fn new(
        group: &str,
        topics: &[&str],
        start: Start,
        sharing: Sharing,
        options: &Options,
    ) -> Self {
        let mut topics: Vec<Arc<str>> = topics.iter().map(|topic| Arc::from(*topic)).collect();
        topics.sort_unstable();
        topics.dedup();
        let (group, options, since_ms) = (group.to_owned(), options.clone(), clock::now_ms());
        Self {
            group,
            topics,
            start,
            sharing,
            options,
            since_ms,
        }
    }

    /// The group as this process calls it, without the prefix that it has on the cluster.
    pub(super) fn name(&self) -> &str {
        let prefix = self.options.group_prefix.as_str();
        self.group.strip_prefix(prefix).unwrap_or(&self.group)
    }

    /// As conditions and events name it.
    pub(super) fn part(&self) -> String {
        format!("reader of {} for {}", self.topics.join(", "), self.group)
    }

    /// As errors name what it does.
    pub(super) fn action(&self) -> String {
        format!("read {} for group {:?}", self.topics.join(", "), self.group)
    }

    /// The reader is cut off.
    pub(super) fn lost(&self, reason: impl Into<String>) -> Error {
        Error::Lost {
            what: format!("group {:?}", self.group),
            reason: reason.into(),
        }
    }

    pub(super) fn client_config(&self) -> ClientConfig {
        self.properties().client_config()
    }

    fn properties(&self) -> Properties {
        // What the client has fetched ahead of us is thrown away when a partition has to wait, so
        // it is to be little; and with little ahead, a full second without a fetch (its default)
        // would be felt.
        let ahead_kbytes = (self.options.ahead_bytes / 1024)
            .clamp(64, 65_536)
            .to_string();
        let defaults = [
            ("queued.max.messages.kbytes", &*ahead_kbytes),
            ("fetch.queue.backoff.ms", "20"),
        ];
        let mut all = Properties::default()
            .with(defaults)
            .with(self.options.consumer.iter())
            .with([
                ("group.id", self.group.as_str()),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("enable.partition.eof", "false"),
                ("auto.offset.reset", "error"),
                ("allow.auto.create.topics", "false"),
                ("statistics.interval.ms", statistics::INTERVAL_MS),
            ]);
        match self.sharing {
            Sharing::Whole => self.read_alone(&mut all),
            Sharing::Shared if self.options.consumer_protocol => {
                CLASSIC_ONLY.iter().for_each(|name| all.remove(name));
                all.set("group.protocol", "consumer");
            }
            Sharing::Shared => {
                all.set("group.protocol", "classic");
                all.set("partition.assignment.strategy", "cooperative-sticky");
            }
        }
        all
    }

    /// The range assignor gives the first partition to the member whose id sorts first, and a
    /// member's id begins with its client's: so the oldest reader keeps it when others come to
    /// stand by.
    fn read_alone(&self, all: &mut Properties) {
        let id = format!(
            "{:013}-{}",
            self.since_ms,
            all.get("client.id").unwrap_or("fedhost")
        );
        all.set("group.protocol", "classic");
        all.set("partition.assignment.strategy", "range");
        all.set("client.id", id);
        all.remove("group.instance.id");
    }
}

/// What the client of a reader that has all partitions of its topics is made with, as the readers
/// of roles have.
#[must_use]
pub fn reader_properties(options: &Options, group: &str) -> Properties {
    Plan::new(group, &[], Start::Earliest, Sharing::Whole, options).properties()
}
