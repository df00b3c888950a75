//! The topics of a federation: what each is for, made when it is missing, compared when it is
//! there.

use std::collections::BTreeSet;

use fedhost_base::event::{BusEvent, RunEvent};

use super::settings;
use fedhost_base::announce::Announcer;
use fedhost_base::hint::with_hint;
use fedhost_bus::checkup::{Finding, Outcome};
use fedhost_bus::compare::{Difference, differences, is_too_small};
use fedhost_bus::limits::{self, BrokerLimits};
use fedhost_bus::{self as bus, Admin, TopicInfo, TopicSpec};
use fedhost_manifest::{BusKind, Manifest, Topic};

/// A topic that a manifest asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How it should be.
    pub spec: TopicSpec,
    /// What lies in it, in a few words.
    pub purpose: String,
    /// Whether it takes what could not be used of another topic.
    pub dead_letters: bool,
}

/// All topics that the manifest asks for, each followed by its dead-letter topic.
#[must_use]
pub fn asked(manifest: &Manifest) -> Vec<Asked> {
    let topics = &manifest.topics;
    let mut asked = Vec::new();
    let by_key = topics.by_key(&manifest.fog_node_ids()).into_iter();
    for (key, topic) in by_key.filter(|(key, _)| key != "state") {
        let purpose = purpose(manifest, &key, &topic.name);
        let unused = format!("what could not be used of {}", topic.name);
        let dead_letters = topics.dead_letter_of(&topic);
        asked.push(Asked::new(topic, purpose, false));
        asked.push(Asked::new(dead_letters, unused, true));
    }
    // The embedded log has a place of its own for state.
    if manifest.bus.kind == BusKind::Kafka {
        let purpose = "what the roles remember between runs".to_owned();
        asked.push(Asked::new(topics.state(), purpose, false));
    }
    asked
}

impl Asked {
    fn new(topic: Topic, purpose: String, dead_letters: bool) -> Self {
        Self {
            spec: settings::topic_spec(topic),
            purpose,
            dead_letters,
        }
    }
}

/// What lies in the topic of this key and name.
fn purpose(manifest: &Manifest, key: &str, name: &str) -> String {
    let purpose = match key {
        "global_model" => "global models, for the fog nodes",
        "model_updates" => "model updates, for the aggregator",
        "predictions" => "anomaly scores of readings",
        "evaluations" => "how well global models do, for the aggregator",
        "sensor_data" => {
            let mut nodes = manifest.fog_node_ids().into_iter();
            let node = nodes.find(|&node| manifest.topics.sensor_data_of(node).name == name);
            return node.map_or_else(String::new, |node| format!("readings, for fog node {node}"));
        }
        _ => "named by the manifest",
    };
    purpose.to_owned()
}

/// How a topic was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there, like this.
    There(TopicInfo),
    /// It does not exist.
    Missing,
    /// There is no right to see whether it exists.
    Hidden,
}

impl Found {
    /// What is known of it.
    #[must_use]
    pub fn info(&self) -> Option<&TopicInfo> {
        match self {
            Self::There(info) => Some(info),
            Self::Missing | Self::Hidden => None,
        }
    }

    /// Whether it exists; `None` when that cannot be seen.
    #[must_use]
    pub fn exists(&self) -> Option<bool> {
        match self {
            Self::There(_) => Some(true),
            Self::Missing => Some(false),
            Self::Hidden => None,
        }
    }
}

/// Looks for topics by their names.
///
/// # Errors
/// The bus refused.
pub async fn look_for(
    bus: &(impl Admin + ?Sized),
    names: impl IntoIterator<Item = &str>,
) -> Result<Vec<Found>, bus::Error> {
    let infos = bus.topics().await?;
    let mut found = Vec::new();
    for name in names {
        found.push(match find(&infos, name) {
            Some(info) => Found::There(info.clone()),
            None if bus.hides(name).await? => Found::Hidden,
            None => Found::Missing,
        });
    }
    Ok(found)
}

/// What became of a topic that was to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was not there.
    Created,
    /// It was there, and is left as it is; what is different about it.
    Existed(Vec<Difference>),
}

/// Makes the topic, unless it is among those `found`.
///
/// # Errors
/// The bus refused.
pub async fn make(
    bus: &(impl Admin + ?Sized),
    asked: &TopicSpec,
    found: &[TopicInfo],
) -> Result<Made, bus::Error> {
    if let Some(known) = find(found, &asked.name) {
        return Ok(Made::Existed(differences(asked, known)));
    }
    let made = bus.create_topic(asked.clone()).await?;
    // Another process may have been faster.
    match differences(asked, &made) {
        differences if differences.is_empty() => Ok(Made::Created),
        differences => Ok(Made::Existed(differences)),
    }
}

