//! Who took part in which round.

use std::collections::HashMap;

use maud::html;

use crate::report::chart::Drawing;
use crate::report::chart::grid::{COLUMNS, Grid, Part, grid};
use crate::report::chart::legend::{Key, legend};
use crate::report::summary::{Node, RunSummary};

/// More nodes than this and only those that answered least are drawn.
const ROWS: usize = 60;

/// The picture with its legend, or nothing without rounds.
pub(super) fn participation(run: &RunSummary) -> Option<Drawing> {
    if run.rounds.is_empty() || run.nodes.is_empty() {
        return None;
    }
    let nodes = least_present(run);
    let left_out = run.nodes.len() - nodes.len();
    let grid_of_nodes = Grid {
        label: label(run),
        rounds: run.rounds.iter().map(|round| round.closed.round).collect(),
        rows: rows(run, &nodes),
    };
    let entries = entries(&grid_of_nodes);
    let picture = html! {
        (grid(&grid_of_nodes))
        @if left_out > 0 {
            p.none { "The " (nodes.len()) " nodes that took part least; " (left_out) " others are in the table." }
        }
    };
    Some(Drawing {
        legend: legend(&entries),
        picture,
    })
}

fn entries(grid: &Grid) -> Vec<(Key, String)> {
    if grid.rounds.len() > COLUMNS {
        let shares = [
            (4, "took part in all"),
            (2, "in about half"),
            (0, "in none of a column’s rounds"),
        ];
        return shares
            .map(|(quarters, meaning)| (Key::Share(quarters), meaning.to_owned()))
            .into();
    }
    [Part::Took, Part::Stale, Part::Refused, Part::Missing]
        .into_iter()
        .filter(|part| grid.rows.iter().any(|(_, row)| row.contains(part)))
        .map(|part| (Key::Cell(part), part.words().to_owned()))
        .collect()
}

fn least_present(run: &RunSummary) -> Vec<&Node> {
    let mut nodes: Vec<(usize, &Node)> = run.nodes.iter().enumerate().collect();
    if nodes.len() > ROWS {
        nodes.sort_by_key(|(_, node)| node.rounds);
        nodes.truncate(ROWS);
        nodes.sort_by_key(|&(place, _)| place);
    }
    nodes.into_iter().map(|(_, node)| node).collect()
}

fn rows(run: &RunSummary, nodes: &[&Node]) -> Vec<(String, Vec<Part>)> {
    let places: HashMap<&str, usize> = nodes
        .iter()
        .enumerate()
        .map(|(place, node)| (node.node.as_str(), place))
        .collect();
    let mut rows = vec![vec![Part::Absent; run.rounds.len()]; nodes.len()];
    for (column, round) in run.rounds.iter().enumerate() {
        let missing = round
            .closed
            .missing
            .iter()
            .map(|node| (node, Part::Missing));
        let refused = round.refused.iter().map(|node| (node, Part::Refused));
        let took = round.closed.participants.iter().map(|participant| {
            (
                &participant.node,
                if participant.staleness > 0 {
                    Part::Stale
                } else {
                    Part::Took
                },
            )
        });
        // The last word counts: a node may be refused and then heard.
        for (node, part) in missing.chain(refused).chain(took) {
            let cell = places
                .get(node.as_str())
                .and_then(|&place| rows.get_mut(place)?.get_mut(column));
            if let Some(cell) = cell {
                *cell = part;
            }
        }
    }
    nodes
        .iter()
        .map(|node| node.node.to_string())
        .zip(rows)
        .collect()
}

fn label(run: &RunSummary) -> String {
    let nodes = run
        .nodes
        .iter()
        .take(12)
        .map(|node| format!("; {} in {}", node.node, node.rounds));
    let rest = run.nodes.len().saturating_sub(12);
    let rest = (rest > 0).then(|| format!("; {rest} more in the table of nodes"));
    nodes.chain(rest).fold(
        format!("Participation in {} rounds", run.rounds.len()),
        |label, part| label + &part,
    )
}
