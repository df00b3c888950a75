//! Pictures as inline SVG.
//!
//! Every colour is a CSS variable, so that one drawing serves light, dark and print. Series differ in colour, in dash
//! and in marker. A picture is named for screen readers; its numbers are in the page's tables.

pub(super) mod bars;
pub(super) mod grid;
pub(super) mod legend;
pub(super) mod line;
mod scale;

use maud::{Markup, html};

/// Every picture is this wide, in its own units; the page scales it.
const WIDTH: f64 = 480.0;

/// Ways to draw a series before they repeat.
pub(super) const STYLES: usize = 6;

/// A picture, and which sign in it means what. They are apart so that neighbours on the page can be level.
#[derive(Debug)]
pub(super) struct Drawing {
    /// The signs.
    pub(super) legend: Markup,
    /// The picture.
    pub(super) picture: Markup,
}

fn svg(label: &str, height: f64, content: &Markup) -> Markup {
    html! {
        svg role="img" aria-label=(label) viewBox={ "0 0 " (px(WIDTH)) " " (px(height)) } { (content) }
    }
}

/// The class of a style, which decides colour and dash.
fn style_class(style: usize) -> String {
    format!("s{}", style % STYLES)
}

/// A coordinate: a tenth of a unit is finer than anyone sees.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
