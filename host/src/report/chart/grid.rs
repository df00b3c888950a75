//! Who took part when: a row for each node, a cell for each round.

use maud::{Markup, html};

use super::scale::Scale;
use super::{WIDTH, px, svg};
use crate::report::words;

/// More columns than this are drawn as groups of rounds, shaded by the share that took part.
pub(in crate::report) const COLUMNS: usize = 80;
/// Room for the number of rounds taken part in.
const RIGHT: f64 = 42.0;
const FOOT: f64 = 38.0;
/// Of a name, and the room each one takes at the size that phones use.
const NAME_CHARS: usize = 16;
const CHAR_WIDTH: f64 = 7.4;

/// A node's part in one round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::report) enum Part {
    /// It was not expected.
    #[default]
    Absent,
    /// Its update is in the mean.
    Took,
    /// Its update is in the mean, and was behind.
    Stale,
    /// Its updates were refused, and none is in the mean.
    Refused,
    /// It was expected and did not answer.
    Missing,
}

impl Part {
    /// What it means.
    pub(in crate::report) fn words(self) -> &'static str {
        match self {
            Self::Absent => "not expected",
            Self::Took => "took part",
            Self::Stale => "took part, but was behind",
            Self::Refused => "update refused",
            Self::Missing => "did not answer",
        }
    }
}

/// A picture of who took part.
#[derive(Debug)]
pub(in crate::report) struct Grid {
    /// For screen readers.
    pub(in crate::report) label: String,
    /// The rounds, in order.
    pub(in crate::report) rounds: Vec<u64>,
    /// Nodes with a part in each round.
    pub(in crate::report) rows: Vec<(String, Vec<Part>)>,
}

/// The picture.
pub(in crate::report) fn grid(grid: &Grid) -> Markup {
    let layout = Layout::of(grid);
    let drawing = html! {
        @for (index, (name, parts)) in grid.rows.iter().enumerate() {
            @let y = layout.pitch * index as f64;
            @if index % layout.label_every == 0 { (layout.label(name, parts, y)) }
            @if layout.group_rounds == 1 {
                (layout.cells(grid, name, parts, y))
            } @else {
                (layout.groups(grid, name, parts, y))
            }
        }
        (layout.axis(grid))
    };
    svg(&grid.label, layout.height(grid), &drawing)
}

struct Layout {
    left: f64,
    pitch: f64,
    column: f64,
    /// Rounds in a column.
    group_rounds: usize,
    /// Rows so low that their names would touch share one.
    label_every: usize,
}

impl Layout {
    fn of(grid: &Grid) -> Self {
        let longest = grid
            .rows
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0)
            .min(NAME_CHARS);
        let (pitch, label_every) = match grid.rows.len() {
            0..=8 => (22.0, 1),
            9..=16 => (17.0, 1),
            _ => (8.0, 5),
        };
        let left = longest as f64 * CHAR_WIDTH + 10.0;
        let group_rounds = grid.rounds.len().div_ceil(COLUMNS).max(1);
        let columns = grid.rounds.len().div_ceil(group_rounds).max(1);
        Self {
            left,
            pitch,
            column: ((WIDTH - left - RIGHT) / columns as f64).min(pitch),
            group_rounds,
            label_every,
        }
    }

    fn height(&self, grid: &Grid) -> f64 {
        self.pitch * grid.rows.len() as f64 + FOOT
    }

    fn label(&self, name: &str, parts: &[Part], y: f64) -> Markup {
        let middle = y + self.pitch / 2.0;
        let took = parts
            .iter()
            .filter(|part| matches!(part, Part::Took | Part::Stale))
            .count();
        let end = self.left + self.column * parts.len().div_ceil(self.group_rounds) as f64;
        html! {
            text.name x=(px(self.left - 8.0)) y=(px(middle)) dy="0.32em" text-anchor="end" {
                (words::short(name, NAME_CHARS))
            }
            text.tick x=(px(end + 7.0)) y=(px(middle)) dy="0.32em" { (took) }
        }
    }

    fn cells(&self, grid: &Grid, name: &str, parts: &[Part], y: f64) -> Markup {
        let gap = if self.column > 5.0 { 1.5 } else { 0.5 };
        let height = self.pitch - if self.pitch > 10.0 { 4.0 } else { 1.5 };
        let cells = parts
            .iter()
            .zip(&grid.rounds)
            .enumerate()
            .filter(|(_, (part, _))| **part != Part::Absent);
        let (top, width) = (y + (self.pitch - height) / 2.0, self.column - gap);
        html! {
            @for (index, (part, round)) in cells {
                g {
                    title { (name) ", round " (round) ": " (part.words()) }
                    (glyph(*part, self.left + index as f64 * self.column, top, width, height))
                }
            }
        }
    }

    /// Neighbours that look alike become one rectangle: a thousand quiet rounds cost nothing.
    fn groups(&self, grid: &Grid, name: &str, parts: &[Part], y: f64) -> Markup {
        let shades: Vec<Option<u8>> = parts.chunks(self.group_rounds).map(shade).collect();
        let runs = shades.chunk_by(|a, b| a == b).scan(0, |end, run| {
            let start = *end;
            *end += run.len();
            Some((start, *end, run.first().copied().flatten()))
        });
        html! {
            @for (start, end, shade) in runs {
                @if let Some(quarters) = shade {
                    rect class={ "share q" (quarters) } x=(px(self.left + start as f64 * self.column)) y=(px(y + 0.75))
                        width=(px((end - start) as f64 * self.column)) height=(px(self.pitch - 1.5)) {
                        title { (name) ", " (self.rounds(grid, start, end)) ": " (shade_name(quarters)) }
                    }
                }
            }
        }
    }

    fn rounds(&self, grid: &Grid, start: usize, end: usize) -> String {
        let first = grid.rounds.get(start * self.group_rounds);
        let last = grid.rounds.get(
            (end * self.group_rounds)
                .min(grid.rounds.len())
                .saturating_sub(1),
        );
        first.zip(last).map_or_else(String::new, |(first, last)| {
            format!("rounds {first} to {last}")
        })
    }

    fn axis(&self, grid: &Grid) -> Markup {
        let y = self.height(grid) - FOOT;
        let width = self.column / self.group_rounds as f64;
        let last = grid.rounds.len().saturating_sub(1) as f64;
        // Ticks lie at cells, whose rounds need not be consecutive.
        let step = Scale::whole(
            1.0,
            last + 1.0,
            (width * (last + 1.0) / 56.0).ceil() as usize,
        );
        let at = step
            .ticks
            .iter()
            .filter_map(|tick| Some((tick - 1.0, grid.rounds.get((tick - 1.0) as usize)?)));
        html! {
            @for (index, round) in at {
                text.tick x=(px(self.left + (index + 0.5) * width)) y=(px(y + 16.0)) text-anchor="middle" { (round) }
            }
            text.tick x=(px(self.left + (last + 1.0) * width)) y=(px(y + 34.0)) text-anchor="end" { "round" }
        }
    }
}

