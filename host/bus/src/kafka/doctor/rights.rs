//! Whether we may read and write what the roles read and write.

use std::time::Duration;

use rdkafka::admin::ResourceSpecifier;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::acl::{self, Thing};
use super::cluster::{Cluster, way_in};
use super::{Needs, ReadNeed};
use crate::checkup::{Finding, Tell};
use fedhost_base::clock;

const POLL: Duration = Duration::from_millis(100);
/// The year 2100, in milliseconds since the Unix epoch.
const FAR_FUTURE_MS: u64 = 4_102_444_800_000;

/// Tries every right on a topic; those on groups and transactional ids show where these are looked
/// at.
pub(super) fn examine(cluster: &Cluster<'_>, needs: &Needs, tell: &mut Tell<'_>) {
    let authorizer = cluster.broker_settings().ok().flatten();
    if authorizer
        .and_then(|settings| settings.get("authorizer.class.name").cloned())
        .is_some_and(|name| name.is_empty())
    {
        tell(Finding::ok(
            "rights",
            "the cluster has no authorizer: everybody may do everything",
        ));
        return;
    }
    let visible = |topic: &str| cluster.topics.contains_key(topic);
    for reading in needs.reads.iter().filter(|reading| visible(&reading.topic)) {
        let subject = format!("right to read topic {:?}", reading.topic);
        tell(finding(
            cluster,
            subject,
            may_read(cluster, reading),
            "Read",
            &reading.topic,
        ));
    }
    for topic in needs.writes.iter().filter(|topic| visible(topic)) {
        let subject = format!("right to write topic {topic:?}");
        tell(finding(
            cluster,
            subject,
            may_write(cluster, topic),
            "Write",
            topic,
        ));
    }
}

/// What came of trying a right.
enum Answer {
    Granted,
    Denied,
    /// Why the result is unknown.
    Untold(String),
}

fn finding(
    cluster: &Cluster<'_>,
    subject: String,
    answer: Answer,
    operation: &str,
    topic: &str,
) -> Finding {
    match answer {
        Answer::Granted => Finding::ok(subject, "granted"),
        Answer::Denied => Finding::failed(
            subject,
            "missing",
            acl::hint(cluster, operation, Thing::Topic, topic),
        ),
        Answer::Untold(why) => Finding::unknown(subject, why),
    }
}

/// Fetches from the end of the first partition: nothing comes but the answer that this is allowed.
fn may_read(cluster: &Cluster<'_>, reading: &ReadNeed) -> Answer {
    let reader = match cluster.reader(&reading.group) {
        Ok(reader) => reader,
        Err(trouble) => return Answer::Untold(trouble.reason),
    };
    let mut end = TopicPartitionList::new();
    let assigned = end
        .add_partition_offset(&reading.topic, 0, Offset::End)
        .and_then(|()| reader.assign(&end));
    if let Err(error) = assigned {
        return Answer::Untold(error.to_string());
    }
    let deadline = cluster.deadline();
    while clock::now() < deadline {
        match reader.poll(POLL) {
            Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return Answer::Granted,
            Some(Err(error)) if is_denial(error.rdkafka_error_code()) => return Answer::Denied,
            Some(Err(_)) | None => {}
        }
    }
    Answer::Untold("the broker did not answer in time".to_owned())
}

/// Sends a record that the broker must refuse for what is in it, but looks at the sender's rights
/// first.
fn may_write(cluster: &Cluster<'_>, topic: &str) -> Answer {
    match cluster.settings(ResourceSpecifier::Topic(topic)) {
        Ok(Some(settings)) if refuses_the_probe(|name| settings.get(name).map(String::as_str)) => {}
        Ok(Some(_)) => {
            return Answer::Untold("it cannot be told without writing to the topic".to_owned());
        }
        Ok(None) => {
            return Answer::Untold(
                "no right to see the topic's settings, so nothing is tried".to_owned(),
            );
        }
        Err(trouble) => return Answer::Untold(trouble.reason),
    }
    let request_ms = cluster.options.request.as_millis().to_string();
    let properties = way_in(&cluster.options.producer)
        .with([("retries", "0"), ("message.timeout.ms", &request_ms)]);
    let (sender, reports) = std::sync::mpsc::sync_channel(1);
    let producer: BaseProducer<Reports> = match properties
        .client_config()
        .create_with_context(Reports(sender))
    {
        Ok(producer) => producer,
        Err(error) => return Answer::Untold(error.to_string()),
    };
    let probe = BaseRecord::<(), str>::to(topic)
        .partition(0)
        .payload("")
        .timestamp(FAR_FUTURE_MS.cast_signed());
    let code = match producer.send(probe) {
        Err((error, _)) => error.rdkafka_error_code(),
        Ok(()) => {
            // What came of it is in the report.
            drop(producer.flush(cluster.options.request));
            reports.try_recv().ok().flatten()
        }
    };
    match code {
        code if is_denial(code) => Answer::Denied,
        Some(RDKafkaErrorCode::InvalidTimestamp | RDKafkaErrorCode::InvalidRecord) => {
            Answer::Granted
        }
        Some(code) => Answer::Untold(code.to_string()),
        None => Answer::Untold("the broker did not answer in time".to_owned()),
    }
}

/// Whether a record without a key, dated far in the future, is surely not taken.
fn refuses_the_probe<'a>(setting: impl Fn(&str) -> Option<&'a str>) -> bool {
    let compacted = setting("cleanup.policy").is_some_and(|policy| policy.contains("compact"));
    let dated_by_writer = setting("message.timestamp.type") == Some("CreateTime");
    let ahead_ms =
        setting("message.timestamp.after.max.ms").and_then(|value| value.parse::<u64>().ok());
    let too_far =
        ahead_ms.is_some_and(|ahead_ms| clock::now_ms().saturating_add(ahead_ms) < FAR_FUTURE_MS);
    compacted || (dated_by_writer && too_far)
}

fn is_denial(code: Option<RDKafkaErrorCode>) -> bool {
    code == Some(RDKafkaErrorCode::TopicAuthorizationFailed)
}

/// Hands on why a record was refused.
struct Reports(std::sync::mpsc::SyncSender<Option<RDKafkaErrorCode>>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, report: &DeliveryResult<'_>, (): ()) {
        let code = report
            .as_ref()
            .err()
            .and_then(|(error, _)| error.rdkafka_error_code());
        // There is room for the one report that comes.
        self.0.try_send(code).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_that_a_topic_might_take() {
        let cases: [(&[(&str, &str)], bool); 6] = [
            (&[("cleanup.policy", "compact")], true),
            (
                &[
                    ("cleanup.policy", "compact,delete"),
                    ("message.timestamp.type", "LogAppendTime"),
                ],
                true,
            ),
            (
                &[
                    ("message.timestamp.type", "CreateTime"),
                    ("message.timestamp.after.max.ms", "3600000"),
                ],
                true,
            ),
            (
                &[
                    ("message.timestamp.type", "LogAppendTime"),
                    ("message.timestamp.after.max.ms", "3600000"),
                ],
                false,
            ),
            (
                &[
                    ("message.timestamp.type", "CreateTime"),
                    ("message.timestamp.after.max.ms", "9223372036854775807"),
                ],
                false,
            ),
            (&[("cleanup.policy", "delete")], false),
        ];
        for (settings, refused) in cases {
            let find = |name: &str| {
                settings
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| *value)
            };
            assert_eq!(refuses_the_probe(find), refused, "{settings:?}");
        }
    }
}
