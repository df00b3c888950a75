//! Sensor readings: flat JSON objects, turned into rows of one fixed set of columns.
//!
//! `{"timestamp": ..., "node": 1, "sensor": "pump-3", "<column>": <number or null>, ..., "<label>":
//! 0 or 1}`

use serde_json::{Map, Value};

const TIMESTAMP: &str = "timestamp";
const NODE: &str = "node";
const SENSOR: &str = "sensor";

/// One observation of one sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// As the sensor wrote it: a number of seconds or a text; null when it wrote none.
    pub timestamp: Value,
    /// Which of the node's sensors.
    pub sensor: String,
    /// One value a column, in the decoder's order; NaN is a missing value.
    pub values: Vec<f32>,
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
}

impl Decoder {
    /// `labels` are the names under which the node's sensors may give a row's label; they are never
    /// columns. `columns` is empty until a first reading fixes them.
    #[must_use]
    pub fn new(labels: Vec<String>, columns: Vec<String>) -> Self {
        Self { labels, columns }
    }

    /// The columns, empty before the first reading.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Decodes one record's value.
    ///
    /// # Errors
    /// Says which field is wrong. A refused first reading fixes no columns.
    pub fn decode(&mut self, value: &[u8]) -> Result<Reading, ReadingError> {
        let mut fields: Map<String, Value> = serde_json::from_slice(value)
            .map_err(|error| ReadingError::NotAnObject(error.to_string()))?;
        let timestamp = fields.remove(TIMESTAMP).unwrap_or(Value::Null);
        fields.remove(NODE);
        let Some(Value::String(sensor)) = fields.remove(SENSOR) else {
            return Err(ReadingError::MissingField(SENSOR));
        };
        let label = self.take_label(&mut fields)?;
        let values = self.row_of(&fields)?;
        Ok(Reading {
            timestamp,
            sensor,
            values,
            label,
        })
    }

    fn take_label(&self, fields: &mut Map<String, Value>) -> Result<Option<bool>, ReadingError> {
        let mut label = None;
        for column in &self.labels {
            let found = fields
                .remove(column)
                .map_or(Ok(None), |value| label_of(column, &value))?;
            label = label.or(found);
        }
        Ok(label)
    }

    fn row_of(&mut self, fields: &Map<String, Value>) -> Result<Vec<f32>, ReadingError> {
        let first = self.columns.is_empty();
        let names: Vec<String> = if first {
            sorted_names(fields)?
        } else {
            std::mem::take(&mut self.columns)
        };
        let row = row(&names, fields);
        if !first || row.is_ok() {
            self.columns = names;
        }
        row
    }
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

fn sorted_names(fields: &Map<String, Value>) -> Result<Vec<String>, ReadingError> {
    let mut names: Vec<String> = fields.keys().cloned().collect();
    names.sort_unstable();
    if names.is_empty() {
        Err(ReadingError::NoColumns)
    } else {
        Ok(names)
    }
}

fn row(names: &[String], fields: &Map<String, Value>) -> Result<Vec<f32>, ReadingError> {
    if let Some(column) = fields
        .keys()
        .find(|name| names.binary_search(name).is_err())
    {
        return Err(ReadingError::UnknownColumn {
            column: column.clone(),
            known: names.join(", "),
        });
    }
    names
        .iter()
        .map(|name| number(name, fields.get(name)))
        .collect()
}

fn number(column: &str, value: Option<&Value>) -> Result<f32, ReadingError> {
    match value {
        None | Some(Value::Null) => Ok(f32::NAN),
        Some(value) => {
            // Beyond the range of f32 a number would become infinite: that is a fault of the
            // sender, not a large value.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the range is checked right after"
            )]
            let number = value
                .as_f64()
                .map(|number| number as f32)
                .filter(|number| number.is_finite());
            number.ok_or_else(|| ReadingError::NotANumber {
                column: column.to_owned(),
                value: value.to_string(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder() -> Decoder {
        Decoder::new(vec!["anomaly".into()], Vec::new())
    }

    #[test]
    fn the_first_reading_fixes_the_columns_in_alphabetical_order() {
        let mut decoder = decoder();
        let first =
            br#"{"timestamp": 1.5, "node": 1, "sensor": "a", "y": 2, "x": 1, "anomaly": 1}"#;
        let reading = decoder.decode(first).unwrap();
        assert_eq!(decoder.columns(), ["x", "y"]);
        assert_eq!(
            (reading.values.as_slice(), reading.label),
            ([1.0, 2.0].as_slice(), Some(true))
        );
    }

    #[test]
    fn a_missing_column_is_a_missing_value() {
        let mut decoder = decoder();
        decoder
            .decode(br#"{"sensor": "a", "x": 1, "y": 2}"#)
            .unwrap();
        for sparse in [
            br#"{"sensor": "a", "y": 2}"#.as_slice(),
            br#"{"sensor": "a", "x": null, "y": 2}"#,
        ] {
            let reading = decoder.decode(sparse).unwrap();
            assert!(reading.values[0].is_nan() && reading.values[1] == 2.0);
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
            assert_eq!(decoder.decode(bytes).unwrap_err().code(), code);
            assert!(
                decoder.columns().is_empty(),
                "a refused reading fixes no columns"
            );
        }
        let mut decoder = decoder();
        decoder.decode(br#"{"sensor": "a", "x": 1}"#).unwrap();
        assert_eq!(
            decoder
                .decode(br#"{"sensor": "a", "z": 1}"#)
                .unwrap_err()
                .code(),
            "unknown_column"
        );
        assert!(
            decoder.decode(br#"{"sensor": "a", "x": 1}"#).is_ok(),
            "the columns stay as they were"
        );
    }
}
