//! The aggregator's own copy of the newest global model.
//!
//! The topic of global models is open to every program that may write to it. A compacted topic keeps
//! the newest record of each key, so any record with the model's key erases the model, and a topic
//! with a retention time loses it by age. The copy is part of the aggregator's state, where neither
//! reaches it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::state::State;
use super::{ROLE, Service};
use crate::role::federation::FederationTopics;
use crate::role::{Error, on_bus, stored};
use fedhost_base::event::RunEvent;
use fedhost_bus::{Bus, NewRecord, Position, Record, Write};

/// State: the value of the record.
const VALUE: &str = "aggregator/model";
/// State: the rest of the record.
const FRAME: &str = "aggregator/model-frame";

/// All of a record but its topic and its value.
#[derive(Debug, Serialize, Deserialize)]
struct Frame {
    timestamp_ms: u64,
    /// In base64, as the values of the headers.
    key: Option<String>,
    headers: Vec<(String, String)>,
}

/// Adds a copy of the model's record to the write that publishes it.
///
/// # Errors
/// The copy cannot be written as JSON.
pub(super) fn keep(model: &NewRecord, write: &mut Write) -> serde_json::Result<()> {
    let headers = model.headers.iter();
    let frame = Frame {
        timestamp_ms: model.timestamp_ms,
        key: model.key.as_ref().map(|key| STANDARD.encode(key)),
        headers: headers
            .map(|(name, value)| (name.clone(), STANDARD.encode(value)))
            .collect(),
    };
    let frame = Bytes::from(serde_json::to_vec(&frame)?);
    write
        .state
        .push((VALUE.to_owned(), Some(model.value.clone())));
    write.state.push((FRAME.to_owned(), Some(frame)));
    Ok(())
}

/// The record as it was published; `None` when no copy was kept.
///
/// # Errors
/// The bus refused, or the copy is damaged.
async fn kept(bus: &dyn Bus, topics: &FederationTopics) -> Result<Option<NewRecord>, Error> {
    let value = bus.state(VALUE).await.map_err(on_bus(ROLE))?;
    let frame: Option<Frame> = stored(bus, ROLE, FRAME).await?;
    let (Some(value), Some(frame)) = (value, frame) else {
        return Ok(None);
    };
    let damaged = |error: base64::DecodeError| Error::State {
        role: ROLE.to_owned(),
        name: FRAME.to_owned(),
        reason: error.to_string(),
    };
    let decode = |text: &String| STANDARD.decode(text).map(Bytes::from).map_err(damaged);
    let mut headers = Vec::with_capacity(frame.headers.len());
    for (name, value) in &frame.headers {
        headers.push((name.clone(), decode(value)?));
    }
    Ok(Some(NewRecord {
        topic: topics.global_model.clone(),
        partition: None,
        timestamp_ms: frame.timestamp_ms,
        key: frame.key.as_ref().map(decode).transpose()?,
        value,
        headers,
    }))
}

/// Returns the record of the newest model. When it is gone from its topic, publishes the kept copy
/// again, for the nodes that start later.
///
/// # Errors
/// The bus refused, or the copy is damaged.
pub(super) async fn restore(
    service: &Service,
    newest: Option<Record>,
    state: &State,
) -> Result<Option<Record>, Error> {
    let round = state.progress.published;
    let found = newest.as_ref().map(State::carried).transpose()?.flatten();
    if round == 0 || found.is_some_and(|found| found.progress.published >= round) {
        return Ok(newest);
    }
    let bus = service.context.bus.as_ref();
    let Some(model) = kept(bus, &service.topics).await? else {
        return Ok(newest);
    };
    let restored = Record {
        position: Position {
            topic: Arc::clone(&model.topic),
            partition: 0,
            offset: 0,
        },
        timestamp_ms: model.timestamp_ms,
        key: model.key.clone(),
        value: model.value.clone(),
        headers: model.headers.clone(),
    };
    // On a bus that may cut a write in two, the copy can be of another round than the state.
    let copied = State::carried(&restored)?.map(|copied| copied.progress.published);
    if copied != Some(round) {
        return Ok(newest);
    }
    service.context.announcer.announce(RunEvent::Warned {
        part: ROLE.to_owned(),
        detail: format!(
            "the global model of round {round} was gone from topic {}: a record of another program with its key, or \
             the topic's retention, has erased it. It was published again from the aggregator's own copy",
            service.topics.global_model
        ),
    });
    let write = Write {
        records: vec![model],
        ..Write::default()
    };
    bus.write(write).await.map_err(on_bus(ROLE))?;
    Ok(Some(restored))
}
