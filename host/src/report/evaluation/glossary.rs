//! What each figure means, in a line.

use maud::{Markup, html};

const TERMS: [(&str, &str); 11] = [
    (
        "ROC AUC",
        "How likely an anomalous row scores higher than a normal one: 1 is perfect, 0.5 is guessing. No threshold is needed.",
    ),
    (
        "average precision",
        "The precision averaged over all thresholds, weighted by the recall that each adds. Guessing gives the share of anomalous rows.",
    ),
    ("precision", "The share of flagged rows that are anomalous."),
    ("recall", "The share of anomalous rows that are flagged."),
    (
        "F1",
        "The harmonic mean of precision and recall. It is high for flagging everything when anomalies are frequent.",
    ),
    (
        "FAR",
        "False alarm rate: the share of normal rows that are flagged.",
    ),
    (
        "MAR",
        "Missed alarm rate: the share of anomalous rows that are not flagged.",
    ),
    (
        "delay",
        "Rows from the start of an anomalous range to its first flagged row, averaged over the ranges that were detected.",
    ),
    (
        "NAB",
        "The score of the Numenta Anomaly Benchmark, standard profile, at its best threshold: 100 is finding every anomalous range at its first row without false alarms, 0 is flagging nothing.",
    ),
    (
        "95 % interval",
        "The range that would hold the figure in 95 of 100 cases if similar blocks of rows were drawn again: a bootstrap over blocks of rows. Intervals that overlap do not settle an order.",
    ),
    (
        "calibration",
        "Whether a threshold keeps its promised rate of false alarms, and whether scores are probabilities: the Brier score and the calibration error are 0 at best.",
    ),
];

/// The list.
pub(super) fn glossary() -> Markup {
    html! {
        section {
            h2 { "What the figures mean" }
            dl.facts { @for (term, meaning) in TERMS { dt { (term) } dd { (meaning) } } }
        }
    }
}
