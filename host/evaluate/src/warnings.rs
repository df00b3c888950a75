//! Reasons to doubt results that lie in the rows, each with its remedy.

use serde::Serialize;

use super::document::{DataCard, Document, PluginResult};
use super::figures::ThresholdFrom;

/// A reason to doubt the results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataWarning {
    /// A short stable name: `counting-column`, `merged-values`, `one-class` or
    /// `constant-training-scores`.
    pub code: &'static str,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// All that there are of a document.
pub(super) fn of(document: &Document) -> Vec<DataWarning> {
    let one_class = one_class(document);
    let constant = document.results.iter().filter_map(constant_scores);
    one_class
        .into_iter()
        .chain(counting(&document.data))
        .chain(merged(&document.data))
        .chain(constant)
        .collect()
}

fn one_class(document: &Document) -> Option<DataWarning> {
    let (rows, anomalous) = (document.scored_rows, document.scored_anomalous);
    let what = if rows > 0 && anomalous == 0 {
        "no scored row is anomalous, so there is nothing to find"
    } else if rows > 0 && anomalous == rows {
        "every scored row is anomalous, so there is nothing to distinguish"
    } else {
        return None;
    };
    let elsewhere = document
        .data
        .file_list
        .iter()
        .any(|file| file.anomalous > 0);
    Some(DataWarning {
        code: "one-class",
        message: format!("{what}: ROC AUC, average precision and F1 need rows of both kinds"),
        help: if anomalous == 0 && elsewhere {
            "choose another --protocol: all anomalous rows are among those that are trained on"
        } else if anomalous == 0 {
            "check --label and --anomalous: no row of these files is anomalous"
        } else {
            "check --label and --normal"
        }
        .to_owned(),
    })
}

fn counting(data: &DataCard) -> impl Iterator<Item = DataWarning> {
    data.counting.iter().map(|counting| DataWarning {
        code: "counting-column",
        message: format!(
            "column {:?} counts: it changes by nearly the same step ({}) from row to row in every \
             file, so it reveals a row's place, and with it perhaps its label, to every plug-in",
            counting.column, counting.step as f32
        ),
        help: format!("--ignore '{}'", counting.column.replace('\'', r"'\''")),
    })
}

fn merged(data: &DataCard) -> impl Iterator<Item = DataWarning> {
    data.merging.iter().map(|merging| DataWarning {
        code: "merged-values",
        message: format!(
            "column {:?} loses {} of {} changes from a row to the next: plug-ins get numbers of 32 \
             bits, which have 7 digits",
            merging.column, merging.lost, merging.changes
        ),
        help: "subtract an offset, or write the difference to the row before".to_owned(),
    })
}

fn constant_scores(result: &PluginResult) -> Option<DataWarning> {
    let score = result.constant_training_score?;
    let is_from_them = result.figures.threshold_from == ThresholdFrom::TrainingScores;
    is_from_them.then(|| DataWarning {
        code: "constant-training-scores",
        message: format!(
            "{}: all rows to train on have the score {score}, as if the plug-in was still warming \
             up, so the threshold that is set from them means nothing",
            result.card.plugin
        ),
        help: "train on more rows, shorten the plug-in's warm-up, or choose --threshold best-f1 or value:X"
            .to_owned(),
    })
}
