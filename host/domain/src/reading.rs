//! Sensor readings: flat JSON objects, turned into rows of one fixed set of columns.
//!
//! `{"timestamp": ..., "node": 1, "sensor": "pump-3", "<column>": <number or null>, ..., "<label>":
//! 0 or 1}`

mod cell;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::IgnoredAny;
use serde_json::Value;

use self::cell::Cell;
use super::json_object::for_each_member;

const TIMESTAMP: &str = "timestamp";
const NODE: &str = "node";
const SENSOR: &str = "sensor";

/// One observation of one sensor, beside its numbers, which [`Decoder::decode`] appends to a
/// matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<'a> {
    /// As the sensor wrote it: a number of seconds or a text; null when it wrote none.
    pub timestamp: Value,
    /// Which of the node's sensors.
    pub sensor: Cow<'a, str>,
    /// Whether the row is anomalous, when that is known.
    pub label: Option<bool>,
}

/// Why a record is no reading.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum ReadingError {
    /// Not a JSON object.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),
    /// Neither a field nor the record's key names the sensor.
    #[error("field {0:?} is missing or not a text")]
    #[diagnostic(help(
        "give the record the sensor's name as its key, or name the field that holds it as `sensor` of the `[[fog_node]]`"
    ))]
    MissingField(String),
    /// A column holds something else than a number.
    #[error("column {column:?} holds {value}, which is no finite number")]
    #[diagnostic(help("list it as `ignore` of the `[[fog_node]]` if it is no feature"))]
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
    /// The columns are fixed, and this is not among them.
    #[error("column {column:?} is not among this node's columns ({known})")]
    #[diagnostic(help(
        "list all columns as `columns` of the `[[fog_node]]`, with which the node begins again, or list this one as `ignore`"
    ))]
    UnknownColumn {
        /// The column.
        column: String,
        /// The node's columns.
        known: String,
    },
    /// There is no column at all.
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

/// What the fields of a node's readings are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    /// Names under which the node's sensors may give a row's label.
    pub labels: Vec<String>,
    /// Fields that are no columns.
    pub ignored: BTreeSet<String>,
    /// The field that holds the sensor's name; without it, `sensor`, or else the record's key.
    pub sensor: Option<String>,
}

/// Turns readings of one fog node into rows.
///
/// The columns are in alphabetical order, so that they do not depend on the order in which a sender
/// writes its fields. They are given, or those of the first readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoder {
    fields: Fields,
    columns: Vec<String>,
    /// Fields of the first row, in the order of its text: most senders keep to one order, so most
    /// fields are found by their place.
    layout: Vec<(String, Field)>,
}

/// What a field of a reading is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Timestamp,
    Sensor,
    Ignored,
    /// The index of a label's name.
    Label(usize),
    /// The index of a column.
    Column(usize),
}

