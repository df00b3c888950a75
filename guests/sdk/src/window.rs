//! A sliding window over the last numbers of a stream, with exact quantiles.

use std::collections::VecDeque;

use crate::{Error, Result};

/// A sliding window over one column.
///
/// ```
/// use fedhost_guest::Window;
///
/// let mut window = Window::new(3);
/// [9.0, 1.0, 5.0, 2.0].into_iter().for_each(|value| window.push(value));
/// assert_eq!(window.sorted(), [1.0, 2.0, 5.0]);
/// assert_eq!((window.median(), window.quantile(0.25)), (Some(2.0), Some(1.5)));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    capacity: usize,
    /// Oldest first.
    arrived: VecDeque<f32>,
    sorted: Vec<f32>,
}

impl Window {
    /// An empty window of `capacity` numbers, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            arrived: VecDeque::new(),
            sorted: Vec::new(),
        }
    }

    /// Takes in one number, in place of the oldest when the window is full; one that is not finite
    /// is left out.
    pub fn push(&mut self, value: f32) {
        if !value.is_finite() {
            return;
        }
        if self.is_full()
            && let Some(oldest) = self.arrived.pop_front()
        {
            self.sorted.remove(self.place(oldest));
        }
        self.arrived.push_back(value);
        self.sorted.insert(self.place(value), value);
    }

    /// Numbers in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Whether the next number takes the place of the oldest.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.sorted.len() >= self.capacity
    }

    /// The numbers, oldest first.
    pub fn arrived(&self) -> impl ExactSizeIterator<Item = f32> + DoubleEndedIterator {
        self.arrived.iter().copied()
    }

    /// The numbers, smallest first.
    #[must_use]
    pub fn sorted(&self) -> &[f32] {
        &self.sorted
    }

    /// The number that the share `share` of the window is not above, between two of them in
    /// proportion; `None` of an empty window.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        let place = share.clamp(0.0, 1.0) * last as f64;
        let low = f64::from(*self.sorted.get(place as usize)?);
        let high = f64::from(*self.sorted.get((place as usize + 1).min(last))?);
        Some(low + (high - low) * place.fract())
    }

    /// The middle; `None` of an empty window.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// The median distance of the numbers from `centre`; 0 of an empty window.
    #[must_use]
    pub fn median_distance(&self, centre: f64) -> f64 {
        let split = self
            .sorted
            .partition_point(|&value| f64::from(value) < centre);
        let (below, above) = self.sorted.split_at(split);
        let sides = Sides {
            below,
            above,
            centre,
        };
        let Some(last) = self.sorted.len().checked_sub(1) else {
            return 0.0;
        };
        let (low, high) = sides.ranked(last / 2);
        if last % 2 == 0 {
            low
        } else {
            (low + high) / 2.0
        }
    }

    /// The mean distance of the numbers from `centre`; 0 of an empty window.
    #[must_use]
    pub fn mean_distance(&self, centre: f64) -> f64 {
        let sum: f64 = self
            .sorted
            .iter()
            .map(|&value| (f64::from(value) - centre).abs())
            .sum();
        sum / self.sorted.len().max(1) as f64
    }

    /// Where a number is, or would be, in the order.
    fn place(&self, value: f32) -> usize {
        self.sorted
            .partition_point(|other| other.total_cmp(&value).is_lt())
    }
}

/// Numbers on both sides of a centre: their distances from it ascend on either side, going away
/// from it.
struct Sides<'a> {
    below: &'a [f32],
    above: &'a [f32],
    centre: f64,
}

impl Sides<'_> {
    /// The distances at rank `rank` and the next rank, in ascending order; infinite beyond the last.
    fn ranked(&self, rank: usize) -> (f64, f64) {
        // Bisection for how many of the nearest numbers are below the centre: there are more while
        // the nearest remaining number below is nearer than the farthest one taken above.
        let (mut least, mut most) = (
            (rank + 1).saturating_sub(self.above.len()),
            self.below.len().min(rank + 1),
        );
        while least < most {
            let middle = least.midpoint(most);
            if self.above(rank - middle) > self.below(middle) {
                least = middle + 1;
            } else {
                most = middle;
            }
        }
        let (below, above) = (least, rank + 1 - least);
        let farthest = |taken: usize, distance: fn(&Self, usize) -> f64| {
            taken.checked_sub(1).map_or(0.0, |at| distance(self, at))
        };
        let low = farthest(below, Self::below).max(farthest(above, Self::above));
        (low, self.below(below).min(self.above(above)))
    }

    fn below(&self, place: usize) -> f64 {
        let number = self
            .below
            .len()
            .checked_sub(place + 1)
            .and_then(|place| self.below.get(place));
        number.map_or(f64::INFINITY, |&number| self.centre - f64::from(number))
    }

    fn above(&self, place: usize) -> f64 {
        self.above
            .get(place)
            .map_or(f64::INFINITY, |&number| f64::from(number) - self.centre)
    }
}

