//! What of the log could not be read any more, told once each.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::journal::Cut;
use super::partition::Partition;

/// A stretch of the log that cannot be read any more. Everything else still can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The topic; empty when a write was lost of which nothing can be told but its place in a file.
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

/// Whoever wants to know of damage.
pub type OnDamage = Arc<dyn Fn(Damage) + Send + Sync>;

/// Whoever wants to know of trouble that costs nothing yet, in words.
pub type OnWarning = Arc<dyn Fn(String) + Send + Sync>;

/// Tells every damaged stretch once, however many read there; and what else goes wrong.
pub(super) struct Damages {
    tell: OnDamage,
    warn: OnWarning,
    told: Mutex<BTreeSet<(String, u32, u64)>>,
}

impl Damages {
    pub(super) fn new(tell: OnDamage, warn: OnWarning) -> Self {
        Self {
            tell,
            warn,
            told: Mutex::default(),
        }
    }

    pub(super) fn warn(&self, trouble: String) {
        (self.warn)(trouble);
    }

    pub(super) fn announce(&self, partition: &Partition, lost: Range<u64>, detail: String) {
        let topic = partition.topic.to_string();
        let place = (topic.clone(), partition.index, lost.start);
        if self
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(place)
        {
            (self.tell)(Damage {
                topic,
                partition: partition.index,
                from: lost.start,
                to: lost.end,
                detail,
            });
        }
    }

    /// A cut may have held offsets and state too, so it is told beside the records that are found
    /// missing.
    pub(super) fn announce_cut(&self, Cut { file, bytes }: &Cut) {
        let detail = format!(
            "bytes {} to {} of {} were damaged; records, group offsets or state written there may be lost, and the file was kept as {}",
            bytes.start,
            bytes.end,
            file.display(),
            file.with_extension("damaged").display(),
        );
        (self.tell)(Damage {
            topic: String::new(),
            partition: 0,
            from: 0,
            to: 0,
            detail,
        });
    }
}
