//! The answer first: what was run, how it ended, and the figures that matter.

use maud::{Markup, html};

use super::words;
use crate::report::summary::{Change, OpenRound, RunSummary};

/// The manifest, or how many runs are compared.
pub(super) fn title(runs: &[RunSummary]) -> String {
    match runs {
        [] => "No run".to_owned(),
        [run] => run
            .manifest
            .as_ref()
            .map_or(&run.log, |manifest| &manifest.file)
            .clone(),
        runs => format!("{} runs compared", runs.len()),
    }
}

/// One sentence for each run, and where and when it ran.
pub(super) fn leads(runs: &[RunSummary]) -> Markup {
    let several = runs.len() > 1;
    html! {
        @for run in runs {
            p.lead {
                @if several { em { (run.name) } ": " }
                (lead(run)) @if let Some(open) = run.open_round { " " (still_open(open)) }
            }
            p.aside { (circumstances(run, several)) }
        }
    }
}

/// For example `Completed 40 rounds with 3 nodes in 12 min 3 s; ROC AUC on held-out rows rose from
/// 0.612 to 0.934.`
fn lead(run: &RunSummary) -> String {
    let ended = match run.outcome.as_deref() {
        Some("completed") => "Completed".to_owned(),
        Some("interrupted") => "Interrupted after".to_owned(),
        Some("time-limit") => "Stopped at its time limit after".to_owned(),
        Some("failed") => "Failed after".to_owned(),
        Some(other) => format!("Ended as “{other}” after"),
        None => "No end in this log; so far".to_owned(),
    };
    let rounds = match run.rounds.len() as u64 {
        0 => "no round".to_owned(),
        rounds => words::plural(rounds, "round"),
    };
    let nodes = match run.nodes.len() as u64 {
        0 => String::new(),
        nodes => format!(" with {}", words::plural(nodes, "node")),
    };
    format!(
        "{ended} {rounds}{nodes} in {}{}.",
        words::span(run.active_ms as f64),
        learnt(run)
    )
}

fn learnt(run: &RunSummary) -> String {
    let Some(change) = run.roc_auc else {
        return String::new();
    };
    let (first, last) = (words::score(change.first), words::score(change.last));
    let verb = match first.cmp(&last) {
        std::cmp::Ordering::Less => "rose",
        std::cmp::Ordering::Greater => "fell",
        std::cmp::Ordering::Equal => return format!("; ROC AUC on held-out rows stayed at {last}"),
    };
    format!("; ROC AUC on held-out rows {verb} from {first} to {last}")
}

fn still_open(open: OpenRound) -> String {
    let OpenRound {
        round,
        extensions,
        answered,
        min_nodes,
    } = open;
    match answered.zip(min_nodes) {
        None => format!("Round {round} was still gathering."),
        Some((answered, min_nodes)) => format!(
            "Round {round} was still gathering: its time was up {}, the last time with {answered} of at least \
             {min_nodes} nodes.",
            words::plural(extensions, "time"),
        ),
    }
}

fn circumstances(run: &RunSummary, with_manifest: bool) -> Markup {
    html! {
        @if let Some(manifest) = run.manifest.as_ref().filter(|_| with_manifest) { (manifest.file) ", " }
        (run.log)
        @if let Some((first, last)) = run.first_ms.zip(run.last_ms) {
            ", " (moment(first)) " to " (moment(last)) " UTC"
        }
        @if run.starts > 1 { ", resumed " (words::plural(run.starts - 1, "time")) }
    }
}

fn moment(ms: u64) -> Markup {
    html! { time datetime=(words::machine_moment(ms)) { (words::moment(ms)) } }
}

/// The figures of one run side by side, or those of several runs below each other.
pub(super) fn figures(runs: &[RunSummary]) -> Markup {
    match runs {
        [run] => html! {
            h2.unseen { "Key figures" }
            dl.figures { @for (name, value) in figures_of(run) { div { dt { (name) } dd { (value) } } } }
        },
        runs => compared(runs),
    }
}

fn compared(runs: &[RunSummary]) -> Markup {
    let names = runs
        .first()
        .map(figures_of)
        .into_iter()
        .flatten()
        .map(|(name, _)| name);
    html! {
        section.scroll tabindex="0" role="region" aria-label="Key figures" {
            table {
                caption { "Key figures" }
                thead { tr { th scope="col" { "run" } @for name in names { th.n scope="col" { (name) } } } }
                tbody {
                    @for run in runs {
                        tr { th scope="row" { (run.name) } @for (_, value) in figures_of(run) { td.n { (value) } } }
                    }
                }
            }
        }
    }
}

fn figures_of(run: &RunSummary) -> [(&'static str, String); 6] {
    let change = |change: Change| {
        format!(
            "{} → {}",
            words::score(change.first),
            words::score(change.last)
        )
    };
    [
        ("rounds", words::count(run.rounds.len() as u64)),
        ("final loss", words::or_none(run.loss, words::number)),
        ("ROC AUC, first → last", words::or_none(run.roc_auc, change)),
        ("samples", words::count(run.samples)),
        ("duration", words::span(run.active_ms as f64)),
        ("rejected updates", words::count(run.rejected)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_tells_the_end() {
        let run = RunSummary {
            outcome: Some("completed".into()),
            active_ms: 723_000,
            roc_auc: Some(Change {
                first: 0.612,
                last: 0.934,
            }),
            ..RunSummary::default()
        };
        assert_eq!(
            lead(&run).replace('\u{a0}', " "),
            "Completed no round in 12 min 3 s; ROC AUC on held-out rows rose from 0.612 to 0.934."
        );
        let cut = RunSummary {
            outcome: None,
            roc_auc: None,
            ..run
        };
        assert!(
            lead(&cut).starts_with("No end in this log; so far no round in 12"),
            "{}",
            lead(&cut)
        );
    }

    #[test]
    fn a_round_that_waits_says_for_whom() {
        let open = OpenRound {
            round: 7,
            extensions: 2,
            answered: Some(1),
            min_nodes: Some(3),
        };
        assert_eq!(
            still_open(open).replace('\u{a0}', " "),
            "Round 7 was still gathering: its time was up 2 times, the last time with 1 of at least 3 nodes."
        );
    }
}
