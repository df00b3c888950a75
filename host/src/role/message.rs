//! The records that roles exchange, but for model weights, which have their own envelope.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::event::{Event, RunEvent};
use fedhost_domain::model::Sha256Hex;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

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
        fields: &[(Arc<str>, Option<f64>)],
        label: Option<&(Arc<str>, bool)>,
        held_out: bool,
    ) -> serde_json::Result<NewRecord> {
        let headers = held_out
            .then(|| (HELD_OUT.to_owned(), Bytes::from_static(b"1")))
            .into_iter()
            .collect();
        self.record(fields, label, headers)
    }

    /// A record without columns that says that this source, or the whole sensor, is over.
    ///
    /// # Errors
    /// The record cannot be written as JSON.
    pub fn end(&self, what: &'static [u8]) -> serde_json::Result<NewRecord> {
        self.record(&[], None, vec![(END.to_owned(), Bytes::from_static(what))])
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds are far below 2^53"
    )]
    fn seconds(&self) -> f64 {
        self.time_ms as f64 / 1e3
    }

    fn record(
        &self,
        fields: &[(Arc<str>, Option<f64>)],
        label: Option<&(Arc<str>, bool)>,
        mut headers: Vec<(String, Bytes)>,
    ) -> serde_json::Result<NewRecord> {
        let object = Object {
            reading: self,
            fields,
            label,
        };
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

/// A reading as flat JSON, written without a tree.
struct Object<'a> {
    reading: &'a NewReading<'a>,
    fields: &'a [(Arc<str>, Option<f64>)],
    label: Option<&'a (Arc<str>, bool)>,
}

impl Object<'_> {
    /// Whether a column or the label takes the place of a field that every reading has.
    fn is_replaced(&self, name: &str) -> bool {
        self.fields.iter().any(|(column, _)| **column == *name)
            || self.label.is_some_and(|(column, _)| **column == *name)
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.is_replaced("timestamp") {
            match self.reading.timestamp {
                Some(text) => map.serialize_entry("timestamp", text)?,
                None => map.serialize_entry("timestamp", &self.reading.seconds())?,
            }
        }
        if !self.is_replaced("node") {
            map.serialize_entry("node", &self.reading.node)?;
        }
        if !self.is_replaced("sensor") {
            map.serialize_entry("sensor", self.reading.sensor)?;
        }
        for (column, value) in self.fields {
            map.serialize_entry(&**column, value)?;
        }
        if let Some((column, anomalous)) = self.label {
            map.serialize_entry(&**column, &u8::from(*anomalous))?;
        }
        map.end()
    }
}

/// The announcement that a record could not be used.
#[must_use]
pub fn skipped(record: &Record, reason: &str, detail: String) -> Event {
    Event::Run(RunEvent::RecordSkipped {
        source: record.position.topic.to_string(),
        partition: record.position.partition,
        offset: record.position.offset,
        reason: reason.to_owned(),
        detail,
    })
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
    fn a_row_is_flat_json_in_which_columns_take_precedence() {
        let topic: Arc<str> = "sensor-data-node-1".into();
        let reading = NewReading {
            topic: &topic,
            node: 1,
            sensor: "pump",
            time_ms: 1_500,
            timestamp: None,
            origin: ("pumps", 0),
        };
        let fields = [("x".into(), Some(0.5)), ("y".into(), None)];
        let label = ("anomaly".into(), true);
        let row = reading.row(&fields, Some(&label), false).unwrap();
        assert_eq!(
            &row.value[..],
            br#"{"timestamp":1.5,"node":1,"sensor":"pump","x":0.5,"y":null,"anomaly":1}"#
        );
        let fields = [("node".into(), Some(2.0))];
        let row = reading.row(&fields, None, false).unwrap();
        assert_eq!(
            &row.value[..],
            br#"{"timestamp":1.5,"sensor":"pump","node":2.0}"#
        );
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
