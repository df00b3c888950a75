//! The topics that readers behind the spool have found on the bus.
//!
//! A write may wait here while a topic is deleted and created again. Its offset then belongs to the
//! earlier topic, and must not move the group in the new one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::entry::Move;
use crate::{Beginning, TopicId};

#[derive(Default)]
pub(super) struct CurrentTopics(Mutex<BTreeMap<Arc<str>, TopicId>>);

impl CurrentTopics {
    /// Stores what a reader has found.
    pub(super) fn learn(&self, beginnings: &BTreeMap<(Arc<str>, u32), Beginning>) {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((topic, _), beginning) in beginnings {
            if let Some(id) = &beginning.topic_id {
                topics.insert(Arc::clone(topic), id.clone());
            }
        }
    }

    /// Whether the offset belongs to an earlier topic of the same name.
    pub(super) fn is_outdated(&self, step: &Move) -> bool {
        let topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&step.topic_id, topics.get(&step.to.topic)) {
            (Some(read), Some(current)) => read != current,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GroupOffset, StoredOffset};

    #[test]
    fn an_offset_of_an_earlier_topic_is_outdated() {
        let step = |id: Option<&str>| Move {
            from: 0,
            to: GroupOffset {
                group: "g".into(),
                topic: "t".into(),
                partition: 0,
                next: 1,
                epoch: None,
            },
            topic_id: id.map(TopicId::new),
        };
        let topics = CurrentTopics::default();
        assert!(!topics.is_outdated(&step(Some("1"))), "nothing is known");
        let found = Beginning {
            next: 0,
            topic_id: Some(TopicId::new("2")),
            stored: StoredOffset::Missing,
        };
        topics.learn(&[(("t".into(), 0), found)].into());
        assert!(topics.is_outdated(&step(Some("1"))));
        assert!(!topics.is_outdated(&step(Some("2"))) && !topics.is_outdated(&step(None)));
    }
}
