//! The format of a dead-letter record: the original record, and after its own headers those that
//! say why it could not be used.

mod read;

use bytes::Bytes;
use fedhost_domain::model::PluginId;

use fedhost_base::clock::rfc3339;
use fedhost_bus::{NewRecord, Position, Record};
pub use read::DeadLetter;

/// Names of headers. Those that begin with `__connect.errors.` are Kafka Connect's, which other
/// tools know.
pub mod headers {
    /// The topic of the original; the first header that is added to it.
    pub const TOPIC: &str = "__connect.errors.topic";
    /// Its partition.
    pub const PARTITION: &str = "__connect.errors.partition";
    /// Its offset.
    pub const OFFSET: &str = "__connect.errors.offset";
    /// The role that rejected it.
    pub const ROLE: &str = "__connect.errors.connector.name";
    /// Always 0: a role is one task.
    pub const TASK: &str = "__connect.errors.task.id";
    /// The stage in which it failed.
    pub const STAGE: &str = "__connect.errors.stage";
    /// The code that failed: a component, or the host itself.
    pub const CLASS: &str = "__connect.errors.class.name";
    /// The kind of failure, the same as [`REASON`].
    pub const EXCEPTION: &str = "__connect.errors.exception.class.name";
    /// The full explanation.
    pub const MESSAGE: &str = "__connect.errors.exception.message";
    /// Where it happened, from the inside out, with its causes: a line each.
    pub const STACK_TRACE: &str = "__connect.errors.exception.stacktrace";
    /// A short stable code.
    pub const REASON: &str = "__fedhost.reason";
    /// Digest of the component that failed.
    pub const COMPONENT: &str = "__fedhost.component";
    /// How often the record was tried.
    pub const ATTEMPTS: &str = "__fedhost.attempts";
    /// When it first failed, RFC 3339; stays with the record when it is replayed.
    pub const FIRST_SEEN: &str = "__fedhost.first_seen";
    /// The original record's own time, in milliseconds since the Unix epoch. The dead-letter record
    /// has that of the failure: an old record must not be dropped by the retention of its
    /// dead-letter topic as soon as it arrives there.
    pub const TIMESTAMP: &str = "__fedhost.timestamp";
    /// Bytes of the original value, where the dead-letter record is stored without it: together
    /// they were too large for the dead-letter topic.
    pub const VALUE_BYTES: &str = "__fedhost.value_bytes";
    /// How often the record was put back on its topic; stays with the record.
    pub const REPLAY_COUNT: &str = "__fedhost.replay.count";
}

/// A header that is added is cut to this.
const HEADER_BYTES_MAX: usize = 4096;
/// What the headers that are added begin with.
const ADDED: [&str; 2] = ["__connect.errors.", "__fedhost."];

/// Why a record could not be used.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The role that rejected it, such as `fog-node-1`.
    pub role: &'a str,
    /// The stage in which it failed, such as `decode`.
    pub stage: &'a str,
    /// A short stable code, such as `not_json`.
    pub reason: &'a str,
    /// The full explanation; cut to 4 KiB.
    pub detail: &'a str,
    /// The component that failed, if it was one.
    pub component: Option<&'a PluginId>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it first failed, in milliseconds since the Unix epoch.
    pub first_seen_ms: u64,
}

impl Failure<'_> {
    /// The code that failed: a component, or the host itself.
    fn class(&self) -> String {
        self.component.map_or_else(
            || "fedhost".to_owned(),
            |id| format!("{}@{}", id.name, id.version),
        )
    }

    /// In the layout of a Java stack trace, which readers of this header expect.
    fn trace(
        &self,
        Position {
            topic,
            partition,
            offset,
        }: &Position,
    ) -> String {
        let Self {
            role,
            stage,
            reason,
            detail,
            attempts,
            ..
        } = self;
        format!(
            "{reason}: {detail}\n\tat {stage}({})\n\tat {role}(try {attempts})\n\tat {topic}({partition}:{offset})",
            self.class()
        )
    }
}

/// The dead-letter record of a record that could not be used: its key, value and headers
/// unchanged, and the reason in further headers.
#[must_use]
pub fn dead_letter(record: &Record, suffix: &str, failure: &Failure<'_>) -> NewRecord {
    let Position {
        topic,
        partition,
        offset,
    } = &record.position;
    let class = failure.class();
    let first_seen = rfc3339(first_seen_ms(record).unwrap_or(failure.first_seen_ms));
    let component = failure
        .component
        .map(|id| (headers::COMPONENT, text(id.sha256.as_str())));
    let added = [
        (headers::TOPIC, text(topic)),
        (headers::PARTITION, text(&partition.to_string())),
        (headers::OFFSET, text(&offset.to_string())),
        (headers::ROLE, text(failure.role)),
        (headers::TASK, text("0")),
        (headers::STAGE, text(failure.stage)),
        (headers::CLASS, text(&class)),
        (headers::EXCEPTION, text(failure.reason)),
        (headers::MESSAGE, text(failure.detail)),
        (headers::STACK_TRACE, text(&failure.trace(&record.position))),
        (headers::REASON, text(failure.reason)),
        (headers::ATTEMPTS, text(&failure.attempts.to_string())),
        (headers::FIRST_SEEN, text(&first_seen)),
        (headers::TIMESTAMP, text(&record.timestamp_ms.to_string())),
    ];
    let mut all = record.headers.clone();
    all.extend(
        added
            .into_iter()
            .chain(component)
            .map(|(name, value)| (name.to_owned(), value)),
    );
    NewRecord {
        topic: format!("{topic}{suffix}").into(),
        partition: Some(*partition),
        timestamp_ms: failure.first_seen_ms,
        key: record.key.clone(),
        value: record.value.clone(),
        headers: all,
    }
}

/// Cut where a character ends.
pub(super) fn text(text: &str) -> Bytes {
    const ELLIPSIS: &str = "…";
    if text.len() <= HEADER_BYTES_MAX {
        return Bytes::copy_from_slice(text.as_bytes());
    }
    let end = text.floor_char_boundary(HEADER_BYTES_MAX - ELLIPSIS.len());
    format!("{}{ELLIPSIS}", text.get(..end).unwrap_or_default()).into()
}

/// Where the headers begin that were added: the original may have such headers of its own, of an
/// earlier failure elsewhere, so ours begin with the last topic.
pub(super) fn first_added(headers: &[(String, Bytes)]) -> usize {
    headers
        .iter()
        .rposition(|(name, _)| name == headers::TOPIC)
        .unwrap_or(headers.len())
}

/// When a record says that it failed first.
fn first_seen_ms(record: &Record) -> Option<u64> {
    let stated: jiff::Timestamp = stated(record, headers::FIRST_SEEN)?;
    stated.as_millisecond().try_into().ok()
}

fn stated<T: std::str::FromStr>(record: &Record, name: &str) -> Option<T> {
    str::from_utf8(record.header(name)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
