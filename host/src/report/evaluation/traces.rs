//! Scores over time beside what was to be found.

use maud::{Markup, html};

use super::standing::Standing;
use crate::report::chart::legend::{Key, legend};
use crate::report::chart::strips::{Strip, Strips, strips};
use crate::report::words::{count, plural, short};
use fedhost_evaluate::FileTrace;

/// The best plug-ins, of which scores are drawn.
const PLUGINS: usize = 3;

/// One picture a file.
pub(super) fn traces(standings: &[Standing<'_>]) -> Markup {
    let best: Vec<&Standing<'_>> = standings
        .iter()
        .filter(|it| !it.result.traces.is_empty())
        .take(PLUGINS)
        .collect();
    let files = best
        .first()
        .map(|standing| standing.result.traces.as_slice())
        .unwrap_or_default();
    html! {
        section {
            h2 { "Scores over time" }
            @if files.is_empty() {
                p.none { "No file was scored in the order of time that has both normal and anomalous rows." }
            } @else {
                p.aside {
                    "The first " (plural(files.len() as u64, "file")) " with anomalies, and the best "
                    (plural(best.len() as u64, "plug-in")) ". Scores are drawn ever denser away from the usual ones, so that \
                     peaks leave room for the rest; at the left the lowest and the highest."
                }
                (legend(&[
                    (Key::Window, "labelled anomalous".to_owned()),
                    (Key::Alarm, "threshold: rows above are flagged".to_owned()),
                ]))
                div.traces { @for file in files { (picture(file, &best)) } }
            }
        }
    }
}

fn picture(file: &FileTrace, standings: &[&Standing<'_>]) -> Markup {
    let strip = |standing: &&Standing<'_>| {
        let own = standing
            .result
            .traces
            .iter()
            .find(|trace| trace.name == file.name)?;
        Some(Strip {
            sign: standing.sign,
            name: standing.name().to_owned(),
            points: own
                .trace
                .points
                .iter()
                .map(|&(row, score)| (row, f64::from(score)))
                .collect(),
            threshold: standing.result.figures.threshold.map(f64::from),
        })
    };
    let windows: Vec<String> = file
        .trace
        .anomalous
        .iter()
        .take(5)
        .map(|(first, last)| {
            format!(
                "{} to {}",
                count(file.first_row + first),
                count(file.first_row + last)
            )
        })
        .collect();
    let label = format!(
        "Scores of {}; labelled anomalous: rows {}",
        file.name,
        windows.join(", ")
    );
    let drawn = Strips {
        label,
        first_row: file.first_row,
        rows: file.trace.rows,
        windows: file.trace.anomalous.clone(),
        strips: standings.iter().filter_map(strip).collect(),
    };
    html! {
        figure {
            h3 title=(file.name) { (short(&file.name, 48)) }
            (strips(&drawn))
        }
    }
}
