//! A broker on this machine.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A broker to measure on; one that was started for it ends with it.
pub(crate) struct Broker {
    address: String,
    /// Of a broker of our own.
    port: Option<u16>,
}

impl Broker {
    /// The user's.
    #[expect(clippy::disallowed_methods, reason = "a benchmark has no manifest")]
    pub(crate) fn given() -> Option<Self> {
        let address = std::env::var("KAFKA_BOOTSTRAP_SERVERS")
            .ok()
            .filter(|address| !address.is_empty())?;
        Some(Self {
            address,
            port: None,
        })
    }

    /// One of our own, with empty data. Its clients are sent to the port `advertised` when it is
    /// given.
    pub(crate) fn start(advertised: Option<u16>) -> Result<Self, String> {
        let port = free_port();
        let mut up = script(port, "up");
        if let Some(advertised) = advertised {
            up.env("KAFKA_ADVERTISED_PORT", advertised.to_string());
        }
        // What is left of a start that failed goes with it.
        let broker = Self {
            address: format!("127.0.0.1:{port}"),
            port: Some(port),
        };
        // The broker outlives the script, and would keep a pipe open.
        let said = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        let stderr = said.reopen().map_err(|error| error.to_string())?;
        let started = up
            .stderr(stderr)
            .status()
            .map_err(|error| error.to_string())?;
        if started.success() {
            return Ok(broker);
        }
        Err(std::fs::read_to_string(said.path())
            .unwrap_or_default()
            .trim()
            .to_owned())
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let Some(port) = self.port else { return };
        drop(script(port, "down").stderr(Stdio::null()).status());
        drop(std::fs::remove_dir_all(
            root().join(format!("target/kafka/broker-{port}")),
        ));
    }
}

/// Below those that the system gives to clients.
pub(crate) fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| rand::random_range(20_000..32_000));
    ports
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .unwrap_or_default()
}

fn script(port: u16, command: &str) -> Command {
    let mut script = Command::new(root().join("scripts/kafka"));
    script
        .arg(command)
        .env("KAFKA_PORT", port.to_string())
        .env_remove("KAFKA_BOOTSTRAP_SERVERS");
    script.stdin(Stdio::null()).stdout(Stdio::null());
    script
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
