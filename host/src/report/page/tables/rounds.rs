//! Every finished round, with all its numbers.

use fedhost_domain::event::GlobalEvaluation;
use maud::{Markup, html};

use crate::report::summary::{Round, RunSummary};
use crate::report::table::{Column, Unit, digest, table, text};
use crate::report::words::{self, count, number, or_none, score};

/// Longer tables leave out their middle.
const ROWS: usize = 300;
const FIRST: usize = 50;

const COLUMNS: &[Column<'_>] = &[
    Column("round", Unit::Number),
    Column("closed", Unit::Of("UTC")),
    Column("by", Unit::Text),
    Column("nodes", Unit::Number),
    Column("missing", Unit::Number),
    Column("rejected", Unit::Number),
    Column("extended", Unit::Number),
    Column("samples", Unit::Number),
    Column("loss", Unit::Number),
    Column("AUC before", Unit::Number),
    Column("AUC after", Unit::Number),
    Column("avg. precision", Unit::Number),
    Column("norm", Unit::Number),
    Column("gathering", Unit::Of("ms")),
    Column("aggregating", Unit::Of("ms")),
    Column("publishing", Unit::Of("ms")),
    Column("weights", Unit::Text),
];

/// The table of rounds.
pub(in crate::report::page) fn rounds(run: &RunSummary) -> Markup {
    let left_out = if run.rounds.len() > ROWS {
        FIRST..run.rounds.len() - (ROWS - FIRST)
    } else {
        0..0
    };
    let shown = run
        .rounds
        .iter()
        .enumerate()
        .filter(|(index, _)| !left_out.contains(index));
    let caption = if left_out.is_empty() {
        format!("Each finished round{}", days(run))
    } else {
        format!(
            "The first {FIRST} and the last {} finished rounds{}; fedhost report --json has all of them",
            ROWS - FIRST,
            days(run)
        )
    };
    html! {
        section.long[run.rounds.len() > 20] {
            h2 { "Rounds" }
            @if run.rounds.is_empty() { p.none { "No round was finished." } }
            @else { div.rounds { (table(&caption, COLUMNS, shown.map(|(_, round)| cells(run, round)))) } }
        }
    }
}

fn cells(run: &RunSummary, round: &Round) -> Vec<Markup> {
    let closed = &round.closed;
    let evaluation = run.evaluation(closed.round);
    let before = evaluation.and_then(|evaluation| evaluation.before.as_ref());
    let after = evaluation.map(|evaluation| &evaluation.after);
    let missing: Vec<&str> = closed.missing.iter().map(|node| node.as_str()).collect();
    let auc = |evaluation: Option<&GlobalEvaluation>| {
        or_none(evaluation.and_then(|scored| scored.roc_auc), score)
    };
    vec![
        text(closed.round.to_string()),
        html! { time datetime=(words::machine_moment(round.closed_ms)) { (words::time_of_day(round.closed_ms)) } },
        text(&closed.closed_by),
        text(count(closed.participants.len() as u64)),
        html! { span title=[(!missing.is_empty()).then(|| missing.join(", "))] { (missing.len()) } },
        text(count(closed.rejected)),
        text(count(round.extensions)),
        text(count(closed.samples)),
        text(number(closed.loss)),
        text(auc(before)),
        text(auc(after)),
        text(or_none(
            after.and_then(|scored| scored.average_precision),
            score,
        )),
        text(number(closed.norm)),
        text(ms(closed.durations.gathering_ms, 0)),
        text(ms(closed.durations.aggregating_ms, 2)),
        text(ms(closed.durations.publishing_ms, 1)),
        digest(&closed.weights_sha256),
    ]
}

/// The days that the times of day belong to.
fn days(run: &RunSummary) -> String {
    let day = |round: Option<&Round>| or_none(round, |round| words::day(round.closed_ms));
    match (day(run.rounds.first()), day(run.rounds.last())) {
        (first, last) if first == last => format!(", on {first}"),
        (first, last) => format!(", from {first} to {last}"),
    }
}

fn ms(value: f64, decimals: usize) -> String {
    if value.is_finite() {
        format!("{value:.decimals$}")
    } else {
        words::NONE.to_owned()
    }
}
