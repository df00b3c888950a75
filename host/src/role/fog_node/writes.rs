//! What a fog node writes, and what it writes together.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::envelope::EncodeError;
use fedhost_domain::fog::schedule::Schedule;
use fedhost_domain::model::PluginId;
use serde_json::json;

use super::Service;
use super::jobs::{Evaluated, Trained};
use super::pipeline::Processing;
use super::predictions::PredictionWriter;
use crate::dead_letters::{Failure, dead_letter};
use crate::role::message::{Message, skipped};
use crate::role::models::{self, NewUpdate, RefusedModel};
use crate::role::trace;
use fedhost_base::clock::{self, rfc3339};
use fedhost_base::hint::explain;
use fedhost_bus::{GroupOffset, NewRecord, Record, Write};

/// The next offset that `group` reads.
pub(super) fn offset(group: &str, topic: &Arc<str>, partition: u32, next: u64) -> GroupOffset {
    GroupOffset {
        group: group.to_owned(),
        topic: Arc::clone(topic),
        partition,
        next,
        epoch: None,
    }
}

/// Predictions and dead-letter records of those records whose results are not published yet.
///
/// # Errors
/// A prediction cannot be written as JSON.
pub(super) fn results(
    service: &Service,
    plugin: &PluginId,
    records: &[Record],
    processing: &Processing,
    is_new: impl Fn(&Record) -> bool,
) -> serde_json::Result<Write> {
    let role = service.id().to_string();
    let time_ms = clock::now_ms();
    let new = |index: usize| records.get(index).filter(|record| is_new(record));
    let mut predictions = PredictionWriter::new(service, plugin, time_ms);
    let mut write = Write::default();
    write
        .records
        .reserve(processing.scored.len() + processing.refused.len());
    for scored in &processing.scored {
        if let Some(record) = new(scored.reading.record) {
            write.records.push(predictions.record(scored, record)?);
        }
    }
    for refused in &processing.refused {
        let Some(record) = new(refused.record) else {
            continue;
        };
        let failure = Failure {
            role: &role,
            stage: refused.stage,
            reason: &refused.reason,
            detail: &refused.detail,
            component: refused.component.as_ref(),
            attempts: refused.attempts,
            first_seen_ms: time_ms,
        };
        write.records.push(dead_letter(
            record,
            &service.topics.dead_letter_suffix,
            &failure,
        ));
        service.context.announcer.announce(skipped(
            record,
            &refused.reason,
            refused.detail.clone(),
        ));
    }
    Ok(write)
}

/// The dead-letter record of what is no global model.
pub(super) fn refused_global(
    service: &Service,
    record: &Record,
    refused: &RefusedModel,
) -> NewRecord {
    let (role, detail) = (service.id().to_string(), explain(refused));
    let failure = Failure {
        role: &role,
        stage: "decode",
        reason: refused.code(),
        detail: &detail,
        component: None,
        attempts: 1,
        first_seen_ms: clock::now_ms(),
    };
    dead_letter(record, &service.topics.dead_letter_suffix, &failure)
}

/// What the node found on its held-out rows, as counts that can be added up over nodes.
pub(super) fn evaluation(
    service: &Service,
    round: u64,
    foreign: Option<&Bytes>,
    found: Evaluated,
) -> serde_json::Result<Write> {
    let Evaluated { plugin, sketch } = found;
    let (node, time_ms) = (service.id(), clock::now_ms());
    let message = Message {
        message_id: models::new_id(),
        message_type: "MONITORING".to_owned(),
        timestamp: rfc3339(time_ms),
        source: node.to_string(),
        data: json!(models::ModelEvaluation {
            round,
            node: node.clone(),
            sketch
        }),
        metadata: json!({ "plugin": plugin }),
    };
    let record = NewRecord {
        topic: Arc::clone(&service.topics.evaluations),
        partition: None,
        timestamp_ms: time_ms,
        key: Some(Bytes::from(node.to_string())),
        value: message.to_bytes()?,
        headers: vec![trace::of_answer(
            foreign,
            &service.topics.global_model,
            round,
            node.as_str(),
        )],
    };
    Ok(Write {
        records: vec![record],
        ..Write::default()
    })
}

/// Why an update cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpdateError {
    /// The model cannot be put in an envelope.
    #[error(transparent)]
    Envelope(#[from] EncodeError),
    /// The node's progress cannot be written as JSON.
    #[error("the progress of training cannot be stored: {0}")]
    Progress(#[from] serde_json::Error),
}

/// An update, and what the node must remember of having made it.
pub(super) async fn update(
    service: &Service,
    foreign: Option<&Bytes>,
    trained: &Trained,
) -> Result<Write, UpdateError> {
    let progress = Schedule::progress_after(trained.training);
    let progress = Bytes::from(serde_json::to_vec(&progress)?);
    let update = NewUpdate {
        node: service.id(),
        base_round: trained.training.base_round,
        samples: trained.samples,
        weights: &trained.weights,
        plugin: &trained.plugin,
        loss: trained.loss,
        metrics: &trained.metrics,
        train_ms: trained.train_ms,
    };
    let mut record = models::update_record(&service.topics, update).await?;
    if foreign.is_some() {
        let round = trained.training.base_round + 1;
        record
            .headers
            .retain(|(name, _)| name != trace::TRACEPARENT);
        record.headers.push(trace::of_answer(
            foreign,
            &service.topics.global_model,
            round,
            service.id().as_str(),
        ));
    }
    Ok(Write {
        records: vec![record],
        state: vec![(service.progress_state(), Some(progress))],
        ..Write::default()
    })
}
