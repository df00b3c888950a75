//! The outcome as a document: what `--json` prints, and what the report shows.

use std::collections::BTreeMap;

use fedhost_domain::metrics::Trace;
use fedhost_domain::model::Sha256Hex;
use fedhost_domain::protocol::Protocol;
use serde::Serialize;

use super::LabelUse;
use super::figures::Figures;
use super::integrity::IntegrityResult;
use super::notes::Said;
use super::warnings::DataWarning;
use fedhost_dataset::{Counting, Merging};
use fedhost_plugin::{CallError, Inspection, Kind, Limits};

/// A whole evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The rows.
    pub data: DataCard,
    /// Which rows were trained on, and which scored.
    pub protocol: Protocol,
    /// Of the first repeat.
    pub seed: u64,
    /// How often everything was done, each time with the next seed.
    pub repeat: u32,
    /// As it was asked for, such as `quantile:0.999`.
    pub threshold: String,
    /// Rows over which scores were averaged.
    pub smooth_rows: u32,
    /// How often models went over the rows to train on.
    pub epochs: u32,
    /// Who saw labels.
    pub labels: LabelUse,
    /// Rows that a plug-in was given at once.
    pub rows_per_call: usize,
    /// Rows trained on before anything was scored, over all models of one repeat.
    pub training_rows: u64,
    /// Rows scored in one repeat.
    pub scored_rows: u64,
    /// Of which anomalous.
    pub scored_anomalous: u64,
    /// Reasons to doubt the results that lie in the rows.
    pub warnings: Vec<DataWarning>,
    /// Scored rows that are the same, bit for bit, as one that was trained on; where one model is
    /// trained beforehand.
    pub repeated_rows: Option<RepeatedRows>,
    /// What stood before every model.
    pub preprocess: Option<Card>,
    /// The integrity checks that were made.
    pub preprocess_integrity: Vec<IntegrityResult>,
    /// What each plug-in might use.
    pub limits: Limits,
    /// One for each plug-in, in the order given.
    pub results: Vec<PluginResult>,
    /// Scores that need no model.
    pub baselines: Vec<BaselineResult>,
    /// The command that does this again.
    pub command: String,
    /// Of fedhost.
    pub version: String,
    /// Where it was done: times depend on it.
    pub machine: BTreeMap<String, String>,
}

/// Rows that a model may know by heart.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RepeatedRows {
    /// Scored rows that were compared.
    pub looked_at: u64,
    /// Of which trained on as well.
    pub repeated: u64,
}

/// The rows that were judged by.
#[derive(Clone, Debug, Serialize)]
pub struct DataCard {
    /// How many files.
    pub files: usize,
    /// Rows of all files.
    pub rows: u64,
    /// Columns that plug-ins see.
    pub columns: usize,
    /// Share of the labelled rows that are anomalous.
    pub anomalous: f64,
    /// Over the bytes of all files.
    pub sha256: String,
    /// Their names.
    pub column_names: Vec<String>,
    /// The column of labels.
    pub label: String,
    /// Cells without a value.
    pub missing: u64,
    /// Columns that count rows or time.
    pub counting: Vec<Counting>,
    /// Columns of which 32 bits cannot hold the differences.
    pub merging: Vec<Merging>,
    /// One by one.
    pub file_list: Vec<FileCard>,
}

/// One file.
#[derive(Clone, Debug, Serialize)]
pub struct FileCard {
    /// The shortest name that differs from the others.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Of which anomalous.
    pub anomalous: u64,
    /// As `sha256sum` prints it.
    pub sha256: String,
}

/// Which component, and what it was opened with.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// Its name, or that of its file when it never said its own.
    pub plugin: String,
    /// Its version; empty when it never said it.
    pub version: String,
    /// Digest of its file.
    pub sha256: Option<Sha256Hex>,
    /// Its file.
    pub file: String,
    /// All parameters, defaults too.
    pub parameters: BTreeMap<String, serde_json::Value>,
}

/// How a plug-in fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// To the end, and fairly.
    Ok,
    /// It crashed.
    Trap,
    /// It was stopped at its deadline.
    Deadline,
    /// It was stopped when its work was used up.
    Fuel,
    /// It wanted more memory than it may have.
    Memory,
    /// It answered with more than it may.
    OutputTooLarge,
    /// It answered with something that cannot be used, or with scores that break the promises of
    /// its interface.
    InvalidOutput,
    /// It was not run, or declined the rows.
    Refused,
    /// The evaluation was stopped before it was done.
    Interrupted,
}

