//! The records that roles exchange, but for model weights, which have their own envelope.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::event::Event;
use fedhost_domain::model::Sha256Hex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{sequence, trace};
use fedhost_bus::{NewRecord, Position, Record};

/// Header of a reading that is set aside to evaluate on.
pub const HELD_OUT: &str = "fedhost-held-out";
/// Header of a record that says that no further row comes: of one source, or of the whole sensor.
pub const END: &str = "fedhost-end";
/// Value of [`END`]: the source named in the record is over.
pub const END_OF_SOURCE: &[u8] = b"source";
/// Value of [`END`]: the sensor that the key names is over.
pub const END_OF_SENSOR: &[u8] = b"sensor";

/// Everything but readings and weights, as other programs read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message<D = Value, M = Value> {
    /// Unique; the same for a repeated message.
    pub message_id: String,
    /// For example `PREDICTION_RESULT`.
    pub message_type: String,
    /// RFC 3339.
    pub timestamp: String,
    /// Who wrote it.
    pub source: String,
    /// The content.
    pub data: D,
    /// What it was made from and with.
    pub metadata: M,
}

impl<D: Serialize, M: Serialize> Message<D, M> {
    /// As it is written.
    ///
    /// # Errors
    /// The content cannot be written as JSON.
    pub fn to_bytes(&self) -> serde_json::Result<Bytes> {
        serde_json::to_vec(self).map(Bytes::from)
    }
}

/// An id that depends on nothing but what was read and who made something of it, so that a repeated
/// message carries the same id: a UUID of version 8 (RFC 9562) over a digest.
#[must_use]
pub fn derived_id(source: &str, input: &Position) -> String {
    let text = format!(
        "{source}\n{}\n{}\n{}",
        input.topic, input.partition, input.offset
    );
    let digest = Sha256Hex::of(text.as_bytes());
    let bytes = u128::from_str_radix(digest.as_str().get(..32).unwrap_or("0"), 16).unwrap_or(0);
    uuid::Builder::from_custom_bytes(bytes.to_be_bytes())
        .into_uuid()
        .to_string()
}

/// What a reading consists of.
#[derive(Debug)]
pub struct NewReading<'a> {
    /// The topic of the fog node's readings.
    pub topic: &'a Arc<str>,
    /// The fog node's number.
    pub node: u32,
    /// The source's name, also the key.
    pub sensor: &'a str,
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// As the source gives it; `None` writes the time as seconds.
    pub timestamp: Option<&'a str>,
    /// Which sensor sends it, and which of its items it is.
    pub origin: (&'a str, u64),
}

impl NewReading<'_> {
    /// A row as flat JSON; `None` is written as null.
    ///
    /// # Errors
    /// The row cannot be written as JSON.
    pub fn row(
        &self,
        fields: &[(String, Option<f64>)],
        label: Option<&(String, bool)>,
        held_out: bool,
    ) -> serde_json::Result<NewRecord> {
        let mut object = self.object();
        object.extend(
            fields
                .iter()
                .map(|(column, value)| (column.clone(), json!(value))),
        );
        if let Some((column, anomalous)) = label {
            object.insert(column.clone(), json!(u8::from(*anomalous)));
        }
        let headers = held_out
            .then(|| (HELD_OUT.to_owned(), Bytes::from_static(b"1")))
            .into_iter()
            .collect();
        self.record(object, headers)
    }

    /// A record without columns that says that this source, or the whole sensor, is over.
    ///
    /// # Errors
    /// The record cannot be written as JSON.
    pub fn end(&self, what: &'static [u8]) -> serde_json::Result<NewRecord> {
        self.record(
            self.object(),
            vec![(END.to_owned(), Bytes::from_static(what))],
        )
    }

    fn object(&self) -> Map<String, Value> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds are far below 2^53"
        )]
        let seconds = self.time_ms as f64 / 1e3;
        let timestamp = self
            .timestamp
            .map_or_else(|| json!(seconds), |text| json!(text));
        let fields = [
            ("timestamp", timestamp),
            ("node", json!(self.node)),
            ("sensor", json!(self.sensor)),
        ];
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn record(
        &self,
        object: Map<String, Value>,
        mut headers: Vec<(String, Bytes)>,
    ) -> serde_json::Result<NewRecord> {
        let (origin, number) = self.origin;
        headers.extend([
            sequence::header(origin, number),
            trace::begin(&format!("{}/{origin}/{number}", self.topic)),
        ]);
        Ok(NewRecord {
            topic: Arc::clone(self.topic),
            partition: None,
            timestamp_ms: self.time_ms,
            key: Some(Bytes::copy_from_slice(self.sensor.as_bytes())),
            value: serde_json::to_vec(&object)?.into(),
            headers,
        })
    }
}

/// The announcement that a record could not be used.
#[must_use]
pub fn skipped(record: &Record, reason: &str, detail: String) -> Event {
    Event::RecordSkipped {
        source: record.position.topic.to_string(),
        partition: record.position.partition,
        offset: record.position.offset,
        reason: reason.to_owned(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(offset: u64) -> Position {
        Position {
            topic: "sensor-data-node-1".into(),
            partition: 0,
            offset,
        }
    }

    #[test]
    fn the_same_input_gives_the_same_id() {
        assert_eq!(
            derived_id("fog-node-1", &position(7)),
            derived_id("fog-node-1", &position(7))
        );
        assert_ne!(
            derived_id("fog-node-1", &position(7)),
            derived_id("fog-node-1", &position(8))
        );
        assert_ne!(
            derived_id("fog-node-1", &position(7)),
            derived_id("fog-node-2", &position(7))
        );
        assert!(uuid::Uuid::parse_str(&derived_id("fog-node-1", &position(7))).is_ok());
    }
}
