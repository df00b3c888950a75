//! Waits for the nodes' evaluations of each global model, and compares it with the one before.
//!
//! Evaluations may come later than the next global model, so a few rounds are awaited at a time.
//! Those of a round that is not settled are read again after a restart.

use std::collections::{BTreeMap, BTreeSet};

use fedhost_base::event::Event;
use fedhost_domain::evaluation::RoundEvaluations;
use fedhost_domain::event::{FederationEvent, GlobalEvaluation, RoundClosed};
use fedhost_domain::model::NodeId;

use crate::role::models::ModelEvaluation;
use fedhost_bus::{Error, GroupOffset, Position, Record, Source};

const AT_A_TIME: usize = 64;
/// Rounds awaited together; the oldest beyond them is settled with what has come.
const AWAITED_MAX: usize = 8;

/// The aggregator's reader of evaluations.
pub(super) struct Evaluations {
    source: Box<dyn Source>,
    awaited: BTreeMap<u64, Awaited>,
    /// The newest that anything was found for.
    newest: Option<(u64, GlobalEvaluation)>,
    /// The newest round that is settled.
    evaluated: u64,
    /// The newest global model's round.
    last: u64,
}

struct Awaited {
    participants: BTreeSet<NodeId>,
    findings: RoundEvaluations,
    /// By partition, the offset of its first evaluation.
    first: BTreeMap<u32, u64>,
}

impl Evaluations {
    /// Continues after round `evaluated`.
    pub(super) fn new(source: Box<dyn Source>, evaluated: u64) -> Self {
        Self {
            source,
            awaited: BTreeMap::new(),
            newest: None,
            evaluated,
            last: evaluated,
        }
    }

    /// Cancelling loses nothing.
    pub(super) async fn read(&mut self) -> Result<Vec<Record>, Error> {
        self.source.read(AT_A_TIME).await
    }

    /// Up to the first evaluation of a round that is not settled.
    pub(super) fn offsets(&self, group: &str) -> Vec<GroupOffset> {
        let first = |partition| {
            self.awaited
                .values()
                .filter_map(move |awaited| awaited.first.get(&partition))
                .min()
        };
        let positions = self.source.positions().into_iter();
        let offset = |((topic, partition), next)| GroupOffset {
            group: group.to_owned(),
            topic,
            partition,
            next: first(partition).copied().unwrap_or(next),
            epoch: None,
        };
        positions.map(offset).collect()
    }

    /// Nothing that was read so far is read again: what was unusable would be dead-lettered twice.
    pub(super) fn let_go(&mut self) {
        self.awaited
            .values_mut()
            .for_each(|awaited| awaited.first.clear());
    }

    /// The newest round that is settled.
    pub(super) fn evaluated(&self) -> u64 {
        self.evaluated
    }

    /// A global model is published; its participants will score it.
    pub(super) fn expect(&mut self, closed: &RoundClosed) -> Option<Event> {
        if closed.round <= self.evaluated {
            return None;
        }
        let participants = closed
            .participants
            .iter()
            .map(|participant| participant.node.clone())
            .collect();
        let awaited = Awaited {
            participants,
            findings: RoundEvaluations::default(),
            first: BTreeMap::new(),
        };
        self.awaited.insert(closed.round, awaited);
        self.last = self.last.max(closed.round);
        let oldest = *self.awaited.keys().next()?;
        if self.awaited.len() > AWAITED_MAX {
            self.settle(oldest)
        } else {
            None
        }
    }

    /// Whether no evaluation of the newest model is missing.
    pub(super) fn is_settled(&self) -> bool {
        !self.awaited.contains_key(&self.last)
    }

    pub(super) fn take(&mut self, evaluation: ModelEvaluation, at: &Position) -> Option<Event> {
        let awaited = self.awaited.get_mut(&evaluation.round)?;
        awaited.first.entry(at.partition).or_insert(at.offset);
        awaited.findings.insert(evaluation.node, evaluation.sketch);
        if awaited.findings.cover(awaited.participants.iter()) {
            self.settle(evaluation.round)
        } else {
            None
        }
    }

    fn settle(&mut self, round: u64) -> Option<Event> {
        let awaited = self.awaited.remove(&round)?;
        self.evaluated = self.evaluated.max(round);
        let after = awaited.findings.pooled()?;
        let is_later = self
            .newest
            .as_ref()
            .is_none_or(|(newest, _)| *newest < round);
        let before = self
            .newest
            .as_ref()
            .filter(|_| is_later)
            .map(|(_, evaluation)| evaluation.clone());
        if is_later {
            self.newest = Some((round, after.clone()));
        }
        Some(Event::Federation(FederationEvent::RoundEvaluated {
            round,
            before,
            after,
        }))
    }
}

#[cfg(test)]
mod tests;
