//! One topic: its name, its limits, and what a broker makes of them.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};
use toml::Value;

/// One topic: its name alone, or a table of these keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = or_name)]
pub struct Topic {
    /// 1 to 249 letters, digits, `.`, `_` or `-`.
    #[schemars(extend("format" = "topic"))]
    pub name: String,
    /// How many parts the topic has, each with an order of its own: 1 to 1024.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 1024))]
    pub partitions: u32,
    /// Milliseconds after which a record may be dropped; -1 keeps it. Example: `3600000`, an hour.
    /// Where `cleanup_policy` is `compact` it has no effect.
    #[serde(default = "a_week", with = "minus_one")]
    #[schemars(with = "i64", range(min = -1))]
    pub retention_ms: Option<u64>,
    /// Bytes of a partition above which its oldest records are dropped; -1 sets no limit. Example:
    /// `1073741824`.
    #[serde(default, with = "minus_one")]
    #[schemars(with = "i64", range(min = -1))]
    pub retention_bytes: Option<u64>,
    /// Bytes of key and value together above which a record is refused, or on Kafka travels in
    /// chunks: 1024 to 1 GiB.
    #[serde(default = "a_mebibyte")]
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub max_message_bytes: u64,
    /// Which records go: `delete`, the old ones; `compact`, those whose key has a newer record;
    /// `compact,delete`, both.
    #[serde(default)]
    pub cleanup_policy: CleanupPolicy,
    /// How a broker keeps batches: `producer`, as they come; or `uncompressed`, `gzip`, `snappy`,
    /// `lz4`, `zstd`.
    #[serde(default)]
    pub compression: TopicCompression,
    /// Brokers that hold a copy, 1 to 100; without it `topics.replication_factor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub replication_factor: Option<u16>,
    /// Copies that must be there for a write, 1 to 100; without it `topics.min_insync_replicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub min_insync_replicas: Option<u16>,
    /// Further settings of the topic by the names that Kafka gives them. Example: `{ "segment.ms" =
    /// 86400000 }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "free_settings")]
    pub settings: BTreeMap<String, Value>,
}

fn three() -> u32 {
    3
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the type of the field: `None` keeps records for ever"
)]
fn a_week() -> Option<u64> {
    Some(604_800_000)
}

fn a_mebibyte() -> u64 {
    1 << 20
}

fn or_name(schema: &mut Schema) {
    let table = schema.clone();
    *schema = json_schema!({ "anyOf": [{ "type": "string", "format": "topic" }, table] });
}

fn free_settings(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": {
            "type": ["string", "integer", "boolean", "number"],
            "description": "A setting of topics, as Kafka names it.",
        },
    })
}

/// Which records a topic lets go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CleanupPolicy {
    /// Old ones.
    #[default]
    Delete,
    /// Those whose key has a newer record.
    Compact,
    /// Both.
    #[serde(rename = "compact,delete")]
    CompactDelete,
}

impl CleanupPolicy {
    /// As Kafka writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Compact => "compact",
            Self::CompactDelete => "compact,delete",
        }
    }
}

/// How a broker keeps batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TopicCompression {
    /// As they come.
    #[default]
    Producer,
    /// Without compression.
    Uncompressed,
    /// With gzip.
    Gzip,
    /// With snappy.
    Snappy,
    /// With lz4.
    Lz4,
    /// With zstd.
    Zstd,
}

impl TopicCompression {
    /// As Kafka writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Uncompressed => "uncompressed",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl Topic {
    /// Every setting of the topic by the name that Kafka gives it; `-1` means no limit.
    #[must_use]
    pub fn settings(&self) -> BTreeMap<String, String> {
        let limit =
            |limit: Option<u64>| limit.map_or_else(|| "-1".to_owned(), |limit| limit.to_string());
        let mut settings = self.further_settings();
        settings.insert("retention.ms".to_owned(), limit(self.retention_ms));
        settings.insert("retention.bytes".to_owned(), limit(self.retention_bytes));
        settings.insert(
            "max.message.bytes".to_owned(),
            self.max_message_bytes.to_string(),
        );
        settings
    }

    /// As [`Topic::settings`], but for retention and the size of records, which every bus knows.
    #[must_use]
    pub fn further_settings(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let mut settings: BTreeMap<String, String> = self
            .settings
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect();
        settings.insert(
            "cleanup.policy".to_owned(),
            self.cleanup_policy.word().to_owned(),
        );
        settings.insert(
            "compression.type".to_owned(),
            self.compression.word().to_owned(),
        );
        if let Some(copies) = self.min_insync_replicas {
            settings.insert("min.insync.replicas".to_owned(), copies.to_string());
        }
        settings
    }
}

/// `-1` for "no limit", as Kafka has it.
pub(super) mod minus_one {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        limit: &Option<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match limit {
            Some(limit) => serializer.serialize_u64(*limit),
            None => serializer.serialize_i64(-1),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        Ok(u64::try_from(i64::deserialize(deserializer)?).ok())
    }
}