/// The mark of a part. Marks differ in shape as well as in colour.
pub(super) fn glyph(part: Part, x: f64, y: f64, width: f64, height: f64) -> Markup {
    let middle = y + height / 2.0;
    match part {
        Part::Absent => html! {},
        Part::Took => {
            html! { rect.took x=(px(x)) y=(px(y)) width=(px(width)) height=(px(height)) {} }
        }
        Part::Stale => {
            html! { rect.stale x=(px(x)) y=(px(middle)) width=(px(width)) height=(px(height / 2.0)) {} }
        }
        Part::Missing => {
            html! { rect.missing x=(px(x)) y=(px(middle - 0.75)) width=(px(width)) height="1.5" {} }
        }
        Part::Refused => {
            let half = (width.min(height) / 2.0).min(4.0);
            let (left, top, side) = (
                px(x + width / 2.0 - half),
                px(middle - half),
                px(half * 2.0),
            );
            html! { path.refused d=(format!("M{left} {top}l{side} {side}m0-{side}l-{side} {side}")) {} }
        }
    }
}

/// The share that took part, in quarters, rounded so that only none is none and only all is all.
fn shade(parts: &[Part]) -> Option<u8> {
    let expected = parts.iter().filter(|part| **part != Part::Absent).count();
    let took = parts
        .iter()
        .filter(|part| matches!(part, Part::Took | Part::Stale))
        .count();
    match (took, expected) {
        (_, 0) => None,
        (0, _) => Some(0),
        _ if took == expected => Some(4),
        _ => Some(((took * 4 + expected / 2) / expected).clamp(1, 3) as u8),
    }
}

fn shade_name(quarters: u8) -> &'static str {
    match quarters {
        0 => "took part in none",
        1 => "took part in about a quarter",
        2 => "took part in about half",
        3 => "took part in about three quarters",
        _ => "took part in all",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_none_is_none_and_only_all_is_all() {
        let parts = |took: usize, of: usize| {
            [vec![Part::Took; took], vec![Part::Missing; of - took]].concat()
        };
        assert_eq!(shade(&[Part::Absent; 3]), None);
        assert_eq!(shade(&parts(0, 100)), Some(0));
        assert_eq!(shade(&parts(1, 100)), Some(1));
        assert_eq!(shade(&parts(99, 100)), Some(3));
        assert_eq!(shade(&parts(100, 100)), Some(4));
    }

    #[test]
    fn many_quiet_rounds_become_one_rectangle() {
        let rounds: Vec<u64> = (1..=1_000).collect();
        let quiet = Grid {
            label: String::new(),
            rounds,
            rows: vec![("n".into(), vec![Part::Took; 1_000])],
        };
        let drawing = grid(&quiet).into_string();
        assert_eq!(drawing.matches("<rect").count(), 1);
        assert!(
            drawing.contains("n, rounds 1 to 1000: took part in all"),
            "{drawing}"
        );
    }
}
