//! Clients in other languages: a client that writes JSON or safetensors to Kafka can take part, and
//! all clients interpret keys, compression and headers in the same way.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fedhost::role::federation::{FederationTopics, Wire};
use fedhost::role::models::global_record;
use fedhost_base::observer::NoObserver;
use fedhost_bus::{Bus, NewRecord, Record, Start, TopicSpec, Write};
use fedhost_domain::envelope::Compression;
use fedhost_domain::model::{PluginId, Sha256Hex, TensorSpec, Weights};
use fedhost_domain::round::GlobalModel;
use fedhost_e2e::broker::{Broker, BrokerOptions};
use fedhost_e2e::{Scene, plugins, root};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

struct Cluster {
    broker: Broker,
    scene: Scene,
}

impl Cluster {
    fn start() -> Self {
        Self {
            broker: Broker::start(BrokerOptions::default()),
            scene: Scene::new(),
        }
    }

    fn address(&self) -> String {
        self.broker.address("plaintext")
    }

    /// A way to the broker whose records Kafka compresses like that.
    async fn bus(&self, codec: &str) -> Arc<dyn Bus> {
        let manifest = self.scene.write(
            &format!("{codec}.toml"),
            format!(
                "[bus]\nkind = \"kafka\"\n[kafka]\nbootstrap_servers = [\"{}\"]\ntransactional_id_prefix = \"{codec}\"\n\
                 [kafka.producer]\ncompression_type = \"{codec}\"\n[model]\nplugin = \"p\"\n[[fog_node]]\nid = 1\n",
                self.address()
            ),
        );
        let manifest = fedhost_manifest::load(&manifest, [], &[]).unwrap();
        let bus = fedhost::app::buses::open(&manifest, Arc::new(NoObserver))
            .await
            .unwrap();
        bus.create_topic(topic("fedhost-state", 1)).await.unwrap();
        bus
    }

    /// What a script of `tests/python` says when it has done its work.
    fn python(&self, script: &str, arguments: &[&str]) -> Value {
        let python = root().join("target/python/bin/python");
        assert!(
            python.exists(),
            "there is no {}: run `scripts/setup test`, or `make test`",
            python.display()
        );
        let mut command = Command::new(python);
        command
            .arg(root().join("tests/python").join(script))
            .arg(self.address())
            .args(arguments);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        serde_json::from_str(&said(&mut command, "")).unwrap()
    }

    /// Writes lines with Apache Kafka's own producer, as Java programs do.
    fn java(&self, arguments: &[&str], lines: &str) {
        let mut command = Broker::program("org.apache.kafka.tools.ConsoleProducer");
        said(
            command
                .args(["--bootstrap-server", &self.address()])
                .args(arguments),
            lines,
        );
    }
}

/// What a command that goes well says to stdout.
fn said(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn topic(name: &str, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions,
        max_message_bytes: 1 << 20,
        ..TopicSpec::default()
    }
}

fn record(topic: &str, key: &str, value: &str) -> NewRecord {
    let headers = vec![("traceparent".to_owned(), TRACE.into())];
    let (key, value) = (Some(key.to_owned().into()), value.to_owned().into());
    NewRecord {
        topic: topic.into(),
        partition: None,
        timestamp_ms: 1,
        key,
        value,
        headers,
    }
}

async fn write(bus: &dyn Bus, records: Vec<NewRecord>) -> Vec<u32> {
    let written = bus
        .write(Write {
            records,
            ..Write::default()
        })
        .await
        .unwrap();
    written
        .into_iter()
        .map(|position| position.partition)
        .collect()
}

/// The first `count` records of a topic.
async fn read(bus: &dyn Bus, topic: &str, count: usize) -> Vec<Record> {
    let mut source = bus
        .subscribe("reader", &[topic], Start::Earliest)
        .await
        .unwrap();
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(
            tokio::time::timeout(PATIENCE, source.read(count))
                .await
                .unwrap()
                .unwrap(),
        );
    }
    records
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const NODES: u32 = 9;

