//! The binary as a child process.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// A run without an event for this time hangs.
const SILENCE: Duration = Duration::from_secs(120);
/// How long an event may not come while others do.
const ABSENCE: Duration = Duration::from_secs(300);
/// Lines that are read ahead; the process waits when there are more.
const AHEAD: usize = 1 << 16;

/// A command that has not been started.
pub struct Prepared(Command);

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

/// A process under way whose stdout is read as JSON lines. Killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
}

/// The binary beside this test's own.
///
/// # Panics
/// It has not been built.
#[must_use]
fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let binary = tests
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("fedhost");
    assert!(
        binary.exists(),
        "there is no {}: run `cargo build -p fedhost`, or `make test`",
        binary.display()
    );
    binary
}

/// The binary, to be started: whatever its manifest names is used, not the broker that the
/// environment offers to tests.
#[must_use]
pub fn fedhost() -> Command {
    let mut command = Command::new(binary());
    command
        .env_remove("KAFKA_BOOTSTRAP_SERVERS")
        .env_remove("KAFKA_SECURITY_PROTOCOL");
    command
}

pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Prepared {
    let mut command = fedhost();
    command.current_dir(folder).args(arguments);
    Prepared(command)
}

pub(crate) fn shell(folder: &Path, script: &str) -> Prepared {
    let mut command = Command::new("sh");
    command
        .current_dir(folder)
        .args(["-c", script])
        .env("FEDHOST", binary())
        .env_remove("KAFKA_BOOTSTRAP_SERVERS");
    Prepared(command)
}

impl Prepared {
    /// With a variable in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end.
    pub fn finish(mut self) -> Finished {
        let output = self.0.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Finished {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Starts it and discards stderr.
    #[must_use]
    pub fn start(self) -> Running {
        self.start_with(Stdio::null())
    }

    /// Starts it, with stderr in a file.
    #[must_use]
    pub fn start_with_stderr(self, stderr: &Path) -> Running {
        self.start_with(File::create(stderr).unwrap().into())
    }

    fn start_with(mut self, stderr: Stdio) -> Running {
        let mut child = self
            .0
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let lines = read_lines(child.stdout.take().unwrap());
        Running { child, lines }
    }
}

fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = sync_channel(AHEAD);
    thread::spawn(move || {
        // The receiver is gone when the test is over.
        BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| sender.send(line))
            .ok();
    });
    lines
}

impl Finished {
    /// Fails unless the exit code is `code`.
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Stdout as one JSON document.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in {}", self.stdout))
    }
}

impl Running {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next event; `None` when stdout is closed.
    pub fn next_event(&mut self) -> Option<Value> {
        match self.lines.recv_timeout(SILENCE) {
            Ok(line) => Some(
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}")),
            ),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("it has said nothing for {} s", SILENCE.as_secs())
            }
        }
    }

    /// Reads on to the first event of that name.
    ///
    /// # Panics
    /// It does not come, though others do.
    pub fn wait_for(&mut self, name: &str) -> Value {
        let begun = fedhost_base::clock::now();
        loop {
            assert!(begun.elapsed() < ABSENCE, "{name} does not come");
            let event = self
                .next_event()
                .unwrap_or_else(|| panic!("it ended before {name}"));
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

    /// Sends Ctrl-C; returns the exit code and the remaining events.
    pub fn interrupt(self) -> (Option<i32>, Vec<Value>) {
        self.send_interrupt();
        self.rest()
    }

    /// Sends Ctrl-C.
    pub fn send_interrupt(&self) {
        let sent = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// The exit code, once it has ended by itself, whatever it says.
    pub fn wait_in_silence(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// The exit code, once it has ended by itself.
    pub fn wait(self) -> Option<i32> {
        self.rest().0
    }

    /// The exit code, once it has ended by itself, and the events that were left.
    pub fn rest(mut self) -> (Option<i32>, Vec<Value>) {
        let mut events = Vec::new();
        while let Some(event) = self.next_event() {
            events.push(event);
        }
        (self.child.wait().unwrap().code(), events)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
