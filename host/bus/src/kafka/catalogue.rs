//! The known topics. They allow a write to be checked before any part of it is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::TopicSpec;

/// The topics that were created or looked up.
#[derive(Default)]
pub(super) struct Catalogue(RwLock<Topics>);

#[derive(Default)]
struct Topics {
    /// By name.
    specs: BTreeMap<String, TopicSpec>,
    /// Names of the topics that this process writes to. A cluster may hold many topics of other
    /// users.
    own: BTreeSet<String>,
}

impl Catalogue {
    /// Stores the current settings of a topic; they replace the earlier ones.
    pub(super) fn learn(&self, spec: TopicSpec) {
        self.write().specs.insert(spec.name.clone(), spec);
    }

    /// Records that this process writes to the topic.
    pub(super) fn adopt(&self, topic: &str) {
        let is_own = self.read().own.contains(topic);
        if !is_own {
            self.write().own.insert(topic.to_owned());
        }
    }

    /// Whether the topic is known.
    pub(super) fn knows(&self, topic: &str) -> bool {
        self.read().specs.contains_key(topic)
    }

    /// The settings of the topic, if it is known.
    pub(super) fn spec(&self, topic: &str) -> Option<TopicSpec> {
        self.read().specs.get(topic).cloned()
    }

    /// The smallest limit of the topics that this process writes to, in bytes.
    pub(super) fn smallest_limit(&self) -> Option<u64> {
        let topics = self.read();
        topics
            .own
            .iter()
            .filter_map(|name| Some(topics.specs.get(name)?.max_message_bytes))
            .min()
    }

    fn read(&self) -> RwLockReadGuard<'_, Topics> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Topics> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_is_only_there_does_not_make_batches_small() {
        // Given another user's topic with a tiny limit, and one of our own
        let catalogue = Catalogue::default();
        for (name, max_message_bytes) in [("other", 1), ("own", 1 << 20)] {
            catalogue.learn(TopicSpec {
                name: name.to_owned(),
                max_message_bytes,
                ..TopicSpec::default()
            });
        }
        assert_eq!(catalogue.smallest_limit(), None);
        catalogue.adopt("own");
        // Then only our own topic counts
        assert_eq!(catalogue.smallest_limit(), Some(1 << 20));
        catalogue.adopt("other");
        assert_eq!(catalogue.smallest_limit(), Some(1));
    }
}
