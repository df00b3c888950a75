//! What the bus does to a running federation, and how it gets over that: no broker at the start,
//! topics and rights that go and come back, a broker that hangs while the run is to stop.

use std::collections::BTreeSet;
use std::time::Duration;

use fedhost_base::clock::Stopwatch;
use fedhost_e2e::broker::{Broker, BrokerOptions, Listener, Mechanism, PASSWORD, Protocol, USERS};
use fedhost_e2e::{Running, Scene, http, on_kafka, simulated, wait_until};
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;

const PREFIX: &str = "supervised";
const PATIENCE: Duration = Duration::from_secs(60);
/// What the manifest gives a run to stop, and what a slow machine may add.
const CLOSE: Duration = Duration::from_secs(5);
const SLOWNESS: Duration = Duration::from_secs(5);

/// A federation without an end.
fn endless() -> String {
    simulated(1, 1_000_000)
        .replace("rows = 1\n", "")
        .replace("rate_hz = 0", "rate_hz = 200")
}

fn scene(address: &str, manifest: &str, login: &str) -> Scene {
    let scene = Scene::new();
    let manifest =
        on_kafka(manifest, address, PREFIX).replacen("[kafka]\n", &format!("[kafka]\n{login}"), 1);
    scene.write(
        "run.toml",
        format!("{manifest}\n[api]\nlisten = \"127.0.0.1:0\"\n"),
    );
    scene
}

/// Whom to ask how the run is doing.
struct Probes(String);

