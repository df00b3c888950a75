//! Many scores a name, on one axis: each as a dot, with their range and median.

use maud::{Markup, html};

use super::scale::Scale;
use super::sign::Sign;
use super::{WIDTH, px, svg};
use crate::report::words;

const ROW: f64 = 30.0;
const RIGHT: f64 = 52.0;
const BOTTOM: f64 = 44.0;
const BADGE: f64 = 24.0;
const NAME_CHARS: usize = 18;
/// At the size that phones use.
const CHAR_WIDTH: f64 = 7.6;

/// A name and its scores.
pub(in crate::report) struct Row {
    /// Whose they are.
    pub(in crate::report) sign: Sign,
    /// As it is written.
    pub(in crate::report) name: String,
    /// What each is of, and the score.
    pub(in crate::report) dots: Vec<(String, f64)>,
}

/// The middle of some values, between both of them when there are two; `None` without any.
pub(in crate::report) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (below, above) = (
        sorted.get(sorted.len().checked_sub(1)? / 2)?,
        sorted.get(sorted.len() / 2)?,
    );
    Some((below + above) / 2.0)
}

/// The picture, or nothing without scores.
pub(in crate::report) fn dots(label: &str, title: &str, rows: &[Row]) -> Option<Markup> {
    let scores = rows
        .iter()
        .flat_map(|row| &row.dots)
        .map(|&(_, score)| score);
    // What guessing reaches is always in view.
    let scale = Scale::linear(scores.clone().chain([0.5]), 5)
        .filter(|_| scores.count() > 0)?
        .at_most(1.0);
    let longest = rows
        .iter()
        .map(|row| row.name.chars().count())
        .max()
        .unwrap_or(0)
        .min(NAME_CHARS);
    let left = BADGE + longest as f64 * CHAR_WIDTH + 10.0;
    let x = |score: f64| left + scale.place(score) * (WIDTH - left - RIGHT);
    let base = rows.len() as f64 * ROW;
    let content = html! {
        @for &tick in &scale.ticks {
            line.rule x1=(px(x(tick))) x2=(px(x(tick))) y1="0" y2=(px(base)) {}
            text.tick x=(px(x(tick))) y=(px(base + 17.0)) text-anchor="middle" { (format!("{tick:.1}")) }
        }
        line.chance x1=(px(x(0.5))) x2=(px(x(0.5))) y1="0" y2=(px(base)) {}
        text.tick x=(px(WIDTH - RIGHT - 12.0)) y=(px(base + 36.0)) text-anchor="end" { (title) }
        text.tick x=(px(WIDTH)) y=(px(base + 36.0)) text-anchor="end" { "median" }
        @for (index, row) in rows.iter().enumerate() { (drawn(row, (index as f64 + 0.5) * ROW, &x)) }
    };
    Some(svg(label, base + BOTTOM, &content))
}

fn drawn(row: &Row, y: f64, x: &impl Fn(f64) -> f64) -> Markup {
    let scores = || row.dots.iter().map(|&(_, score)| score);
    let middle = median(scores());
    let ends = super::scale::range(scores());
    let at = px(y);
    html! {
        (row.sign.badge(9.5, y))
        text.name x=(px(BADGE)) y=(at) dy="0.34em" { (words::short(&row.name, NAME_CHARS)) }
        g class={ "dots " (row.sign.class()) } {
            @if let Some((low, high)) = ends { line.range x1=(px(x(low))) x2=(px(x(high))) y1=(at) y2=(at) {} }
            @for (of, score) in &row.dots {
                circle cx=(px(x(*score))) cy=(at) r="3.4" { title { (of) ": " (words::score(*score)) } }
            }
            @if let Some(middle) = middle {
                line.median x1=(px(x(middle))) x2=(px(x(middle))) y1=(px(y - 9.0)) y2=(px(y + 9.0)) {}
            }
        }
        text.name x=(px(WIDTH)) y=(at) dy="0.34em" text-anchor="end" { (words::or_none(middle, words::score)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_in_the_middle() {
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(
            median([4.0, 1.0, 2.0, 3.0, f64::NAN].into_iter()),
            Some(2.5)
        );
    }

    #[test]
    fn without_scores_there_is_no_picture() {
        assert!(
            dots(
                "label",
                "ROC AUC",
                &[Row {
                    sign: Sign(1),
                    name: "a".into(),
                    dots: vec![]
                }]
            )
            .is_none()
        );
        assert!(dots("label", "ROC AUC", &[]).is_none());
    }
}
