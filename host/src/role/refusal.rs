//! The aggregator's answer to an update that it refuses: a record on the topic of global models,
//! which every node reads anyway. It informs a node; it changes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::model::NodeId;
use serde::{Deserialize, Serialize};

use super::models::new_id;
use fedhost_base::clock;
use fedhost_bus::{NewRecord, Record};

/// The `type` in the header of the record.
const TYPE: &str = "update_refused";
/// The keys of answers. No plug-in's name has a colon, so a compacted topic keeps the answer to a
/// node beside the newest global model, and never in its place.
const KEY_PREFIX: &str = "refused:";
/// Longer texts are cut: they quote what an untrusted sender wrote.
const DETAIL_CHARS: usize = 500;
/// Larger records are no answers.
const MAX_BYTES: usize = 16 << 10;

/// An update that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedUpdate {
    /// The sender.
    pub node: NodeId,
    /// The round that was being gathered.
    pub round: u64,
    /// A short stable code, such as `stale`.
    pub reason: String,
    /// The full explanation, in one line.
    pub detail: String,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    header: Header,
    metadata: Refused,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: f64,
    sender: String,
    message_id: String,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    node: NodeId,
    round_number: u64,
    reason: String,
    detail: String,
}

impl RefusedUpdate {
    /// The record that answers the sender.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn record(&self, topic: &Arc<str>) -> serde_json::Result<NewRecord> {
        let time_ms = clock::now_ms();
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds are far below 2^53"
        )]
        let timestamp = time_ms as f64 / 1e3;
        let answer = Answer {
            header: Header {
                version: "1.0".to_owned(),
                kind: TYPE.to_owned(),
                timestamp,
                sender: NodeId::AGGREGATOR.to_owned(),
                message_id: new_id(),
            },
            metadata: Refused {
                node: self.node.clone(),
                round_number: self.round,
                reason: one_line(&self.reason),
                detail: one_line(&self.detail),
            },
        };
        Ok(NewRecord {
            topic: Arc::clone(topic),
            partition: None,
            timestamp_ms: time_ms,
            key: Some(Bytes::from(format!("{KEY_PREFIX}{}", self.node))),
            value: serde_json::to_vec(&answer)?.into(),
            headers: Vec::new(),
        })
    }

    /// Reads an answer; `None` if the record is something else.
    #[must_use]
    pub fn read(record: &Record) -> Option<Self> {
        let key = record.key.as_ref()?;
        if !key.starts_with(KEY_PREFIX.as_bytes()) || record.value.len() > MAX_BYTES {
            return None;
        }
        let Answer { header, metadata } = serde_json::from_slice(&record.value).ok()?;
        let is_answer = header.kind == TYPE && header.sender == NodeId::AGGREGATOR;
        is_answer.then(|| Self {
            node: metadata.node,
            round: metadata.round_number,
            reason: one_line(&metadata.reason),
            detail: one_line(&metadata.detail),
        })
    }
}

/// Limits the answers: one for each sender and reason in a round.
#[derive(Debug, Default)]
pub struct Answers {
    round: u64,
    given: BTreeSet<(NodeId, String)>,
}

impl Answers {
    /// Whether to answer the sender; at most `max` answers are given in a round.
    pub fn admit(&mut self, refused: &RefusedUpdate, max: u64) -> bool {
        if refused.round != self.round {
            self.round = refused.round;
            self.given.clear();
        }
        let has_room = (self.given.len() as u64) < max;
        has_room
            && self
                .given
                .insert((refused.node.clone(), refused.reason.clone()))
    }
}

/// Cuts a text to a bounded length without control characters.
fn one_line(text: &str) -> String {
    let chars = text.chars().take(DETAIL_CHARS);
    chars
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_bus::Position;

    fn refused(node: u32, round: u64, reason: &str) -> RefusedUpdate {
        RefusedUpdate {
            node: NodeId::fog(node),
            round,
            reason: reason.to_owned(),
            detail: "compare the clocks".to_owned(),
        }
    }

    fn written(record: NewRecord) -> Record {
        Record {
            position: Position {
                topic: record.topic,
                partition: 0,
                offset: 0,
            },
            timestamp_ms: record.timestamp_ms,
            key: record.key,
            value: record.value,
            headers: record.headers,
        }
    }

    #[test]
    fn an_answer_reads_back_in_one_bounded_line() {
        let answer = refused(2, 7, "too_old");
        let record = written(answer.record(&"models".into()).unwrap());
        assert_eq!(
            record.key.as_deref(),
            Some(b"refused:fog-node-2".as_slice())
        );
        assert_eq!(RefusedUpdate::read(&record), Some(answer.clone()));

        let long = RefusedUpdate {
            detail: "\u{1b}[31m\nx".repeat(10_000),
            ..answer
        };
        let record = written(long.record(&"models".into()).unwrap());
        let detail = RefusedUpdate::read(&record).unwrap().detail;
        assert_eq!(detail.chars().count(), DETAIL_CHARS);
        assert!(!detail.contains(char::is_control));
    }

    #[test]
    fn other_records_are_no_answers() {
        let answer = written(refused(2, 7, "stale").record(&"models".into()).unwrap());
        let with = |key: Option<&'static str>, value: Bytes| Record {
            key: key.map(Bytes::from),
            value,
            ..answer.clone()
        };
        let from_a_node = String::from_utf8(answer.value.to_vec())
            .unwrap()
            .replace("\"aggregator\"", "\"fog-node-1\"");
        for other in [
            with(None, answer.value.clone()),
            with(Some("fog-node-2"), answer.value.clone()),
            with(Some("refused:fog-node-2"), Bytes::from_static(b"{}")),
            with(Some("refused:fog-node-2"), from_a_node.into()),
        ] {
            assert_eq!(RefusedUpdate::read(&other), None);
        }
    }

    #[test]
    fn a_sender_is_answered_once_for_each_reason_and_round() {
        let mut answers = Answers::default();
        let asked = [
            (1, 1, "stale", true),
            (1, 1, "stale", false),
            (1, 1, "too_old", true),
            (2, 1, "stale", true),
            (3, 1, "stale", false),
            (1, 2, "stale", true),
        ];
        for (node, round, reason, answered) in asked {
            assert_eq!(
                answers.admit(&refused(node, round, reason), 3),
                answered,
                "node {node}, round {round}: {reason}"
            );
        }
    }
}
