//! Loss, ROC AUC, participation and time, by round.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::participation::participation;
use super::words;
use crate::report::chart::legend::Key;
use crate::report::chart::line::{Axis, Band, LineChart, Points, Series, chart};
use crate::report::chart::{Drawing, STYLES, figure};
use crate::report::summary::{Round, RunSummary};

/// More nodes than this share a band instead of having a line each.
const LINES: usize = STYLES;

/// All pictures. Several runs share all but the participation.
pub(super) fn pictures(runs: &[RunSummary]) -> Markup {
    let whose = |run: &RunSummary| {
        if runs.len() > 1 {
            format!(", {}", run.name)
        } else {
            String::new()
        }
    };
    html! {
        section.pictures {
            (figure("Loss by round", loss(runs), [
                "Training loss as the plug-in reports it, weighted by samples.",
                "No finished round has a loss.",
            ]))
            (figure("ROC AUC by round", roc_auc(runs), [
                "Each round’s global model on held-out rows, all nodes pooled.",
                "No global model was scored on held-out rows of both classes.",
            ]))
            @for run in runs {
                (figure(&format!("Participation{}", whose(run)), participation(run), [
                    "A column a round, a row a node; on the right, the rounds it took part in.",
                    "No round was finished.",
                ]))
            }
            (figure("Time by round", durations(runs), [
                "Wall time, on a logarithmic scale.",
                "No round was finished.",
            ]))
        }
    }
}

fn loss(runs: &[RunSummary]) -> Option<Drawing> {
    let global = |run: &RunSummary| {
        run.rounds
            .iter()
            .map(|round| (round.closed.round, finite(round.closed.loss)))
            .collect()
    };
    let by_node = |run: &RunSummary| {
        let parts = run.rounds.iter().flat_map(|round| {
            round
                .closed
                .participants
                .iter()
                .map(|part| (part.node.as_str(), round.closed.round, finite(part.loss)))
        });
        nodes(parts)
    };
    lines(
        "Loss by round",
        Axis::Number,
        words::number,
        runs,
        global,
        by_node,
    )
}

fn roc_auc(runs: &[RunSummary]) -> Option<Drawing> {
    let by_node = |run: &RunSummary| {
        let parts = run.evaluations.iter().flat_map(|evaluation| {
            evaluation.after.nodes.iter().map(|node| {
                (
                    node.node.as_str(),
                    evaluation.round,
                    node.roc_auc.and_then(finite),
                )
            })
        });
        nodes(parts)
    };
    lines(
        "ROC AUC by round",
        Axis::Score,
        words::score,
        runs,
        scores,
        by_node,
    )
}

/// The score of each round's model, and of the one that the first round began with.
fn scores(run: &RunSummary) -> Points {
    let start = run.evaluations.first().and_then(|first| {
        let before = first.before.as_ref()?;
        Some((first.round.checked_sub(1)?, before.roc_auc.and_then(finite)))
    });
    start
        .into_iter()
        .chain(
            run.evaluations
                .iter()
                .map(|scored| (scored.round, scored.after.roc_auc.and_then(finite))),
        )
        .collect()
}

/// One run with its nodes behind it, or several runs.
fn lines(
    title: &str,
    axis: Axis,
    write: fn(f64) -> String,
    runs: &[RunSummary],
    global: impl Fn(&RunSummary) -> Points,
    by_node: impl Fn(&RunSummary) -> BTreeMap<String, Points>,
) -> Option<Drawing> {
    let mut series = Vec::new();
    let mut band = None;
    if let [run] = runs {
        let nodes = by_node(run);
        if nodes.len() > LINES {
            band = Some(spread(&nodes));
        } else {
            series.extend(own_lines(run, nodes));
        }
        series.push(Series {
            name: "global model".to_owned(),
            key: Key::Ink,
            points: global(run),
        });
    } else {
        series.extend(runs.iter().enumerate().map(|(style, run)| Series {
            name: run.name.clone(),
            key: Key::Line(style),
            points: global(run),
        }));
    }
    let changes = runs
        .iter()
        .filter_map(|run| change(run, runs.len() > 1, &global(run), write));
    let label = changes.fold(title.to_owned(), |label, change| label + &change);
    chart(&LineChart {
        label,
        series,
        band,
        axis,
        write,
    })
}

