//! The test harness: runs the built binary in a folder of its own, and reads its files.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a harness that cannot continue fails the test"
)]

pub mod broker;
pub mod http;
mod log;
mod manifest;
mod process;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use log::{predictions, put_records, read_topic, write_record, write_records};
pub use manifest::{on_kafka, simulated};
pub use process::{Finished, Prepared, Running, fedhost};
use serde_json::Value;
use tempfile::TempDir;

/// The longest wait for a condition.
const PATIENCE: Duration = Duration::from_secs(180);
const GLANCE: Duration = Duration::from_millis(20);

/// Waits until a condition is true.
///
/// # Panics
/// It is not true within three minutes.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = fedhost_base::clock::now();
    while !is_so() {
        assert!(
            begun.elapsed() < PATIENCE,
            "waited {} s until {what}",
            PATIENCE.as_secs()
        );
        std::thread::sleep(GLANCE);
    }
}

/// A folder in which one test works; removed when the test passes or fails.
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// An empty folder.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
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

    /// `fedhost`, to be started in the folder.
    #[must_use]
    pub fn prepare(&self, arguments: &[&str]) -> Prepared {
        process::command(self.folder.path(), arguments)
    }

    /// Runs `fedhost` in the folder to its end.
    pub fn fedhost(&self, arguments: &[&str]) -> Finished {
        self.prepare(arguments).finish()
    }

    /// Starts `fedhost` in the folder.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.prepare(arguments).start()
    }

    /// Runs a shell command in the folder, with `$FEDHOST` being the binary.
    pub fn shell(&self, script: &str) -> Finished {
        process::shell(self.folder.path(), script).finish()
    }

    /// The events of the run log in `data`; a last line that is still being written is left out.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("data/aggregation_log.jsonl")).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        text[..whole]
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Those events of one name.
    #[must_use]
    pub fn events_named(&self, name: &str) -> Vec<Value> {
        self.events()
            .into_iter()
            .filter(|event| event["event"] == name)
            .collect()
    }
}

/// The digest of the last model of a federation on an embedded log, without faults.
#[must_use]
pub fn undisturbed(manifest: &str) -> Value {
    let scene = Scene::new();
    scene.write("run.toml", manifest);
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    model(&scene.events())
}

/// The digest of the last model, from the event of its round.
#[must_use]
pub fn model(events: &[Value]) -> Value {
    let closed = events
        .iter()
        .rfind(|event| event["event"] == "round_closed");
    closed.unwrap_or_else(|| panic!("no round was closed"))["weights_sha256"].clone()
}

/// The workspace's root.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Changes the version of a built component to a later one of the same length.
#[must_use]
pub fn later(component: &str, version: &str) -> Vec<u8> {
    let built = std::fs::read(plugins().join(format!("{component}.wasm"))).unwrap();
    let own = b"0.1.0";
    let mut later = built.clone();
    for (at, text) in built.windows(own.len()).enumerate() {
        // Only the text that `describe` returns is a version alone; interface names keep theirs.
        if text == own && built.get(at.wrapping_sub(1)) != Some(&b'@') {
            later.splice(at..at + own.len(), version.bytes());
        }
    }
    later
}

/// Where the built components lie.
#[must_use]
pub fn plugins() -> PathBuf {
    built("test-plugins", "misbehaving", "make test-plugins")
}

/// Where all plug-ins in Rust lie that come with the source.
#[must_use]
pub fn catalogue() -> PathBuf {
    built("catalogue", "isolation-forest", "make check-plugins")
}

fn built(folder: &str, component: &str, how: &str) -> PathBuf {
    let directory = root().join("target").join(folder);
    let component = directory.join(format!("{component}.wasm"));
    assert!(
        component.exists(),
        "there are no components in {}: run `{how}`",
        directory.display()
    );
    directory.canonicalize().unwrap()
}

/// Real data that is not part of the source: a folder named by an environment variable, or one
/// beside the source. Prints a line when there is none.
#[must_use]
#[expect(
    clippy::print_stderr,
    reason = "who runs the tests has to know what they leave out"
)]
pub fn real_data(variable: &str, name: &str) -> Option<PathBuf> {
    let beside = root().join("../shared/data").join(name);
    let folder = std::env::var_os(variable)
        .map_or(beside, PathBuf::from)
        .canonicalize()
        .ok();
    if folder.is_none() {
        eprintln!("absent: set {variable} to the folder of {name} to run this test");
    }
    folder
}
