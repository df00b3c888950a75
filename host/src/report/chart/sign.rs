//! The mark of one of several competitors, the same everywhere on a page: its number, a colour and
//! a dash.

use maud::{Markup, html};

use super::{STYLES, px, style_class};

/// A competitor by its place, counted from 1. Those beyond the styles there are share a grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) struct Sign(pub(in crate::report) usize);

impl Sign {
    /// Whether it has a style of its own.
    pub(in crate::report) fn is_own(self) -> bool {
        (1..=STYLES).contains(&self.0)
    }

    /// The class that decides colour and dash.
    pub(super) fn class(self) -> String {
        if self.is_own() {
            style_class(self.0 - 1)
        } else {
            "other".to_owned()
        }
    }

    /// Its number in a circle around a point.
    pub(super) fn badge(self, x: f64, y: f64) -> Markup {
        html! {
            g class={ "badge " (self.class()) } {
                circle cx=(px(x)) cy=(px(y)) r="8.5" {}
                text x=(px(x)) y=(px(y)) dy="0.36em" text-anchor="middle" { (self.0) }
            }
        }
    }

    /// Its number for text and tables.
    pub(in crate::report) fn inline(self) -> Markup {
        html! { svg.swatch.number aria-hidden="true" viewBox="0 0 20 20" { (self.badge(10.0, 10.0)) } }
    }

    /// Its line and number, for a legend.
    pub(super) fn swatch(self) -> Markup {
        html! {
            svg.swatch.numbered aria-hidden="true" viewBox="0 0 48 20" {
                g class={ "line " (self.class()) } { path d="M1 10h46" {} }
                @if self.is_own() { (self.badge(24.0, 10.0)) }
            }
        }
    }
}
