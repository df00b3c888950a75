//! Lines and spots in a plane: curves of rates, and quality against cost.

mod room;

use maud::{Markup, html};

use super::legend::{Key, legend};
use super::scale::Scale;
use super::sign::Sign;
use super::{Drawing, WIDTH, px, svg};
use crate::report::words;

const LEFT: f64 = 46.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 46.0;
/// So that the plane is as high as it is wide.
const HEIGHT: f64 = WIDTH - LEFT - RIGHT + TOP + BOTTOM;
const BASE: f64 = HEIGHT - BOTTOM;
/// Of a name beside a spot.
const NAME_CHARS: usize = 22;

/// A picture of lines and spots.
pub(in crate::report) struct Plane {
    /// For screen readers: what is shown, and what it shows.
    pub(in crate::report) label: String,
    /// The horizontal axis.
    pub(in crate::report) x: Axis,
    /// The vertical axis.
    pub(in crate::report) y: Axis,
    /// What the lines are to be compared with.
    pub(in crate::report) reference: Option<Reference>,
    /// In this order, those that matter least last.
    pub(in crate::report) lines: Vec<Line>,
    /// In this order.
    pub(in crate::report) spots: Vec<Spot>,
}

/// One axis.
pub(in crate::report) struct Axis {
    title: &'static str,
    scale: Scale,
    write: fn(f64) -> String,
}

impl Axis {
    /// From 0 to 1.
    pub(in crate::report) fn share(title: &'static str) -> Option<Self> {
        let scale = Scale::linear([0.0, 1.0].into_iter(), 5)?;
        Some(Self {
            title,
            scale,
            write: |value| format!("{value:.1}"),
        })
    }

    /// Around scores, which are at most 1.
    pub(in crate::report) fn scores(
        title: &'static str,
        values: impl Iterator<Item = f64>,
    ) -> Option<Self> {
        let scale = Scale::linear(values, 5)?.at_most(1.0);
        let write = if scale.decimals > 1 {
            |value| format!("{value:.2}")
        } else {
            |value| format!("{value:.1}")
        };
        Some(Self {
            title,
            scale,
            write,
        })
    }

    /// Around positive values, with equal room for each power of ten.
    pub(in crate::report) fn powers(
        title: &'static str,
        values: impl Iterator<Item = f64>,
        write: fn(f64) -> String,
    ) -> Option<Self> {
        Some(Self {
            title,
            scale: Scale::logarithmic(values)?,
            write,
        })
    }
}

/// A straight line that says what guessing, or keeping a promise, would look like.
pub(in crate::report) struct Reference {
    /// What it is.
    pub(in crate::report) name: String,
    /// Its left end.
    pub(in crate::report) from: (f64, f64),
    /// Its right end.
    pub(in crate::report) to: (f64, f64),
}

/// One line.
pub(in crate::report) struct Line {
    /// Whose it is.
    pub(in crate::report) sign: Sign,
    /// As the legend says it.
    pub(in crate::report) name: String,
    /// From left to right.
    pub(in crate::report) points: Vec<(f64, f64)>,
}

/// One point with a name.
pub(in crate::report) struct Spot {
    /// Whose it is.
    pub(in crate::report) sign: Sign,
    /// Written beside it.
    pub(in crate::report) name: String,
    /// Where it is.
    pub(in crate::report) at: (f64, f64),
    /// The ends of its interval, upwards.
    pub(in crate::report) interval: Option<(f64, f64)>,
}

/// More points of a line than this and they are not marked one by one.
const MARKED: usize = 20;

/// The picture, with a legend of its lines.
pub(in crate::report) fn plane(plane: &Plane) -> Drawing {
    let plot = Plot(plane);
    let content = html! {
        (plot.axes())
        @if let Some(reference) = &plane.reference { (plot.reference(reference)) }
        @for line in plane.lines.iter().rev() { (plot.line(line)) }
        @if let Some(reference) = &plane.reference { (plot.reference_name(reference)) }
        (plot.badges())
        (plot.spots())
    };
    Drawing {
        legend: legend(&entries(&plane.lines)),
        picture: svg(&plane.label, HEIGHT, &content),
    }
}

/// Those without a style of their own share an entry.
fn entries(lines: &[Line]) -> Vec<(Key, String)> {
    let (own, others): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| line.sign.is_own());
    let mut entries: Vec<(Key, String)> = own
        .into_iter()
        .map(|line| (Key::Sign(line.sign), line.name.clone()))
        .collect();
    if let Some(first) = others.first() {
        entries.push((
            Key::Sign(first.sign),
            words::plural(others.len() as u64, "other"),
        ));
    }
    entries
}

struct Plot<'a>(&'a Plane);

