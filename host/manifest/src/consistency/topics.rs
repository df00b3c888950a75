//! Whether the topics go together.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::problem::{Origin, Problem};
use crate::topics::{self, CleanupPolicy, Topic, Topics};
use crate::{BusKind, Manifest};

impl Checker<'_> {
    pub(super) fn topics(&mut self, manifest: &Manifest) {
        let topics = &manifest.topics;
        let template = "topics.sensor_data.name";
        if !topics::is_template(&topics.sensor_data.name) && self.problems.spare(&[template]) {
            let message = format!(
                "{:?} has no {{node}}, and each fog node reads its own topic",
                topics.sensor_data.name
            );
            self.report(template, message, "for example \"sensor-data-node-{node}\"");
        }
        if !self.problems.spare(&["topics", "fog_node"]) {
            return;
        }
        for (key, topic) in topics.by_key(&BTreeSet::from([0])) {
            self.topic(topics, &key, &topic);
            if manifest.bus.kind == BusKind::Kafka {
                self.segment(&key, &topic);
            }
        }
        self.names(topics, &manifest.fog_node_ids());
    }

    fn names(&mut self, topics: &Topics, nodes: &BTreeSet<u32>) {
        let all = topics.by_key(nodes);
        let mut keys = BTreeMap::<&str, &str>::new();
        for (key, topic) in &all {
            let path = format!("topics.{key}.name");
            let dead_letters = topics.dead_letter_of(topic);
            if let Err(reason) = topics::check_name(&topic.name)
                .and_then(|()| topics::check_name(&dead_letters.name))
            {
                self.report(
                    path,
                    format!(
                        "{reason}, found {:?} and {:?}",
                        topic.name, dead_letters.name
                    ),
                    None,
                );
            } else if let Some(other) = keys.insert(&topic.name, key) {
                // The name to change is the one that the user wrote.
                let is_written = self.origins.nearest(&path) != Origin::Default;
                let (blamed, other) = if is_written {
                    (key.as_str(), other)
                } else {
                    (other, key.as_str())
                };
                let message = format!("topics.{other} is called {:?} too", topic.name);
                self.report(format!("topics.{blamed}.name"), message, None);
            }
        }
        for (key, topic) in all.iter().filter(|(key, _)| key != "state") {
            if let Some(other) = keys.get(topics.dead_letter_of(topic).name.as_str()) {
                let message =
                    format!("the dead-letter records of topics.{key} go to a topic of that name");
                self.report(format!("topics.{other}.name"), message, None);
            }
        }
    }

    fn topic(&mut self, topics: &Topics, key: &str, topic: &Topic) {
        let path = format!("topics.{key}");
        self.copies(topics, &path, topic);
        for name in topic.settings.keys() {
            if let Err((message, hint)) = topics::check_setting(name) {
                let key_path = format!("{path}.settings.{name}");
                let origin = self.origins.nearest(&key_path);
                self.problems.add(Problem {
                    key_path,
                    origin,
                    message,
                    hint: Some(hint),
                });
            }
        }
        self.cleanup(key, topic);
    }

    /// A broker takes no batch that is larger than a segment.
    fn segment(&mut self, key: &str, topic: &Topic) {
        let number =
            |value: &toml::Value| value.as_integer().or_else(|| value.as_str()?.parse().ok());
        let segment = topic
            .settings
            .get("segment.bytes")
            .and_then(number)
            .and_then(|bytes| u64::try_from(bytes).ok());
        let needed = topics::wire_bytes(topic.max_message_bytes);
        if let Some(segment) = segment.filter(|&segment| segment < needed) {
            let message = format!(
                "segment.bytes in its settings is {segment}, and a record of that size needs {needed}"
            );
            self.report(
                format!("topics.{key}.max_message_bytes"),
                message,
                "lower it, or raise segment.bytes",
            );
        }
    }

    fn copies(&mut self, topics: &Topics, path: &str, topic: &Topic) {
        let (Some(copies), Some(least)) = (topic.replication_factor, topic.min_insync_replicas)
        else {
            return;
        };
        let is_common =
            topics.replication_factor == Some(copies) && topics.min_insync_replicas == Some(least);
        let table = if is_common { "topics" } else { path };
        let key_path = format!("{table}.min_insync_replicas");
        if least > copies && self.problems.spare(&[&key_path]) {
            let message = format!("a write would wait for {least} copies, and there are {copies}");
            self.report(key_path, message, "raise replication_factor");
        }
    }

    /// Compaction keeps the newest record of each key: the state's, and the newest model, but not
    /// every reading.
    fn cleanup(&mut self, key: &str, topic: &Topic) {
        let path = format!("topics.{key}.cleanup_policy");
        if key == "state" {
            if topic.partitions != 1 {
                let message = format!(
                    "what the roles remember has one order, so one partition, not {}",
                    topic.partitions
                );
                self.report("topics.state.partitions", message, None);
            }
            if topic.cleanup_policy != CleanupPolicy::Compact {
                let message = "what the roles remember must not be dropped because it is old";
                self.report(path, message.into(), "leave it out, or \"compact\"");
            }
        } else if EVERY_RECORD_COUNTS.contains(&key)
            && topic.cleanup_policy != CleanupPolicy::Delete
        {
            let message = "compaction keeps the newest record of each key only, and every record of this topic counts";
            self.report(path, message.into(), "leave it out, or \"delete\"");
        }
    }
}

const EVERY_RECORD_COUNTS: [&str; 4] =
    ["model_updates", "sensor_data", "predictions", "evaluations"];
