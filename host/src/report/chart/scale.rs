//! From values to places along an axis, with ticks at round numbers.

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    log: bool,
    low: f64,
    high: f64,
    /// Where to write a value, in order.
    pub(super) ticks: Vec<f64>,
    /// Digits after the point with which all ticks differ.
    pub(super) decimals: usize,
}

impl Scale {
    /// An axis of round numbers around all finite `values`, with about `ticks` ticks; from zero
    /// when that costs little resolution. `None` without values.
    pub(super) fn linear(values: impl Iterator<Item = f64>, ticks: usize) -> Option<Self> {
        let (mut low, mut high) = range(values)?;
        if high - low <= low.abs().max(1e-200) * 1e-12 {
            let margin = if low.abs() < 1e-200 {
                0.5
            } else {
                low.abs() * 0.1
            };
            (low, high) = (low - margin, high + margin);
        } else if low > 0.0 && low < 0.35 * high {
            low = 0.0;
        }
        let step = nice_step((high - low) / ticks.max(1) as f64);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
        Some(Self {
            log: false,
            low,
            high,
            ticks: steps(low, high, step),
            decimals,
        })
    }

    /// A logarithmic axis around all positive `values`, ticked at powers of ten, and at twice and
    /// five times these when the values are close together. `None` without such values.
    pub(super) fn logarithmic(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (least, greatest) = range(values.filter(|&value| value > 0.0).map(f64::log10))?;
        let (first, last) = (least.floor(), greatest.floor() + 1.0);
        // Ticks at every decade would collide on a span that only broken data reaches.
        let every = ((last - first) / 6.0).ceil().max(1.0);
        let between: &[f64] = if greatest - least < 1.5 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let mut ticks: Vec<f64> = steps(first, last + every - 1.0, every)
            .into_iter()
            .flat_map(|exponent| between.iter().map(move |factor| exponent + factor.log10()))
            .collect();
        let low = ticks
            .iter()
            .copied()
            .filter(|&tick| tick <= least + 1e-9)
            .fold(first, f64::max);
        let high = ticks
            .iter()
            .copied()
            .filter(|&tick| tick >= greatest - 1e-9 && tick > low)
            .fold(last + every, f64::min);
        ticks.retain(|tick| (low..=high).contains(tick));
        let ticks = ticks
            .into_iter()
            .map(|exponent| 10_f64.powf(exponent))
            .filter(|tick| tick.is_finite())
            .collect();
        Some(Self {
            log: true,
            low,
            high,
            ticks,
            decimals: 0,
        })
    }

    /// An axis of whole numbers from `first` to `last`, ticked within them.
    pub(super) fn whole(first: f64, last: f64, ticks: usize) -> Self {
        let step = nice_step((last - first) / ticks.max(1) as f64).max(1.0);
        let inside = steps((first / step).ceil() * step, last, step);
        let (low, high) = if first < last {
            (first, last)
        } else {
            (first - 1.0, last + 1.0)
        };
        Self {
            log: false,
            low,
            high,
            ticks: inside,
            decimals: 0,
        }
    }

    /// Keeps the axis, and its ticks, at or below `limit`.
    pub(super) fn at_most(mut self, limit: f64) -> Self {
        self.high = self.high.min(limit).max(self.low + f64::EPSILON);
        let high = self.high;
        self.ticks.retain(|&tick| tick <= high + 1e-9);
        self
    }

    /// 0 at the low end, 1 at the high end, clamped between them.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.log {
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        };
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// The least and the greatest finite value, leaving out those whose difference could overflow.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|value| value.abs() <= f64::MAX / 8.0)
        .fold(None, |range, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        })
}

/// 1, 2 or 5 times a power of ten, not much less than `rough`.
fn nice_step(rough: f64) -> f64 {
    if !(rough.is_finite() && rough > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(rough.log10().floor());
    let nice = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|nice| nice * power >= rough * 0.75)
        .unwrap_or(10.0);
    nice * power
}