/// Several columns' windows as two lists for [`Weights`](crate::Weights): how full they are,
/// `[columns]` for [`with_u64`](crate::Weights::with_u64), and their numbers, `[columns,
/// capacity]`, oldest first and then zeros.
#[must_use]
pub fn flatten(columns: &[Window]) -> (Vec<u64>, Vec<f32>) {
    let padded = |column: &Window| {
        let zeros = column.capacity - column.len();
        column
            .arrived()
            .collect::<Vec<_>>()
            .into_iter()
            .chain(std::iter::repeat_n(0.0, zeros))
    };
    (
        columns.iter().map(|column| column.len() as u64).collect(),
        columns.iter().flat_map(padded).collect(),
    )
}

/// The windows of several columns out of two lists that [`flatten`] made.
///
/// # Errors
/// [`Error::InvalidState`] for a window that is fuller than it can be.
pub fn unflatten(lengths: &[u64], values: &[f32], capacity: usize) -> Result<Vec<Window>> {
    let column = |(&length, values): (&u64, &[f32])| {
        let filled = usize::try_from(length)
            .ok()
            .and_then(|length| values.get(..length));
        let filled = filled.ok_or_else(|| {
            Error::InvalidState(format!("a window of {capacity} has {length} values"))
        })?;
        let mut window = Window::new(capacity);
        window.arrived.extend(filled);
        window.sorted.extend(filled);
        window.sorted.sort_by(f32::total_cmp);
        Ok(window)
    };
    lengths
        .iter()
        .zip(values.chunks_exact(capacity.max(1)))
        .map(column)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn over(values: &[f32], capacity: usize) -> Window {
        let mut window = Window::new(capacity);
        values.iter().for_each(|&value| window.push(value));
        window
    }

    fn median_of(mut values: Vec<f64>) -> f64 {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 {
            values[middle]
        } else {
            (values[middle - 1] + values[middle]) / 2.0
        }
    }

    fn stream() -> impl Strategy<Value = Vec<f32>> {
        proptest::collection::vec(
            prop_oneof![4 => -9_f32..9.0, 1 => Just(0.0), 1 => Just(-0.0), 1 => Just(2.0)],
            1..60,
        )
    }

    proptest! {
        #[test]
        fn medians_are_those_of_the_last_numbers(values in stream(), capacity in 1_usize..20) {
            let window = over(&values, capacity);
            let last: Vec<f64> = values.iter().rev().take(capacity).map(|&value| f64::from(value)).collect();
            let median = median_of(last.clone());
            prop_assert!((window.median().unwrap() - median).abs() < 1e-12);
            let distances: Vec<f64> = last.iter().map(|value| (value - median).abs()).collect();
            prop_assert!((window.median_distance(median) - median_of(distances.clone())).abs() < 1e-12);
            let mean = distances.iter().sum::<f64>() / distances.len() as f64;
            prop_assert!((window.mean_distance(median) - mean).abs() < 1e-9);
        }

        #[test]
        fn windows_come_back_from_their_lists(values in stream(), capacity in 1_usize..20) {
            let columns = [over(&values, capacity), Window::new(capacity)];
            let (lengths, flat) = flatten(&columns);
            prop_assert_eq!(flat.len(), 2 * capacity);
            prop_assert_eq!(unflatten(&lengths, &flat, capacity).unwrap(), columns);
        }
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        assert_eq!(
            over(&[1.0, f32::NAN, f32::INFINITY, 3.0], 2).sorted(),
            [1.0, 3.0]
        );
    }

    #[test]
    fn an_empty_window_has_no_middle() {
        let window = Window::new(0);
        assert_eq!(
            (
                window.median(),
                window.median_distance(1.0),
                window.mean_distance(1.0)
            ),
            (None, 0.0, 0.0)
        );
        assert!(window.is_empty() && !window.is_full());
    }

    #[test]
    fn a_window_fuller_than_it_can_be_is_refused() {
        assert!(unflatten(&[3], &[0.0; 2], 2).is_err());
    }
}
