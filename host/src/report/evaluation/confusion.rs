//! What the threshold makes of the rows: found, missed, false alarms.

use fedhost_domain::metrics::Confusion;
use maud::{Markup, html};

use super::standing::Standing;
use super::words::percent;
use crate::report::words::{count, number};

/// A small table a plug-in.
pub(super) fn confusion(standings: &[Standing<'_>]) -> Markup {
    let known: Vec<(&Standing<'_>, Confusion)> = standings
        .iter()
        .filter_map(|standing| Some((standing, standing.result.figures.confusion?)))
        .collect();
    html! {
        section {
            h2 { "At the threshold" }
            @if known.is_empty() { p.none { "No plug-in has a threshold and scored rows." } }
            @else {
                p.aside { "Rows by what they are and whether they are flagged; shares are of the rows of a line." }
                div.confusions { @for (standing, confusion) in known { (one(standing, &confusion)) } }
            }
        }
    }
}

fn one(standing: &Standing<'_>, confusion: &Confusion) -> Markup {
    html! {
        div.scroll {
            table.confusion {
                caption {
                    (standing.title())
                    @if let Some(threshold) = standing.result.figures.threshold {
                        small { "flagged from " (number(f64::from(threshold))) }
                    }
                }
                thead { tr { td {} th.n scope="col" { "flagged" } th.n scope="col" { "not flagged" } } }
                tbody {
                    tr {
                        th scope="row" { "anomalous" }
                        (cell("right", "found", confusion.true_positives, confusion.anomalies()))
                        (cell("wrong", "missed", confusion.false_negatives, confusion.anomalies()))
                    }
                    tr {
                        th scope="row" { "normal" }
                        (cell("wrong", "false alarms", confusion.false_positives, confusion.normals()))
                        (cell("right", "passed", confusion.true_negatives, confusion.normals()))
                    }
                }
            }
        }
    }
}

/// A count over a bar of its share.
fn cell(class: &str, outcome: &str, rows: u64, of: u64) -> Markup {
    let share = if of == 0 {
        0.0
    } else {
        rows as f64 / of as f64
    };
    html! {
        td class={ "n " (class) } style={ "--share:" (format!("{:.1}%", share * 100.0)) } {
            (count(rows)) small { (outcome) @if of > 0 { ", " (percent(share)) } }
        }
    }
}
