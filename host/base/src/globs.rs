//! Finds the files that a pattern of a manifest or of a command line means.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Returns the files that match any of `patterns` below `directory`, each once, sorted by path.
///
/// # Errors
/// The index of the first pattern that is invalid or matches nothing, and the reason.
pub fn find(directory: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, (usize, String)> {
    let mut files = BTreeSet::new();
    for (index, pattern) in patterns.iter().enumerate() {
        // A pattern that is the name of a file means that file: `run[1].csv` is a legal name.
        let named = directory.join(pattern);
        if named.is_file() {
            files.insert(named);
            continue;
        }
        // Brackets in the name of the directory are no pattern.
        let escaped = Path::new(&glob::Pattern::escape(&directory.to_string_lossy())).join(pattern);
        let found = glob::glob(&escaped.to_string_lossy())
            .map_err(|error| (index, format!("{pattern:?}: {error}")))?;
        let before = files.len();
        let found: Vec<PathBuf> = found
            .filter_map(Result::ok)
            .filter(|path| path.is_file())
            .collect();
        if found.is_empty() && files.len() == before {
            let place = if Path::new(pattern).is_absolute() {
                String::new()
            } else {
                shown(directory)
            };
            return Err((index, format!("no file matches {pattern:?}{place}")));
        }
        files.extend(found);
    }
    Ok(files.into_iter().collect())
}

fn shown(directory: &Path) -> String {
    if directory.as_os_str().is_empty() {
        " in the working directory".into()
    } else {
        format!(" in {}", directory.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_returned_once_and_sorted() {
        let directory = tempfile::Builder::new().prefix("run[1]").tempdir().unwrap();
        for name in ["b.csv", "a.csv", "c.txt"] {
            std::fs::write(directory.path().join(name), "x\n").unwrap();
        }
        let patterns = ["b.csv".to_owned(), "*.csv".to_owned()];
        let found = find(directory.path(), &patterns).unwrap();
        assert_eq!(
            found,
            [
                directory.path().join("a.csv"),
                directory.path().join("b.csv")
            ]
        );
        let (index, message) = find(directory.path(), &["a.csv".into(), "d*".into()]).unwrap_err();
        assert_eq!(index, 1);
        assert!(
            message.contains(&directory.path().display().to_string()),
            "{message}"
        );
    }

    #[test]
    fn a_file_name_that_looks_like_a_pattern_means_that_file() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["run[1].csv", "run1.csv"] {
            std::fs::write(directory.path().join(name), "x\n").unwrap();
        }
        let found = find(directory.path(), &["run[1].csv".to_owned()]).unwrap();
        assert_eq!(found, [directory.path().join("run[1].csv")]);
    }
}
