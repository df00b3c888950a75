//! The binary as a child process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A command that has not been started.
pub(crate) struct Prepared(Command);

/// A process that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

/// A process under way whose stdout is read as JSON lines.
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

/// The binary beside this test's own.
fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let binary = tests.parent().and_then(Path::parent).unwrap().join("fedhost");
    assert!(binary.exists(), "there is no {}: run `cargo build -p fedhost`, or `make test`", binary.display());
    binary
}

pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Prepared {
    let mut command = Command::new(binary());
    command.current_dir(folder).args(arguments);
    Prepared(command)
}

pub(crate) fn shell(folder: &Path, script: &str) -> Prepared {
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", script]).env("FEDHOST", binary());
    Prepared(command)
}

impl Prepared {
    pub(crate) fn finish(mut self) -> Finished {
        let output = self.0.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.0.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Running { child, stdout }
    }
}

impl Finished {
    /// Fails unless the exit code is `code`.
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Stdout as one JSON document.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {}", self.stdout))
    }
}

impl Running {
    /// The next event; `None` when stdout is closed.
    pub fn next_event(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).unwrap();
        (read > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    /// Reads on to the first event of that name.
    pub fn wait_for(&mut self, name: &str) -> Value {
        loop {
            let event = self.next_event().unwrap_or_else(|| panic!("it ended before {name}"));
            if event.get("event").is_some_and(|event| event == name) {
                return event;
            }
        }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end as Ctrl-C does; gives the exit code and the events that were left.
    pub fn interrupt(mut self) -> (Option<i32>, Vec<Value>) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let events = rest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (self.child.wait().unwrap().code(), events)
    }

    /// The exit code, once it has ended by itself.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}
