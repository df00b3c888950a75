//! What went wrong: refused updates, warnings, restarts, skipped records, damage, failures, and
//! lines of the log itself.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::report::chart::bars::bars;
use crate::report::summary::{RunSummary, Tally};
use crate::report::table::{Column, Unit, name, table, text};
use crate::report::words::{NONE, count, short};

/// Longer lists are cut: the most frequent come first.
const ROWS: usize = 100;
/// Of a story.
const CHARS: usize = 240;

/// Refused updates by reason, then by node and reason.
pub(in crate::report::page) fn rejections(run: &RunSummary) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("node", Unit::Text),
        Column("reason", Unit::Text),
        Column("updates", Unit::Number),
        Column("the last one", Unit::Text),
    ];
    let mut by_reason: BTreeMap<&str, u64> = BTreeMap::new();
    for tally in &run.rejections {
        *by_reason.entry(&tally.what.reason).or_default() += tally.count;
    }
    let mut reasons: Vec<(String, u64)> = by_reason
        .into_iter()
        .map(|(reason, count)| (reason.to_owned(), count))
        .collect();
    reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    reasons.truncate(12);
    html! {
        section {
            h2 { "Rejected updates" }
            @if reasons.is_empty() { p.none { "No update was rejected." } }
            @else {
                @if reasons.len() > 1 {
                    figure.bars { (bars("Rejected updates by reason; the table has the numbers", &reasons)) }
                }
                (tallies("Rejected updates by node and reason", COLUMNS, &run.rejections, |what| {
                    vec![name(what.node.as_ref().map_or("unknown sender", |node| node.as_str())), text(&what.reason)]
                }))
            }
        }
    }
}

/// Everything else that did not go as it should.
pub(in crate::report::page) fn incidents(run: &RunSummary) -> Markup {
    let quiet = run.skipped_records.is_empty()
        && run.damage.is_empty()
        && run.plugin_failures.is_empty()
        && run.warnings.is_empty()
        && run.restarts.is_empty()
        && run.bad_lines.is_empty()
        && run.sensors.iter().all(|sensor| sensor.skipped == 0);
    html! {
        section {
            h2 { "Skipped, damaged, failed" }
            @if quiet {
                p.none { "No record was skipped, nothing was damaged, no plug-in failed, no role began again." }
            }
            @if !run.warnings.is_empty() { (warnings(run)) }
            @if !run.restarts.is_empty() { (restarts(run)) }
            @if !run.plugin_failures.is_empty() { (plugin_failures(run)) }
            @if !run.skipped_records.is_empty() { (skipped_records(run)) }
            @if !run.sensors.is_empty() { (sensors(run)) }
            @if !run.damage.is_empty() { (damage(run)) }
            @if !run.bad_lines.is_empty() { (bad_lines(run)) }
        }
    }
}

fn plugin_failures(run: &RunSummary) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("plug-in", Unit::Text),
        Column("call", Unit::Text),
        Column("kind", Unit::Text),
        Column("times", Unit::Number),
        Column("the last one", Unit::Text),
    ];
    tallies("Plug-in failures", COLUMNS, &run.plugin_failures, |what| {
        vec![name(&what.plugin), text(&what.call), text(&what.kind)]
    })
}

fn warnings(run: &RunSummary) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("part", Unit::Text),
        Column("times", Unit::Number),
        Column("the last one", Unit::Text),
    ];
    tallies("Warnings", COLUMNS, &run.warnings, |part| vec![name(part)])
}

fn restarts(run: &RunSummary) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("role", Unit::Text),
        Column("times", Unit::Number),
        Column("the last reason", Unit::Text),
    ];
    tallies(
        "Roles that lost their bus and restarted",
        COLUMNS,
        &run.restarts,
        |role| vec![name(role)],
    )
}

fn skipped_records(run: &RunSummary) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("source", Unit::Text),
        Column("reason", Unit::Text),
        Column("records", Unit::Number),
        Column("the last one", Unit::Text),
    ];
    tallies(
        "Records that could not be used",
        COLUMNS,
        &run.skipped_records,
        |what| vec![text(&what.source), text(&what.reason)],
    )
}

fn bad_lines(run: &RunSummary) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("what was found", Unit::Text),
        Column("lines", Unit::Number),
        Column("the last one", Unit::Text),
    ];
    tallies(
        "Lines of the run log that hold no known event",
        COLUMNS,
        &run.bad_lines,
        |what| vec![text(what)],
    )
}

fn sensors(run: &RunSummary) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("sensor", Unit::Text),
        Column("node", Unit::Text),
        Column("published", Unit::Of("rows")),
        Column("unreadable", Unit::Of("rows")),
    ];
    let rows = run.sensors.iter().map(|sensor| {
        vec![
            text(&sensor.sensor),
            name(sensor.node.as_str()),
            text(count(sensor.rows)),
            text(count(sensor.skipped)),
        ]
    });
    table("Sensors that have come to their end", COLUMNS, rows)
}

fn damage(run: &RunSummary) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("topic", Unit::Text),
        Column("partition", Unit::Number),
        Column("from offset", Unit::Number),
        Column("to offset", Unit::Number),
        Column("lost", Unit::Of("records")),
        Column("what was found", Unit::Text),
    ];
    let rows = run.damage.iter().take(ROWS).map(|damage| {
        vec![
            text(&damage.topic),
            text(damage.partition.to_string()),
            text(count(damage.from)),
            text(count(damage.to)),
            text(count(damage.to.saturating_sub(damage.from))),
            text(short(&damage.detail, CHARS)),
        ]
    });
    table(
        "Stretches of the log that cannot be read any more",
        COLUMNS,
        rows,
    )
}

/// What happened, how often, and an example.
fn tallies<T>(
    caption: &str,
    columns: &[Column<'_>],
    tallies: &[Tally<T>],
    what: impl Fn(&T) -> Vec<Markup>,
) -> Markup {
    let rows = tallies.iter().take(ROWS).map(|tally| {
        let example = if tally.example.is_empty() {
            NONE.to_owned()
        } else {
            short(&tally.example, CHARS)
        };
        [
            what(&tally.what),
            vec![text(count(tally.count)), text(example)],
        ]
        .concat()
    });
    let caption = match tallies.len().saturating_sub(ROWS) {
        0 => caption.to_owned(),
        more => format!("{caption}; {more} rarer rows are left out"),
    };
    table(&caption, columns, rows)
}