impl From<&CallError> for Status {
    fn from(error: &CallError) -> Self {
        match error.kind {
            Kind::Trap | Kind::Dead => Self::Trap,
            Kind::Deadline => Self::Deadline,
            Kind::Fuel => Self::Fuel,
            Kind::Memory => Self::Memory,
            Kind::OutputTooLarge => Self::OutputTooLarge,
            Kind::InvalidOutput => Self::InvalidOutput,
            Kind::Refused(_) | Kind::Quarantined => Self::Refused,
        }
    }
}

/// What one plug-in has come to.
#[derive(Clone, Debug, Serialize)]
pub struct PluginResult {
    /// Which.
    #[serde(flatten)]
    pub card: Card,
    /// How it ended.
    pub status: Status,
    /// Of the first seed; means over all seeds of those figures that are listed in `repeats`.
    #[serde(flatten)]
    pub figures: Figures,
    /// Rows that it has scored, of the first seed; 0 when it did not come to the end.
    pub scored_rows: u64,
    /// Time in the plug-in for learning, in seconds.
    pub fit_seconds: f64,
    /// Time in the plug-in for scoring, in seconds.
    pub score_seconds: f64,
    /// Time in the preprocessor, in seconds.
    pub preprocess_seconds: f64,
    /// Time in the plug-in and the preprocessor for everything, in seconds.
    pub busy_seconds: f64,
    /// Rows scored in a second of `score_seconds`.
    pub rows_per_second: Option<f64>,
    /// The most that an instance ever held.
    pub peak_memory_bytes: u64,
    /// Calls into it.
    pub calls: u64,
    /// Its work in the engine's units, if it was counted.
    pub fuel: Option<u64>,
    /// Why it has no figures, or why they cannot be trusted.
    pub error: Option<String>,
    /// Whether it was given labels to train with.
    pub labelled: bool,
    /// The score of all normal rows to train on, if all have the same.
    pub constant_training_score: Option<f32>,
    /// Whether a training was asked to stop because its time was nearly up: figures then depend on
    /// the machine.
    pub cut_short: bool,
    /// The integrity checks that were made.
    pub integrity: Vec<IntegrityResult>,
    /// Figures of each seed.
    pub repeats: Vec<Repeat>,
    /// Standard deviation over the seeds of the figures in `repeats`, where there are several.
    pub spread: BTreeMap<&'static str, f64>,
    /// Figures of each scored file by itself, of the first seed.
    pub files: Vec<FileResult>,
    /// Scores over time, of the first seed: for pictures only.
    #[serde(skip)]
    pub traces: Vec<FileTrace>,
    /// What the component is and asks for.
    pub component: Option<Inspection>,
    /// What it has logged.
    pub said: Said,
}

/// Figures of one seed.
#[derive(Clone, Debug, Serialize)]
pub struct Repeat {
    /// The seed.
    pub seed: u64,
    /// `roc_auc`, `average_precision`, `f1`, `precision`, `recall`, `far`, `mar`; those there are.
    #[serde(flatten)]
    pub figures: BTreeMap<&'static str, f64>,
}

/// One file's part in the figures.
#[derive(Clone, Debug, Serialize)]
pub struct FileResult {
    /// The shortest name that differs from the others.
    pub name: String,
    /// Rows of it that were scored.
    pub rows: u64,
    /// Of which anomalous.
    pub anomalous: u64,
    /// Those there are, as in [`Repeat`].
    #[serde(flatten)]
    pub figures: BTreeMap<&'static str, f64>,
    /// Rows from the start of an anomaly to its first alarm, on average.
    pub delay_rows: Option<f64>,
}

/// Scores of one file over time.
#[derive(Clone, Debug)]
pub struct FileTrace {
    /// The file.
    pub name: String,
    /// Its first scored row.
    pub first_row: u64,
    /// The scores, thinned out.
    pub trace: Trace,
}

/// What a trivial way to score comes to.
#[derive(Clone, Debug, Serialize)]
pub struct BaselineResult {
    /// `always`, `never`, `random`, `repeat-last-label` or `row-position`.
    pub name: &'static str,
    /// Of the first seed.
    #[serde(flatten)]
    pub figures: Figures,
}
