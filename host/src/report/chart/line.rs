//! Lines over rounds.

mod thin_out;

use maud::{Markup, html};

use super::legend::{Key, legend};
use super::scale::{Scale, range};
use super::{Drawing, STYLES, WIDTH, px, style_class, svg};
use crate::report::words;

const HEIGHT: f64 = 270.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 40.0;
/// With more columns than this a pointer cannot hit a single one.
const HOVER_COLUMNS: usize = 120;
/// More points than this and dashes dissolve in the line's own movement.
const DENSE: usize = 100;
/// More points than this and their markers would touch.
const MARKERS: usize = 12;

/// A picture of some quantity by round.
#[derive(Debug)]
pub(in crate::report) struct LineChart {
    /// For screen readers: what is shown, and what it shows.
    pub(in crate::report) label: String,
    /// The lines, drawn in this order.
    pub(in crate::report) series: Vec<Series>,
    /// An area behind them.
    pub(in crate::report) band: Option<Band>,
    /// The vertical axis.
    pub(in crate::report) axis: Axis,
    /// How a value is written in a tooltip.
    pub(in crate::report) write: fn(f64) -> String,
}

/// A value by round, or a gap. Rounds ascend.
pub(in crate::report) type Points = Vec<(u64, Option<f64>)>;

/// One line.
#[derive(Debug)]
pub(in crate::report) struct Series {
    /// As the legend says it.
    pub(in crate::report) name: String,
    /// How it is drawn.
    pub(in crate::report) key: Key,
    /// Its values.
    pub(in crate::report) points: Points,
}

/// The area between the least and the greatest of many values.
#[derive(Debug)]
pub(in crate::report) struct Band {
    /// As the legend says it.
    pub(in crate::report) name: String,
    /// Round, least, greatest.
    pub(in crate::report) points: Vec<(u64, f64, f64)>,
}

/// What the vertical axis shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) enum Axis {
    /// Any number; logarithmic when the values span more than three orders of magnitude.
    Number,
    /// At most 1; a line at one half is what guessing reaches.
    Score,
    /// Milliseconds, logarithmic, written with their units.
    Time,
}

/// The picture, or nothing when there is no value to show.
pub(in crate::report) fn chart(chart: &LineChart) -> Option<Drawing> {
    let plot = Plot::of(chart)?;
    let content = html! {
        (plot.axes())
        @if let Some(band) = &chart.band { (plot.band(band)) }
        @for series in &chart.series { (plot.series(series)) }
        (plot.hover(chart))
    };
    let band = chart.band.iter().map(|band| (Key::Band, band.name.clone()));
    let lines = chart
        .series
        .iter()
        .map(|series| (series.key, series.name.clone()));
    let mut entries: Vec<(Key, String)> = lines.chain(band).collect();
    entries.sort_by_key(|(key, _)| *key != Key::Ink);
    let dense = chart
        .series
        .iter()
        .any(|series| series.points.len() > DENSE);
    let picture = html! { div.dense[dense] { (svg(&chart.label, HEIGHT, &content)) } };
    Some(Drawing {
        legend: legend(&entries),
        picture,
    })
}

struct Plot {
    x: Scale,
    y: Scale,
    axis: Axis,
}

impl Plot {
    fn of(chart: &LineChart) -> Option<Self> {
        let shown = |points: &Points| -> Vec<(u64, f64)> {
            points
                .iter()
                .filter_map(|&(round, value)| {
                    Some((round, value.filter(|value| value.is_finite())?))
                })
                .collect()
        };
        let mut points: Vec<(u64, f64)> = chart
            .series
            .iter()
            .flat_map(|series| shown(&series.points))
            .collect();
        for &(round, least, greatest) in chart.band.iter().flat_map(|band| &band.points) {
            points.extend([(round, least), (round, greatest)]);
        }
        let (first, last) = range(points.iter().map(|&(round, _)| round as f64))?;
        let values = || points.iter().map(|&(_, value)| value);
        let wide = range(values()).is_some_and(|(low, high)| low > 0.0 && high >= low * 1000.0);
        let y = match chart.axis {
            Axis::Number if wide => Scale::logarithmic(values()),
            Axis::Number => Scale::linear(values(), 4),
            Axis::Score => Scale::linear(values(), 4).map(|scale| scale.at_most(1.0)),
            Axis::Time => Scale::logarithmic(values()),
        };
        Some(Self {
            x: Scale::whole(first, last, 6),
            y: y?,
            axis: chart.axis,
        })
    }

