//! What of the log cannot be read any more, reported once each.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use fedhost_base::event::Damage;

use super::batch::Head;
use super::partition::Partition;
use super::recovery::Cut;
use super::topic::Topic;

/// Takes a report of damage.
pub type OnDamage = Arc<dyn Fn(Damage) + Send + Sync>;

/// Takes a report of trouble that costs nothing yet.
pub type OnWarning = Arc<dyn Fn(String) + Send + Sync>;

/// Reports every damaged stretch once, also when several readers find it; and what else goes wrong.
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

    pub(super) fn on_warning(&self) -> OnWarning {
        Arc::clone(&self.warn)
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

    /// A cut may have held offsets and state too, so it is reported beside the records that are
    /// found missing.
    pub(super) fn announce_cut(&self, cut: &Cut) {
        (self.tell)(Damage {
            topic: String::new(),
            partition: 0,
            from: 0,
            to: 0,
            detail: cut.to_string(),
        });
    }

    /// Reads all batches of `topics` and reports what is missing. Most damage is reported to the
    /// one who reads there; behind a cut there may be no reader any more.
    pub(super) fn announce_gaps(&self, topics: &[Arc<Topic>]) {
        for partition in topics.iter().flat_map(|topic| &topic.partitions) {
            let tail = partition.tail();
            let mut expected = tail.oldest;
            let mut reason = None;
            for number in tail.numbers() {
                match partition.batch(number) {
                    Err(why) => {
                        reason.get_or_insert(why);
                    }
                    Ok(batch) => {
                        let Head { base, .. } = *batch.head();
                        if base > expected {
                            self.announce(partition, expected..base, missing(reason.take()));
                        }
                        expected = batch.head().end();
                    }
                }
            }
            if expected < tail.next {
                self.announce(partition, expected..tail.next, missing(reason));
            }
        }
    }
}

fn missing(reason: Option<String>) -> String {
    reason.unwrap_or_else(|| "the batch is missing".to_owned())
}
