//! What events say about lost records.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Records of the embedded log that cannot be read any more. All others still can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// The topic; empty when only the place in a file is known.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// First lost offset.
    pub from: u64,
    /// One past the last lost offset.
    pub to: u64,
    /// What was found.
    pub detail: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            topic,
            partition,
            from,
            to,
            detail,
        } = self;
        if topic.is_empty() {
            return write!(formatter, "{detail}");
        }
        let last = to.saturating_sub(1);
        write!(
            formatter,
            "records {from} to {last} of {topic}:{partition} are lost: {detail}"
        )
    }
}
