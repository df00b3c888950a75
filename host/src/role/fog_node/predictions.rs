//! Writes scores of readings as predictions. What all predictions of a batch have in common is made
//! once, since a node writes one for every row.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::clock::rfc3339;
use fedhost_bus::{NewRecord, Record};
use fedhost_domain::model::{NodeId, PluginId};
use fedhost_domain::prediction::{InputPosition, Prediction, PredictionMetadata};

use super::Service;
use super::pipeline::Scored;
use crate::role::message::{DerivedIds, Message};
use crate::role::trace;

/// Bytes of a usual prediction.
const USUAL_BYTES: usize = 512;

/// Makes the predictions of one batch.
pub(super) struct PredictionWriter<'a> {
    topic: &'a Arc<str>,
    plugin: &'a PluginId,
    node: u32,
    source: NodeId,
    time_ms: u64,
    /// The same as text.
    time: String,
    ids: DerivedIds,
}

impl<'a> PredictionWriter<'a> {
    pub(super) fn new(service: &'a Service, plugin: &'a PluginId, time_ms: u64) -> Self {
        let source = service.id();
        Self {
            topic: &service.topics.predictions,
            plugin,
            node: service.number,
            ids: DerivedIds::new(source.as_str()),
            source,
            time_ms,
            time: rfc3339(time_ms),
        }
    }

    /// The prediction of one reading, which came in `record`.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub(super) fn record(
        &mut self,
        scored: &Scored,
        record: &Record,
    ) -> serde_json::Result<NewRecord> {
        let reading = &scored.reading;
        let position = &record.position;
        let id = self.ids.of(position);
        let message = Message {
            message_id: &*id,
            message_type: "PREDICTION_RESULT",
            timestamp: &*self.time,
            source: self.source.as_str(),
            data: Prediction {
                label: reading.label.map(u8::from),
                model_version: scored.round,
                node: self.node,
                score: scored.score.map(f64::from),
                sensor: Cow::Borrowed(&reading.sensor),
                timestamp: Cow::Borrowed(&reading.timestamp),
            },
            metadata: PredictionMetadata {
                input: InputPosition {
                    offset: position.offset,
                    partition: position.partition,
                    topic: Cow::Borrowed(&position.topic),
                },
                plugin: Cow::Borrowed(self.plugin),
            },
        };
        let mut value = Vec::with_capacity(USUAL_BYTES);
        serde_json::to_writer(&mut value, &message)?;
        Ok(NewRecord {
            topic: Arc::clone(self.topic),
            partition: None,
            timestamp_ms: self.time_ms,
            key: Some(key_of(&reading.sensor, record)),
            value: value.into(),
            headers: vec![trace::follow(record, self.source.as_str())],
        })
    }
}

/// The sensor's name, which mostly is the key of its record: that is shared, not copied.
fn key_of(sensor: &str, record: &Record) -> Bytes {
    match &record.key {
        Some(key) if **key == *sensor.as_bytes() => key.clone(),
        _ => Bytes::copy_from_slice(sensor.as_bytes()),
    }
}
