//! A figure and its interval in a table's cell.

use maud::{Markup, html};

use super::px;
use super::scale::Scale;
use super::sign::Sign;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 18.0;
/// So that a dot at the end is whole.
const MARGIN: f64 = 6.0;

/// An axis that the cells of a column share.
pub(in crate::report) struct Whiskers(Scale);

impl Whiskers {
    /// Around all these values and 0.5, which is what guessing reaches.
    pub(in crate::report) fn around(values: impl Iterator<Item = f64>) -> Option<Self> {
        Some(Self(
            Scale::linear(values.chain([0.5, 1.0]), 5)?.at_most(1.0),
        ))
    }

    /// The cell. Its numbers are written beside it, so it is hidden from screen readers.
    pub(in crate::report) fn cell(
        &self,
        sign: Option<Sign>,
        value: f64,
        interval: Option<(f64, f64)>,
    ) -> Markup {
        let x = |value: f64| px(MARGIN + self.0.place(value) * (WIDTH - 2.0 * MARGIN));
        let class = sign.map_or_else(|| "other".to_owned(), Sign::class);
        html! {
            svg.whisker aria-hidden="true" viewBox={ "0 0 " (px(WIDTH)) " " (px(HEIGHT)) } {
                line.rule x1=(x(f64::NEG_INFINITY)) x2=(x(f64::INFINITY)) y1="9" y2="9" {}
                line.chance x1=(x(0.5)) x2=(x(0.5)) y1="1" y2="17" {}
                g class={ "dots " (class) } {
                    @if let Some((low, high)) = interval {
                        path.range d={ "M" (x(low)) " 5v8m0-4H" (x(high)) "m0-4v8" } {}
                    }
                    circle cx=(x(value)) cy="9" r="4" {}
                }
            }
        }
    }
}
