//! Sensor readings: flat JSON objects, turned into rows of one fixed set of columns.
//!
//! `{"timestamp": ..., "node": 1, "sensor": "pump-3", "<column>": <number or null>, ..., "<label>":
//! 0 or 1}`

use serde::de::IgnoredAny;
use serde_json::Value;

use super::json_object::for_each_member;

const TIMESTAMP: &str = "timestamp";
const NODE: &str = "node";
const SENSOR: &str = "sensor";

/// One observation of one sensor, beside its numbers, which [`Decoder::decode`] appends to a
/// matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// As the sensor wrote it: a number of seconds or a text; null when it wrote none.
    pub timestamp: Value,
    /// Which of the node's sensors.
    pub sensor: String,
    /// Whether the row is anomalous, when that is known.
    pub label: Option<bool>,
}

/// Why a record is no reading.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum ReadingError {
    /// Not a JSON object.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),
    /// A field that every reading has is missing or of another type.
    #[error("field {0:?} is missing or not a text")]
    MissingField(&'static str),
    /// A column holds something else than a number.
    #[error("column {column:?} holds {value}, which is no finite number")]
    NotANumber {
        /// The column.
        column: String,
        /// What it holds.
        value: String,
    },
    /// The label is neither 0 nor 1.
    #[error("label {column:?} holds {value}, which is neither 0 nor 1")]
    BadLabel {
        /// The label column.
        column: String,
        /// What it holds.
        value: String,
    },
    /// The first reading fixed the columns, and this is not among them.
    #[error("column {column:?} is not among this node's columns ({known})")]
    UnknownColumn {
        /// The column.
        column: String,
        /// The columns of the first reading.
        known: String,
    },
    /// The first reading has no column at all.
    #[error("there is no column beside timestamp, node, sensor and label")]
    NoColumns,
}

impl ReadingError {
    /// A short stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnObject(_) => "undecodable",
            Self::MissingField(_) => "missing_field",
            Self::NotANumber { .. } => "not_a_number",
            Self::BadLabel { .. } => "bad_label",
            Self::UnknownColumn { .. } => "unknown_column",
            Self::NoColumns => "no_columns",
        }
    }
}

/// Turns readings of one fog node into rows. The first reading fixes the columns, in alphabetical
/// order, so that they do not depend on the order in which a sender writes its fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    labels: Vec<String>,
    columns: Vec<String>,
    /// Fields of the first row, in the order of its text: most senders keep to one order, so most
    /// fields are found by their place.
    layout: Vec<(String, Field)>,
}

/// What a field of a reading is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Timestamp,
    Node,
    Sensor,
    /// The index of a label's name.
    Label(usize),
    /// The index of a column.
    Column(usize),
}

/// What was found in one reading beside its numbers.
struct Found {
    timestamp: Value,
    sensor: Value,
    labels: Vec<Value>,
    /// Columns that hold no number.
    bad: Vec<(usize, Value)>,
    /// The first unknown column, in alphabetical order.
    unknown: Option<String>,
}

impl Decoder {
    /// `labels` are the names under which the node's sensors may give a row's label; they are never
    /// columns. `columns` is empty until a first reading fixes them.
    #[must_use]
    pub fn new(labels: Vec<String>, columns: Vec<String>) -> Self {
        Self {
            labels,
            columns,
            layout: Vec::new(),
        }
    }

    /// The columns, empty before the first reading.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Decodes one record's value and appends the row's numbers to `values`: one a column, NaN for
    /// a missing value.
    ///
    /// # Errors
    /// Says which field is wrong. A refused reading appends nothing, and a refused first reading
    /// fixes no columns.
    pub fn decode(&mut self, value: &[u8], values: &mut Vec<f32>) -> Result<Reading, ReadingError> {
        let is_first = self.columns.is_empty();
        if is_first {
            self.columns = self.column_names(value)?;
        }
        let filled = values.len();
        let reading = self.decode_row(value, values);
        if reading.is_err() {
            values.truncate(filled);
            if is_first {
                self.columns.clear();
                self.layout.clear();
            }
        }
        reading
    }

