//! The node's reader of global models: it takes the newest, and what comes after it.
//!
//! All nodes read the same records, and one that is no global model is to have one dead-letter
//! record. One node, the keeper, writes it: that node stores how far it has looked, and looks also
//! at what came while it was away.

use std::collections::BTreeMap;
use std::sync::Arc;

use fedhost_domain::model::PluginId;

use super::Service;
use crate::role::halt::{DeadLetterHalt, Watch};
use crate::role::models::{before, decode_global};
use fedhost_bus::{Bus, Error, GroupOffset, Record, Source, Start};

/// Reads the topic of global models.
pub(super) struct Globals {
    source: Box<dyn Source>,
    group: String,
    topic: Arc<str>,
    /// By partition, the newest model at the beginning: those before it are not taken.
    newest: BTreeMap<u32, u64>,
    /// By partition: what lies below has a dead-letter record if it needs one.
    settled: BTreeMap<u32, u64>,
    /// By partition: up to where `settled` is stored.
    stored: BTreeMap<u32, u64>,
    /// The keeper's.
    watch: Option<Watch>,
}

impl Globals {
    pub(super) async fn open(service: &Service) -> Result<Self, Error> {
        let (bus, topic) = (&service.context.bus, &service.topics.global_model);
        let group = service.global_models.group.clone();
        let mut source = bus.subscribe(&group, &[topic], Start::Earliest).await?;
        let offsets = bus
            .group_offsets(&group)
            .await?
            .into_iter()
            .filter(|offset| offset.topic == *topic);
        let stored: BTreeMap<u32, u64> = offsets
            .map(|offset| (offset.partition, offset.next))
            .collect();
        let mut newest = BTreeMap::new();
        for record in bus.newest(topic).await? {
            let offset = newest_model(bus.as_ref(), &record, service.plugins.model_id()).await?;
            newest.insert(
                record.position.partition,
                offset.unwrap_or(record.position.offset),
            );
        }
        for (&partition, &newest) in &newest {
            let unsettled = stored.get(&partition).copied().unwrap_or(0);
            let begin = if service.global_models.is_keeper {
                unsettled.min(newest)
            } else {
                newest
            };
            source.seek(topic, partition, begin);
        }
        let watch = if service.global_models.is_keeper {
            Some(Watch::new(topic, service.dead_letters))
        } else {
            None
        };
        Ok(Self {
            source,
            group,
            topic: Arc::clone(topic),
            newest,
            settled: stored.clone(),
            stored,
            watch,
        })
    }

    /// The next record. Cancelling loses nothing.
    pub(super) async fn read(&mut self) -> Result<Record, Error> {
        loop {
            if let Some(record) = self.source.read(1).await?.pop() {
                return Ok(record);
            }
        }
    }

    /// Whether the record is at least as new as the newest model was at the beginning.
    pub(super) fn is_current(&self, record: &Record) -> bool {
        self.newest
            .get(&record.position.partition)
            .is_none_or(|&newest| record.position.offset >= newest)
    }

    /// Takes note of a record, and of whether it is a global model. Says whether this is the keeper
    /// and sees it for the first time, and whether there are too many that are none.
    pub(super) fn settle(&mut self, record: &Record, used: bool) -> (bool, Option<DeadLetterHalt>) {
        let settled = self.settled.entry(record.position.partition).or_default();
        let is_first = record.position.offset >= *settled;
        *settled = (*settled).max(record.position.offset + 1);
        match self.watch.as_mut().filter(|_| is_first) {
            Some(watch) => (true, watch.count([used])),
            None => (false, None),
        }
    }

    /// What a keeper has looked at since it was last stored, to be stored with the next write.
    pub(super) fn progress(&mut self) -> Vec<GroupOffset> {
        if self.watch.is_none() || self.stored == self.settled {
            return Vec::new();
        }
        self.stored.clone_from(&self.settled);
        let offset =
            |(&partition, &next)| super::writes::offset(&self.group, &self.topic, partition, next);
        self.settled.iter().map(offset).collect()
    }
}

/// Where the newest global model lies; what other programs wrote behind it may be none.
async fn newest_model(
    bus: &dyn Bus,
    newest: &Record,
    plugin: &PluginId,
) -> Result<Option<u64>, Error> {
    let mut candidate = Some(newest.clone());
    while let Some(record) = candidate {
        if decode_global(&record, plugin).await.is_ok() {
            return Ok(Some(record.position.offset));
        }
        candidate = before(bus, &record).await?;
    }
    Ok(None)
}
