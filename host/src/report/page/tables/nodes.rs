//! What each node did over the whole run.

use maud::{Markup, html};

use crate::report::summary::{Node, RunSummary};
use crate::report::table::{Column, Unit, name, table, text};
use crate::report::words::{self, count, number, or_none};

/// The most nodes that are listed: in an open federation a sender can invent any number of names.
const ROWS: usize = 500;

const COLUMNS: &[Column<'_>] = &[
    Column("node", Unit::Text),
    Column("rounds", Unit::Number),
    Column("missed", Unit::Number),
    Column("samples", Unit::Number),
    Column("mean loss", Unit::Number),
    Column("mean staleness", Unit::Of("rounds")),
    Column("mean training", Unit::Of("ms")),
    Column("rejected", Unit::Number),
    Column("rows not trained", Unit::Number),
    Column("resumed", Unit::Number),
    Column("last round", Unit::Number),
    Column("last seen", Unit::Of("UTC")),
];

/// The table of nodes.
pub(in crate::report::page) fn nodes(run: &RunSummary) -> Markup {
    let caption = match run.nodes.len().saturating_sub(ROWS) {
        0 => "Each node over all finished rounds".to_owned(),
        more => {
            format!("The first {ROWS} nodes over all finished rounds; {more} more are left out")
        }
    };
    html! {
        section {
            h2 { "Nodes" }
            @if run.nodes.is_empty() { p.none { "No node was expected, and none sent anything." } }
            @else { (table(&caption, COLUMNS, run.nodes.iter().take(ROWS).map(cells))) }
        }
    }
}

fn cells(node: &Node) -> Vec<Markup> {
    vec![
        name(node.node.as_str()),
        text(count(node.rounds)),
        text(count(node.missed)),
        text(count(node.samples)),
        text(or_none(node.loss, number)),
        text(or_none(node.staleness, |staleness| {
            format!("{staleness:.2}")
        })),
        text(or_none(node.train_ms, |ms| format!("{ms:.0}"))),
        text(count(node.rejected)),
        text(count(node.training_rows_skipped)),
        text(count(node.resumed)),
        text(or_none(node.last_round, count)),
        text(
            node.last_seen_ms
                .map_or_else(|| "never".to_owned(), words::moment),
        ),
    ]
}