fn federation(rounds: usize) -> String {
    let plugins = plugins().display().to_string();
    let nodes: String = (1..=NODES)
        .map(|node| format!("[[fog_node]]\nid = {node}\n"))
        .collect();
    format!(
        "[bus]\nkind = \"kafka\"\ndirectory = \"data\"\n[plugins]\ndirectory = \"{plugins}\"\n\
         [preprocess]\nplugin = \"baseline-deviation\"\n[model]\nplugin = \"logistic-regression\"\n\
         [federation]\nmin_nodes = {NODES}\nrounds = {rounds}\nround_interval_ms = 60000\n\
         [training]\nrows_per_round = 200\n{nodes}"
    )
}

#[test]
fn sensors_and_nodes_in_python_take_part_in_a_federation_in_every_form() {
    const ROUNDS: usize = 2;
    let cluster = Cluster::start();
    cluster.scene.write("run.toml", federation(ROUNDS));
    // Given an aggregator and one fog node, and a sensor and eight further nodes in Python
    let servers = format!("kafka.bootstrap_servers=[\"{}\"]", cluster.address());
    let roles = [
        "--role",
        "aggregator",
        "--role",
        "fog-node",
        "--node",
        "1",
        "--for",
        "3m",
        "--json",
        "--set",
        &servers,
    ];
    let run = cluster
        .scene
        .start(&[&["run", "run.toml"], &roles[..]].concat());
    // When they have learnt together, and Python has verified every global model and score
    let report = cluster.python("federation.py", &[&ROUNDS.to_string()]);
    assert_eq!(run.wait(), Some(0));
    // Then every form of update counted, no reading was lost, and both sides have the same models
    let closed = cluster.scene.events_named("round_closed");
    let participants = |event: &Value| event["participants"].as_array().unwrap().len();
    assert_eq!(
        closed.iter().map(participants).collect::<Vec<_>>(),
        [NODES as usize; ROUNDS]
    );
    let hashes: Vec<_> = closed
        .iter()
        .map(|event| event["weights_sha256"].clone())
        .collect();
    assert_eq!(report["weights_sha256"], Value::from(hashes));
    assert!(report["scores"].as_u64().unwrap() >= 20, "{report}");
    for bad in ["update_rejected", "record_skipped"] {
        assert_eq!(cluster.scene.events_named(bad), Vec::<Value>::new());
    }
}