/// What was found in one reading beside its numbers.
#[derive(Default)]
struct Found<'a> {
    timestamp: Cell<'a>,
    sensor: Cell<'a>,
    /// Labels that were given, by the index of the name.
    labels: Vec<(usize, Cell<'a>)>,
    /// Columns that hold no number.
    bad: Vec<(usize, Cell<'a>)>,
    /// The first unknown column, in alphabetical order.
    unknown: Option<String>,
}

impl Decoder {
    /// `columns` may be in any order; it is empty until the first readings fix them.
    #[must_use]
    pub fn new(fields: Fields, columns: Vec<String>) -> Self {
        let columns: BTreeSet<String> = columns.into_iter().collect();
        Self {
            fields,
            columns: columns.into_iter().collect(),
            layout: Vec::new(),
        }
    }

    /// The columns, empty before the first reading.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Fixes the columns, unless they are: all that occur in any of these readings. What is no
    /// reading has no part in it.
    pub fn fix_columns<'a>(
        &mut self,
        readings: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) {
        if !self.columns.is_empty() {
            return;
        }
        let mut union = BTreeSet::new();
        let mut row = Vec::new();
        for (value, key) in readings {
            let mut alone = Self {
                columns: self.column_names(value),
                ..self.clone()
            };
            if alone.decode_row(value, key, &mut row).is_ok() {
                union.extend(alone.columns);
            }
            row.clear();
        }
        self.columns = union.into_iter().collect();
    }

    /// Decodes one record and appends the row's numbers to `values`: one a column, NaN for a
    /// missing value. Columns that are not fixed yet become those of this reading.
    ///
    /// # Errors
    /// Says which field is wrong. A refused reading appends nothing, and fixes no columns.
    pub fn decode<'a>(
        &mut self,
        value: &'a [u8],
        key: Option<&'a [u8]>,
        values: &mut Vec<f32>,
    ) -> Result<Reading<'a>, ReadingError> {
        let is_first = self.columns.is_empty();
        if is_first {
            self.columns = self.column_names(value);
        }
        let filled = values.len();
        let reading = self.decode_row(value, key, values);
        if reading.is_err() {
            values.truncate(filled);
            if is_first {
                self.columns.clear();
                self.layout.clear();
            }
        }
        reading
    }

    /// Names of all fields that are columns, in alphabetical order; none if it is no JSON object.
    fn column_names(&self, value: &[u8]) -> Vec<String> {
        let mut names = BTreeSet::new();
        let read = for_each_member(value, |_, key, _: IgnoredAny| {
            if self.field(key).is_none() {
                names.insert(key.to_owned());
            }
        });
        if read.is_err() {
            return Vec::new();
        }
        names.into_iter().collect()
    }

    fn decode_row<'a>(
        &mut self,
        value: &'a [u8],
        key: Option<&'a [u8]>,
        values: &mut Vec<f32>,
    ) -> Result<Reading<'a>, ReadingError> {
        let first = values.len();
        values.resize(first + self.columns.len(), f32::NAN);
        let row = values.get_mut(first..).unwrap_or_default();
        let mut found = Found::default();
        for_each_member(value, |place, name, value| {
            match self.field_at(place, name) {
                Some(field) => found.put(field, value, row),
                None => found.note_unknown(name),
            }
        })
        .map_err(|error| ReadingError::NotAnObject(error.to_string()))?;
        self.reading(found, key)
    }

    /// The reading, or the first fault in a fixed order.
    fn reading<'a>(
        &self,
        found: Found<'a>,
        key: Option<&'a [u8]>,
    ) -> Result<Reading<'a>, ReadingError> {
        let sensor = self.sensor(found.sensor, key)?;
        let label = self.label(found.labels)?;
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
            timestamp: found.timestamp.into_value(),
            sensor,
            label,
        })
    }

    /// The sensor's name. A field that the manifest names may also hold a number.
    fn sensor<'a>(
        &self,
        field: Cell<'a>,
        key: Option<&'a [u8]>,
    ) -> Result<Cow<'a, str>, ReadingError> {
        let key = key.and_then(|key| str::from_utf8(key).ok());
        match (field, key, &self.fields.sensor) {
            (Cell::Text(name), ..) => Ok(name),
            (Cell::Number(number), _, Some(_)) => Ok(number.to_string().into()),
            (Cell::Null, Some(key), None) if !key.is_empty() => Ok(key.into()),
            (_, _, named) => Err(ReadingError::MissingField(
                named.as_deref().unwrap_or(SENSOR).to_owned(),
            )),
        }
    }

    /// The first label that is given; every one has to be sound.
    fn label(&self, mut given: Vec<(usize, Cell<'_>)>) -> Result<Option<bool>, ReadingError> {
        given.sort_by_key(|(index, _)| *index);
        let mut label = None;
        for (index, cell) in &given {
            let column = self.fields.labels.get(*index).map_or("", String::as_str);
            label = label.or(label_of(column, cell)?);
        }
        Ok(label)
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

    /// Timestamp, node and sensor, what is ignored, the labels and the columns.
    fn fields_max(&self) -> usize {
        3 + self.fields.ignored.len() + self.fields.labels.len() + self.columns.len()
    }

    fn field(&self, key: &str) -> Option<Field> {
        if key == self.fields.sensor.as_deref().unwrap_or(SENSOR) {
            return Some(Field::Sensor);
        }
        if let Some(index) = self.fields.labels.iter().position(|label| label == key) {
            return Some(Field::Label(index));
        }
        let column = self
            .columns
            .binary_search_by(|column| column.as_str().cmp(key));
        if let Ok(index) = column {
            return Some(Field::Column(index));
        }
        match key {
            TIMESTAMP => Some(Field::Timestamp),
            NODE => Some(Field::Ignored),
            _ if self.fields.ignored.contains(key) => Some(Field::Ignored),
            _ => None,
        }
    }
}

impl<'a> Found<'a> {
    /// The last of several values of one field counts.
    fn put(&mut self, field: Field, cell: Cell<'a>, row: &mut [f32]) {
        match field {
            Field::Timestamp => self.timestamp = cell,
            Field::Ignored => {}
            Field::Sensor => self.sensor = cell,
            Field::Label(index) => {
                self.labels.retain(|(label, _)| *label != index);
                self.labels.push((index, cell));
            }
            Field::Column(index) => {
                self.bad.retain(|(bad, _)| *bad != index);
                match (cell.number(), row.get_mut(index)) {
                    (Some(number), Some(place)) => *place = number,
                    _ => self.bad.push((index, cell)),
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

fn label_of(column: &str, cell: &Cell<'_>) -> Result<Option<bool>, ReadingError> {
    let number = match cell {
        Cell::Null => return Ok(None),
        Cell::Bool(anomalous) => return Ok(Some(*anomalous)),
        Cell::Number(number) => number.as_f64(),
        Cell::Text(_) | Cell::Other(_) => None,
    };
    match number {
        Some(0.0) => Ok(Some(false)),
        Some(1.0) => Ok(Some(true)),
        _ => Err(ReadingError::BadLabel {
            column: column.to_owned(),
            value: cell.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests;
