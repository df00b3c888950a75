//! Which line is which, in text that wraps on a phone.

use maud::{Markup, html};

use super::grid::{Part, glyph};
use super::line::marker;
use super::sign::Sign;
use super::{strips, style_class};

/// How an entry looks in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) enum Key {
    /// A line with its marker, in one of [`super::STYLES`] ways.
    Line(usize),
    /// The same, thin.
    Thin(usize),
    /// The line that matters most.
    Ink,
    /// The area between two lines.
    Band,
    /// A cell of the participation picture.
    Cell(Part),
    /// A group of rounds, in quarters that took part.
    Share(u8),
    /// A line with its number.
    Sign(Sign),
    /// A range of anomalous rows.
    Window,
    /// The score from which rows are flagged.
    Alarm,
}

/// The entries in order.
pub(in crate::report) fn legend(entries: &[(Key, String)]) -> Markup {
    html! {
        ul.legend {
            @for (key, name) in entries { li { (swatch(*key)) " " (name) } }
        }
    }
}

fn swatch(key: Key) -> Markup {
    if let Key::Sign(sign) = key {
        return sign.swatch();
    }
    let line = html! { path d="M1 6h26" {} };
    html! {
        svg.swatch aria-hidden="true" viewBox="0 0 28 12" {
            @match key {
                Key::Line(style) => { g class={ "line " (style_class(style)) } { (line) (marker(style, 14.0, 6.0)) } }
                Key::Thin(style) => { g class={ "line thin " (style_class(style)) } { (line) } }
                Key::Ink => { g.line.ink { (line) } }
                Key::Band => { rect.band x="1" y="1" width="26" height="10" {} }
                Key::Cell(part) => { (glyph(part, 9.0, 1.0, 10.0, 10.0)) }
                Key::Share(quarters) => { rect class={ "share q" (quarters) } x="4" y="1" width="20" height="10" {} }
                Key::Window => { (strips::window_swatch()) }
                Key::Alarm => { line.alarm x1="1" x2="27" y1="6" y2="6" {} }
                Key::Sign(_) => {}
            }
        }
    }
}
