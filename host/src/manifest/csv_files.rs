//! Finds the CSV files of a sensor, and divides them into those to train on and those to evaluate on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files that match any of `patterns` below `directory`, each once, in the order of their paths.
///
/// # Errors
/// The index of the first pattern that is not legal or matches nothing, and what is wrong with it.
pub(super) fn find(directory: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, (usize, String)> {
    let mut files = BTreeSet::new();
    for (index, pattern) in patterns.iter().enumerate() {
        // Only the pattern is one: a bracket in a directory's name is a bracket.
        let escaped = Path::new(&glob::Pattern::escape(&directory.to_string_lossy())).join(pattern);
        let found = glob::glob(&escaped.to_string_lossy()).map_err(|error| (index, format!("{pattern:?}: {error}")))?;
        let before = files.len();
        let found: Vec<PathBuf> = found.filter_map(Result::ok).filter(|path| path.is_file()).collect();
        if found.is_empty() && files.len() == before {
            return Err((index, format!("no file matches {pattern:?} in {}", shown(directory))));
        }
        files.extend(found);
    }
    Ok(files.into_iter().collect())
}

fn shown(directory: &Path) -> String {
    if directory.as_os_str().is_empty() { "the working directory".into() } else { directory.display().to_string() }
}

/// How many of `files` files are trained on when the share `hold_out` of them is set aside: the nearest whole number of
/// files, but at least one when there is a share at all.
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
        let cases =
            [(10, 0.3, 7), (8, 0.3, 6), (2, 0.3, 1), (7, 0.3, 5), (10, 0.9, 1), (3, 0.1, 2), (3, 0.0, 3), (1, 0.2, 0)];
        for (files, hold_out, training) in cases {
            assert_eq!(training_files(files, hold_out), training, "{files} files, {hold_out} held out");
        }
    }

    #[test]
    fn files_come_once_and_in_order() {
        let directory = tempfile::Builder::new().prefix("run[1]").tempdir().unwrap();
        for name in ["b.csv", "a.csv", "c.txt"] {
            std::fs::write(directory.path().join(name), "x\n").unwrap();
        }
        let patterns = ["b.csv".to_owned(), "*.csv".to_owned()];
        let found = find(directory.path(), &patterns).unwrap();
        assert_eq!(found, [directory.path().join("a.csv"), directory.path().join("b.csv")]);
        let (index, message) = find(directory.path(), &["a.csv".into(), "d*".into()]).unwrap_err();
        assert_eq!(index, 1);
        assert!(message.contains(&directory.path().display().to_string()), "{message}");
    }
}
