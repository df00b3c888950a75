//! Scores over time, one strip a scorer, above the same rows.

use maud::{Markup, html};

use super::scale::{Scale, range};
use super::sign::Sign;
use super::{WIDTH, px, svg};
use crate::report::words;

const LEFT: f64 = 58.0;
const RIGHT: f64 = 10.0;
/// Of a strip's heading, and of the strip.
const HEADING: f64 = 26.0;
const STRIP: f64 = 64.0;
const PITCH: f64 = HEADING + STRIP + 8.0;
const BOTTOM: f64 = 40.0;
const NAME_CHARS: usize = 24;

/// The name of the pattern that hatches anomalous ranges.
const HATCH: &str = "anomalous";

/// A picture of strips.
pub(in crate::report) struct Strips {
    /// For screen readers.
    pub(in crate::report) label: String,
    /// The number of the first row.
    pub(in crate::report) first_row: u64,
    /// How many rows.
    pub(in crate::report) rows: u64,
    /// First and last row of what is to be found, counted from the first row.
    pub(in crate::report) windows: Vec<(u64, u64)>,
    /// From top to bottom.
    pub(in crate::report) strips: Vec<Strip>,
}

/// One strip.
pub(in crate::report) struct Strip {
    /// Whose it is.
    pub(in crate::report) sign: Sign,
    /// Written above it.
    pub(in crate::report) name: String,
    /// Row, counted from the first one, and score.
    pub(in crate::report) points: Vec<(u64, f64)>,
    /// From which score on a row is flagged.
    pub(in crate::report) threshold: Option<f64>,
}

/// What pictures of strips refer to; once a page.
pub(in crate::report) fn patterns() -> Markup {
    html! {
        svg.patterns aria-hidden="true" {
            pattern id=(HATCH) width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                line.hatch x1="0" x2="0" y1="0" y2="7" {}
            }
        }
    }
}

/// A sample of an anomalous range, for a legend.
pub(super) fn window_swatch() -> Markup {
    window("4", "0", "20", "12")
}

fn window(x: &str, y: &str, width: &str, height: &str) -> Markup {
    html! {
        rect.window x=(x) y=(y) width=(width) height=(height) {}
        rect.edges x=(x) y=(y) width=(width) height=(height) fill={ "url(#" (HATCH) ")" } {}
    }
}

/// The picture.
pub(in crate::report) fn strips(strips: &Strips) -> Markup {
    let last = strips
        .first_row
        .saturating_add(strips.rows.saturating_sub(1));
    let x = Scale::whole(strips.first_row as f64, last as f64, 5);
    let across = |row: u64| {
        LEFT + x.place(strips.first_row.saturating_add(row) as f64) * (WIDTH - LEFT - RIGHT)
    };
    let base = PITCH * strips.strips.len() as f64;
    let content = html! {
        @for (index, strip) in strips.strips.iter().enumerate() {
            (drawn(strip, &strips.windows, index as f64 * PITCH, &across))
        }
        @for &tick in &x.ticks {
            @let at = px(LEFT + x.place(tick) * (WIDTH - LEFT - RIGHT));
            line.notch x1=(at) x2=(at) y1=(px(base - 6.0)) y2=(px(base - 2.0)) {}
            text.tick x=(at) y=(px(base + 13.0)) text-anchor="middle" { (words::count(tick as u64)) }
        }
        text.tick x=(px(WIDTH - RIGHT)) y=(px(base + 32.0)) text-anchor="end" { "row of the file" }
    };
    svg(&strips.label, base + BOTTOM, &content)
}

fn drawn(strip: &Strip, windows: &[(u64, u64)], top: f64, across: &impl Fn(u64) -> f64) -> Markup {
    let heading = top + HEADING / 2.0;
    let (ceiling, floor) = (top + HEADING, top + HEADING + STRIP);
    html! {
        (strip.sign.badge(LEFT + 9.0, heading))
        text.name x=(px(LEFT + 24.0)) y=(px(heading)) dy="0.34em" { (words::short(&strip.name, NAME_CHARS)) }
        @for &(first, last) in windows {
            @let left = across(first);
            (window(&px(left), &px(ceiling), &px((across(last) - left).max(1.5)), &px(STRIP)))
        }
        line.rule x1=(px(LEFT)) x2=(px(WIDTH - RIGHT)) y1=(px(floor)) y2=(px(floor)) {}
        @if let Some(heights) = Heights::of(strip) {
            (scores(strip, &heights, (ceiling, floor), across))
            @if let Some(threshold) = strip.threshold {
                text.alarm x=(px(WIDTH - RIGHT)) y=(px(heading)) dy="0.34em" text-anchor="end" {
                    "threshold " (words::number(threshold))
                }
            }
        }
    }
}

