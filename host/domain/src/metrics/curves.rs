//! ROC and precision-recall curves, reduced to few points.
//!
//! The points are for drawing: the drawn curve looks like the full one. No area is computed from
//! them.

use serde::Serialize;

use super::confusion::Confusion;

/// Parts that a curve is divided into; each part keeps about two points.
const PARTS: f64 = 240.0;

/// A point of a curve; serialised as `[x, y]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(into = "[f64; 2]")]
pub struct Point {
    /// The horizontal coordinate.
    pub x: f64,
    /// The vertical coordinate.
    pub y: f64,
}

impl From<Point> for [f64; 2] {
    fn from(point: Point) -> Self {
        [point.x, point.y]
    }
}

/// Both curves, each of at most about 500 points, from the highest threshold to the lowest.
///
/// The points are exact. Points that are left out are at most 1/240 away from the drawn ROC curve,
/// and between the lowest and the highest precision of their 1/240 of recall.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curves {
    /// `x` is the false alarm rate, `y` the recall; from (0, 0) to (1, 1).
    pub roc: Vec<Point>,
    /// `x` is the recall, `y` the precision; from the highest score, without the point (0, 1) that
    /// scikit-learn adds.
    pub precision_recall: Vec<Point>,
}

/// Builds the curves while the threshold decreases.
#[derive(Clone, Debug, Default)]
pub(super) struct CurveBuilder {
    roc: Roc,
    precision_recall: PrecisionRecall,
}

impl CurveBuilder {
    /// Adds the outcome of the next lower threshold.
    pub(super) fn add(&mut self, outcome: &Confusion) {
        self.roc.add(Point {
            x: outcome.far(),
            y: outcome.recall(),
        });
        self.precision_recall.add(Point {
            x: outcome.recall(),
            y: outcome.precision(),
        });
    }

    pub(super) fn finish(self) -> Curves {
        Curves {
            roc: self.roc.finish(),
            precision_recall: self.precision_recall.finish(),
        }
    }
}

/// Keeps one point per step of a given length along a curve that only rises to the right.
#[derive(Clone, Debug)]
struct Roc {
    kept: Vec<Point>,
    newest: Option<Point>,
}

impl Default for Roc {
    fn default() -> Self {
        Self {
            kept: vec![Point { x: 0.0, y: 0.0 }],
            newest: None,
        }
    }
}

impl Roc {
    fn add(&mut self, point: Point) {
        let step = self
            .kept
            .last()
            .map_or(f64::INFINITY, |last| point.x - last.x + point.y - last.y);
        self.newest = (step < 1.0 / PARTS).then_some(point);
        if self.newest.is_none() {
            self.kept.push(point);
        }
    }

    fn finish(mut self) -> Vec<Point> {
        self.kept.extend(self.newest);
        self.kept
    }
}

/// Keeps the lowest and the highest point of each part of the recall, and both ends.
#[derive(Clone, Debug, Default)]
struct PrecisionRecall {
    kept: Vec<Point>,
    part: Option<Part>,
    newest: Option<Point>,
}

/// The extreme points of one part of the recall, each with its position in the part.
#[derive(Clone, Copy, Debug)]
struct Part {
    number: u64,
    points: u64,
    lowest: (u64, Point),
    highest: (u64, Point),
}

impl PrecisionRecall {
    fn add(&mut self, point: Point) {
        if self.newest.replace(point).is_none() {
            self.kept.push(point);
        }
        let number = (point.x * PARTS) as u64;
        match &mut self.part {
            Some(part) if part.number == number => part.add(point),
            _ => {
                self.close();
                self.part = Some(Part {
                    number,
                    points: 1,
                    lowest: (0, point),
                    highest: (0, point),
                });
            }
        }
    }

    fn close(&mut self) {
        for point in self.part.take().into_iter().flat_map(Part::kept) {
            self.keep(point);
        }
    }

    fn keep(&mut self, point: Point) {
        if self.kept.last() != Some(&point) {
            self.kept.push(point);
        }
    }

    fn finish(mut self) -> Vec<Point> {
        self.close();
        if let Some(newest) = self.newest {
            self.keep(newest);
        }
        self.kept
    }
}

impl Part {
    fn add(&mut self, point: Point) {
        let place = (self.points, point);
        self.points += 1;
        if point.y < self.lowest.1.y {
            self.lowest = place;
        }
        if point.y > self.highest.1.y {
            self.highest = place;
        }
    }

    /// The two points, in order of arrival.
    fn kept(self) -> [Point; 2] {
        let (first, second) = if self.lowest.0 < self.highest.0 {
            (self.lowest, self.highest)
        } else {
            (self.highest, self.lowest)
        };
        [first.1, second.1]
    }
}

#[cfg(test)]
mod tests;
