//! What is different about a topic from what was asked for. Nothing here changes a topic, and
//! nothing ever does.

use std::collections::BTreeSet;

use super::{TopicInfo, TopicSpec};

/// A setting that a topic does not have as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// By Kafka's name, or [`PARTITIONS`] or [`REPLICATION`].
    pub setting: String,
    /// What was asked for.
    pub asked: String,
    /// What the topic has.
    pub found: String,
}

/// How the number of partitions is called where settings are named.
pub const PARTITIONS: &str = "partitions";
/// How the number of copies is called where settings are named.
pub const REPLICATION: &str = "replication.factor";
/// How long records are kept, in milliseconds; -1 for ever.
pub const RETENTION_MS: &str = "retention.ms";
/// How much of a partition is kept, in bytes; -1 all.
pub const RETENTION_BYTES: &str = "retention.bytes";
/// The largest key and value together, in bytes.
pub const MAX_MESSAGE_BYTES: &str = "max.message.bytes";

/// Compares a topic with what was asked for. What was not asked for, or what the bus does not have,
/// is no difference.
#[must_use]
pub fn compare(asked: &TopicSpec, found: &TopicSpec) -> Vec<Difference> {
    let differs = |(setting, asked): (String, String)| {
        let found = value(found, &setting)?;
        (!are_same(&asked, &found)).then_some(Difference {
            setting,
            asked,
            found,
        })
    };
    settings(asked).into_iter().filter_map(differs).collect()
}

/// The same for a topic as its bus shows it.
#[must_use]
pub fn differences(asked: &TopicSpec, found: &TopicInfo) -> Vec<Difference> {
    let mut differences = compare(asked, &found.spec);
    differences.retain(|one| is_shown(found, &one.setting));
    differences
}

/// The value of one setting as the bus shows it; `None` when it does not.
#[must_use]
pub fn shown(found: &TopicInfo, setting: &str) -> Option<String> {
    if is_shown(found, setting) {
        value(&found.spec, setting)
    } else {
        None
    }
}

fn is_shown(found: &TopicInfo, setting: &str) -> bool {
    found.settings_known || [PARTITIONS, REPLICATION].contains(&setting)
}

/// Whether records that were promised a place would find none: the topic takes only smaller ones.
#[must_use]
pub fn is_too_small(asked: &TopicSpec, found: &TopicSpec) -> bool {
    found.max_message_bytes < asked.max_message_bytes
}

/// Everything that is asked for, by Kafka's names; what a topic has of it, [`value`] returns.
#[must_use]
pub fn settings(asked: &TopicSpec) -> Vec<(String, String)> {
    let fields = [
        PARTITIONS,
        REPLICATION,
        RETENTION_MS,
        RETENTION_BYTES,
        MAX_MESSAGE_BYTES,
    ];
    let further = asked
        .settings
        .keys()
        .map(String::as_str)
        .filter(|name| !fields.contains(name));
    let names = fields.into_iter().chain(further);
    names
        .filter_map(|name| Some((name.to_owned(), value(asked, name)?)))
        .collect()
}

/// The value of one setting; `None` when the topic, or its bus, has no such setting.
#[must_use]
pub fn value(spec: &TopicSpec, setting: &str) -> Option<String> {
    let limit =
        |limit: Option<u64>| limit.map_or_else(|| "-1".to_owned(), |limit| limit.to_string());
    match setting {
        PARTITIONS => Some(spec.partitions.to_string()),
        REPLICATION => spec.replication_factor.map(|copies| copies.to_string()),
        RETENTION_MS => Some(limit(spec.retention_ms)),
        RETENTION_BYTES => Some(limit(spec.retention_bytes)),
        MAX_MESSAGE_BYTES => Some(spec.max_message_bytes.to_string()),
        other => spec.settings.get(other).cloned(),
    }
}

