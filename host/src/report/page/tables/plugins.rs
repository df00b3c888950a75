//! Which components did the work, exactly.

use maud::{Markup, html};

use crate::report::summary::{RunSummary, UsedPlugin};
use crate::report::table::{Column, Unit, name, table, text};
use crate::report::words::{count, or_none};

const COLUMNS: &[Column<'_>] = &[
    Column("plug-in", Unit::Text),
    Column("version", Unit::Text),
    Column("sha256", Unit::Text),
    Column("file", Unit::Text),
    Column("loading", Unit::Of("ms")),
    Column("since round", Unit::Number),
];

/// The table of plug-ins, and that of sensors.
pub(in crate::report::page) fn plugins(run: &RunSummary) -> Markup {
    html! {
        section {
            h2 { "Plug-ins" }
            @if run.plugins.is_empty() { p.none { "The log names no plug-in." } }
            @else { (table("Each component that was in use", COLUMNS, run.plugins.iter().map(cells))) }
        }
    }
}

fn cells(plugin: &UsedPlugin) -> Vec<Markup> {
    vec![
        name(&plugin.id.name),
        text(&plugin.id.version),
        html! { code.name { (plugin.id.sha256) } },
        text(or_none(plugin.file.clone(), |file| file)),
        text(or_none(plugin.compile_ms, count)),
        text(plugin.since_round.map_or_else(|| "start".to_owned(), count)),
    ]
}
