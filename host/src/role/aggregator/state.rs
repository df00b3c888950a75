//! What an aggregator stores: its state, which is also a header of each global model.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::event::RoundClosed;
use fedhost_domain::round::Progress;
use serde::{Deserialize, Serialize};

use super::{ROLE, defect};
use crate::role::{Error, models, on_bus, stored};
use fedhost_base::clock;
use fedhost_bus::{Bus, Record, Source, TopicId, Write};

/// Header of a global model: the aggregator's state after it, in JSON.
pub(super) const PROGRESS: &str = "fedhost-progress";

/// The version of the state that this program writes, and the only one that it reads.
const VERSION: u32 = 1;

/// What survives a restart; written together with the global model that it belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The first version did not write its number.
    #[serde(default = "first_version")]
    version: u32,
    /// Where the round machine continues.
    pub(super) progress: Progress,
    /// The summary of the newest round, in case the run log does not have it yet.
    pub(super) closed: Option<RoundClosed>,
    /// The next update to read, by partition.
    #[serde(default)]
    next: BTreeMap<u32, u64>,
    /// The topic of updates to which `next` belongs; `None` where the bus has no ids for topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updates: Option<TopicId>,
}

fn first_version() -> u32 {
    1
}

impl State {
    pub(super) fn new(
        progress: Progress,
        closed: Option<RoundClosed>,
        next: BTreeMap<u32, u64>,
    ) -> Self {
        Self {
            version: VERSION,
            progress,
            closed,
            next,
            updates: None,
        }
    }

    /// The same, with the topic of the updates that were read.
    pub(super) fn of_topic(mut self, updates: Option<TopicId>) -> Self {
        self.updates = updates;
        self
    }

    /// Whether the offsets belong to an earlier topic of the same name.
    pub(super) fn is_of_another_topic(&self, current: Option<&TopicId>) -> bool {
        matches!((&self.updates, current), (Some(read), Some(current)) if read != current)
    }

    /// Returns the newest state, with the newest global model of an aggregator. Begins the first
    /// round if there is no state.
    ///
    /// # Errors
    /// The bus refused, or the state is of another version.
    pub(super) async fn latest(
        bus: &dyn Bus,
        models: &Arc<str>,
    ) -> Result<(Self, Option<Record>), Error> {
        let state = match stored_state(bus).await? {
            Some(state) => state,
            None => begin(bus).await?,
        };
        let Some((record, carried)) = newest_model(bus, models).await? else {
            return Ok((state, None));
        };
        let is_ahead = carried.progress.published > state.progress.published;
        Ok((if is_ahead { carried } else { state }, Some(record)))
    }

    /// # Errors
    /// It has no JSON form.
    pub(super) fn to_bytes(&self) -> Result<Bytes, Error> {
        let bytes = serde_json::to_vec(self).map_err(|error| defect(&error))?;
        Ok(Bytes::from(bytes))
    }

    /// Skips the updates that the newest model is made of.
    pub(super) fn seek_past_consumed(&self, updates: &mut dyn Source, topic: &Arc<str>) {
        let positions = updates.positions();
        for (&partition, &next) in &self.next {
            if positions
                .get(&(Arc::clone(topic), partition))
                .is_some_and(|&position| position < next)
            {
                updates.seek(topic, partition, next);
            }
        }
    }

    fn of_known_version(self, name: &str) -> Result<Self, Error> {
        if self.version == VERSION {
            return Ok(self);
        }
        Err(Error::State {
            role: ROLE.to_owned(),
            name: name.to_owned(),
            reason: format!(
                "it is of version {}, this program reads version {VERSION}",
                self.version
            ),
        })
    }

    /// The state that a global model carries; `None` if no aggregator wrote the record.
    pub(super) fn carried(model: &Record) -> Result<Option<Self>, Error> {
        let header = model.header(PROGRESS);
        match header.and_then(|header| serde_json::from_slice::<Self>(header).ok()) {
            Some(state) => state.of_known_version(PROGRESS).map(Some),
            None => Ok(None),
        }
    }
}

/// The summary of the newest round that an aggregator has published on this bus.
///
/// # Errors
/// The bus refused, or the stored state cannot be read.
pub async fn newest_round(bus: &dyn Bus) -> Result<Option<RoundClosed>, Error> {
    Ok(stored_state(bus).await?.and_then(|state| state.closed))
}

async fn stored_state(bus: &dyn Bus) -> Result<Option<State>, Error> {
    let state: Option<State> = stored(bus, ROLE, ROLE).await?;
    state.map(|state| state.of_known_version(ROLE)).transpose()
}

/// The newest record that an aggregator has put on the topic of global models, past any untrusted
/// record and any answer to a node behind it.
async fn newest_model(bus: &dyn Bus, topic: &Arc<str>) -> Result<Option<(Record, State)>, Error> {
    let mut newest: Option<(Record, State)> = None;
    for record in bus.newest(topic).await.map_err(on_bus(ROLE))? {
        let Some((record, state)) = newest_before(bus, record).await? else {
            continue;
        };
        let is_newer = newest
            .as_ref()
            .is_none_or(|(_, other)| state.progress.published > other.progress.published);
        if is_newer {
            newest = Some((record, state));
        }
    }
    Ok(newest)
}

/// The newest global model of a partition, from `record` backwards.
async fn newest_before(bus: &dyn Bus, record: Record) -> Result<Option<(Record, State)>, Error> {
    let mut candidate = Some(record);
    while let Some(record) = candidate {
        if let Some(state) = State::carried(&record)? {
            return Ok(Some((record, state)));
        }
        candidate = models::before(bus, &record).await.map_err(on_bus(ROLE))?;
    }
    Ok(None)
}

/// The first start: from now on the first round is open, also for an aggregator that is restarted
/// before its end.
async fn begin(bus: &dyn Bus) -> Result<State, Error> {
    let progress = Progress {
        opened_ms: clock::now_ms(),
        ..Progress::default()
    };
    let state = State::new(progress, None, BTreeMap::new());
    let write = Write {
        state: vec![(ROLE.to_owned(), Some(state.to_bytes()?))],
        ..Write::default()
    };
    bus.write(write).await.map_err(on_bus(ROLE))?;
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_bus::Position;

    fn model(header: Option<&'static str>) -> Record {
        let header = header.map(|text| (PROGRESS.to_owned(), Bytes::from_static(text.as_bytes())));
        Record {
            position: Position {
                topic: "models".into(),
                partition: 0,
                offset: 0,
            },
            timestamp_ms: 0,
            key: None,
            value: Bytes::new(),
            headers: header.into_iter().collect(),
        }
    }

    #[test]
    fn a_state_is_read_by_its_version() {
        let first = r#"{"progress":{"published":3,"opened_ms":7,"counted":{}},"closed":null}"#;
        let state = State::carried(&model(Some(first))).unwrap().unwrap();
        assert_eq!((state.version, state.progress.published), (1, 3));

        let written = String::from_utf8(state.to_bytes().unwrap().to_vec()).unwrap();
        assert!(written.starts_with(r#"{"version":1,"#), "{written}");

        let later =
            r#"{"version":2,"progress":{"published":3,"opened_ms":7,"counted":{}},"closed":null}"#;
        let error = State::carried(&model(Some(later))).unwrap_err();
        assert!(error.to_string().contains("version 2"), "{error}");
    }

    #[test]
    fn a_record_that_no_aggregator_wrote_carries_no_state() {
        for header in [None, Some("no JSON"), Some("{}")] {
            assert!(State::carried(&model(header)).unwrap().is_none());
        }
    }
}
