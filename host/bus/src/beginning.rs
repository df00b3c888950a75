//! Where a reader began, and why there.

use crate::TopicId;

/// Where a reader began in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The next offset at that time.
    pub next: u64,
    /// The topic that was found under the name; `None` where the bus has no ids for topics.
    pub topic_id: Option<TopicId>,
    /// The group's stored offset at that time.
    pub stored: StoredOffset,
}

/// What a group has stored for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredOffset {
    /// Nothing: a new group, or its offsets are gone.
    Missing,
    /// An offset of an earlier topic of the same name, which has no meaning in this one.
    Outdated,
    /// An offset that a [`crate::Write`] has stored.
    Own,
    /// An offset that another program has stored, such as an operator's tool.
    Foreign,
}
