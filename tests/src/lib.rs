//! The harness: runs the built binary in a folder of its own, and reads what it left behind.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a harness that cannot go on fails the test")]

mod log;
mod manifest;
mod process;

use std::path::{Path, PathBuf};

pub use log::{predictions, read_topic, write_record};
pub use manifest::simulated;
pub use process::{Finished, Running};
use serde_json::Value;
use tempfile::TempDir;

/// A folder in which one test works; removed when the test passes or fails.
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// An empty folder.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and its folders.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs `fedhost` in the folder to its end.
    pub fn fedhost(&self, arguments: &[&str]) -> Finished {
        process::command(self.folder.path(), arguments).finish()
    }

    /// Starts `fedhost` in the folder.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Running {
        process::command(self.folder.path(), arguments).start()
    }

    /// Runs a shell command in the folder, with `$FEDHOST` being the binary.
    pub fn shell(&self, script: &str) -> Finished {
        process::shell(self.folder.path(), script).finish()
    }

    /// The events of the run log in `data`.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("data/aggregation_log.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Those events of one name.
    #[must_use]
    pub fn events_named(&self, name: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"] == name).collect()
    }
}

/// The workspace's root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where the built components lie.
#[must_use]
pub fn plugins() -> PathBuf {
    let directory = root().join("target/test-plugins");
    assert!(
        directory.join("misbehaving.wasm").exists(),
        "there are no components in {}: run `make test-plugins`",
        directory.display()
    );
    directory.canonicalize().unwrap()
}
