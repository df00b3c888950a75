//! Pictures as inline SVG.
//!
//! Every colour is a CSS variable, so that one drawing serves light, dark and print. Series differ
//! in colour, in dash and in marker. A picture is named for screen readers; its numbers are in the
//! page's tables.

pub(super) mod bars;
pub(super) mod dots;
pub(super) mod grid;
pub(super) mod legend;
pub(super) mod line;
pub(super) mod plane;
mod scale;
pub(super) mod sign;
pub(super) mod strips;
pub(super) mod whisker;

use maud::{Markup, html};

/// Every picture is this wide, in its own units; the page scales it.
const WIDTH: f64 = 480.0;

/// Ways to draw a series before they repeat.
pub(super) const STYLES: usize = 8;

/// A picture, and which sign in it means what. They are apart so that neighbours on the page can be
/// level.
#[derive(Debug)]
pub(super) struct Drawing {
    /// The signs.
    pub(super) legend: Markup,
    /// The picture.
    pub(super) picture: Markup,
}

/// A picture with a note under it, or why there is none.
pub(super) fn figure(title: &str, drawing: Option<Drawing>, [note, absent]: [&str; 2]) -> Markup {
    html! {
        figure {
            h2 { (title) }
            @if let Some(Drawing { legend, picture }) = drawing {
                (legend)
                div { (picture) figcaption { (note) } }
            } @else {
                p.none { (absent) }
            }
        }
    }
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
