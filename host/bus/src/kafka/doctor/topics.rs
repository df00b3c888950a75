//! The topics, as they are and as the manifest wants them.

use std::collections::BTreeMap;

use rdkafka::admin::{NewTopic, ResourceSpecifier};

use super::Needs;
use super::acl::{self, Thing};
use super::cluster::{Cluster, Topic};
use crate::TopicSpec;
use crate::checkup::{Finding, Tell};
use crate::compare::{Difference, MAX_MESSAGE_BYTES, compare, is_too_small};
use crate::kafka::Options;
use crate::kafka::admin::settings;
use crate::kafka::chunks;
use crate::kafka::diagnosis;
use crate::limits::{self, BrokerLimits, ClientLimits};

type Settings = BTreeMap<String, String>;
/// Topics by the size above which their records travel in chunks.
type Chunked = BTreeMap<u64, Vec<String>>;

/// Tells of topics that are missing or different, and of sizes that do not agree.
pub(super) fn examine(cluster: &Cluster<'_>, needs: &Needs, tell: &mut Tell<'_>) {
    let broker =
        settings::broker_limits(&cluster.broker_settings().ok().flatten().unwrap_or_default());
    let (mut sound, mut absent, mut chunked) = (0, Vec::new(), Chunked::new());
    for spec in &needs.topics {
        match cluster.topic(&spec.name) {
            None if cluster.hides(&spec.name) => tell(hidden(cluster, &spec.name)),
            None => absent.push(spec),
            Some(topic) => match faults(cluster, spec, topic, &broker, &mut chunked) {
                faults if faults.is_empty() => sound += 1,
                faults => faults.into_iter().for_each(&mut *tell),
            },
        }
    }
    if sound > 0 {
        tell(Finding::ok(
            "topics",
            format!(
                "{sound} of {} are as the manifest wants them",
                needs.topics.len()
            ),
        ));
    }
    for (above, topics) in chunked {
        let detail = format!(
            "records above {above} bytes travel in chunks: {}",
            topics.join(", ")
        );
        tell(Finding::ok("sizes", detail));
    }
    if !absent.is_empty() {
        tell(missing(cluster, &absent));
    }
}

fn hidden(cluster: &Cluster<'_>, topic: &str) -> Finding {
    let detail = format!("no right to see whether topic {topic:?} is there");
    Finding::failed(
        "topics",
        detail,
        acl::hint(cluster, "Describe", Thing::Topic, topic),
    )
}

/// What is wrong with a topic that is there; notes when its records travel in chunks.
fn faults(
    cluster: &Cluster<'_>,
    asked: &TopicSpec,
    topic: Topic,
    broker: &BrokerLimits,
    chunked: &mut Chunked,
) -> Vec<Finding> {
    let subject = format!("topic {:?}", asked.name);
    match cluster.settings(ResourceSpecifier::Topic(&asked.name)) {
        Ok(Some(found)) => {
            let found = settings::spec(&asked.name, topic.partitions, topic.copies, found);
            let clients = client_limits(cluster.options);
            let piece = limits::largest_piece(&clients, asked, &found);
            let taken = found.max_message_bytes;
            if chunks::is_wide_enough(taken) && taken.min(clients.sent()) < chunks::LARGEST_RECORD {
                chunked
                    .entry(taken.min(clients.sent()))
                    .or_default()
                    .push(asked.name.clone());
            }
            let mut faults =
                limits::of_brokers(broker, asked, &found, chunks::record_bytes_max(taken));
            faults.extend(limits::of_clients(&clients, asked, piece));
            // A topic that is too small is reported with the sizes.
            let told = |difference: &Difference| {
                difference.setting == MAX_MESSAGE_BYTES && is_too_small(asked, &found)
            };
            faults.extend(
                compare(asked, &found)
                    .into_iter()
                    .filter(|one| !told(one))
                    .map(|one| different(&subject, &one)),
            );
            faults
        }
        Ok(None) => vec![Finding::unknown(
            subject,
            "its settings: no right to DescribeConfigs on it",
        )],
        Err(trouble) => vec![Finding::failed(subject, trouble.reason, trouble.hint)],
    }
}

fn different(
    subject: &str,
    Difference {
        setting,
        asked,
        found,
    }: &Difference,
) -> Finding {
    let detail = format!("it has {setting} = {found}, and the manifest asks for {asked}");
    Finding::warning(
        subject,
        detail,
        "correct the manifest, or have the topic changed; no run changes a topic that is there",
    )
}

fn client_limits(options: &Options) -> ClientLimits {
    ClientLimits {
        sent: options.producer.number("message.max.bytes"),
        fetched: options.consumer.number("fetch.max.bytes"),
        received: options.consumer.number("receive.message.max.bytes"),
    }
}

/// Topics that are not there yet, and whether the cluster would let us make them.
fn missing(cluster: &Cluster<'_>, absent: &[&TopicSpec]) -> Finding {
    let names: Vec<&str> = absent.iter().map(|spec| spec.name.as_str()).collect();
    let listed = format!("not there yet: {}", names.join(", "));
    let specs: Vec<(&TopicSpec, Settings)> = absent
        .iter()
        .map(|&spec| (spec, settings::of(spec)))
        .collect();
    let new: Vec<NewTopic<'_>> = specs
        .iter()
        .map(|(spec, own)| settings::new_topic(spec, own))
        .collect();
    let answers = cluster.answer(
        cluster
            .admin
            .create_topics(&new, &cluster.request().validate_only(true)),
    );
    match answers.map(|answers| answers.into_iter().find_map(Result::err)) {
        Ok(None) => Finding::warning(
            "topics",
            listed,
            "`fedhost topics create` makes them, and so does `fedhost run`",
        ),
        Ok(Some((name, code))) => {
            let trouble = diagnosis::of_code(code, &name);
            let detail = format!("{listed}; and {name:?} cannot be made: {}", trouble.reason);
            Finding::failed("topics", detail, trouble.hint)
        }
        Err(trouble) => Finding::failed(
            "topics",
            format!("{listed}; and {}", trouble.reason),
            trouble.hint,
        ),
    }
}
