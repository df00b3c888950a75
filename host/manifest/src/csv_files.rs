//! Divides the CSV files of a sensor into those to train on and those to evaluate on.

/// How many of `files` files are trained on when the share `hold_out` of them is set aside: the
/// nearest whole number of files, but at least one when there is a share at all.
pub(super) fn training_files(files: usize, hold_out: f64) -> usize {
    let least = usize::from(hold_out > 0.0);
    let held_out = ((files as f64 * hold_out).round() as usize).max(least);
    files.saturating_sub(held_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_set_aside_in_whole_files() {
        let cases = [
            (10, 0.3, 7),
            (8, 0.3, 6),
            (2, 0.3, 1),
            (7, 0.3, 5),
            (10, 0.9, 1),
            (3, 0.1, 2),
            (3, 0.0, 3),
            (1, 0.2, 0),
        ];
        for (files, hold_out, training) in cases {
            assert_eq!(
                training_files(files, hold_out),
                training,
                "{files} files, {hold_out} held out"
            );
        }
    }
}
