//! `[[sensor]]`: where a fog node's rows come from.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a fog node's rows come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sensor {
    /// Made-up rows of a machine, some of them anomalous.
    Simulated(SimulatedSensor),
    /// Rows of CSV files.
    Csv(CsvSensor),
}

/// Made-up rows with the columns `vibration_x`, `vibration_y`, `vibration_z`, `temperature` and
/// `pressure`, labelled `anomaly`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SimulatedSensor {
    /// The id of the fog node that gets the rows. Example: `1`.
    #[schemars(range(min = 0, max = 4_294_967_295_u64))]
    pub node: u32,
    /// Its name, unlike any other's; `sensor-N` for the Nth sensor of the manifest unless given.
    /// Example: `"pump-3"`.
    #[serde(default)]
    #[schemars(extend("format" = "name"))]
    pub name: String,
    /// Share of the rows that are anomalous: 0 to 1.
    #[serde(default = "tenth")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub anomaly_rate: f64,
    /// Rows a second: 0 to 1000000; 0 is as fast as they can be taken.
    #[serde(default = "two_hundred")]
    #[schemars(range(min = 0.0, max = 1e6))]
    pub rate_hz: f64,
    /// Rows after which it ends, from 1; without it there is no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_223_372_036_854_775_807_u64))]
    pub rows: Option<u64>,
    /// Decides every row: the same seed gives the same rows.
    #[serde(default)]
    #[schemars(range(min = 0, max = 9_223_372_036_854_775_807_u64))]
    pub seed: u64,
    /// Share of the rows that are set aside to evaluate on: 0 to 0.99.
    #[serde(default = "fifth")]
    #[schemars(range(min = 0.0, max = 0.99))]
    pub hold_out: f64,
}

/// Rows of CSV files, each with a line of column names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CsvSensor {
    /// The id of the fog node that gets the rows. Example: `1`.
    #[schemars(range(min = 0, max = 4_294_967_295_u64))]
    pub node: u32,
    /// Its name, unlike any other's; `sensor-N` for the Nth sensor of the manifest unless given.
    /// Example: `"valve1"`.
    #[serde(default)]
    #[schemars(extend("format" = "name"))]
    pub name: String,
    /// Which files, with `*`, `?`, `[a-z]` and `**`, relative to `data.directory`; they are read in
    /// the order of their paths. Example: `["valve1/*.csv"]`.
    pub files: Vec<String>,
    /// The one character between two fields.
    #[serde(default = "comma", with = "one_character")]
    #[schemars(with = "String", extend("format" = "delimiter"))]
    pub delimiter: u8,
    /// The column that says when, which is no feature. Example: `"datetime"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The column that is 1 in anomalous rows and 0 in others, which is no feature; without it
    /// nothing can be learnt from these rows by a model that needs labels. Example: `"anomaly"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Further columns that are no features. Example: `["changepoint"]`.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Rows a second: 0 to 1000000; 0 is as fast as they can be taken.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1e6))]
    pub rate_hz: f64,
    /// Share of the files, the last in order, that are set aside to evaluate on, as the
    /// nearest whole number of files but at least one: 0 to 0.99.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.99))]
    pub hold_out: f64,
    /// The files found, to train on, in the order in which they are read.
    #[serde(skip)]
    pub training_files: Vec<PathBuf>,
    /// The files found, to evaluate on, in the order in which they are read, after the others.
    #[serde(skip)]
    pub held_out_files: Vec<PathBuf>,
}

fn tenth() -> f64 {
    0.1
}

fn fifth() -> f64 {
    0.2
}

fn two_hundred() -> f64 {
    200.0
}

fn comma() -> u8 {
    b','
}

impl Sensor {
    /// The id of the fog node that gets the rows.
    #[must_use]
    pub fn node(&self) -> u32 {
        match self {
            Self::Simulated(sensor) => sensor.node,
            Self::Csv(sensor) => sensor.node,
        }
    }

    /// Unlike any other sensor's.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Simulated(sensor) => &sensor.name,
            Self::Csv(sensor) => &sensor.name,
        }
    }

    /// The column that says which rows are anomalous.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Simulated(_) => Some("anomaly"),
            Self::Csv(sensor) => sensor.label.as_deref(),
        }
    }

    /// Whether its rows never end.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        matches!(self, Self::Simulated(sensor) if sensor.rows.is_none())
    }

    pub(super) fn name_mut(&mut self) -> &mut String {
        match self {
            Self::Simulated(sensor) => &mut sensor.name,
            Self::Csv(sensor) => &mut sensor.name,
        }
    }
}

pub(super) fn check_delimiter(text: &str) -> Result<(), String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(()),
        _ => Err("expected one ASCII character, neither a quote nor a line end".into()),
    }
}

/// A byte, written as the text of one character.
mod one_character {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    pub(super) fn serialize<S: Serializer>(byte: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_char(char::from(*byte))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::check_delimiter(&text).map_err(D::Error::custom)?;
        text.bytes()
            .next()
            .ok_or_else(|| D::Error::custom("no character"))
    }
}
