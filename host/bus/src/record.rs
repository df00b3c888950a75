//! Records, and where they lie.

use std::sync::Arc;

use bytes::Bytes;

/// A record as it lies in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where it lies.
    pub position: Position,
    /// Milliseconds since the Unix epoch, as the writer gave it.
    pub timestamp_ms: u64,
    /// Decides the partition, when the writer left that open.
    pub key: Option<Bytes>,
    /// The content.
    pub value: Bytes,
    /// In the writer's order; a name may occur more than once.
    pub headers: Vec<(String, Bytes)>,
}

impl Record {
    /// The last header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers
            .iter()
            .rev()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value)
    }
}

/// One place in the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The topic's name.
    pub topic: Arc<str>,
    /// From 0.
    pub partition: u32,
    /// Rises with every record. A bus may keep marks of its own between two records, so that a
    /// number is left out.
    pub offset: u64,
}

/// A record to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRecord {
    /// The topic's name.
    pub topic: Arc<str>,
    /// `None` lets the key decide, or takes partition 0 without one.
    pub partition: Option<u32>,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// Same key, same partition.
    pub key: Option<Bytes>,
    /// The content.
    pub value: Bytes,
    /// Kept in order.
    pub headers: Vec<(String, Bytes)>,
}
