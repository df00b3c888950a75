//! What tests of readers share.

pub(super) mod arrays;
pub(super) mod parquet_file;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Block, DatasetError, Layout, open};

/// A folder of files that a test makes.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The error's text, with paths as they are below the folder.
    pub(super) fn text(&self, error: &DatasetError) -> String {
        error
            .to_string()
            .replace(&format!("{}/", self.path().display()), "")
    }
}

/// Label `anomaly`, and columns to ignore.
pub(super) fn layout(ignore: &[&str]) -> Layout {
    Layout {
        delimiter: None,
        label: "anomaly".into(),
        ignore: ignore.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// All rows of a file, as text that shows every bit that matters.
pub(super) fn rows(file: &Path, layout: &Layout) -> Result<Vec<String>, DatasetError> {
    let mut rows = open(file, layout)?;
    let width = rows.columns().len();
    let (mut block, mut found) = (Block::default(), vec![rows.columns().join(" ")]);
    // Fewer than any file here has, so that boundaries between blocks count.
    while rows.read(3, &mut block)? > 0 {
        assert_eq!(block.values.len(), block.labels.len() * width);
        for (values, label) in block.values.chunks(width).zip(&block.labels) {
            found.push(format!("{values:?} {}", u8::from(*label)));
        }
    }
    assert_eq!(rows.read(3, &mut block)?, 0, "the end is the end");
    Ok(found)
}

/// What is wrong with a file of that name and content.
pub(super) fn refusal(name: &str, content: impl AsRef<[u8]>, layout: &Layout) -> String {
    let folder = Folder::new();
    let file = folder.write(name, content);
    folder.text(&rows(&file, layout).unwrap_err())
}