    /// Names of all fields that are columns, in alphabetical order.
    fn column_names(&self, value: &[u8]) -> Result<Vec<String>, ReadingError> {
        let mut names = Vec::new();
        for_each_member(value, |_, key, _: IgnoredAny| {
            if self.field(key).is_none() {
                names.push(key.to_owned());
            }
        })
        .map_err(not_an_object)?;
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn decode_row(&mut self, value: &[u8], values: &mut Vec<f32>) -> Result<Reading, ReadingError> {
        let first = values.len();
        values.resize(first + self.columns.len(), f32::NAN);
        let row = values.get_mut(first..).unwrap_or_default();
        let mut found = Found {
            timestamp: Value::Null,
            sensor: Value::Null,
            labels: vec![Value::Null; self.labels.len()],
            bad: Vec::new(),
            unknown: None,
        };
        for_each_member(value, |place, key, value| match self.field_at(place, key) {
            Some(field) => found.put(field, value, row),
            None => found.note_unknown(key),
        })
        .map_err(not_an_object)?;
        self.reading(found)
    }

    /// The reading, or the first fault in a fixed order.
    fn reading(&self, found: Found) -> Result<Reading, ReadingError> {
        let Value::String(sensor) = found.sensor else {
            return Err(ReadingError::MissingField(SENSOR));
        };
        let mut label = None;
        for (column, value) in self.labels.iter().zip(&found.labels) {
            label = label.or(label_of(column, value)?);
        }
        if self.columns.is_empty() {
            return Err(ReadingError::NoColumns);
        }
        if let Some(column) = found.unknown {
            return Err(ReadingError::UnknownColumn {
                column,
                known: self.columns.join(", "),
            });
        }
        if let Some((index, value)) = found.bad.into_iter().min_by_key(|(index, _)| *index) {
            return Err(ReadingError::NotANumber {
                column: self.columns.get(index).cloned().unwrap_or_default(),
                value: value.to_string(),
            });
        }
        Ok(Reading {
            timestamp: found.timestamp,
            sensor,
            label,
        })
    }

    /// The field of a key, which is mostly the one at the same place as in the first row.
    fn field_at(&mut self, place: usize, key: &str) -> Option<Field> {
        match self.layout.get(place) {
            Some((name, field)) if name == key => return Some(*field),
            _ => {}
        }
        let field = self.field(key)?;
        if place == self.layout.len() && place < self.fields_max() {
            self.layout.push((key.to_owned(), field));
        }
        Some(field)
    }

    /// Timestamp, node and sensor, the labels and the columns.
    fn fields_max(&self) -> usize {
        3 + self.labels.len() + self.columns.len()
    }

    fn field(&self, key: &str) -> Option<Field> {
        match key {
            TIMESTAMP => return Some(Field::Timestamp),
            NODE => return Some(Field::Node),
            SENSOR => return Some(Field::Sensor),
            _ => {}
        }
        if let Some(index) = self.labels.iter().position(|label| label == key) {
            return Some(Field::Label(index));
        }
        let column = self
            .columns
            .binary_search_by(|column| column.as_str().cmp(key));
        column.ok().map(Field::Column)
    }
}

impl Found {
    /// The last of several values of one field counts.
    fn put(&mut self, field: Field, value: Value, row: &mut [f32]) {
        match field {
            Field::Timestamp => self.timestamp = value,
            Field::Node => {}
            Field::Sensor => self.sensor = value,
            Field::Label(index) => {
                if let Some(label) = self.labels.get_mut(index) {
                    *label = value;
                }
            }
            Field::Column(index) => {
                self.bad.retain(|(bad, _)| *bad != index);
                match (number(&value), row.get_mut(index)) {
                    (Some(number), Some(cell)) => *cell = number,
                    _ => self.bad.push((index, value)),
                }
            }
        }
    }

    fn note_unknown(&mut self, key: &str) {
        if self.unknown.as_deref().is_none_or(|unknown| key < unknown) {
            self.unknown = Some(key.to_owned());
        }
    }
}

fn not_an_object(error: serde_json::Error) -> ReadingError {
    ReadingError::NotAnObject(error.to_string())
}

fn label_of(column: &str, value: &Value) -> Result<Option<bool>, ReadingError> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(anomalous) => Ok(Some(*anomalous)),
        Value::Number(number) if number.as_f64() == Some(0.0) => Ok(Some(false)),
        Value::Number(number) if number.as_f64() == Some(1.0) => Ok(Some(true)),
        other => Err(ReadingError::BadLabel {
            column: column.to_owned(),
            value: other.to_string(),
        }),
    }
}

