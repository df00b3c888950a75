//! How much of what makes scores differ is explained by something else than the rows.

/// The share of the variance of ranks that lies between groups of equal size, corrected for what
/// chance puts there (omega squared, Hays 1963): about 0 when groups do not matter, 1 when nothing
/// else does.
///
/// Ranks rather than scores, so that a few huge scores do not hide the rest; tied scores share
/// their mean rank.
pub(super) fn share_of_groups(groups: &[Vec<f32>]) -> f64 {
    let ranks = ranks(groups);
    let count: f64 = groups.iter().map(|group| group.len() as f64).sum();
    let between_freedom = groups.len() as f64 - 1.0;
    let within_freedom = count - groups.len() as f64;
    let grand = mean(ranks.iter().flatten());
    let total: f64 = ranks
        .iter()
        .flatten()
        .map(|rank| (rank - grand).powi(2))
        .sum();
    let within: f64 = ranks
        .iter()
        .map(|group| {
            let centre = mean(group.iter());
            group
                .iter()
                .map(|rank| (rank - centre).powi(2))
                .sum::<f64>()
        })
        .sum();
    if total <= 0.0 || between_freedom <= 0.0 || within_freedom <= 0.0 {
        return 0.0;
    }
    let noise = within / within_freedom;
    ((total - within - between_freedom * noise) / (total + noise)).max(0.0)
}

/// Pearson's; 0 when either does not vary.
pub(super) fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let (left_mean, right_mean) = (mean(left.iter()), mean(right.iter()));
    let moments =
        left.iter()
            .zip(right)
            .fold([0.0; 3], |[both, of_left, of_right], (left, right)| {
                let (left, right) = (left - left_mean, right - right_mean);
                [
                    both + left * right,
                    of_left + left * left,
                    of_right + right * right,
                ]
            });
    let [both, of_left, of_right] = moments;
    let scale = (of_left * of_right).sqrt();
    if scale > 0.0 { both / scale } else { 0.0 }
}

fn mean<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

fn ranks(groups: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let mut sorted: Vec<f32> = groups.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let rank = |score: &f32| {
        let below = sorted.partition_point(|other| other < score);
        let up_to = sorted.partition_point(|other| other <= score);
        (below + up_to) as f64 / 2.0
    };
    groups
        .iter()
        .map(|group| group.iter().map(rank).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked by hand: ranks 0.5 and 1.5 against 2.5 and 3.5 have squares of 5 in all, 1 within,
    /// noise 0.5 a freedom.
    #[test]
    fn the_share_between_two_groups_is_as_worked_by_hand() {
        let share = share_of_groups(&[vec![1.0, 2.0], vec![30.0, 4_000.0]]);
        assert!(
            (share - (5.0 - 1.0 - 0.5) / (5.0 + 0.5)).abs() < 1e-12,
            "{share}"
        );
    }

    #[test]
    fn groups_that_are_alike_explain_nothing_and_groups_of_equals_explain_all() {
        assert_eq!(
            share_of_groups(&[vec![1.0, 2.0, 3.0], vec![3.0, 1.0, 2.0]]),
            0.0
        );
        assert!(share_of_groups(&[vec![1.0, 1.0], vec![2.0, 2.0], vec![3.0, 3.0]]) > 0.99);
        for nothing in [&[][..], &[vec![1.0]], &[vec![1.0, 1.0], vec![1.0, 1.0]]] {
            assert_eq!(share_of_groups(nothing), 0.0);
        }
    }

    #[test]
    fn what_goes_along_correlates() {
        assert!((correlation(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]) - 1.0).abs() < 1e-12);
        assert!((correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&[1.0, 1.0], &[0.0, 1.0]), 0.0);
    }
}
