//! Topics that are deleted while a role writes to them.
//!
//! The client library waits for such a topic without a report. So a write that takes long has its
//! topics looked up: a missing one is named, and created again if the cluster allows it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fedhost_base::event::{Event, RunEvent};

use super::Options;
use super::admin::ClusterAdmin;
use super::catalogue::Catalogue;
use crate::{Error, Write};
use fedhost_base::hint::explain;
use fedhost_base::observer::Observer;

/// A write that takes longer has its topics looked up.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct MissingTopics {
    /// The condition of the writer's topics, see [`Observer::condition`].
    part: String,
    observer: Arc<dyn Observer>,
    admin: ClusterAdmin,
    catalogue: Arc<Catalogue>,
    state_topic: String,
    /// Topics that were announced as missing.
    announced: Mutex<BTreeSet<String>>,
}

impl MissingTopics {
    pub(super) fn new(
        role: &str,
        options: &Options,
        admin: &ClusterAdmin,
        catalogue: &Arc<Catalogue>,
    ) -> Self {
        Self {
            part: format!("topics of {role}"),
            observer: Arc::clone(&options.observer),
            admin: admin.clone(),
            catalogue: Arc::clone(catalogue),
            state_topic: options.state_topic.name.clone(),
            announced: Mutex::default(),
        }
    }

    /// The topics that the write needs.
    pub(super) fn of(&self, write: &Write) -> BTreeSet<String> {
        let records = write.records.iter().map(|record| record.topic.to_string());
        let state = (!write.state.is_empty()).then(|| self.state_topic.clone());
        records.chain(state).collect()
    }

    /// Waits for a write, and looks its topics up when it takes long.
    pub(super) async fn watch<T>(
        &self,
        topics: &BTreeSet<String>,
        write: impl Future<Output = T>,
    ) -> T {
        let mut write = std::pin::pin!(write);
        loop {
            tokio::select! {
                biased;
                written = write.as_mut() => {
                    self.found();
                    return written;
                }
                () = tokio::time::sleep(PATIENCE) => self.look_up(topics).await,
            }
        }
    }

    async fn look_up(&self, topics: &BTreeSet<String>) {
        for topic in topics {
            // Without an answer, the writer itself reports what is wrong with the cluster.
            if let Err(Error::UnknownTopic { .. }) = self.admin.topic(topic).await {
                self.miss(topic).await;
            }
        }
    }

    async fn miss(&self, topic: &str) {
        let created = match self.catalogue.spec(topic) {
            Some(spec) => self.admin.create_topic(spec).await.map(drop),
            None => Err(Error::UnknownTopic {
                topic: topic.to_owned(),
            }),
        };
        let (detail, is_missing) = match created {
            Ok(()) => (
                format!(
                    "topic {topic:?} was deleted while it is written to, and was created again"
                ),
                false,
            ),
            Err(error) => (
                format!(
                    "topic {topic:?} does not exist, so nothing is written: create it again. It cannot be created \
                     from here: {}",
                    explain(&error)
                ),
                true,
            ),
        };
        if is_missing {
            let reason = format!("topic {topic:?} does not exist");
            self.observer.condition(&self.part, Some(&reason));
        }
        let mut announced = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if announced.insert(topic.to_owned()) {
            let part = self.part.clone();
            self.observer
                .announce(Event::Run(RunEvent::Warned { part, detail }));
        }
    }

    /// The write went through.
    fn found(&self) {
        let mut announced = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !announced.is_empty() {
            announced.clear();
            self.observer.condition(&self.part, None);
        }
    }
}
