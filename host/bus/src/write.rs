//! What becomes durable together.

use std::sync::Arc;

use bytes::Bytes;

use crate::NewRecord;

/// What becomes durable together: results, the offsets of the input they came from, and a role's
/// own state.
#[derive(Clone, Debug, Default)]
pub struct Write {
    /// Appended in order.
    pub records: Vec<NewRecord>,
    /// For a consumer group: the next offset to read, by topic and partition.
    pub offsets: Vec<GroupOffset>,
    /// A role's own values, the newest of each name wins; `None` removes it.
    pub state: Vec<(String, Option<Bytes>)>,
}

/// How far a consumer group has come in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOffset {
    /// The group's name.
    pub group: String,
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: u32,
    /// The next offset to read.
    pub next: u64,
    /// For a group whose members share partitions: the ownership under which the partition was
    /// read, see [`crate::Assignment::offset`]. `None` for a reader of all partitions, and in
    /// answers of the bus.
    pub epoch: Option<u64>,
}
