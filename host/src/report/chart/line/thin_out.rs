//! Fewer points, same picture.

use super::Points;

/// Keeps the least and the greatest value of each of `columns` groups, so that no peak is lost.
/// Gaps shorter than a group close.
pub(super) fn thin_out(points: &Points, columns: usize) -> Points {
    let group = points.len().div_ceil(columns.max(1));
    if group <= 2 {
        return points.clone();
    }
    points.chunks(group).flat_map(extremes).collect()
}

fn extremes(points: &[(u64, Option<f64>)]) -> Vec<(u64, Option<f64>)> {
    let values = || {
        points
            .iter()
            .filter_map(|&(round, value)| Some((round, value?)))
    };
    let by_value = |a: &(u64, f64), b: &(u64, f64)| a.1.total_cmp(&b.1);
    let (Some(least), Some(greatest)) = (values().min_by(by_value), values().max_by(by_value))
    else {
        return points.first().copied().into_iter().collect();
    };
    let mut kept = vec![least, greatest];
    kept.sort_by_key(|&(round, _)| round);
    kept.dedup();
    kept.into_iter()
        .map(|(round, value)| (round, Some(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_never_lost() {
        let mut points: Points = (0..10_000).map(|round| (round, Some(0.5))).collect();
        points[7_777].1 = Some(9.0);
        points[3_333].1 = Some(-9.0);
        let thin = thin_out(&points, 200);
        assert!(thin.len() <= 400, "{}", thin.len());
        assert!(thin.contains(&(7_777, Some(9.0))) && thin.contains(&(3_333, Some(-9.0))));
        assert!(thin.is_sorted_by_key(|&(round, _)| round));
    }

    #[test]
    fn a_long_gap_stays_a_gap() {
        let points: Points = (0..1_000)
            .map(|round| (round, (!(300..600).contains(&round)).then_some(1.0)))
            .collect();
        assert!(
            thin_out(&points, 100)
                .iter()
                .any(|&(round, value)| (300..600).contains(&round) && value.is_none())
        );
    }

    #[test]
    fn few_points_are_left_alone() {
        let points: Points = vec![(1, Some(1.0)), (2, None), (3, Some(2.0))];
        assert_eq!(thin_out(&points, 100), points);
    }
}
