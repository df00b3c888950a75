//! How much the figures depend on the seed.

use maud::{Markup, html};

use super::standing::Standing;
use crate::report::table::{Column, Unit, table, text};
use crate::report::words::{NONE, or_none, plural, score};
use fedhost_evaluate::Document;

/// Figures that every seed has, as the document names them and as readers know them.
const FIGURES: [(&str, &str); 7] = [
    ("roc_auc", "ROC AUC"),
    ("average_precision", "average precision"),
    ("f1", "F1"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("far", "FAR"),
    ("mar", "MAR"),
];

/// The tables, or nothing when there is but one seed.
pub(super) fn spread(document: &Document, standings: &[Standing<'_>]) -> Markup {
    let repeated: Vec<&Standing<'_>> = standings
        .iter()
        .filter(|it| it.result.repeats.len() > 1)
        .collect();
    let mut columns = vec![Column("plug-in", Unit::Text)];
    columns.extend(FIGURES.map(|(_, name)| Column(name, Unit::Number)));
    html! {
        @if !repeated.is_empty() {
            section {
                h2 { "Over " (plural(u64::from(document.repeat), "seed")) }
                (table("Mean and standard deviation over the seeds", &columns, repeated.iter().map(|it| deviations(it))))
                details {
                    summary { "ROC AUC seed by seed" }
                    (by_seed(&repeated))
                }
            }
        }
    }
}

fn deviations(standing: &Standing<'_>) -> Vec<Markup> {
    let repeats = &standing.result.repeats;
    let cell = |name: &str| {
        let values: Vec<f64> = repeats
            .iter()
            .filter_map(|repeat| repeat.figures.get(name).copied())
            .collect();
        if values.is_empty() {
            return text(NONE);
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let deviation = standing.result.spread.get(name).copied();
        html! { (score(mean)) @if let Some(deviation) = deviation { small { "± " (score(deviation)) } } }
    };
    std::iter::once(standing.title())
        .chain(FIGURES.map(|(name, _)| cell(name)))
        .collect()
}

fn by_seed(standings: &[&Standing<'_>]) -> Markup {
    let seeds: Vec<String> = standings
        .iter()
        .map(|standing| &standing.result.repeats)
        .max_by_key(|repeats| repeats.len())
        .map(|repeats| {
            repeats
                .iter()
                .map(|repeat| format!("seed {}", repeat.seed))
                .collect()
        })
        .unwrap_or_default();
    let mut columns = vec![Column("plug-in", Unit::Text)];
    columns.extend(seeds.iter().map(|seed| Column(seed, Unit::Number)));
    let rows = standings.iter().map(|standing| {
        let figures = standing
            .result
            .repeats
            .iter()
            .map(|repeat| repeat.figures.get("roc_auc").copied());
        std::iter::once(standing.title())
            .chain(figures.map(|auc| text(or_none(auc, score))))
            .collect()
    });
    table("ROC AUC of each seed", &columns, rows)
}
