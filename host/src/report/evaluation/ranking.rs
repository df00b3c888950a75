//! Every plug-in's figures and costs in one table, beside what needs no model.

use maud::{Markup, html};

use super::standing::Standing;
use super::words::{ending, ends, finite};
use crate::report::chart::whisker::Whiskers;
use crate::report::words::{NONE, count, or_none, score};
use fedhost_evaluate::{BaselineResult, Document, Figures, PluginResult};

/// Heads of the columns after the name, with their units.
const COLUMNS: [(&str, &str); 14] = [
    ("ROC AUC", "95 % interval"),
    ("", ""),
    ("average precision", ""),
    ("F1", ""),
    ("precision", ""),
    ("recall", ""),
    ("FAR", ""),
    ("MAR", ""),
    ("delay", "rows"),
    ("NAB", "standard"),
    ("fit", "s"),
    ("score", "s"),
    ("rows/s", ""),
    ("memory", "MiB"),
];

/// The table.
pub(super) fn ranking(document: &Document, standings: &[Standing<'_>]) -> Markup {
    let (believed, others): (Vec<_>, Vec<_>) = standings
        .iter()
        .partition(|standing| standing.is_believed());
    let all = document.results.iter().map(|result| &result.figures);
    let all = all.chain(document.baselines.iter().map(|baseline| &baseline.figures));
    let whiskers = Whiskers::around(all.flat_map(|figures| {
        let interval = figures.intervals.roc_auc;
        [
            figures.roc_auc,
            interval.map(|it| it.low),
            interval.map(|it| it.high),
        ]
        .into_iter()
        .flatten()
    }));
    html! {
        section.ranking {
            h2 { "Ranking" }
            div.scroll tabindex="0" role="region" aria-label="Ranking" {
                table {
                    caption { span.stays { (caption(document)) } }
                    thead {
                        tr {
                            th scope="col" { "plug-in" }
                            @for (name, unit) in COLUMNS {
                                @if name.is_empty() { td {} }
                                @else { th.n scope="col" { (name) @if !unit.is_empty() { small { " " (unit) } } } }
                            }
                        }
                    }
                    @if !believed.is_empty() {
                        tbody { @for standing in believed { (plugin(standing, whiskers.as_ref())) } }
                    }
                    @if !others.is_empty() {
                        (group("Failed, or failed an integrity check"))
                        tbody { @for standing in others { (failed(document, standing, whiskers.as_ref())) } }
                    }
                    (group("Without a model"))
                    tbody { @for baseline in &document.baselines { (trivial(baseline, whiskers.as_ref())) } }
                }
            }
        }
    }
}

fn caption(document: &Document) -> String {
    let means = if document.repeat > 1 {
        " Figures are means over the seeds; intervals are of the first seed."
    } else {
        ""
    };
    format!(
        "Best ROC AUC first, with its 95 % interval; the dotted line is what guessing reaches.{means}"
    )
}

fn group(title: &str) -> Markup {
    html! { tbody.group { tr { th scope="rowgroup" colspan=(COLUMNS.len() + 1) { span { (title) } } } } }
}

fn plugin(standing: &Standing<'_>, whiskers: Option<&Whiskers>) -> Markup {
    html! {
        tr {
            th scope="row" { (standing.link()) }
            (quality(Some(standing), &standing.result.figures, whiskers))
            (cost(standing.result))
        }
    }
}

fn failed(document: &Document, standing: &Standing<'_>, whiskers: Option<&Whiskers>) -> Markup {
    let result = standing.result;
    let reason = ending(result, &document.limits);
    html! {
        tr.doubtful {
            th scope="row" {
                (standing.link())
                @if result.figures.rows > 0 { small { (reason) } }
            }
            @if result.figures.rows > 0 {
                (quality(Some(standing), &result.figures, whiskers))
                (cost(result))
            } @else {
                td.reason colspan=(COLUMNS.len()) { (reason) }
            }
        }
    }
}

fn trivial(baseline: &BaselineResult, whiskers: Option<&Whiskers>) -> Markup {
    html! {
        tr.trivial {
            th scope="row" { (baseline.name) small { (super::words::baseline(baseline.name)) } }
            (quality(None, &baseline.figures, whiskers))
            @for _ in 0..4 { td.n { (NONE) } }
        }
    }
}

fn quality(
    standing: Option<&Standing<'_>>,
    figures: &Figures,
    whiskers: Option<&Whiskers>,
) -> Markup {
    let interval = ends(figures.intervals.roc_auc);
    let auc = finite(figures.roc_auc);
    let delay = figures.detection_delay.and_then(|delay| delay.mean_rows);
    html! {
        td.n {
            (or_none(auc, score))
            @if let Some((low, high)) = interval { small { (score(low)) "–" (score(high)) } }
        }
        td.whiskers {
            @if let Some((auc, whiskers)) = auc.zip(whiskers) { (whiskers.cell(standing.map(|it| it.sign), auc, interval)) }
        }
        @for figure in [
            figures.average_precision,
            figures.f1,
            figures.precision,
            figures.recall,
            figures.far,
            figures.mar,
        ] {
            td.n { (or_none(figure, score)) }
        }
        td.n { (or_none(finite(delay), |rows| format!("{rows:.1}"))) }
        td.n { (or_none(figures.nab.and_then(|nab| finite(Some(nab.scores.standard))), |nab| format!("{nab:.1}"))) }
    }
}

fn cost(result: &PluginResult) -> Markup {
    html! {
        td.n { (format!("{:.3}", result.fit_seconds)) }
        td.n { (format!("{:.3}", result.score_seconds)) }
        td.n { (or_none(finite(result.rows_per_second), |rows| count(rows.round() as u64))) }
        td.n { (format!("{:.1}", result.peak_memory_bytes as f64 / f64::from(1 << 20))) }
    }
}
