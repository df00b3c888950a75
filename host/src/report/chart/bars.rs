//! Amounts side by side.

use maud::{Markup, html};

use super::{WIDTH, px, svg};
use crate::report::words;

const ROW: f64 = 24.0;
const RIGHT: f64 = 66.0;
const NAME_CHARS: usize = 20;
/// At the size that phones use.
const CHAR_WIDTH: f64 = 8.0;

/// One bar an entry, in their order.
pub(in crate::report) fn bars(label: &str, entries: &[(String, u64)]) -> Markup {
    let most = entries
        .iter()
        .map(|(_, amount)| *amount)
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    let longest = entries
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0)
        .min(NAME_CHARS);
    let left = longest as f64 * CHAR_WIDTH + 10.0;
    let drawing = html! {
        @for (index, (name, amount)) in entries.iter().enumerate() {
            @let top = index as f64 * ROW;
            @let middle = px(top + ROW / 2.0);
            @let width = (*amount as f64 / most * (WIDTH - left - RIGHT)).max(1.0);
            text.name x=(px(left - 8.0)) y=(middle) dy="0.32em" text-anchor="end" { (words::short(name, NAME_CHARS)) }
            rect.bar x=(px(left)) y=(px(top + 5.0)) width=(px(width)) height=(px(ROW - 10.0)) {
                title { (name) ": " (words::count(*amount)) }
            }
            text.tick x=(px(left + width + 7.0)) y=(middle) dy="0.32em" { (words::count(*amount)) }
        }
    };
    svg(label, entries.len() as f64 * ROW, &drawing)
}
