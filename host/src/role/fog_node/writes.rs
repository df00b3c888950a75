//! What a fog node writes, and what it writes together.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::envelope::EncodeError;
use fedhost_domain::fog::schedule::Schedule;
use fedhost_domain::metrics::ScoreSketch;
use serde_json::json;

use super::Service;
use super::jobs::Trained;
use super::pipeline::{Outcome, Scored};
use crate::bus::{GroupOffset, NewRecord, Record, Write};
use crate::clock;
use crate::role::message::{Message, dead_letter, derived_id, rfc3339, skipped};
use crate::role::models::{self, NewUpdate};

/// The next offset that `group` reads.
pub(super) fn offset(group: &str, topic: &Arc<str>, partition: u32, next: u64) -> GroupOffset {
    GroupOffset { group: group.to_owned(), topic: Arc::clone(topic), partition, next }
}

/// Scores and dead letters of those records whose results are not published yet.
pub(super) fn results(
    service: &Service,
    records: &[Record],
    outcome: &Outcome,
    is_new: impl Fn(&Record) -> bool,
) -> Write {
    let time_ms = clock::now_ms();
    let new = |index: usize| records.get(index).filter(|record| is_new(record));
    let scored = outcome.scored.iter().filter_map(|scored| Some((scored, new(scored.record)?)));
    let mut write = Write::default();
    write.records.extend(scored.map(|(scored, record)| prediction(service, scored, record, time_ms)));
    for refused in &outcome.refused {
        let Some(record) = new(refused.record) else { continue };
        let suffix = &service.topics.dead_letter_suffix;
        write.records.push(dead_letter(record, suffix, refused.stage, &refused.reason, &refused.detail));
        service.context.announcer.announce(skipped(record, &refused.reason, refused.detail.clone()));
    }
    write
}

fn prediction(service: &Service, scored: &Scored, record: &Record, time_ms: u64) -> NewRecord {
    let source = service.id().to_string();
    let plugin = service.plugins.model_id();
    let message = Message {
        message_id: derived_id(&source, &record.position),
        message_type: "PREDICTION_RESULT".to_owned(),
        timestamp: rfc3339(time_ms),
        data: json!({
            "node": service.number,
            "sensor": scored.reading.sensor,
            "timestamp": scored.reading.timestamp,
            "score": scored.score,
            "label": scored.reading.label.map(u8::from),
            "model_version": scored.round,
        }),
        metadata: json!({
            "plugin": plugin,
            "input": {
                "topic": &*record.position.topic,
                "partition": record.position.partition,
                "offset": record.position.offset,
            },
        }),
        source,
    };
    NewRecord {
        topic: Arc::clone(&service.topics.predictions),
        partition: None,
        timestamp_ms: time_ms,
        key: Some(Bytes::copy_from_slice(scored.reading.sensor.as_bytes())),
        value: message.to_bytes(),
        headers: record.headers.iter().filter(|(name, _)| name == "traceparent").cloned().collect(),
    }
}

/// What the node found on its held-out rows, as counts that can be added up over nodes.
pub(super) fn evaluation(service: &Service, round: u64, sketch: &ScoreSketch) -> Write {
    let (node, time_ms) = (service.id(), clock::now_ms());
    let message = Message {
        message_id: models::new_id(),
        message_type: "MONITORING".to_owned(),
        timestamp: rfc3339(time_ms),
        source: node.to_string(),
        data: json!(models::Finding { round, node: node.clone(), sketch: sketch.clone() }),
        metadata: json!({ "plugin": service.plugins.model_id() }),
    };
    let record = NewRecord {
        topic: Arc::clone(&service.topics.evaluations),
        partition: None,
        timestamp_ms: time_ms,
        key: Some(Bytes::from(node.to_string())),
        value: message.to_bytes(),
        headers: Vec::new(),
    };
    Write { records: vec![record], ..Write::default() }
}

/// An update, and what the node must remember of having made it.
pub(super) async fn update(service: &Service, trained: &Trained) -> Result<Write, EncodeError> {
    let progress = Schedule::progress_after(trained.training);
    let progress = Bytes::from(serde_json::to_vec(&progress).unwrap_or_default());
    let update = NewUpdate {
        node: service.id(),
        base_round: trained.training.base_round,
        samples: trained.samples,
        weights: &trained.weights,
        plugin: service.plugins.model_id(),
        loss: trained.loss,
        metrics: &trained.metrics,
        train_ms: trained.train_ms,
    };
    let record = models::update_record(&service.topics, update).await?;
    Ok(Write { records: vec![record], state: vec![(service.progress_state(), Some(progress))], ..Write::default() })
}