/// The first and the last value of a line, for readers who cannot see it.
fn change(
    run: &RunSummary,
    named: bool,
    points: &Points,
    write: fn(f64) -> String,
) -> Option<String> {
    let values = || {
        points
            .iter()
            .filter_map(|&(round, value)| Some((round, value?)))
    };
    let ((first, from), (last, to)) = (values().next()?, values().next_back()?);
    let name = if named {
        format!(" {}:", run.name)
    } else {
        String::new()
    };
    Some(format!(
        ";{name} {} in round {first}, {} in round {last}",
        write(from),
        write(to)
    ))
}

fn nodes<'a>(parts: impl Iterator<Item = (&'a str, u64, Option<f64>)>) -> BTreeMap<String, Points> {
    let parts: Vec<_> = parts.collect();
    let rounds: BTreeSet<u64> = parts.iter().map(|&(_, round, _)| round).collect();
    let mut nodes: BTreeMap<String, BTreeMap<u64, Option<f64>>> = BTreeMap::new();
    for (node, round, value) in parts {
        nodes
            .entry(node.to_owned())
            .or_default()
            .insert(round, value);
    }
    let with_gaps = |values: BTreeMap<u64, Option<f64>>| {
        rounds
            .iter()
            .map(|round| (*round, values.get(round).copied().flatten()))
            .collect()
    };
    nodes
        .into_iter()
        .map(|(node, values)| (node, with_gaps(values)))
        .collect()
}

/// A node looks the same in every picture.
fn own_lines(run: &RunSummary, mut points: BTreeMap<String, Points>) -> Vec<Series> {
    (run.nodes.iter().enumerate())
        .filter_map(|(style, node)| {
            let (name, points) = points.remove_entry(node.node.as_str())?;
            Some(Series {
                name,
                key: Key::Thin(style),
                points,
            })
        })
        .collect()
}

fn spread(nodes: &BTreeMap<String, Points>) -> Band {
    let mut ranges: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    let points = nodes
        .values()
        .flatten()
        .filter_map(|&(round, value)| Some((round, value?)));
    for (round, value) in points {
        let (least, greatest) = ranges.entry(round).or_insert((value, value));
        (*least, *greatest) = (least.min(value), greatest.max(value));
    }
    Band {
        name: format!("from the lowest to the highest of {} nodes", nodes.len()),
        points: ranges
            .into_iter()
            .map(|(round, (least, greatest))| (round, least, greatest))
            .collect(),
    }
}

fn durations(runs: &[RunSummary]) -> Option<Drawing> {
    let by_round = |run: &RunSummary, value: fn(&Round) -> f64| -> Points {
        run.rounds
            .iter()
            .map(|round| (round.closed.round, finite(value(round))))
            .collect()
    };
    let gathering: fn(&Round) -> f64 = |round| round.closed.durations.gathering_ms;
    let aggregating: fn(&Round) -> f64 = |round| round.closed.durations.aggregating_ms;
    let publishing: fn(&Round) -> f64 = |round| round.closed.durations.publishing_ms;
    let series: Vec<Series> = match runs {
        [run] => [
            ("gathering updates", gathering),
            ("aggregating", aggregating),
            ("publishing", publishing),
        ]
        .into_iter()
        .enumerate()
        .map(|(style, (name, value))| Series {
            name: name.to_owned(),
            key: Key::Line(style),
            points: by_round(run, value),
        })
        .collect(),
        runs => {
            let total: fn(&Round) -> f64 = |round| {
                let durations = round.closed.durations;
                durations.gathering_ms + durations.aggregating_ms + durations.publishing_ms
            };
            (runs.iter().enumerate())
                .map(|(style, run)| Series {
                    name: run.name.clone(),
                    key: Key::Line(style),
                    points: by_round(run, total),
                })
                .collect()
        }
    };
    let label = "Time by round; the table of rounds has the numbers".to_owned();
    chart(&LineChart {
        label,
        series,
        band: None,
        axis: Axis::Time,
        write: words::span,
    })
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}
