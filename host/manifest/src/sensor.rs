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
    /// Rows of files.
    Csv(Box<CsvSensor>),
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

/// Rows of files: CSV, JSON lines, Parquet or arrays of numpy. The keys that say how they are read
/// are the flags of `fedhost evaluate`.
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
    /// What the files are; by default their names say it. Example: `"parquet"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// The one character between two fields of CSV, or `"whitespace"`; by default it is detected.
    /// Example: `";"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "delimiter"))]
    pub delimiter: Option<String>,
    /// What stands before the fraction of a number in CSV.
    #[serde(default)]
    pub decimal: Decimal,
    /// The first line of CSV is a row; columns are called `f0`, `f1` and so on.
    #[serde(default)]
    pub no_header: bool,
    /// Lines at the start of text files that are not read.
    #[serde(default)]
    #[schemars(range(min = 0, max = 4_294_967_295_u64))]
    pub skip_lines: u64,
    /// Lines of CSV that begin with this character are not read. Example: `"#"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "character"))]
    pub comment: Option<String>,
    /// What stands for a missing value, beside empty cells and the spellings that pandas knows.
    /// Example: `["-999", "?"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The column that says when, which is no feature. Example: `"datetime"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The column that is 1 in anomalous rows and 0 in others, which is no feature; without it
    /// nothing can be learnt from these rows by a model that needs labels. Example: `"anomaly"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Values of the label that mean anomalous, if these are not 1 and true; all others are normal.
    /// Example: `["Attack"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalous: Vec<String>,
    /// Values of the label that mean normal; all others are anomalous. Example: `["Normal"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub normal: Vec<String>,
    /// Files with one label a row, relative to `data.directory`, one for each of `files` in the
    /// order of their names; `label` is then their column. Example: `["labels/*.txt"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels_from: Vec<String>,
    /// Further columns that are no features; one without a name is known by its number, from 1.
    /// Example: `["changepoint"]`.
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
    /// The files of labels found, one for each file to train on and then for each held-out one;
    /// none if the rows have their own.
    #[serde(skip)]
    pub label_files: Vec<PathBuf>,
}

/// What files of rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// Fields between a delimiter, a row a line.
    Csv,
    /// A JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// One array of numpy.
    Npy,
    /// A zip file of arrays of numpy.
    Npz,
}

/// What stands before the fraction of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Decimal {
    /// As in 1.5.
    #[default]
    #[serde(rename = ".")]
    Point,
    /// As in 1,5.
    #[serde(rename = ",")]
    Comma,
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
            Self::Csv(sensor) if sensor.labels_from.is_empty() => sensor.label.as_deref(),
            Self::Csv(sensor) => Some(sensor.label.as_deref().unwrap_or("label")),
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
        b"whitespace" => Ok(()),
        [byte] if may_divide(*byte) => Ok(()),
        _ => Err(
            "expected one ASCII character, neither a quote nor a line end, or \"whitespace\""
                .into(),
        ),
    }
}

/// Numbers have to end where the next field begins.
fn may_divide(byte: u8) -> bool {
    let is_of_a_number = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    byte.is_ascii() && !is_of_a_number && !matches!(byte, b'"' | b'\n' | b'\r' | 0)
}

pub(super) fn check_character(text: &str) -> Result<(), String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii_graphic() => Ok(()),
        _ => Err("expected one ASCII character".into()),
    }
}
