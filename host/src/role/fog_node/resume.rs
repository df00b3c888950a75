//! Where a node continues in its readings after a restart. Pure: what was found decides.
//!
//! Three accounts are compared: the snapshot (up to where rows are in the node's memory), the
//! published position (up to where results are published, part of the node's state), and the offset
//! that the consumer group has stored. They differ when the topic was deleted and created again,
//! when the group's offsets are gone, and when an operator has moved them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use fedhost_bus::{Beginning, StoredOffset, TopicId};
use serde::{Deserialize, Serialize};

/// Offsets in the topic of the node's readings, as part of its state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Positions {
    /// The topic to which the offsets belong; `None` where the bus has no ids for topics.
    #[serde(default)]
    pub(super) topic_id: Option<TopicId>,
    /// The next offset, by partition.
    pub(super) next: BTreeMap<u32, u64>,
}

/// Where to continue, by partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resume {
    /// The first record to read.
    pub(super) read_from: BTreeMap<u32, u64>,
    /// Results of earlier records are published already.
    pub(super) published: BTreeMap<u32, u64>,
    /// Records that an operator has skipped: they are neither scored nor trained on.
    pub(super) skipped: BTreeMap<u32, Range<u64>>,
    /// Whether records come that the snapshot may already know by their sequence numbers, and that
    /// count all the same.
    pub(super) forget_sequences: bool,
    /// For the operator.
    pub(super) notes: Vec<String>,
}

impl Positions {
    /// Whether the offsets belong to an earlier topic of the same name.
    fn is_outdated(&self, current: Option<&TopicId>) -> bool {
        matches!((&self.topic_id, current), (Some(own), Some(current)) if own != current)
    }
}

/// Compares what was found; without a snapshot, all records are read that are still there.
pub(super) fn resume(
    topic: &str,
    beginnings: &BTreeMap<(Arc<str>, u32), Beginning>,
    published: Option<&Positions>,
    snapshot: Option<&Positions>,
) -> Resume {
    let mut resume = Resume::default();
    for ((_, partition), beginning) in beginnings {
        let current = beginning.topic_id.as_ref();
        let is_new_topic = [published, snapshot]
            .into_iter()
            .flatten()
            .any(|positions| positions.is_outdated(current));
        let of_this_topic = |positions: Option<&Positions>| {
            let positions = positions.filter(|positions| !positions.is_outdated(current));
            positions.and_then(|positions| positions.next.get(partition).copied())
        };
        let place = format!("{topic}/{partition}");
        let next = of_this_topic(published);
        if is_new_topic && next.is_none() {
            resume.notes.push(format!(
                "{place} was deleted and created again: it is read from its oldest record on"
            ));
        }
        if published.is_none()
            && snapshot.is_none()
            && beginning.stored == StoredOffset::Own
            && beginning.next > 0
        {
            resume.notes.push(format!(
                "the group has read {place} up to offset {}, and the node's state is gone: the records that are still \
                 there fill its memory again, and their results are not published twice",
                beginning.next
            ));
        }
        let taken = of_this_topic(snapshot).unwrap_or(0);
        let from = resume.published_from(&place, *partition, next, is_new_topic, beginning);
        resume.forget_sequences |= is_new_topic || from < taken;
        resume.published.insert(*partition, from);
        resume.read_from.insert(*partition, taken.min(from));
    }
    resume
}