impl Probes {
    fn of(run: &mut Running) -> Self {
        Self(
            run.wait_for("listening")["address"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    }

    fn readiness(&self) -> (u16, String) {
        http::get(&self.0, "/readyz", &[])
    }

    fn until_ready(&self) {
        wait_until("it is ready", || self.readiness().0 == 200);
    }

    fn is_live(&self) -> bool {
        http::get(&self.0, "/livez", &[]).0 == 200
    }
}

/// What lies in a node's topic.
fn readings(broker: &Broker, node: u32) -> Vec<Value> {
    let mut config: ClientConfig = broker.client("plaintext").into_iter().collect();
    config
        .set("group.id", "look")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut start = TopicPartitionList::new();
    let topic = format!("{PREFIX}.sensor-data-node-{node}");
    start
        .add_partition_offset(&topic, 0, Offset::Beginning)
        .unwrap();
    consumer.assign(&start).unwrap();
    let mut readings = Vec::new();
    loop {
        match consumer.poll(PATIENCE).unwrap() {
            Ok(record) => readings.push(serde_json::from_slice(record.payload().unwrap()).unwrap()),
            Err(KafkaError::PartitionEOF(_)) => return readings,
            Err(error) => unreachable!("{error}"),
        }
    }
}

#[test]
fn sensors_begin_without_a_broker_and_all_that_they_say_arrives_once_it_is_there() {
    let mut broker = Broker::start(BrokerOptions::default());
    broker.stop();
    let scene = scene(&broker.address("plaintext"), &simulated(700, 1), "");
    // Given sensors that are started while there is no broker
    let mut sensors = scene.start(&["run", "run.toml", "--json", "--role", "sensor"]);
    let probes = Probes::of(&mut sensors);
    // Then they work, and the process says that it lives, and why it is not ready
    for _ in 0..2 {
        assert_eq!(sensors.wait_for("sensor_finished")["rows"], 700);
    }
    assert!(probes.is_live());
    let (status, why) = probes.readiness();
    assert!(
        status == 503 && why.contains("kafka at localhost:"),
        "{status}: {why}"
    );
    // And killed and started again they know what they have said
    sensors.kill();
    let mut sensors = scene.start(&["run", "run.toml", "--json", "--role", "sensor"]);
    let probes = Probes::of(&mut sensors);
    wait_until("they say why they wait", || {
        probes.readiness().1.contains("kafka at localhost:")
    });
    // When the broker comes, then everything is there, once
    broker.restart();
    assert_eq!(sensors.wait(), Some(0));
    for node in [1, 2] {
        let readings = readings(&broker, node);
        assert_eq!(readings.len(), 701, "700 rows and their end");
        let different: BTreeSet<String> = readings.iter().map(ToString::to_string).collect();
        assert_eq!(different.len(), 701, "none came twice");
    }
}

#[test]
fn everybody_who_needs_the_broker_waits_for_it_and_can_be_asked_meanwhile() {
    let mut broker = Broker::start(BrokerOptions::default());
    broker.stop();
    let scene = scene(&broker.address("plaintext"), &simulated(600, 2), "");
    let mut run = scene.start(&["run", "run.toml", "--json", "--role", "aggregator"]);
    let probes = Probes::of(&mut run);
    run.wait_for("connection_lost");
    assert!(probes.is_live());
    let (status, why) = probes.readiness();
    assert!(
        status == 503 && why.contains("kafka at localhost:"),
        "{status}: {why}"
    );
    // When it is asked to stop, then it does, although the broker never answered
    let begun = Stopwatch::start();
    assert_eq!(run.interrupt().0, Some(130));
    assert!(
        begun.elapsed() < CLOSE + SLOWNESS,
        "it took {:?}",
        begun.elapsed()
    );
    // When the broker is there, then it begins
    let mut run = scene.start(&["run", "run.toml", "--json", "--role", "aggregator"]);
    let probes = Probes::of(&mut run);
    run.wait_for("connection_lost");
    broker.restart();
    run.wait_for("round_opened");
    probes.until_ready();
    assert_eq!(run.interrupt().0, Some(130));
}

#[test]
fn a_topic_and_a_right_that_go_away_are_waited_for() {
    let listener = Listener::new("login", Protocol::SaslPlaintext(Mechanism::Plain));
    let broker = Broker::start(BrokerOptions {
        listeners: vec![listener],
        authorizer: true,
        ..Default::default()
    });
    let user = format!("User:{}", USERS[1]);
    let acl = |arguments: &[&str]| {
        broker.tool(
            "org.apache.kafka.tools.AclCommand",
            &[&["--force"], arguments].concat(),
        )
    };
    let everything = [
        "--topic",
        "*",
        "--group",
        "*",
        "--transactional-id",
        "*",
        "--cluster",
    ];
    acl(&[
        &["--add", "--allow-principal", &user, "--operation", "All"][..],
        &everything,
    ]
    .concat());
    let login = format!(
        "security_protocol = \"SASL_PLAINTEXT\"\nsasl_mechanism = \"PLAIN\"\nsasl_username = \"{}\"\n\
         sasl_password = \"{PASSWORD}\"\n",
        USERS[1]
    );
    let scene = scene(&broker.address("login"), &endless(), &login);
    let mut run = scene.start(&["run", "run.toml", "--json"]);
    let probes = Probes::of(&mut run);
    run.wait_for("round_closed");
    probes.until_ready();

    // When the right to read for a group is taken away
    let group = format!("{PREFIX}.aggregator");
    let denied = [
        "--deny-principal",
        &user,
        "--operation",
        "Read",
        "--group",
        &group,
    ];
    acl(&[&["--add"][..], &denied].concat());
    assert_eq!(run.wait_for("role_restarted")["role"], "aggregator");
    // Then the process lives, says that it is not ready, and waits
    wait_until("it says so", || probes.readiness().1.contains("aggregator"));
    assert!(probes.is_live());
    // And when the right is back, it continues
    acl(&[&["--remove"][..], &denied].concat());
    run.wait_for("round_closed");
    probes.until_ready();

    // When a topic is deleted
    let topic = format!("{PREFIX}.sensor-data-node-1");
    let topics = |arguments: &[&str]| broker.tool("org.apache.kafka.tools.TopicCommand", arguments);
    topics(&["--delete", "--topic", &topic]);
    // Then its reader begins again; the topic is created again by its writer
    while run.wait_for("role_restarted")["role"] != "fog-node-1" {}
    assert!(probes.is_live());
    // And the federation continues with both nodes
    let nodes = |round: &Value| round["participants"].as_array().unwrap().len();
    while nodes(&run.wait_for("round_closed")) < 2 {}
    probes.until_ready();
    assert_eq!(run.interrupt().0, Some(130));
}

#[test]
fn a_run_stops_in_time_whatever_its_broker_does() {
    let broker = Broker::start(BrokerOptions::default());
    let scene = scene(&broker.address("plaintext"), &endless(), "");
    let mut run = scene.start(&["run", "run.toml", "--json"]);
    run.wait_for("round_closed");
    // Given a broker that hangs
    broker.pause();
    // When the run is asked to stop
    let begun = Stopwatch::start();
    let (code, events) = run.interrupt();
    let took = begun.elapsed();
    // Then it does, in the time that it has, and nothing has failed
    broker.resume();
    assert_eq!(code, Some(130), "{events:?}");
    let finished = events.last().unwrap();
    assert_eq!(finished["outcome"], "interrupted");
    assert!(finished["round"].as_u64() >= Some(1), "{finished}");
    assert!(took < CLOSE + SLOWNESS, "it took {took:?}");
    // And what it has kept is carried over by the next one
    let mut run = scene.start(&["run", "run.toml", "--json"]);
    let probes = Probes::of(&mut run);
    run.wait_for("round_opened");
    probes.until_ready();
    run.wait_for("round_closed");
    assert_eq!(run.interrupt().0, Some(130));
}
