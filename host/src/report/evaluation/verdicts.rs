//! The section of each plug-in: its identity, its limits, what it used, and its integrity checks.

mod facts;

use maud::{Markup, html};

use super::limits::limits;
use super::standing::Standing;
use super::words::ending;
use crate::report::table::{Column, Unit, table, text};
use crate::report::words::plural;
use fedhost_evaluate::{Document, IntegrityResult, PluginResult};

/// Returns a table of all integrity checks, and one section for each plug-in.
pub(super) fn verdicts(document: &Document, standings: &[Standing<'_>]) -> Markup {
    html! {
        section {
            h2 { "In the sandbox" }
            p.aside {
                "Each plug-in ran alone. It could reach nothing but its imports: no file, no network, no clock, no other \
                 plug-in; and it saw no label of a row before that row was scored. Its limits:"
            }
            (limits(&document.limits))
            (fairness(standings))
        }
        @for standing in standings { (verdict(document, standing)) }
    }
}

/// Promises by plug-ins.
fn fairness(standings: &[Standing<'_>]) -> Markup {
    let tried: Vec<&Standing<'_>> = standings
        .iter()
        .filter(|it| !it.result.integrity.is_empty())
        .collect();
    let checks = tried
        .first()
        .map(|standing| standing.result.integrity.as_slice())
        .unwrap_or_default();
    let mut columns = vec![Column("plug-in", Unit::Text)];
    columns.extend(
        checks
            .iter()
            .map(|finding| Column(finding.promise, Unit::Text)),
    );
    let rows = tried.iter().map(|standing| {
        let finding = |check: &str| {
            standing
                .result
                .integrity
                .iter()
                .find(|finding| finding.check == check)
        };
        let cells = checks
            .iter()
            .map(|it| finding(it.check).map_or_else(|| text("not tried"), outcome));
        std::iter::once(standing.title()).chain(cells).collect()
    });
    html! {
        @if tried.is_empty() { p.none { "No plug-in came far enough for integrity checks." } }
        @else { div.fairness { (table("Integrity checks", &columns, rows)) } }
    }
}

/// By sign and word, so that no colour is needed.
fn outcome(finding: &IntegrityResult) -> Markup {
    let (class, sign, word) = match finding.kept {
        Some(true) => ("kept", "✓", "kept"),
        Some(false) => ("broken", "✗", "broken"),
        None => ("untried", "–", "not tried"),
    };
    html! { span class=(class) { (sign) " " (word) } }
}

fn verdict(document: &Document, standing: &Standing<'_>) -> Markup {
    let result = standing.result;
    let summary = result
        .component
        .as_ref()
        .and_then(|component| component.descriptor.as_ref())
        .map(|it| &it.summary);
    html! {
        section.verdict id=(standing.anchor()) {
            h3 { (standing.title()) @if !result.card.version.is_empty() { " " span.version { (result.card.version) } } }
            @if let Some(summary) = summary { p.aside { (summary) } }
            p class={ "ending " (if standing.is_believed() { "kept" } else { "broken" }) } {
                (if standing.is_believed() { "✓" } else { "✗" }) " It " (ending(result, &document.limits)) "."
            }
            @if let Some(error) = &result.error { pre { (error) } }
            (facts::facts(document, result))
            (findings(result))
            (said(result))
        }
    }
}

fn findings(result: &PluginResult) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("promise", Unit::Text),
        Column("outcome", Unit::Text),
        Column("what was seen", Unit::Text),
    ];
    let rows = result.integrity.iter().map(|finding| {
        vec![
            text(finding.promise),
            outcome(finding),
            text(&finding.detail),
        ]
    });
    html! {
        @if result.integrity.is_empty() { p.none { "No integrity check could be done." } }
        @else { (table("Integrity checks", COLUMNS, rows)) }
    }
}

fn said(result: &PluginResult) -> Markup {
    let said = &result.said;
    html! {
        @if said.lines > 0 {
            details {
                summary { "It logged " (plural(said.lines, "line")) @if said.lines > said.first.len() as u64 { ", of which the first" } }
                pre { (said.first.join("\n")) }
            }
        }
    }
}