impl Plot<'_> {
    fn x(&self, value: f64) -> f64 {
        LEFT + self.0.x.scale.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        BASE - self.0.y.scale.place(value) * (BASE - TOP)
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x(x), self.y(y))
    }

    fn axes(&self) -> Markup {
        let Plane {
            x: across, y: up, ..
        } = self.0;
        html! {
            @for &tick in &up.scale.ticks {
                @let y = px(self.y(tick));
                line.rule x1=(px(LEFT)) x2=(px(WIDTH - RIGHT)) y1=(y) y2=(y) {}
                text.tick x=(px(LEFT - 8.0)) y=(y) dy="0.32em" text-anchor="end" { ((up.write)(tick)) }
            }
            @for &tick in &across.scale.ticks {
                @let x = px(self.x(tick));
                line.notch x1=(x) x2=(x) y1=(px(BASE)) y2=(px(BASE + 4.0)) {}
                text.tick x=(x) y=(px(BASE + 19.0)) text-anchor="middle" { ((across.write)(tick)) }
            }
            text.tick x="0" y="11" { (up.title) }
            text.tick x=(px(WIDTH - RIGHT)) y=(px(HEIGHT - 6.0)) text-anchor="end" { (across.title) }
        }
    }

    fn reference(&self, reference: &Reference) -> Markup {
        let ((x1, y1), (x2, y2)) = (self.at(reference.from), self.at(reference.to));
        html! { line.chance x1=(px(x1)) x2=(px(x2)) y1=(px(y1)) y2=(px(y2)) {} }
    }

    /// Along the right end of the line, below it where there is room.
    fn reference_name(&self, reference: &Reference) -> Markup {
        let ((x1, y1), (x2, y2)) = (self.at(reference.from), self.at(reference.to));
        let turn = (y2 - y1).atan2(x2 - x1).to_degrees();
        let rise = if y2 < BASE - 24.0 { 15.0 } else { -6.0 };
        let along = format!("translate({} {}) rotate({})", px(x2), px(y2), px(turn));
        html! { text.halo x="-12" y=(px(rise)) text-anchor="end" transform=(along) { (reference.name) } }
    }

    /// Where a line's points lie; what is no number has no place.
    fn places(&self, line: &Line) -> Vec<(f64, f64)> {
        let known = line
            .points
            .iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite());
        known.map(|&point| self.at(point)).collect()
    }

    fn line(&self, line: &Line) -> Markup {
        let places = self.places(line);
        let corners: Vec<String> = places
            .iter()
            .map(|&(x, y)| format!("{} {}", px(x), px(y)))
            .collect();
        html! {
            g class={ "line " (line.sign.class()) } {
                @if !corners.is_empty() { path d={ "M" (corners.join("L")) } { title { (line.name) } } }
                @if places.len() <= MARKED {
                    @for (x, y) in places { circle.mark cx=(px(x)) cy=(px(y)) r="2.5" {} }
                }
            }
        }
    }

    /// The number of each line that has a style, where it is furthest from the others.
    fn badges(&self) -> Markup {
        let own = self.0.lines.iter().filter(|line| line.sign.is_own());
        let lines: Vec<Vec<(f64, f64)>> = own.clone().map(|line| self.places(line)).collect();
        html! {
            @for (line, place) in own.zip(room::on_lines(&lines)) {
                @if let Some((x, y)) = place { (line.sign.badge(x, y)) }
            }
        }
    }

    fn spots(&self) -> Markup {
        let spots: Vec<_> = self
            .0
            .spots
            .iter()
            .map(|spot| (self.at(spot.at), words::short(&spot.name, NAME_CHARS)))
            .collect();
        let frame = (0.0, TOP, WIDTH, BASE);
        html! {
            @for spot in &self.0.spots {
                @if let Some((low, high)) = spot.interval {
                    @let x = px(self.x(spot.at.0));
                    line class={ "interval " (spot.sign.class()) } x1=(x) x2=(x) y1=(px(self.y(low))) y2=(px(self.y(high))) {}
                }
            }
            @for (spot, name) in self.0.spots.iter().zip(room::for_names(&spots, frame)) {
                @let (x, y) = self.at(spot.at);
                (spot.sign.badge(x, y))
                text.name.halo x=(px(name.x)) y=(px(name.y)) dy="0.34em" text-anchor=(name.anchor) { (name.text) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> Line {
        let points = vec![(0.0, 0.0), (0.1 * number as f64, 0.8), (1.0, 1.0)];
        Line {
            sign: Sign(number),
            name: format!("line {number}"),
            points,
        }
    }

    fn picture(lines: Vec<Line>) -> Drawing {
        let (x, y) = (
            Axis::share("false alarms").unwrap(),
            Axis::share("recall").unwrap(),
        );
        plane(&Plane {
            label: "a picture".into(),
            x,
            y,
            reference: None,
            lines,
            spots: vec![],
        })
    }

    #[test]
    fn each_of_the_first_lines_has_its_number_and_the_rest_share_an_entry() {
        let drawing = picture((1..=10).map(line).collect());
        let (picture, legend) = (drawing.picture.into_string(), drawing.legend.into_string());
        assert_eq!(picture.matches("class=\"badge").count(), 8, "{picture}");
        assert!(
            legend.contains("line 8") && !legend.contains("line 9"),
            "{legend}"
        );
        assert!(legend.contains("2\u{a0}others"), "{legend}");
    }

    #[test]
    fn a_line_without_points_is_no_trouble() {
        let drawing = picture(vec![Line {
            sign: Sign(1),
            name: "empty".into(),
            points: vec![],
        }]);
        assert!(!drawing.picture.into_string().contains("badge"));
    }
}
