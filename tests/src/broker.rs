//! A real Apache Kafka as a child process: one node in a folder of its own, on free ports, with the
//! listeners that a test needs. It is killed when dropped.

mod certificates;
mod jars;
mod listener;
mod ports;
mod secured;
mod settings;
mod share;

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

pub use self::certificates::{Certificates, ServerCertificate};
pub use self::listener::{Listener, Mechanism, PASSWORD, Protocol, USERS};
use self::ports::Ports;
pub use self::secured::secured;
pub use self::share::Share;

const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(20);
/// Another process may take a port between its choice and the broker's start.
const TRIES: usize = 5;

/// The options of a broker.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// Its listeners; names are unique.
    pub listeners: Vec<Listener>,
    /// Only the first of [`USERS`], clients without a login and clients with the client certificate
    /// have all rights; others have none.
    pub authorizer: bool,
    /// Further settings by Kafka's names; they go before those of the harness.
    pub settings: Vec<(String, String)>,
}

impl Default for BrokerOptions {
    /// One plaintext listener called `plaintext`, and everybody may do everything.
    fn default() -> Self {
        Self {
            listeners: vec![Listener::plaintext("plaintext")],
            authorizer: false,
            settings: Vec::new(),
        }
    }
}

/// A broker, running or not.
pub struct Broker {
    options: BrokerOptions,
    folder: TempDir,
    certificates: Certificates,
    ports: Ports,
    process: Option<Child>,
}

impl Broker {
    /// Starts a broker with empty data; every listener answers when this returns.
    #[must_use]
    pub fn start(options: BrokerOptions) -> Self {
        let folder = TempDir::new().unwrap();
        let certificates = Certificates::make(folder.path());
        let ports = Ports::choose(options.listeners.len());
        let mut broker = Self {
            options,
            folder,
            certificates,
            ports,
            process: None,
        };
        for _ in 0..TRIES {
            broker.write_settings();
            broker.format();
            if broker.run() {
                return broker;
            }
            broker.ports = Ports::choose(broker.options.listeners.len());
            std::fs::remove_dir_all(broker.folder.path().join("data")).unwrap();
        }
        panic!("no broker found free ports in {TRIES} tries");
    }

    /// Where the listener is, as `bootstrap.servers` takes it: `localhost:PORT`.
    #[must_use]
    pub fn address(&self, listener: &str) -> String {
        let number = self
            .options
            .listeners
            .iter()
            .position(|known| known.name == listener);
        format!(
            "localhost:{}",
            self.ports.listeners.get(number.unwrap()).unwrap()
        )
    }

    /// librdkafka's properties of a client of the listener with all rights.
    #[must_use]
    pub fn client(&self, listener: &str) -> Vec<(String, String)> {
        let known = self
            .options
            .listeners
            .iter()
            .find(|known| known.name == listener)
            .unwrap();
        let mut properties = vec![("bootstrap.servers".to_owned(), self.address(listener))];
        properties.extend(known.client(&self.certificates));
        properties
    }

    /// The certificates of its listeners and clients.
    #[must_use]
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// The broker's log: warnings and errors.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("broker.log")).unwrap_or_default()
    }

    /// Runs one of Kafka's command-line tools against the broker through its inner listener, and
    /// gives its stdout.
    pub fn tool(&self, class: &str, arguments: &[&str]) -> String {
        let server = format!("localhost:{}", self.ports.inner);
        let output = jars::java(class)
            .args(["--bootstrap-server", &server])
            .args(arguments)
            .output()
            .unwrap();
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success(),
            "{class} {arguments:?}: {stdout}{stderr}"
        );
        stdout.into_owned()
    }

    /// A Java program among Kafka's jars, to be given its arguments.
    #[must_use]
    pub fn program(class: &str) -> Command {
        jars::java(class)
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let asked = Command::new("kill")
                .arg(process.id().to_string())
                .status()
                .unwrap();
            assert!(asked.success());
            process.wait().unwrap();
        }
    }

    /// Pauses it, like a machine that hangs: connections stay open, and no request is answered.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Continues it after [`Broker::pause`].
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().unwrap();
        let sent = Command::new("kill")
            .args([signal, &process.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success(), "the broker cannot be sent {signal}");
    }

    /// Runs it again on the same data and ports; kills it first if it is running.
    pub fn restart(&mut self) {
        self.kill();
        assert!(
            self.run(),
            "the broker's ports have been taken meanwhile: {}",
            self.log()
        );
    }

    fn write_settings(&self) {
        let settings = settings::of(
            &self.options,
            &self.ports,
            &self.certificates,
            self.folder.path(),
        );
        std::fs::write(self.folder.path().join("server.properties"), settings).unwrap();
    }

    fn format(&self) {
        let mut format = jars::java("kafka.tools.StorageTool");
        format
            .args(["format", "--standalone", "-t", CLUSTER_ID, "-c"])
            .arg(self.folder.path().join("server.properties"));
        for credentials in self
            .options
            .listeners
            .iter()
            .flat_map(Listener::scram_credentials)
        {
            format.args(["--add-scram", &credentials]);
        }
        let output = format.output().unwrap();
        assert!(
            output.status.success(),
            "the data cannot be formatted: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Starts the process and waits until all listeners answer; `false` when a port is in use.
    fn run(&mut self) -> bool {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("broker.log"))
            .unwrap();
        let mut java = jars::java("kafka.Kafka");
        java.arg(self.folder.path().join("server.properties"))
            .stdin(Stdio::null());
        self.process = Some(
            java.stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap(),
        );
        let begun = fedhost_base::clock::now();
        while !self
            .ports
            .listeners
            .iter()
            .chain([&self.ports.inner])
            .all(|&port| answers(port))
        {
            if self.process.as_mut().unwrap().try_wait().unwrap().is_some() {
                self.process = None;
                assert!(
                    self.log().contains("Address already in use"),
                    "the broker ended: {}",
                    self.log()
                );
                return false;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "the broker does not answer: {}",
                self.log()
            );
            thread::sleep(GLANCE);
        }
        true
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A fixed cluster id, which is recognisable in a failing test.
const CLUSTER_ID: &str = "fedhost-tests-00000000";

fn answers(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), PATIENCE).is_ok()
}
