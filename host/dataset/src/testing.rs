//! What tests of readers share.

pub(super) mod arrays;
pub(super) mod parquet_file;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::columns::{LabelNeed, Wanted};
use super::{Block, DatasetError, ReadOptions, format};

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
        fedhost_base::hint::explain(error).replace(&format!("{}/", self.path().display()), "")
    }
}

/// A gzip file.
pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Label `anomaly`, and columns to ignore.
pub(super) fn options(ignore: &[&str]) -> ReadOptions {
    ReadOptions {
        label: Some("anomaly".into()),
        ignore: ignore.iter().map(|&name| name.to_owned()).collect(),
        ..ReadOptions::default()
    }
}

/// All rows of a file that have to have labels, as text that shows every bit that matters.
pub(super) fn rows(file: &Path, options: &ReadOptions) -> Result<Vec<String>, DatasetError> {
    let wanted = Wanted {
        options,
        labels: LabelNeed::Required,
        like: None,
        scratch: &std::env::temp_dir(),
    };
    let mut rows = format::open(file, &wanted)?;
    let width = rows.columns().len();
    let (mut block, mut found) = (Block::default(), vec![rows.columns().join(" ")]);
    // Fewer than any file here has, so that boundaries between blocks count.
    while rows.read(3, &mut block)? {
        if let Some(refused) = block.refused.drain(..).next() {
            return Err(refused.error);
        }
        assert_eq!(block.values.len(), block.labels.len() * width);
        for (values, label) in block.values.chunks(width).zip(&block.labels) {
            let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
            found.push(format!("{values:?} {}", u8::from(*label == Some(true))));
        }
    }
    assert!(!rows.read(3, &mut block)?, "the end is the end");
    Ok(found)
}

/// What is wrong with a file of that name and content.
pub(super) fn refusal(name: &str, content: impl AsRef<[u8]>, options: &ReadOptions) -> String {
    let folder = Folder::new();
    let file = folder.write(name, content);
    folder.text(&rows(&file, options).unwrap_err())
}