/// Numbers and words may be written in several ways, and the order of a list means nothing.
fn are_same(a: &str, b: &str) -> bool {
    let words = |text: &str| {
        text.split(',')
            .map(|word| word.trim().to_ascii_lowercase())
            .collect::<BTreeSet<_>>()
    };
    match (a.trim().parse::<f64>(), b.trim().parse::<f64>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => words(a) == words(b),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn spec() -> TopicSpec {
        TopicSpec {
            name: "t".into(),
            partitions: 3,
            retention_ms: Some(3_600_000),
            retention_bytes: None,
            max_message_bytes: 1 << 20,
            replication_factor: Some(3),
            settings: settings(&[
                ("cleanup.policy", "compact,delete"),
                ("compression.type", "zstd"),
                ("min.insync.replicas", "2"),
            ]),
        }
    }

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn every_setting_that_differs_is_named_with_both_values() {
        let found = TopicSpec {
            partitions: 1,
            retention_ms: None,
            retention_bytes: Some(9),
            max_message_bytes: 9,
            replication_factor: Some(1),
            settings: settings(&[
                ("cleanup.policy", "delete"),
                ("compression.type", "producer"),
                ("min.insync.replicas", "1"),
                ("segment.ms", "5"),
            ]),
            ..spec()
        };
        let differences = compare(&spec(), &found);
        let lines: Vec<_> = differences
            .iter()
            .map(|one| format!("{} {} {}", one.setting, one.asked, one.found))
            .collect();
        assert_eq!(
            lines,
            [
                "partitions 3 1",
                "replication.factor 3 1",
                "retention.ms 3600000 -1",
                "retention.bytes -1 9",
                "max.message.bytes 1048576 9",
                "cleanup.policy compact,delete delete",
                "compression.type zstd producer",
                "min.insync.replicas 2 1",
            ]
        );
    }

    #[test]
    fn the_same_value_in_another_form_is_no_difference() {
        let asked = settings(&[
            ("cleanup.policy", "compact,delete"),
            ("min.cleanable.dirty.ratio", "0.50"),
            ("x", "True"),
        ]);
        let found = settings(&[
            ("cleanup.policy", "delete, compact"),
            ("min.cleanable.dirty.ratio", "0.5"),
            ("x", "true"),
        ]);
        let (asked, found) = (
            TopicSpec {
                settings: asked,
                ..spec()
            },
            TopicSpec {
                settings: found,
                ..spec()
            },
        );
        assert_eq!(compare(&asked, &found), []);
    }

    #[test]
    fn what_nobody_asked_for_and_what_the_bus_does_not_have_is_no_difference() {
        let bare = TopicSpec {
            replication_factor: None,
            settings: BTreeMap::new(),
            ..spec()
        };
        assert_eq!(compare(&bare, &spec()), [], "not asked for");
        assert_eq!(compare(&spec(), &bare), [], "not there");
    }

    #[test]
    fn a_setting_that_a_field_tells_too_is_told_once() {
        let twice = TopicSpec {
            settings: settings(&[("retention.ms", "1"), ("max.message.bytes", "1")]),
            ..spec()
        };
        assert_eq!(compare(&twice, &spec()), []);
    }

    #[test]
    fn of_a_topic_whose_settings_are_not_told_only_the_layout_is_compared() {
        let found = TopicSpec {
            partitions: 1,
            retention_ms: None,
            ..spec()
        };
        let info = |settings_known| TopicInfo {
            spec: found.clone(),
            offsets: Vec::new(),
            settings_known,
        };
        let named = |info| {
            differences(&spec(), &info)
                .into_iter()
                .map(|one| one.setting)
                .collect::<Vec<_>>()
        };
        assert_eq!(named(info(true)), ["partitions", "retention.ms"]);
        assert_eq!(named(info(false)), ["partitions"]);
        assert_eq!(shown(&info(false), PARTITIONS).as_deref(), Some("1"));
        assert_eq!(shown(&info(false), RETENTION_MS), None);
    }

    #[test]
    fn only_a_smaller_limit_keeps_promised_records_out() {
        let found = |max_message_bytes| TopicSpec {
            max_message_bytes,
            ..spec()
        };
        assert!(is_too_small(&spec(), &found((1 << 20) - 1)));
        assert!(!is_too_small(&spec(), &found(1 << 20)) && !is_too_small(&spec(), &found(1 << 21)));
    }
}
