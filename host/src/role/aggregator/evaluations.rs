//! Waits for the nodes' findings on each global model, and says how it compares with the one before.
//!
//! Findings may come later than the next global model, so a few rounds are awaited at a time.

use std::collections::{BTreeMap, BTreeSet};

use fedhost_domain::evaluation::Findings;
use fedhost_domain::event::{Evaluation, Event, RoundClosed};
use fedhost_domain::model::NodeId;

use crate::bus::{Error, GroupOffset, Record, Source};
use crate::role::models::Finding;

const AT_A_TIME: usize = 64;
/// Rounds awaited together; the oldest beyond them is settled with what has come.
const AWAITED_MAX: usize = 8;

/// The aggregator's reader of findings.
pub(super) struct Evaluations {
    source: Box<dyn Source>,
    awaited: BTreeMap<u64, Awaited>,
    newest: Option<(u64, Evaluation)>,
}

struct Awaited {
    participants: BTreeSet<NodeId>,
    findings: Findings,
}

impl Evaluations {
    pub(super) fn new(source: Box<dyn Source>) -> Self {
        Self { source, awaited: BTreeMap::new(), newest: None }
    }

    /// Cancelling loses nothing.
    pub(super) async fn read(&mut self) -> Result<Vec<Record>, Error> {
        self.source.read(AT_A_TIME).await
    }

    pub(super) fn offsets(&self, group: &str) -> Vec<GroupOffset> {
        let positions = self.source.positions().into_iter();
        positions
            .map(|((topic, partition), next)| GroupOffset { group: group.to_owned(), topic, partition, next })
            .collect()
    }

    /// A global model is published; its participants will score it.
    pub(super) fn expect(&mut self, closed: &RoundClosed) -> Option<Event> {
        let participants = closed.participants.iter().map(|participant| participant.node.clone()).collect();
        self.awaited.insert(closed.round, Awaited { participants, findings: Findings::default() });
        let oldest = *self.awaited.keys().next()?;
        if self.awaited.len() > AWAITED_MAX { self.settle(oldest) } else { None }
    }

    /// Whether no finding is missing.
    pub(super) fn is_settled(&self) -> bool {
        self.awaited.is_empty()
    }

    pub(super) fn take(&mut self, finding: Finding) -> Option<Event> {
        let awaited = self.awaited.get_mut(&finding.round)?;
        awaited.findings.insert(finding.node, finding.sketch);
        if awaited.findings.cover(awaited.participants.iter()) { self.settle(finding.round) } else { None }
    }

    fn settle(&mut self, round: u64) -> Option<Event> {
        let after = self.awaited.remove(&round)?.findings.pooled()?;
        let earlier = self.newest.as_ref().filter(|(newest, _)| *newest < round);
        let before = earlier.map(|(_, evaluation)| evaluation.clone());
        self.newest = Some((round, after.clone()));
        Some(Event::RoundEvaluated { round, before, after })
    }
}
