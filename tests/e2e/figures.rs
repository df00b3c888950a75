//! `/metrics` of a real run.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use fedhost_base::clock::Stopwatch;
use fedhost_e2e::broker::{Broker, BrokerOptions};
use fedhost_e2e::{Scene, simulated};

use crate::kafka_security::{properties, write};

const PATIENCE: Duration = Duration::from_secs(60);

fn metrics(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The figures, once they have all of `lines`.
fn metrics_with(address: &str, lines: &[&str]) -> String {
    let begun = Stopwatch::start();
    loop {
        let text = metrics(address);
        let missing: Vec<_> = lines.iter().filter(|line| !text.contains(**line)).collect();
        if missing.is_empty() {
            return text;
        }
        assert!(begun.elapsed() < PATIENCE, "{missing:?} in {text}");
        thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn a_run_on_kafka_tells_of_its_clients_and_counts_a_dead_letter_by_topic_and_reason() {
    let broker = Broker::start(BrokerOptions::default());
    let scene = Scene::new();
    let head = format!(
        "[kafka]\nbootstrap_servers = [\"{}\"]\n\n[api]\nlisten = \"127.0.0.1:0\"\n\n",
        broker.address("plaintext")
    );
    let endless = simulated(1, 1_000_000)
        .replace("rows = 1\n", "")
        .replace("rate_hz = 0", "rate_hz = 50");
    scene.write(
        "run.toml",
        format!(
            "{head}{}",
            endless.replace("[bus]\n", "[bus]\nkind = \"kafka\"\n")
        ),
    );
    // Given a federation at work
    let mut run = scene.start(&["run", "run.toml", "--json"]);
    let address = run.wait_for("listening")["address"]
        .as_str()
        .unwrap()
        .to_owned();
    run.wait_for("round_closed");
    // When an unusable record arrives
    write(
        &properties(&broker, "plaintext"),
        "sensor-data-node-1",
        "no reading at all",
    );
    // Then its dead-letter record is counted, and every client reports its connections
    let figures = metrics_with(
        &address,
        &[
            "fedhost_dead_letters_total{reason=\"undecodable\",topic=\"sensor-data-node-1.dlq\"} 1.0",
            "fedhost_rebalances_total{group=\"aggregator\"}",
            "fedhost_broker_rtt_seconds{broker=",
            "client=\"reader of model_updates for aggregator\"} ",
            "client=\"writer of aggregator\"} ",
            "fedhost_broker_connects_total{",
            "fedhost_broker_disconnects_total{",
            "fedhost_request_timeouts_total{",
            "fedhost_broker_throttle_seconds{",
            "fedhost_compression_ratio{",
            "fedhost_batch_records{",
        ],
    );
    for line in figures.lines().filter(|line| line.starts_with("fedhost_")) {
        let value: f64 = line.rsplit_once(' ').unwrap().1.parse().unwrap();
        assert!(value >= 0.0, "{line}");
    }
    run.kill();
}
