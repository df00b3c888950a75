//! The answer first: which plug-in is best, by how much, and how sure that is.

use maud::{Markup, html};

use super::standing::Standing;
use super::words::{listed, percent, protocol};
use crate::report::words::{count, plural, score, short};
use fedhost_evaluate::Document;

/// Names of rivals that a sentence bears.
const RIVALS: usize = 4;

/// Which plug-ins were evaluated on which data.
pub(super) fn title(document: &Document) -> String {
    let plugins = match document.results.as_slice() {
        [only] => short(&only.card.plugin, 60),
        results => plural(results.len() as u64, "plug-in"),
    };
    let files = match document.data.file_list.as_slice() {
        [only] => short(&only.name, 60),
        files => plural(files.len() as u64, "file"),
    };
    format!("{plugins} on {files}")
}

/// The answer in two sentences, and what it was found on.
pub(super) fn lead(document: &Document, standings: &[Standing<'_>]) -> Markup {
    html! {
        p.lead { (answer(document, standings)) }
        p.aside {
            (count(document.scored_rows)) " rows scored"
            @if let Some(share) = anomalous(document) { ", " (percent(share)) " of them anomalous" }
            ". " (protocol(document.protocol)) " " (threshold(document))
        }
    }
}

/// The share of scored rows that are anomalous.
pub(super) fn anomalous(document: &Document) -> Option<f64> {
    let figures = document.baselines.iter().map(|baseline| &baseline.figures);
    let mut figures = figures.chain(document.results.iter().map(|result| &result.figures));
    figures
        .find(|figures| figures.rows > 0)
        .map(|figures| figures.anomalous_rows as f64 / figures.rows as f64)
}

fn threshold(document: &Document) -> String {
    let smooth = match document.smooth_rows {
        0 | 1 => String::new(),
        rows => format!(" Scores are averaged over {rows} rows, none of them later."),
    };
    match document.threshold.split_once(':') {
        Some(("quantile", share)) => {
            let share = share.parse().map_or_else(|_| share.to_owned(), percent);
            format!(
                "A row is flagged when it scores at least as high as {share} of the normal rows trained on.{smooth}"
            )
        }
        Some(("value", value)) => {
            format!("A row is flagged when it scores at least {value}.{smooth}")
        }
        _ => format!("A row is flagged when it scores at least what makes F1 best.{smooth}"),
    }
}

fn answer(document: &Document, standings: &[Standing<'_>]) -> Markup {
    let ranked: Vec<(&Standing<'_>, f64)> = standings
        .iter()
        .filter(|standing| standing.is_believed())
        .filter_map(|standing| Some((standing, standing.roc_auc()?)))
        .collect();
    let Some((&(best, auc), others)) = ranked.split_first() else {
        return no_answer(standings);
    };
    html! {
        strong { (best.name()) }
        @if document.results.len() > 1 {
            " is the best of " (plural(document.results.len() as u64, "plug-in")) ", with a ROC AUC of " (figure(best, auc))
            @if let Some((next, next_auc)) = others.first() {
                ", " (score(auc - next_auc)) " ahead of " strong { (next.name()) } " at " (figure(next, *next_auc))
            }
        } @else {
            " has a ROC AUC of " (figure(best, auc))
        }
        @if document.repeat > 1 { ", on average over " (plural(u64::from(document.repeat), "seed")) }
        ". "
        (certainty(best, others))
    }
}

fn no_answer(standings: &[Standing<'_>]) -> Markup {
    let any = standings.iter().any(Standing::is_believed);
    html! {
        @if any { "The scored rows do not show which plug-in is best: they hold one class alone." }
        @else { "No plug-in came to a result that can be trusted." }
    }
}

/// For example `0.780 (0.693 to 0.863)`.
fn figure(standing: &Standing<'_>, auc: f64) -> String {
    match standing.interval() {
        Some((low, high)) => format!("{} ({} to {})", score(auc), score(low), score(high)),
        None => score(auc),
    }
}

/// Whether the order is settled.
fn certainty(best: &Standing<'_>, others: &[(&Standing<'_>, f64)]) -> String {
    let Some((low, _)) = best.interval() else {
        return "There are too few rows apart from one another for a confidence interval, so this may be chance."
            .to_owned();
    };
    if others.is_empty() {
        return "In brackets the 95 % confidence interval.".to_owned();
    }
    let rivals: Vec<String> = others
        .iter()
        .filter(|(other, _)| other.interval().is_none_or(|(_, high)| high >= low))
        .map(|(other, _)| short(other.name(), 40))
        .collect();
    let who = match rivals.len() {
        0 => {
            return "The 95 % confidence intervals, in brackets, do not overlap: the first place is settled."
                .to_owned();
        }
        1..=RIVALS => listed(&rivals),
        more => format!("{} others", count(more as u64)),
    };
    format!(
        "Its 95 % confidence interval overlaps that of {who}, so the order among them is not settled."
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::super::standing::standings;
    use super::*;

    fn verdict(document: &Document) -> String {
        answer(document, &standings(document))
            .into_string()
            .replace('\u{a0}', " ")
    }

    #[test]
    fn overlapping_intervals_leave_the_order_open() {
        let document = Sample::new(3, 4).document();
        let verdict = verdict(&document);
        assert!(verdict.starts_with(
            "<strong>plugin-1</strong> is the best of 3 plug-ins, with a ROC AUC of 0.900 (0.850"
        ));
        assert!(
            verdict.contains("overlaps that of plugin-2 and plugin-3, so the order"),
            "{verdict}"
        );
    }

    #[test]
    fn intervals_apart_settle_the_first_place() {
        let verdict = verdict(
            &Sample {
                half_width: 0.001,
                ..Sample::new(3, 4)
            }
            .document(),
        );
        assert!(
            verdict.contains("do not overlap: the first place is settled"),
            "{verdict}"
        );
    }

    #[test]
    fn without_an_answer_the_page_says_why() {
        assert!(
            verdict(
                &Sample {
                    failing: 2,
                    ..Sample::new(2, 1)
                }
                .document()
            )
            .contains("No plug-in came to a result")
        );
        assert!(
            verdict(
                &Sample {
                    one_class: true,
                    ..Sample::new(2, 1)
                }
                .document()
            )
            .contains("one class alone")
        );
    }
}
