//! A topic that is deleted and created again while its reader is stopped, and offsets of a group
//! that are gone or were moved.

use std::time::Duration;

use fedhost_bus::kafka::Properties;
use fedhost_e2e::broker::Share;
use fedhost_e2e::{Scene, on_kafka, plugins, wait_until};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::kafka_security::config;

const PATIENCE: Duration = Duration::from_secs(20);
const READINGS: &str = "sensor-data-node-1";

struct Node {
    scene: Scene,
    share: Share,
}

impl Node {
    /// One node without sensors of its own, and its topics.
    fn new() -> Self {
        let manifest = format!(
            "[bus]\ndirectory = \"data\"\n[plugins]\ndirectory = \"{}\"\n\
             [preprocess]\nplugin = \"standard-scaler\"\n[model]\nplugin = \"logistic-regression\"\n\
             [federation]\nmin_nodes = 1\nround_interval_ms = 60000\n\
             [training]\nrows_per_round = 5000\n[[fog_node]]\nid = 1\n",
            plugins().display()
        );
        let (scene, share) = (Scene::new(), Share::new());
        let manifest = on_kafka(&manifest, share.address(), share.prefix());
        scene.write("run.toml", manifest);
        let node = Self { scene, share };
        node.create_topics();
        node
    }

    fn create_topics(&self) {
        self.scene
            .fedhost(&["topics", "create", "run.toml", "-q"])
            .expect_code(0);
    }

    fn properties(&self) -> Properties {
        Properties::default().with([("bootstrap.servers", self.share.address())])
    }

    fn write(&self, rows: u32) {
        let producer: BaseProducer = config(&self.properties()).create().unwrap();
        let topic = self.share.topic(READINGS);
        for row in 0..rows {
            let value = format!("{{\"sensor\": \"pump\", \"x\": {row}, \"y\": {}}}", row % 7);
            let record = BaseRecord::<(), str>::to(&topic).partition(0);
            producer.send(record.payload(&value)).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// Runs the node until there are this many predictions, and stops it.
    fn run_until(&self, predictions: usize) {
        let run = self
            .scene
            .start(&["run", "run.toml", "--json", "--role", "fog-node"]);
        wait_until("the rows are scored", || self.predictions() >= predictions);
        run.interrupt();
        assert_eq!(self.predictions(), predictions);
    }

    fn predictions(&self) -> usize {
        let consumer: BaseConsumer = config(&self.properties())
            .set("group.id", "look")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .create()
            .unwrap();
        let topic = self.share.topic("predictions");
        let found = consumer.fetch_metadata(Some(&topic), PATIENCE).unwrap();
        let partitions: Vec<i32> = found
            .topics()
            .iter()
            .flat_map(|topic| topic.partitions().iter().map(|partition| partition.id()))
            .collect();
        let mut start = TopicPartitionList::new();
        for &partition in &partitions {
            start
                .add_partition_offset(&topic, partition, Offset::Beginning)
                .unwrap();
        }
        consumer.assign(&start).unwrap();
        let (mut ended, mut records) = (0, 0);
        while ended < partitions.len() {
            match consumer.poll(PATIENCE).unwrap() {
                Ok(_) => records += 1,
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => unreachable!("{error}"),
            }
        }
        records
    }

    fn expect_warning(&self, part: &str) {
        let warned = self.scene.events_named("warned");
        let is_in = |event: &serde_json::Value| event["detail"].as_str().unwrap().contains(part);
        assert!(warned.iter().any(is_in), "{part} in {warned:?}");
    }
}

#[test]
fn a_topic_that_was_created_again_loses_no_reading() {
    let node = Node::new();
    node.write(300);
    node.run_until(300);
    // When the topic is another one of the same name, with more readings than the first had
    node.share.delete(READINGS);
    node.create_topics();
    node.write(500);
    // Then each of them is scored once
    node.run_until(800);
    node.expect_warning("deleted and created again");
}

#[test]
fn offsets_of_a_group_that_are_gone_repeat_no_prediction() {
    let node = Node::new();
    node.write(300);
    node.run_until(300);
    let group = format!("{}.fog-node-1", node.share.prefix());
    node.share.delete_group(&group);
    node.write(20);
    node.run_until(320);
    node.expect_warning("the group's offset");
}