fn steps(low: f64, high: f64, step: f64) -> Vec<f64> {
    let count = ((high - low) / step + 1e-6).floor().clamp(-1.0, 50.0) as i64;
    (0..=count).map(|index| low + index as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round_numbers_around_the_values() {
        let scale = Scale::linear([0.612, 0.934, f64::NAN].into_iter(), 4).unwrap();
        assert_eq!(
            scale
                .ticks
                .iter()
                .map(|tick| format!("{tick:.1}"))
                .collect::<Vec<_>>(),
            ["0.6", "0.7", "0.8", "0.9", "1.0"]
        );
        assert_eq!(scale.decimals, 1);
        assert!((scale.place(0.8) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_single_value_has_room_around_it() {
        for value in [0.0, 0.5, -3.0, 1e9] {
            assert!(
                (Scale::linear([value].into_iter(), 4).unwrap().place(value) - 0.5).abs() < 0.35
            );
        }
        assert!((Scale::whole(1.0, 1.0, 6).place(1.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn decades_get_equal_room() {
        let scale = Scale::logarithmic([0.0, 0.1, 100.0].into_iter()).unwrap();
        assert_eq!(scale.ticks, [0.1, 1.0, 10.0, 100.0]);
        assert!((scale.place(1.0) - 1.0 / 3.0).abs() < 1e-9);

        let near = Scale::logarithmic([210.0, 900.0].into_iter()).unwrap();
        assert_eq!(
            near.ticks
                .iter()
                .map(|tick| tick.round())
                .collect::<Vec<_>>(),
            [200.0, 500.0, 1000.0]
        );
    }

    #[test]
    fn no_values_no_axis() {
        assert_eq!(
            Scale::linear([f64::NAN, f64::INFINITY].into_iter(), 4),
            None
        );
        assert_eq!(Scale::logarithmic([0.0, -1.0].into_iter()), None);
    }

    proptest! {
        #[test]
        fn every_value_has_a_place_and_few_ticks(values in proptest::collection::vec(-1e12..1e12_f64, 1..20)) {
            let scale = Scale::linear(values.iter().copied(), 4).unwrap();
            prop_assert!((2..=9).contains(&scale.ticks.len()), "{:?}", scale);
            for value in values {
                prop_assert!((0.0..=1.0).contains(&scale.place(value)));
            }
        }

        #[test]
        fn whatever_the_values_places_are_numbers(values in proptest::collection::vec(any::<f64>(), 1..10)) {
            let scales = [Scale::linear(values.iter().copied(), 4), Scale::logarithmic(values.iter().copied())];
            for scale in scales.into_iter().flatten() {
                prop_assert!(scale.ticks.len() <= 51 && scale.ticks.iter().all(|tick| tick.is_finite()), "{:?}", scale);
                for &value in values.iter().filter(|value| value.is_finite()) {
                    prop_assert!((0.0..=1.0).contains(&scale.place(value)), "{:?} {}", scale, value);
                }
            }
        }

        #[test]
        fn a_logarithmic_axis_holds_all_values_between_few_ticks(
            exponents in proptest::collection::vec(-300.0..300.0_f64, 1..20),
        ) {
            let values: Vec<f64> = exponents.into_iter().map(|exponent| 10_f64.powf(exponent)).collect();
            let scale = Scale::logarithmic(values.iter().copied()).unwrap();
            prop_assert!((2..=9).contains(&scale.ticks.len()), "{:?}", scale);
            for value in values {
                prop_assert!(scale.low - 1e-9 <= value.log10() && value.log10() <= scale.high + 1e-9, "{:?}", scale);
            }
        }

        #[test]
        fn ticks_of_rounds_lie_within_them(first in 0_u32..5_000, length in 0_u32..5_000) {
            let (first, last) = (f64::from(first), f64::from(first + length));
            let scale = Scale::whole(first, last, 6);
            prop_assert!((1..=12).contains(&scale.ticks.len()), "{:?}", scale);
            prop_assert!(scale.ticks.iter().all(|&tick| (first..=last).contains(&tick)), "{:?}", scale);
        }
    }
}