    fn x(&self, round: f64) -> f64 {
        LEFT + self.x.place(round) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)
    }

    fn tick(&self, value: f64) -> String {
        match self.axis {
            Axis::Time => words::span(value),
            Axis::Number | Axis::Score if self.y.decimals == 0 || value.abs() >= 1e5 => {
                words::number(value)
            }
            Axis::Number | Axis::Score => format!("{value:.*}", self.y.decimals),
        }
    }

    fn axes(&self) -> Markup {
        let base = HEIGHT - BOTTOM;
        html! {
            @for &tick in &self.y.ticks {
                @let y = self.y(tick);
                line.rule x1=(px(LEFT)) x2=(px(WIDTH - RIGHT)) y1=(px(y)) y2=(px(y)) {}
                text.tick x=(px(LEFT - 8.0)) y=(px(y)) dy="0.32em" text-anchor="end" { (self.tick(tick)) }
            }
            @if self.axis == Axis::Score && self.y.ticks.iter().any(|tick| (tick - 0.5).abs() < 1e-9) {
                @let y = self.y(0.5);
                line.chance x1=(px(LEFT)) x2=(px(WIDTH - RIGHT)) y1=(px(y)) y2=(px(y)) {}
                text.tick x=(px(WIDTH - RIGHT)) y=(px(y - 5.0)) text-anchor="end" { "guessing" }
            }
            @for &tick in &self.x.ticks {
                @let x = self.x(tick);
                line.notch x1=(px(x)) x2=(px(x)) y1=(px(base)) y2=(px(base + 4.0)) {}
                text.tick x=(px(x)) y=(px(base + 18.0)) text-anchor="middle" { (format!("{tick:.0}")) }
            }
            text.tick x=(px(WIDTH - RIGHT)) y=(px(HEIGHT - 4.0)) text-anchor="end" { "round" }
        }
    }

    fn series(&self, series: &Series) -> Markup {
        let columns = (WIDTH - LEFT - RIGHT) as usize / 2;
        let points = thin_out::thin_out(&series.points, columns);
        let line = html! { path d=(self.path(&points)) {} };
        match series.key {
            Key::Line(style) => {
                html! { g class={ "line " (style_class(style)) } { (line) (self.markers(style, &points)) } }
            }
            Key::Thin(style) => html! {
                g class={ "line thin " (style_class(style)) } {
                    (line)
                    @if points.len() <= MARKERS { (self.markers(style, &points)) }
                }
            },
            _ => {
                html! { g.line.ink { (line) @if points.len() <= 4 * MARKERS { (self.dots(&points)) } } }
            }
        }
    }

    fn path(&self, points: &Points) -> String {
        let mut path = String::new();
        let mut pen_down = false;
        for &(round, value) in points {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                pen_down = false;
                continue;
            };
            path.push(if pen_down { 'L' } else { 'M' });
            path.push_str(&format!(
                "{} {}",
                px(self.x(round as f64)),
                px(self.y(value))
            ));
            if !pen_down {
                // A line of no length: its round ends make a point between two gaps visible.
                path.push_str("h0");
            }
            pen_down = true;
        }
        path
    }

    /// A few markers are enough to distinguish the lines.
    fn markers(&self, style: usize, points: &Points) -> Markup {
        let every = points.len().div_ceil(MARKERS).max(1);
        let chosen = points
            .iter()
            .step_by(every)
            .filter_map(|&(round, value)| Some((round, value?)));
        html! { @for (round, value) in chosen { (marker(style, self.x(round as f64), self.y(value))) } }
    }

    fn dots(&self, points: &Points) -> Markup {
        let shown = points
            .iter()
            .filter_map(|&(round, value)| Some((round, value?)));
        html! {
            @for (round, value) in shown { circle cx=(px(self.x(round as f64))) cy=(px(self.y(value))) r="2.4" {} }
        }
    }

    fn band(&self, band: &Band) -> Markup {
        let place =
            |round: u64, value: f64| format!("{} {}", px(self.x(round as f64)), px(self.y(value)));
        let there = band
            .points
            .iter()
            .map(|&(round, _, greatest)| place(round, greatest));
        let back = band
            .points
            .iter()
            .rev()
            .map(|&(round, least, _)| place(round, least));
        let corners: Vec<String> = there.chain(back).collect();
        html! { path.band d={ "M" (corners.join("L")) "Z" } {} }
    }

    /// Invisible columns that say their round's values under the pointer.
    fn hover(&self, chart: &LineChart) -> Markup {
        let mut rounds: Vec<u64> = chart
            .series
            .iter()
            .flat_map(|series| &series.points)
            .map(|&(round, _)| round)
            .collect();
        rounds.sort_unstable();
        rounds.dedup();
        let every = rounds.len().div_ceil(HOVER_COLUMNS).max(1);
        let width = (WIDTH - LEFT - RIGHT) / rounds.len().div_ceil(every).max(1) as f64;
        html! {
            @for &round in rounds.iter().step_by(every) {
                @let left = px(self.x(round as f64) - width / 2.0);
                rect.hover x=(left) y=(px(TOP)) width=(px(width)) height=(px(HEIGHT - TOP - BOTTOM)) {
                    title { (values_at(chart, round)) }
                }
            }
        }
    }
}

fn values_at(chart: &LineChart, round: u64) -> String {
    let values = chart.series.iter().filter_map(|series| {
        let index = series
            .points
            .binary_search_by_key(&round, |&(round, _)| round)
            .ok()?;
        let &(_, value) = series.points.get(index)?;
        Some(format!("\n{}: {}", series.name, (chart.write)(value?)))
    });
    values.fold(format!("round {round}"), |text, line| text + &line)
}

/// The sign of a style, around a point.
pub(super) fn marker(style: usize, x: f64, y: f64) -> Markup {
    let (x, y) = (px(x), px(y));
    let shape = match style % STYLES {
        0 => return html! { circle.mark cx=(x) cy=(y) r="3" {} },
        1 => "m-2.8-2.8h5.6v5.6h-5.6z",
        2 => "m0-3.6l3.4 6.2h-6.8z",
        3 => "m0-4l4 4l-4 4l-4-4z",
        4 => "m-3-3l6 6m0-6l-6 6",
        5 => "m-3.6 0h7.2m-3.6-3.6v7.2",
        6 => "m0 3.6l3.4-6.2h-6.8z",
        _ => "m-3.8-1.6h7.6v3.2h-7.6z",
    };
    html! { path.mark d={ "M" (x) " " (y) (shape) } {} }
}
