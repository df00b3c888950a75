//! One part of the federation, as a process that can be killed, stopped and started again in its
//! own folder.

use std::fmt;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;

/// A process of the federation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Aggregator,
    FogNode(u32),
    /// A second process of the same fog node, elsewhere.
    Standby(u32),
    Sensor(u32),
}

impl Part {
    /// What runs from the beginning.
    pub(crate) const ALL: [Self; 5] = [
        Self::Aggregator,
        Self::FogNode(1),
        Self::FogNode(2),
        Self::Sensor(1),
        Self::Sensor(2),
    ];

    fn arguments(self) -> Vec<String> {
        let (role, node) = match self {
            Self::Aggregator => ("aggregator", None),
            Self::FogNode(node) | Self::Standby(node) => ("fog-node", Some(node)),
            Self::Sensor(node) => ("sensor", Some(node)),
        };
        let mut arguments = vec![
            "run".to_owned(),
            "../run.toml".to_owned(),
            "--role".to_owned(),
            role.to_owned(),
        ];
        arguments.extend(
            node.into_iter()
                .flat_map(|node| ["--node".to_owned(), node.to_string()]),
        );
        arguments
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregator => write!(f, "aggregator"),
            Self::FogNode(node) => write!(f, "fog-node-{node}"),
            Self::Standby(node) => write!(f, "fog-node-{node}-standby"),
            Self::Sensor(node) => write!(f, "sensor-{node}"),
        }
    }
}

/// A part, running or not. Killed when dropped.
pub(crate) struct Process {
    part: Part,
    folder: PathBuf,
    child: Option<Child>,
    journal: Journal,
}

impl Process {
    /// Not started yet; it works in a folder of its own, whose parent holds the manifest.
    pub(crate) fn new(part: Part, scene: &Path) -> Self {
        let folder = scene.join(part.to_string());
        fs::create_dir_all(&folder).unwrap();
        let journal = Journal {
            path: folder.join("data/aggregation_log.jsonl"),
            read: 0,
            events: Vec::new(),
        };
        Self {
            part,
            folder,
            child: None,
            journal,
        }
    }

    pub(crate) fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.part);
        let words = File::options()
            .create(true)
            .append(true)
            .open(self.stderr())
            .unwrap();
        let child = fedhost(&self.folder)
            .args(self.part.arguments())
            .stdout(Stdio::null())
            .stderr(words)
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// Ends it as `kill -9` does; `false` when it had ended by itself.
    pub(crate) fn kill(&mut self) -> bool {
        let Some(mut child) = self.child.take() else {
            return false;
        };
        child.kill().unwrap();
        child.wait().unwrap();
        true
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let child = self
            .child
            .as_ref()
            .unwrap_or_else(|| panic!("{} does not run", self.part));
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success(), "{} cannot be sent {signal}", self.part);
    }

    /// How it ended, once.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().unwrap()?;
        self.child = None;
        Some(status)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// What it has announced since the last question, over all its lives.
    pub(crate) fn listen(&mut self) -> &[Value] {
        self.journal.read_on()
    }

    /// Everything it has announced.
    pub(crate) fn events(&self) -> &[Value] {
        &self.journal.events
    }

    /// How often it has announced that event.
    pub(crate) fn said(&self, event: &str) -> usize {
        self.events()
            .iter()
            .filter(|said| said["event"] == event)
            .count()
    }

    /// The last lines that it wrote for people.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read_to_string(self.stderr()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn stderr(&self) -> PathBuf {
        self.folder.join("stderr.txt")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The binary, to be run in a folder. A cluster that the environment names must not take the place
/// of the case's own.
pub(crate) fn fedhost(folder: &Path) -> Command {
    let mut command = fedhost_e2e::fedhost();
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// A run log, followed as it grows.
struct Journal {
    path: PathBuf,
    read: u64,
    events: Vec<Value>,
}

impl Journal {
    /// The events that are new; a line that is not whole yet is left for the next time.
    fn read_on(&mut self) -> &[Value] {
        let before = self.events.len();
        let mut bytes = Vec::new();
        if let Ok(mut file) = File::open(&self.path) {
            file.seek(SeekFrom::Start(self.read)).unwrap();
            file.read_to_end(&mut bytes).unwrap();
        }
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        self.read += whole as u64;
        let lines = bytes[..whole].split(|&byte| byte == b'\n');
        self.events
            .extend(lines.filter_map(|line| serde_json::from_slice(line).ok()));
        &self.events[before..]
    }
}
