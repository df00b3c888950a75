//! Refuses updates: an event, a dead-letter record, an answer to the sender, and the cap.

use fedhost_domain::event::FederationEvent;
use fedhost_domain::model::NodeId;

use super::{Aggregator, ROLE, defect};
use crate::dead_letters::{Failure, dead_letter};
use crate::role::Error;
use crate::role::halt::{self, DeadLetterHalt};
use crate::role::refusal::RefusedUpdate;
use fedhost_base::clock;
use fedhost_bus::{NewRecord, Record};

/// Why an update is refused.
pub(super) struct Refusal {
    /// The sender, when it is known.
    pub(super) node: Option<NodeId>,
    /// Which step refused it.
    pub(super) stage: &'static str,
    /// A short stable code.
    pub(super) reason: &'static str,
    /// The full explanation.
    pub(super) detail: String,
    /// Whether the sender is informed.
    pub(super) is_answered: bool,
}

impl Aggregator {
    pub(super) async fn refuse(&mut self, refusal: Refusal, record: &Record) -> Result<(), Error> {
        let Refusal {
            node,
            stage,
            reason,
            detail,
            is_answered,
        } = refusal;
        let mut records = vec![self.dead_letter(stage, reason, &detail, record)];
        let round = self.machine.round();
        if let Some(node) = node.clone().filter(|_| is_answered) {
            let refused = RefusedUpdate {
                node,
                round,
                reason: reason.to_owned(),
                detail: detail.clone(),
            };
            records.extend(self.answer(&refused)?);
        }
        self.service
            .context
            .announcer
            .announce(FederationEvent::UpdateRejected {
                round,
                node,
                reason: reason.to_owned(),
                detail,
            });
        if self.inbox.refuse(records, clock::now_ms()) {
            self.settle(None).await?;
        }
        Ok(())
    }

    /// The record that informs the sender, unless it was informed already.
    fn answer(&mut self, refused: &RefusedUpdate) -> Result<Option<NewRecord>, Error> {
        if !self.answers.admit(refused, self.service.rules.max_nodes) {
            return Ok(None);
        }
        let record = refused.record(&self.service.topics.global_model);
        record.map(Some).map_err(|error| defect(&error))
    }

    /// Counts one more update. Beyond the cap, writes the dead-letter records and ends with an
    /// error.
    pub(super) async fn count(&mut self, used: bool) -> Result<(), Error> {
        match self.updates_watch.count([used]) {
            None => Ok(()),
            halt => self.settle(halt).await,
        }
    }

    /// Writes the dead-letter records that wait for a model, if there are any.
    pub(super) async fn settle_dead_letters(&mut self) -> Result<(), Error> {
        if self.inbox.settle_by_ms().is_some() {
            self.settle(None).await
        } else {
            Ok(())
        }
    }

    async fn settle(&mut self, halt: Option<DeadLetterHalt>) -> Result<(), Error> {
        let write = self.inbox.settled();
        halt::write(&self.service.context, ROLE, write, halt).await
    }

    pub(super) fn dead_letter(
        &self,
        stage: &str,
        reason: &str,
        detail: &str,
        record: &Record,
    ) -> NewRecord {
        let failure = Failure {
            role: ROLE,
            stage,
            reason,
            detail,
            component: None,
            attempts: 1,
            first_seen_ms: clock::now_ms(),
        };
        dead_letter(record, &self.service.topics.dead_letter_suffix, &failure)
    }
}
