//! The effect of flagging each row of a series on the raw score.

use super::{probation, scaled_sigmoid};

/// The change of the raw score when the threshold reaches a row, before any weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effect {
    /// For an anomalous row: its reward, less the reward of the later row of its window that a
    /// higher threshold flags. For a normal row: its cost, between -1 and 0. 0 when nothing changes.
    pub value: f64,
    /// Whether every higher threshold misses its window.
    pub detects: bool,
}

/// Takes the rows of one series in time order, each with a value `T`, and returns them with their
/// effects.
///
/// Only the earliest flagged row of a window counts. As the threshold decreases, a row becomes the
/// earliest one only when no earlier row of the window scores as high; it then replaces the next
/// row with that property. So such a row is held until that next row, or the end of the window.
/// Other rows are returned at once.
#[derive(Clone, Debug)]
pub struct NabSeries<T> {
    probation: u64,
    /// The position of the next row in the series.
    row: u64,
    window: Option<Window>,
    previous: Option<Window>,
    held: Option<Held<T>>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    first: u64,
    rows: u64,
}

#[derive(Clone, Copy, Debug)]
struct Held<T> {
    row: T,
    score: f32,
    reward: f64,
}

impl<T> NabSeries<T> {
    /// A series of `rows` rows, of which the first `unscored` are not pushed: a detector was trained
    /// on them.
    #[must_use]
    pub fn new(rows: u64, unscored: u64) -> Self {
        Self {
            probation: probation(rows),
            row: unscored,
            window: None,
            previous: None,
            held: None,
        }
    }

    /// Adds the next row. `window_rows` is the length of its window, `None` for a normal row.
    pub fn push(
        &mut self,
        row: T,
        score: f32,
        window_rows: Option<u64>,
    ) -> impl Iterator<Item = (T, Effect)> + use<T> {
        let place = self.row;
        self.row += 1;
        let ready = match window_rows {
            Some(rows) => [self.stay_in_window(row, score, place, rows), None],
            None => [self.leave_window(), Some((row, self.cost(place)))],
        };
        ready.into_iter().flatten()
    }

    /// Ends the series and returns the held row, if any.
    pub fn end(mut self) -> Option<(T, Effect)> {
        self.leave_window()
    }

    fn stay_in_window(&mut self, row: T, score: f32, place: u64, rows: u64) -> Option<(T, Effect)> {
        let window = *self.window.get_or_insert(Window { first: place, rows });
        if place < self.probation || self.held.as_ref().is_some_and(|held| held.score >= score) {
            return Some((row, Effect::default()));
        }
        let reward = window.reward(place);
        let earlier = self.held.replace(Held { row, score, reward });
        earlier.map(|held| {
            (
                held.row,
                Effect {
                    value: held.reward - reward,
                    detects: false,
                },
            )
        })
    }

    fn leave_window(&mut self) -> Option<(T, Effect)> {
        self.previous = self.window.take().or(self.previous);
        self.held.take().map(|held| {
            (
                held.row,
                Effect {
                    value: held.reward,
                    detects: true,
                },
            )
        })
    }

    fn cost(&self, place: u64) -> Effect {
        let value = match self.previous {
            _ if place < self.probation => 0.0,
            Some(window) => window.cost(place),
            None => -1.0,
        };
        Effect {
            value,
            detects: false,
        }
    }
}

impl Window {
    /// The reward of a row in the window; 1 for the first.
    fn reward(self, place: u64) -> f64 {
        let rows_left = (self.first + self.rows).saturating_sub(place);
        scaled_sigmoid(-(rows_left as f64) / self.rows as f64) / scaled_sigmoid(-1.0)
    }

    /// The cost of a row after the window, as a negative number. A window of one row makes the
    /// quotient infinite.
    fn cost(self, place: u64) -> f64 {
        let rows_since = (place + 1).saturating_sub(self.first + self.rows);
        scaled_sigmoid(rows_since as f64 / self.rows.saturating_sub(1) as f64)
    }
}