impl Resume {
    /// The offset from which on results are published.
    fn published_from(
        &mut self,
        place: &str,
        partition: u32,
        next: Option<u64>,
        is_new_topic: bool,
        beginning: &Beginning,
    ) -> u64 {
        let begun = beginning.next;
        match (next, beginning.stored) {
            // Everything in a new topic is new, wherever a new group would begin.
            (None, StoredOffset::Missing | StoredOffset::Outdated) if is_new_topic => 0,
            (None, _) | (Some(_), StoredOffset::Outdated) => begun,
            (Some(next), StoredOffset::Own) => begun.max(next),
            (Some(next), StoredOffset::Missing) => {
                self.notes.push(format!(
                    "the group's offset of {place} is gone: continues at offset {next}, which its own state has kept"
                ));
                next
            }
            (Some(next), StoredOffset::Foreign) => {
                if begun < next {
                    self.notes.push(format!(
                        "another program has set the group's offset of {place} back from {next} to {begun}: the \
                         records in between are scored and trained on again"
                    ));
                } else if begun > next {
                    self.notes.push(format!(
                        "another program has set the group's offset of {place} forward from {next} to {begun}: the \
                         records in between are neither scored nor trained on"
                    ));
                    self.skipped.insert(partition, next..begun);
                }
                begun
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beginning(next: u64, topic: &str, stored: StoredOffset) -> Beginning {
        Beginning {
            next,
            topic_id: Some(TopicId::new(topic)),
            stored,
        }
    }

    fn positions(topic: &str, next: u64) -> Positions {
        Positions {
            topic_id: Some(TopicId::new(topic)),
            next: [(0, next)].into(),
        }
    }

    /// Published up to 1,000, with a snapshot at 800, in topic "one".
    fn resumed(beginning: Beginning) -> Resume {
        let found = [(("readings".into(), 0), beginning)].into();
        let (published, snapshot) = (positions("one", 1_000), positions("one", 800));
        resume("readings", &found, Some(&published), Some(&snapshot))
    }

    fn places(resume: &Resume) -> (u64, u64) {
        (resume.read_from[&0], resume.published[&0])
    }

    #[test]
    fn an_ordinary_restart_continues_behind_the_snapshot() {
        let resumed = resumed(beginning(1_000, "one", StoredOffset::Own));
        assert_eq!(places(&resumed), (800, 1_000));
        assert!(resumed.notes.is_empty() && !resumed.forget_sequences);
    }

    #[test]
    fn a_topic_created_again_is_read_from_its_start() {
        for stored in [StoredOffset::Missing, StoredOffset::Outdated] {
            // A new group might begin at the newest record; this one must not.
            let next = if stored == StoredOffset::Missing {
                3_000
            } else {
                0
            };
            let resumed = resumed(beginning(next, "two", stored));
            assert_eq!(places(&resumed), (0, 0), "{stored:?}");
            assert!(resumed.forget_sequences);
            assert!(resumed.notes[0].contains("deleted and created again"));
        }
    }

    #[test]
    fn a_snapshot_of_the_earlier_topic_repeats_no_results_of_the_new_one() {
        let found = [(
            ("readings".into(), 0),
            beginning(50, "two", StoredOffset::Own),
        )]
        .into();
        let (published, snapshot) = (positions("two", 50), positions("one", 800));
        let resumed = resume("readings", &found, Some(&published), Some(&snapshot));
        assert_eq!(places(&resumed), (0, 50));
        assert!(
            resumed.notes.is_empty(),
            "it was announced at the first start"
        );
    }

    #[test]
    fn offsets_that_are_gone_repeat_nothing() {
        let resumed = resumed(beginning(0, "one", StoredOffset::Missing));
        assert_eq!(places(&resumed), (800, 1_000));
        assert!(resumed.notes[0].contains("is gone"));
    }

    #[test]
    fn an_operator_sends_the_node_back() {
        let back = resumed(beginning(100, "one", StoredOffset::Foreign));
        assert_eq!(places(&back), (100, 100));
        assert!(back.forget_sequences && back.skipped.is_empty());
        // Not below the snapshot: the rows up to there are in memory
        let nearer = resumed(beginning(900, "one", StoredOffset::Foreign));
        assert_eq!(places(&nearer), (800, 900));
        assert!(!nearer.forget_sequences);
        assert!(nearer.notes[0].contains("back from 1000 to 900"));
    }

    #[test]
    fn an_operator_sends_the_node_forward() {
        let resumed = resumed(beginning(3_000, "one", StoredOffset::Foreign));
        assert_eq!(places(&resumed), (800, 3_000));
        assert_eq!(resumed.skipped[&0], 1_000..3_000);
        assert!(resumed.notes[0].contains("forward from 1000 to 3000"));
    }

    #[test]
    fn a_state_that_is_gone_is_announced() {
        let found = [(
            ("readings".into(), 0),
            beginning(7, "one", StoredOffset::Own),
        )]
        .into();
        let resumed = resume("readings", &found, None, None);
        assert_eq!(places(&resumed), (0, 7));
        assert!(resumed.notes[0].contains("state is gone"));
    }

    #[test]
    fn an_offset_of_an_earlier_version_counts_as_it_did() {
        let found = [(
            ("readings".into(), 0),
            beginning(7, "one", StoredOffset::Foreign),
        )]
        .into();
        let resumed = resume("readings", &found, None, None);
        assert_eq!(places(&resumed), (0, 7));
        assert!(resumed.notes.is_empty());
    }
}
