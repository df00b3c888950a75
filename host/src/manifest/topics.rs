//! `[topics]`: names and limits of the topics.

use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};

const NODE: &str = "{node}";

/// The topics that a federation uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Topics {
    /// Global models, from the aggregator to every fog node.
    pub global_model: Topic,
    /// Model updates, from the fog nodes to the aggregator.
    pub model_updates: Topic,
    /// Readings of one fog node's sensors; `{node}` in the name stands for the node's id.
    pub sensor_data: Topic,
    /// Anomaly scores of readings.
    pub predictions: Topic,
    /// How well global models do on held-out rows.
    pub evaluations: Topic,
    /// What follows a topic's name in the name of its dead-letter topic: 1 to 100 letters, digits, `.`, `_` or `-`.
    #[schemars(extend("format" = "name"))]
    pub dead_letter_suffix: String,
}

/// One topic: its name alone, or a table of these keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = or_name)]
pub struct Topic {
    /// 1 to 249 letters, digits, `.`, `_` or `-`.
    #[schemars(extend("format" = "topic"))]
    pub name: String,
    /// How many parts the topic has, each with an order of its own: 1 to 1024.
    #[schemars(range(min = 1, max = 1024))]
    pub partitions: u32,
    /// Milliseconds after which a record may be dropped; -1 keeps it. Example: `3600000`, an hour.
    #[serde(with = "minus_one")]
    #[schemars(with = "i64", range(min = -1))]
    pub retention_ms: Option<u64>,
    /// Bytes of a partition above which its oldest records are dropped; -1 sets no limit. Example: `1073741824`.
    #[serde(with = "minus_one")]
    #[schemars(with = "i64", range(min = -1))]
    pub retention_bytes: Option<u64>,
    /// Bytes of key and value together above which a record is refused: 1024 to 1 GiB.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub max_message_bytes: u64,
}

fn or_name(schema: &mut Schema) {
    let table = schema.clone();
    *schema = json_schema!({ "anyOf": [{ "type": "string", "format": "topic" }, table] });
}

impl Topics {
    /// The topic of the readings of fog node `node`.
    #[must_use]
    pub fn sensor_data_of(&self, node: u32) -> Topic {
        Topic { name: self.sensor_data.name.replace(NODE, &node.to_string()), ..self.sensor_data.clone() }
    }

    /// Where what could not be used of `topic` goes.
    #[must_use]
    pub fn dead_letter_of(&self, topic: &Topic) -> Topic {
        Topic { name: format!("{}{}", topic.name, self.dead_letter_suffix), ..topic.clone() }
    }

    /// Every topic of a federation of these fog nodes, but for dead letters.
    #[must_use]
    pub fn all(&self, nodes: &BTreeSet<u32>) -> Vec<Topic> {
        self.by_key(nodes).into_iter().map(|(_, topic)| topic).collect()
    }

    /// As [`Topics::all`], each with the key that names it.
    pub(super) fn by_key(&self, nodes: &BTreeSet<u32>) -> Vec<(&'static str, Topic)> {
        let shared = [
            ("global_model", &self.global_model),
            ("model_updates", &self.model_updates),
            ("predictions", &self.predictions),
            ("evaluations", &self.evaluations),
        ];
        let sensor_data = nodes.iter().map(|&node| ("sensor_data", self.sensor_data_of(node)));
        shared.into_iter().map(|(key, topic)| (key, topic.clone())).chain(sensor_data).collect()
    }
}

/// Refuses what Kafka would refuse too, so that a name stays legal on every bus.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=249).contains(&name.len()) && name.bytes().all(legal) && !matches!(name, "." | "..") {
        return Ok(());
    }
    Err("expected a topic's name of 1 to 249 letters, digits, '.', '_' or '-'".into())
}

/// As [`check_name`], for a name in which `{node}` may stand for a number.
pub(super) fn check_template(name: &str) -> Result<(), String> {
    check_name(&name.replace(NODE, "0"))
}

/// Whether the name has a place for a node's id.
pub(super) fn is_template(name: &str) -> bool {
    name.contains(NODE)
}

/// `-1` for "no limit", as Kafka has it.
mod minus_one {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(limit: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match limit {
            Some(limit) => serializer.serialize_u64(*limit),
            None => serializer.serialize_i64(-1),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(u64::try_from(i64::deserialize(deserializer)?).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_name_is_what_kafka_takes() {
        for good in ["model_updates", "sensor-data-node-1", "a.b", &"x".repeat(249)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", ".", "..", "a b", "é", "a/b", "a-{node}", &"x".repeat(250)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        assert_eq!(check_template("a-{node}"), Ok(()));
        assert!(check_template("a-{id}").is_err());
    }
}