/// The topic of that name.
#[must_use]
pub fn find<'a>(found: &'a [TopicInfo], name: &str) -> Option<&'a TopicInfo> {
    found.iter().find(|info| info.spec.name == name)
}

/// The bus cannot carry what the manifest promises.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{}", details(.0))]
#[diagnostic(help("{}", hints(.0)))]
pub struct TooSmall(Vec<Finding>);

/// One line a finding.
fn details(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("{}: {}", finding.subject, finding.detail))
        .collect();
    lines.join("\n")
}

/// Each remedy once.
fn hints(findings: &[Finding]) -> String {
    let hints: BTreeSet<&str> = findings
        .iter()
        .filter_map(|finding| finding.hint.as_deref())
        .collect();
    hints.into_iter().collect::<Vec<_>>().join("; ")
}

/// What becomes of records that are larger than a topic takes, where they are not refused.
#[must_use]
pub fn beyond_the_limit(manifest: &Manifest, found: &TopicSpec) -> Option<String> {
    match manifest.bus.kind {
        BusKind::Embedded => None,
        BusKind::Kafka => bus::kafka::beyond_the_limit(found),
    }
}

/// Makes all topics of the manifest before a run; announces what is different about those that are
/// there, and where the brokers are slow with their records.
///
/// # Errors
/// The bus refused; or a topic, or every broker, takes only smaller records: they would be lost.
pub(super) async fn prepare(
    bus: &(impl Admin + ?Sized),
    broker: &BrokerLimits,
    manifest: &Manifest,
    announcer: &Announcer,
) -> Result<(), miette::Report> {
    let mut too_small = Vec::new();
    for Asked { spec: asked, .. } in asked(manifest) {
        let info = bus.create_topic(asked.clone()).await?;
        let found = &info.spec;
        let (stopped, slow): (Vec<_>, Vec<_>) =
            limits::of_brokers(broker, &asked, found, bus.record_bytes_max(found))
                .into_iter()
                .partition(|finding| finding.outcome == Outcome::Failed);
        too_small.extend(stopped);
        for Finding {
            subject,
            detail,
            hint,
            ..
        } in slow
        {
            announcer.announce(RunEvent::Warned {
                part: subject,
                detail: with_hint(detail, hint.as_deref()),
            });
        }
        for Difference {
            setting,
            asked,
            found: has,
        } in differences(&asked, &info)
        {
            announcer.announce(BusEvent::TopicDiffers {
                topic: found.name.clone(),
                setting,
                asked,
                found: has,
            });
        }
        if is_too_small(&asked, found)
            && let Some(detail) = beyond_the_limit(manifest, found)
        {
            announcer.announce(RunEvent::Warned {
                part: format!("topic {:?}", found.name),
                detail,
            });
        }
    }
    if too_small.is_empty() {
        Ok(())
    } else {
        Err(TooSmall(too_small).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_base::hint::explain_report;
    use fedhost_bus::embedded::{EmbeddedLog, Options};
    use fedhost_manifest::load;

    async fn prepared(limits: BrokerLimits) -> Result<(), String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.toml");
        std::fs::write(&path, "[model]\nplugin = \"m\"\n[[fog_node]]\nid = 1\n").unwrap();
        let manifest = load(&path, [], &[]).unwrap().manifest;
        let log = EmbeddedLog::open(Options::new(directory.path().join("log"))).unwrap();
        let prepared = prepare(&log, &limits, &manifest, &Announcer::new(Vec::new())).await;
        prepared.map_err(|error| explain_report(&error))
    }

    #[tokio::test]
    async fn a_run_does_not_begin_on_brokers_that_would_stop_its_records() {
        let roomy = BrokerLimits {
            copied: Some(1),
            requested: Some(100 << 20),
        };
        assert_eq!(prepared(roomy).await, Ok(()));
        let small = BrokerLimits {
            requested: Some(16 << 20),
            ..roomy
        };
        let refused = prepared(small)
            .await
            .expect_err("a dead-letter record of a model is larger");
        let topic =
            "sizes of topic \"global_model.dlq\": the broker takes no request above 16777216 bytes";
        assert!(refused.contains(topic), "{refused}");
        assert!(
            refused.contains("\nhint: raise the broker's socket.request.max.bytes"),
            "{refused}"
        );
        assert!(!refused.contains("\"predictions\""), "{refused}");
    }
}