fn model(round: u64) -> GlobalModel {
    let tensors = vec![
        TensorSpec {
            name: "weight".into(),
            shape: vec![8, 25],
        },
        TensorSpec {
            name: "bias".into(),
            shape: vec![1],
        },
    ];
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let values = (0..201).map(|index| (index * round) as f32 / 7.0).collect();
    let weights = Arc::new(Weights::new(tensors, values).unwrap());
    GlobalModel {
        round,
        weights,
        samples: 100,
        loss: 0.5,
        plugin: "p".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_any_form_is_read_and_verified_in_python() {
    let cluster = Cluster::start();
    let plugin = PluginId {
        name: "p".into(),
        version: "0.1.0".into(),
        sha256: Sha256Hex::of(b"p"),
    };
    let compressions = [
        Compression::Gzip,
        Compression::Zstd,
        Compression::Lz4,
        Compression::None,
    ];
    let wires = compressions.into_iter().flat_map(|compression| {
        [false, true].map(|binary| Wire {
            binary,
            compression,
        })
    });
    // Given models in every form, each compressed by Kafka in another way
    let mut hashes = Vec::new();
    for ((wire, codec), round) in wires.zip(CODECS.into_iter().cycle()).zip(1..) {
        let bus = cluster.bus(codec).await;
        bus.create_topic(topic("models", 1)).await.unwrap();
        let name = |name: &str| Arc::from(name);
        let topics = FederationTopics {
            global_model: name("models"),
            model_updates: name("updates"),
            predictions: name("predictions"),
            evaluations: name("evaluations"),
            dead_letter_suffix: ".dlq".into(),
            wire,
        };
        let model = model(round);
        hashes.push(model.weights.sha256().to_string());
        write(
            bus.as_ref(),
            vec![global_record(&topics, &plugin, &model).await.unwrap()],
        )
        .await;
    }
    // When Python reads them, then it finds the same weights, under the plug-in's name, in the
    // round's trace
    let read = cluster.python("models.py", &["models", &hashes.len().to_string()]);
    let read = read.as_array().unwrap();
    assert_eq!(
        read.iter()
            .map(|model| model["weights_sha256"].as_str().unwrap())
            .collect::<Vec<_>>(),
        hashes
    );
    let is_trace = |trace: &str| {
        trace.len() == TRACE.len() && trace.starts_with("00-") && trace.ends_with("-01")
    };
    assert!(
        read.iter()
            .all(|model| model["key"] == "p" && is_trace(model["traceparent"].as_str().unwrap()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_the_same_partition_in_every_language() {
    const PARTITIONS: u32 = 7;
    let cluster = Cluster::start();
    let bus = cluster.bus("zstd").await;
    for name in ["rust", "python", "java"] {
        bus.create_topic(topic(name, PARTITIONS)).await.unwrap();
    }
    let keys: Vec<String> = (1..=30)
        .flat_map(|n| {
            [
                format!("fog-node-{n}"),
                format!("pump-{n}"),
                "x".repeat(n),
                format!("ü{n}"),
            ]
        })
        .collect();
    let ours = write(
        bus.as_ref(),
        keys.iter().map(|key| record("rust", key, "v")).collect(),
    )
    .await;
    let ours: BTreeMap<String, u32> = keys.iter().cloned().zip(ours).collect();
    assert_eq!(
        ours.values()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        PARTITIONS as usize
    );

    let arguments: Vec<&str> = ["python"]
        .into_iter()
        .chain(keys.iter().map(String::as_str))
        .collect();
    let python: BTreeMap<String, u32> =
        serde_json::from_value(cluster.python("keys.py", &arguments)).unwrap();
    assert_eq!(python, ours);

    let lines: String = keys
        .iter()
        .map(|key| format!("traceparent:{TRACE}\t{key}\tfrom java\n"))
        .collect();
    let parse = [
        "--reader-property",
        "parse.key=true",
        "--reader-property",
        "parse.headers=true",
    ];
    cluster.java(
        &[
            &["--topic", "java", "--compression-codec", "snappy"],
            &parse[..],
        ]
        .concat(),
        &lines,
    );
    let java = read(bus.as_ref(), "java", keys.len()).await;
    assert!(java.iter().all(
        |record| record.value == "from java" && record.header("traceparent").unwrap() == TRACE
    ));
    let key = |record: &Record| text(record.key.as_ref().unwrap()).to_owned();
    let java: BTreeMap<_, _> = java
        .iter()
        .map(|record| (key(record), record.position.partition))
        .collect();
    assert_eq!(java, ours);
}

#[tokio::test(flavor = "multi_thread")]
async fn kcat_reads_what_we_write_and_we_read_what_kcat_writes() {
    if Command::new("kcat").arg("-V").output().is_err() {
        eprintln!("kcat is not installed, so this proves nothing: on Debian, apt-get install kcat");
        return;
    }
    let cluster = Cluster::start();
    let bus = cluster.bus("zstd").await;
    let kcat = |arguments: &[&str], input: &str| {
        said(
            Command::new("kcat")
                .args(["-b", &cluster.address(), "-q"])
                .args(arguments),
            input,
        )
    };
    for codec in CODECS {
        let name = format!("kcat-{codec}");
        bus.create_topic(topic(&name, 1)).await.unwrap();
        let trace = format!("traceparent={TRACE}");
        kcat(
            &["-P", "-t", &name, "-z", codec, "-K", "=", "-H", &trace],
            "pump-3={\"sensor\":\"pump-3\"}\n",
        );
        let theirs = read(bus.as_ref(), &name, 1).await.remove(0);
        assert_eq!(
            (text(&theirs.key.unwrap()), text(&theirs.value)),
            ("pump-3", "{\"sensor\":\"pump-3\"}")
        );
        assert_eq!(theirs.headers, [("traceparent".to_owned(), TRACE.into())]);

        let own = cluster.bus(codec).await;
        own.create_topic(topic(&name, 1)).await.unwrap();
        write(own.as_ref(), vec![record(&name, "ours", "{}")]).await;
        let seen = kcat(&["-C", "-t", &name, "-o", "1", "-c", "1", "-J"], "");
        let seen: Value = serde_json::from_str(&seen).unwrap();
        assert_eq!(
            (&seen["key"], &seen["payload"]),
            (&"ours".into(), &"{}".into())
        );
        assert_eq!(seen["headers"], serde_json::json!(["traceparent", TRACE]));
    }
}