fn scores(
    strip: &Strip,
    heights: &Heights,
    (ceiling, floor): (f64, f64),
    across: &impl Fn(u64) -> f64,
) -> Markup {
    let height = |score: f64| floor - heights.place(score) * (floor - ceiling);
    let points = strip.points.iter().filter(|(_, score)| score.is_finite());
    let corners: Vec<String> = points
        .map(|&(row, score)| format!("{} {}", px(across(row)), px(height(score))))
        .collect();
    html! {
        text.tick x=(px(LEFT - 8.0)) y=(px(ceiling)) dy="0.6em" text-anchor="end" { (words::number(heights.greatest)) }
        text.tick x=(px(LEFT - 8.0)) y=(px(floor)) dy="0.1em" text-anchor="end" { (words::number(heights.least)) }
        g class={ "line trace " (strip.sign.class()) } { path d={ "M" (corners.join("L")) } {} }
        @if let Some(threshold) = strip.threshold.filter(|threshold| threshold.is_finite()) {
            @let y = px(height(threshold));
            line.alarm x1=(px(LEFT)) x2=(px(WIDTH - RIGHT)) y1=(y) y2=(y) {}
        }
    }
}

/// A vertical scale that is even around the usual scores and ever denser away from them, so that a
/// single peak does not press everything else flat.
struct Heights {
    usual: f64,
    unit: f64,
    least: f64,
    greatest: f64,
    low: f64,
    high: f64,
}

impl Heights {
    /// Around all scores and the threshold; `None` without scores.
    fn of(strip: &Strip) -> Option<Self> {
        let mut sorted: Vec<f64> = strip.points.iter().map(|&(_, score)| score).collect();
        let (least, greatest) = range(sorted.iter().copied())?;
        sorted.retain(|score| score.is_finite());
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            sorted
                .get((sorted.len() - 1) * percent / 100)
                .copied()
                .unwrap_or_default()
        };
        // Usual scores are the lowest ones: among the others there may be nothing but anomalies.
        let usual = at(10);
        let spread = (at(75) - usual).min(
            strip
                .threshold
                .map_or(f64::INFINITY, |threshold| (threshold - usual).abs()),
        );
        let spread = spread.max((greatest - least) * 1e-6);
        let unit = if spread > 0.0 && spread.is_finite() {
            spread
        } else {
            1.0
        };
        let mut heights = Self {
            usual,
            unit,
            least,
            greatest,
            low: 0.0,
            high: 1.0,
        };
        let ends = [Some(least), Some(greatest), strip.threshold];
        (heights.low, heights.high) =
            range(ends.into_iter().flatten().map(|end| heights.bent(end)))?;
        Some(heights)
    }

    fn bent(&self, score: f64) -> f64 {
        ((score - self.usual) / self.unit).asinh()
    }

    /// 0 at the bottom, 1 at the top.
    fn place(&self, score: f64) -> f64 {
        let length = self.high - self.low;
        if length > 0.0 {
            ((self.bent(score) - self.low) / length).clamp(0.0, 1.0)
        } else {
            0.5
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strip(scores: &[f64], threshold: Option<f64>) -> Strip {
        let points = scores
            .iter()
            .enumerate()
            .map(|(row, &score)| (row as u64, score))
            .collect();
        Strip {
            sign: Sign(1),
            name: "ewma".into(),
            points,
            threshold,
        }
    }

    #[test]
    fn a_peak_leaves_room_for_the_rest() {
        let scores: Vec<f64> = (0..100)
            .map(|row| f64::from(row % 10))
            .chain([1e6])
            .collect();
        let heights = Heights::of(&strip(&scores, Some(20.0))).unwrap();
        assert!(heights.place(9.0) - heights.place(0.0) > 0.05);
        assert!(heights.place(20.0) < heights.place(1e6));
    }

    #[test]
    fn scores_that_are_all_the_same_lie_in_the_middle() {
        assert_eq!(
            Heights::of(&strip(&[3.0; 5], None)).unwrap().place(3.0),
            0.5
        );
        assert!(Heights::of(&strip(&[], Some(1.0))).is_none());
    }

    proptest! {
        #[test]
        fn places_keep_the_order_of_scores(
            scores in proptest::collection::vec(any::<f32>().prop_filter("finite", |it| it.is_finite()), 2..50),
            threshold in proptest::option::of(-1e9..1e9_f64),
        ) {
            let mut scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let heights = Heights::of(&strip(&scores, threshold)).unwrap();
            scores.sort_by(f64::total_cmp);
            let places: Vec<f64> = scores.iter().map(|&score| heights.place(score)).collect();
            prop_assert!(places.is_sorted() && places.iter().all(|place| (0.0..=1.0).contains(place)), "{places:?}");
        }
    }
}
