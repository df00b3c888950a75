//! The records that roles exchange, except model weights, which have their own envelope.

use std::fmt::Write as _;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::event::{Event, RunEvent};
use fedhost_domain::model::sha256_prefix;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{sequence, trace};
use fedhost_bus::{NewRecord, Position, Record};

/// Header of a reading that is set aside to evaluate on.
pub const HELD_OUT: &str = "fedhost-held-out";
/// Header of the last record of one source, or of the whole sensor.
pub const END: &str = "fedhost-end";
/// Value of [`END`]: the source named in the record is over.
pub const END_OF_SOURCE: &[u8] = b"source";
/// Value of [`END`]: the sensor that the key names is over.
pub const END_OF_SENSOR: &[u8] = b"sensor";

/// Bytes of a usual reading.
const USUAL_BYTES: usize = 256;

/// Everything except readings and weights, as other programs read it. `T` is a text: one that is
/// only written may be borrowed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message<D = Value, M = Value, T = String> {
    /// Unique; the same for a repeated message.
    pub message_id: T,
    /// For example `PREDICTION_RESULT`.
    pub message_type: T,
    /// RFC 3339.
    pub timestamp: T,
    /// The role that wrote it.
    pub source: T,
    /// The content.
    pub data: D,
    /// What it was made from and with.
    pub metadata: M,
}

impl<D: Serialize, M: Serialize, T: Serialize> Message<D, M, T> {
    /// As it is written.
    ///
    /// # Errors
    /// The content cannot be written as JSON.
    pub fn to_bytes(&self) -> serde_json::Result<Bytes> {
        serde_json::to_vec(self).map(Bytes::from)
    }
}

/// Makes ids of messages that depend only on what was read and which role made something of it, so
/// that a repeated message carries the same id: UUIDs of version 8 (RFC 9562) over a digest.
#[derive(Debug)]
pub(crate) struct DerivedIds {
    /// `source`, topic, partition and offset, each on a line of its own.
    text: String,
    source_bytes: usize,
}

impl DerivedIds {
    /// Ids of messages that the role `source` writes.
    pub(crate) fn new(source: &str) -> Self {
        Self {
            text: source.to_owned(),
            source_bytes: source.len(),
        }
    }

    /// The id of the message that is made of the record at `input`.
    pub(crate) fn of(&mut self, input: &Position) -> DerivedId {
        self.text.truncate(self.source_bytes);
        // Writing to a string does not fail.
        let _ = write!(
            self.text,
            "\n{}\n{}\n{}",
            input.topic, input.partition, input.offset
        );
        let bytes = sha256_prefix(self.text.as_bytes());
        let mut text = [0; DERIVED_ID_BYTES];
        uuid::Builder::from_custom_bytes(bytes)
            .into_uuid()
            .hyphenated()
            .encode_lower(&mut text);
        DerivedId(text)
    }
}

const DERIVED_ID_BYTES: usize = 36;

/// The text of an id, kept in place: every prediction has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DerivedId([u8; DERIVED_ID_BYTES]);

impl Deref for DerivedId {
    type Target = str;

    fn deref(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or("")
    }
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
        let mut headers = Vec::with_capacity(3);
        if held_out {
            headers.push((HELD_OUT.to_owned(), Bytes::from_static(b"1")));
        }
        self.record(fields, label, headers)
    }

    /// The record without columns that ends this source, or the whole sensor.
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
        let mut value = Vec::with_capacity(USUAL_BYTES);
        serde_json::to_writer(&mut value, &object)?;
        Ok(NewRecord {
            topic: Arc::clone(self.topic),
            partition: None,
            timestamp_ms: self.time_ms,
            key: Some(Bytes::copy_from_slice(self.sensor.as_bytes())),
            value: value.into(),
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

/// The event of a record that could not be used.
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
    use fedhost_domain::model::Sha256Hex;

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
        let id = |source: &str, offset| DerivedIds::new(source).of(&position(offset));
        assert_eq!(id("fog-node-1", 7), id("fog-node-1", 7));
        assert_ne!(id("fog-node-1", 7), id("fog-node-1", 8));
        assert_ne!(id("fog-node-1", 7), id("fog-node-2", 7));
        assert!(uuid::Uuid::parse_str(&id("fog-node-1", 7)).is_ok());
    }

    #[test]
    fn ids_are_those_of_earlier_versions() {
        let mut ids = DerivedIds::new("fog-node-1");
        let of_a_digest = |text: &str| {
            let digest = Sha256Hex::of(text.as_bytes());
            let bits = u128::from_str_radix(&digest.as_str()[..32], 16).unwrap();
            uuid::Builder::from_custom_bytes(bits.to_be_bytes())
                .into_uuid()
                .to_string()
        };
        for offset in [7, 8, u64::MAX] {
            let text = format!("fog-node-1\nsensor-data-node-1\n0\n{offset}");
            assert_eq!(&*ids.of(&position(offset)), of_a_digest(&text));
        }
    }
}
