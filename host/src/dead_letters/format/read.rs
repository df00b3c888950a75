//! A dead-letter record as it is read from its topic.

use std::borrow::Cow;
use std::sync::Arc;

use super::{ADDED, first_added, first_seen_ms, headers, stated};
use fedhost_base::clock::rfc3339;
use fedhost_bus::{NewRecord, Record};

/// A record of a dead-letter topic. It is untrusted: any program with write access to the topic may
/// have written it, so every header may be missing or malformed.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter(pub Record);

impl DeadLetter {
    /// The reason code of its header, or `unknown` without one.
    #[must_use]
    pub fn reason(&self) -> Cow<'_, str> {
        let stated = self
            .0
            .header(headers::REASON)
            .or_else(|| self.0.header(headers::EXCEPTION));
        stated.map_or(Cow::Borrowed("unknown"), |reason| {
            String::from_utf8_lossy(reason)
        })
    }

    /// When it failed, or else the record's own time; milliseconds since the Unix epoch.
    #[must_use]
    pub fn failed_ms(&self) -> u64 {
        first_seen_ms(&self.0).unwrap_or(self.0.timestamp_ms)
    }

    /// The topic that it says it comes from.
    #[must_use]
    pub fn source_topic(&self) -> Option<&str> {
        str::from_utf8(self.0.header(headers::TOPIC)?).ok()
    }

    /// The partition that it says it comes from.
    pub(super) fn source_partition(&self) -> Option<u32> {
        self.stated(headers::PARTITION)
    }

    /// How often the record was replayed before.
    #[must_use]
    pub fn replays(&self) -> u32 {
        self.stated(headers::REPLAY_COUNT).unwrap_or(0)
    }

    /// Whether the value was too large to be kept: then there is nothing to be put back.
    #[must_use]
    pub fn lacks_its_value(&self) -> bool {
        self.0.header(headers::VALUE_BYTES).is_some()
    }

    /// The original as it goes back to `topic`: byte for byte as it was, when it first failed, and
    /// how often it was replayed. It goes to the partition that it came from, or where its key says
    /// if the topic has not `partitions` enough any more.
    #[must_use]
    pub fn original(&self, topic: &Arc<str>, partitions: u32) -> NewRecord {
        let mut kept = self.0.headers.clone();
        let added = kept.split_off(first_added(&kept));
        kept.extend(
            added
                .into_iter()
                .filter(|(name, _)| !ADDED.iter().any(|prefix| name.starts_with(prefix))),
        );
        // These two stay with the record, so that it is known when it fails again.
        kept.retain(|(name, _)| name != headers::REPLAY_COUNT && name != headers::FIRST_SEEN);
        let replays = self.replays().saturating_add(1).to_string();
        kept.push((
            headers::FIRST_SEEN.to_owned(),
            rfc3339(self.failed_ms()).into(),
        ));
        kept.push((headers::REPLAY_COUNT.to_owned(), replays.into()));
        NewRecord {
            topic: Arc::clone(topic),
            partition: self
                .source_partition()
                .filter(|&partition| partition < partitions),
            timestamp_ms: self
                .stated(headers::TIMESTAMP)
                .unwrap_or(self.0.timestamp_ms),
            key: self.0.key.clone(),
            value: self.0.value.clone(),
            headers: kept,
        }
    }

    fn stated<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        stated(&self.0, name)
    }
}