/// Beyond the range of f32 a number would become infinite: that is a fault of the sender, not a
/// large value.
fn number(value: &Value) -> Option<f32> {
    match value {
        Value::Null => Some(f32::NAN),
        Value::Number(number) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the range is checked right after"
            )]
            let number = number.as_f64()? as f32;
            number.is_finite().then_some(number)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder() -> Decoder {
        Decoder::new(vec!["anomaly".into()], Vec::new())
    }

    fn decode(decoder: &mut Decoder, value: &[u8]) -> Result<(Reading, Vec<f32>), ReadingError> {
        let mut values = vec![7.0];
        let reading = decoder.decode(value, &mut values);
        assert_eq!(values.remove(0), 7.0, "earlier rows stay as they are");
        assert!(reading.is_ok() || values.is_empty());
        reading.map(|reading| (reading, values))
    }

    #[test]
    fn the_order_of_fields_changes_nothing_and_the_last_of_two_values_counts() {
        let mut decoder = decoder();
        let orders: [&[u8]; 4] = [
            br#"{"sensor": "a", "x": 1, "y": 2, "anomaly": 0}"#,
            br#"{"anomaly": false, "y": 2, "x": 1, "sensor": "a"}"#,
            br#"{"x": "warm", "x": 1, "sensor": 3, "y": 2, "sensor": "a", "anomaly": 0}"#,
            br#"{"sensor": "a", "x": 1, "y": 2, "anomaly": 5, "anomaly": 0}"#,
        ];
        for order in orders {
            let (reading, values) = decode(&mut decoder, order).unwrap();
            assert_eq!(values, [1.0, 2.0]);
            assert_eq!((reading.sensor.as_str(), reading.label), ("a", Some(false)));
        }
    }

    #[test]
    fn the_first_reading_fixes_the_columns_in_alphabetical_order() {
        let mut decoder = decoder();
        let first =
            br#"{"timestamp": 1.5, "node": 1, "sensor": "a", "y": 2, "x": 1, "anomaly": 1}"#;
        let (reading, values) = decode(&mut decoder, first).unwrap();
        assert_eq!(decoder.columns(), ["x", "y"]);
        assert_eq!((values, reading.label), (vec![1.0, 2.0], Some(true)));
    }

    #[test]
    fn a_missing_column_is_a_missing_value() {
        let mut decoder = decoder();
        decode(&mut decoder, br#"{"sensor": "a", "x": 1, "y": 2}"#).unwrap();
        for sparse in [
            br#"{"sensor": "a", "y": 2}"#.as_slice(),
            br#"{"sensor": "a", "x": null, "y": 2}"#,
        ] {
            let (reading, values) = decode(&mut decoder, sparse).unwrap();
            assert!(values[0].is_nan() && values[1] == 2.0);
            assert_eq!(reading.label, None);
        }
    }

    #[test]
    fn every_fault_of_a_reading_is_named() {
        let cases: [(&[u8], &str); 8] = [
            (b"\xff", "undecodable"),
            (b"[1]", "undecodable"),
            (br#"{"x": 1}"#, "missing_field"),
            (br#"{"sensor": 3, "x": 1}"#, "missing_field"),
            (br#"{"sensor": "a", "x": "warm"}"#, "not_a_number"),
            (br#"{"sensor": "a", "x": 1e300}"#, "not_a_number"),
            (br#"{"sensor": "a", "x": 1, "anomaly": 2}"#, "bad_label"),
            (br#"{"sensor": "a", "anomaly": 1}"#, "no_columns"),
        ];
        for (bytes, code) in cases {
            let mut decoder = decoder();
            assert_eq!(decode(&mut decoder, bytes).unwrap_err().code(), code);
            assert!(
                decoder.columns().is_empty(),
                "a refused reading fixes no columns"
            );
        }
        let mut decoder = decoder();
        decode(&mut decoder, br#"{"sensor": "a", "x": 1}"#).unwrap();
        assert_eq!(
            decode(&mut decoder, br#"{"sensor": "a", "z": 1}"#)
                .unwrap_err()
                .code(),
            "unknown_column"
        );
        assert!(
            decode(&mut decoder, br#"{"sensor": "a", "x": 1}"#).is_ok(),
            "the columns stay as they were"
        );
    }
}
