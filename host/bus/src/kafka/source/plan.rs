//! The settings of a reader, and the client properties that follow from them.

use std::sync::Arc;

use rdkafka::ClientConfig;

use super::statistics;
use crate::kafka::{Options, Properties};
use crate::{Error, Start};
use fedhost_base::clock;

/// How the readers of a group divide its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Sharing {
    /// One reader has all partitions; the others stand by.
    Whole,
    /// Each reader has some partitions.
    Shared,
}

pub(super) struct Plan {
    pub(super) group: String,
    /// Sorted, so that all members of the group have the same first topic.
    pub(super) topics: Vec<Arc<str>>,
    pub(super) start: Start,
    pub(super) sharing: Sharing,
    pub(super) options: Options,
    /// When the reader was made, in milliseconds since the Unix epoch.
    pub(super) since_ms: u64,
}

/// With the group protocol of KIP-848 the broker decides these, and the client refuses them.
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

    /// The group's name in this process, without its prefix in the cluster.
    pub(super) fn name(&self) -> &str {
        let prefix = self.options.group_prefix.as_str();
        self.group.strip_prefix(prefix).unwrap_or(&self.group)
    }

    /// The name of the reader in conditions and events.
    pub(super) fn part(&self) -> String {
        format!("reader of {} for {}", self.topics.join(", "), self.group)
    }

    /// The description of the reader's action in errors.
    pub(super) fn action(&self) -> String {
        format!("read {} for group {:?}", self.topics.join(", "), self.group)
    }

    /// The error of a fenced reader.
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
        // The client's prefetched records are discarded when a partition is paused, so the prefetch
        // has to be small. With a small prefetch, the default backoff of a full second without a
        // fetch would be noticeable.
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

    /// The range assignor gives the first partition to the member whose id sorts first. A member's
    /// id begins with its client id. So the oldest reader keeps the partition when others join to
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

/// The client properties of a reader that has all partitions of its topics, such as the readers of
/// roles.
#[must_use]
pub fn reader_properties(options: &Options, group: &str) -> Properties {
    Plan::new(group, &[], Start::Earliest, Sharing::Whole, options).properties()
}
