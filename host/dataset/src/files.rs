//! The files of a corpus, and what to call them.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use fedhost_domain::model::Sha256Hex;

use super::error::DatasetError;
use fedhost_base::globs;

/// What the rows of a file are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileUse {
    /// A protocol decides.
    Any,
    /// To train on; its rows may have no labels.
    Training,
    /// To score, all of them.
    Scoring,
}

/// One file of a corpus.
#[derive(Clone, Debug, PartialEq)]
pub struct FileInfo {
    /// As it was found: below the working directory, or absolute if its pattern is.
    pub path: PathBuf,
    /// The end of the path, long enough that it differs for all files: `valve1/0.csv`.
    pub name: String,
    /// The directory that holds it, as in `path`; empty for the working directory.
    pub folder: PathBuf,
    /// The number of its first row among the rows of all files.
    pub first_row: u64,
    /// How many rows it has; at least one.
    pub rows: u64,
    /// How many of them are anomalous.
    pub anomalous: u64,
    /// How many of them have no label.
    pub unlabelled: u64,
    /// What its rows are for.
    pub file_use: FileUse,
    /// Its length.
    pub bytes: u64,
    /// The digest of its bytes, as `sha256sum` prints it.
    pub sha256: Sha256Hex,
}

impl FileInfo {
    /// The numbers of its rows among those of all files.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.first_row..self.first_row + self.rows
    }
}

/// The files that match any of `patterns`, in the order of their paths. One that has several paths
/// comes once.
pub(super) fn find(patterns: &[String]) -> Result<Vec<PathBuf>, DatasetError> {
    if patterns.is_empty() {
        return Err(DatasetError::Pattern {
            reason: "no file is named".to_owned(),
        });
    }
    let found = globs::find(Path::new(""), patterns)
        .map_err(|(_, reason)| DatasetError::Pattern { reason })?;
    let mut known = HashSet::new();
    // One that cannot be resolved is kept: opening it says why.
    let is_new = |path: &PathBuf| path.canonicalize().map_or(true, |real| known.insert(real));
    Ok(found.into_iter().filter(is_new).collect())
}

/// The shortest names by which all `paths` differ: as many components from the end as that takes, the
/// same for all.
pub(super) fn names(paths: &[PathBuf]) -> Vec<String> {
    let deepest = paths
        .iter()
        .map(|path| path.components().count())
        .max()
        .unwrap_or_default();
    let named = (1..=deepest).map(|depth| {
        paths
            .iter()
            .map(|path| end(path, depth))
            .collect::<Vec<_>>()
    });
    let mut distinct =
        named.filter(|names| names.iter().collect::<HashSet<_>>().len() == names.len());
    distinct.next().unwrap_or_else(|| {
        paths
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    })
}

fn end(path: &Path, depth: usize) -> String {
    let parts: Vec<_> = path
        .components()
        .filter(|component| !matches!(component, Component::RootDir | Component::CurDir))
        .map(|component| component.as_os_str().to_string_lossy())
        .collect();
    parts
        .get(parts.len().saturating_sub(depth)..)
        .unwrap_or_default()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_short_as_tells_files_apart() {
        let cases: [(&[&str], &[&str]); 5] = [
            (&["/data/skab/valve1/0.csv"], &["0.csv"]),
            (
                &["/data/valve1/0.csv", "/data/valve1/1.csv"],
                &["0.csv", "1.csv"],
            ),
            (
                &["data/valve1/0.csv", "data/valve2/0.csv", "data/other/9.csv"],
                &["valve1/0.csv", "valve2/0.csv", "other/9.csv"],
            ),
            (&["0.csv", "a/0.csv"], &["0.csv", "a/0.csv"]),
            (&["x/0.csv", "/x/0.csv"], &["x/0.csv", "/x/0.csv"]),
        ];
        for (paths, expected) in cases {
            let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
            assert_eq!(names(&paths), expected);
        }
    }

    #[test]
    fn a_file_with_two_paths_comes_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.csv");
        std::fs::write(&file, "x\n").unwrap();
        std::os::unix::fs::symlink(&file, directory.path().join("b.csv")).unwrap();
        assert_eq!(
            find(&[directory.path().join("*.csv").display().to_string()]).unwrap(),
            [file]
        );
    }

    #[test]
    fn a_pattern_without_files_is_an_error() {
        let error = find(&["nowhere/*.csv".to_owned()]).unwrap_err();
        let error = fedhost_base::hint::explain(&error);
        assert_eq!(
            error,
            "no file matches \"nowhere/*.csv\" in the working directory\n\
             hint: name files, or patterns such as \"runs/*.csv\"; ** stands for any folders"
        );
    }
}
