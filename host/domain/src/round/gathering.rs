//! The gathering phase: which updates count, and when there are enough of them.

use std::collections::BTreeMap;

use super::rules::{Expected, Rejection, Rules, Update};
use super::{Error, Progress};
use crate::event::Participant;
use crate::fedavg::{Average, FinishError};
use crate::model::{NodeId, ShapeMismatch, TensorSpec, Weights};

/// Updates are added in groups, so that one pass over the accumulator adds several.
const ADDED_TOGETHER: usize = 8;

/// The state of the machine that decides on an update, beside the updates before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open<'a> {
    pub(super) now_ms: u64,
    /// How far the clock has been set back since the round opened.
    pub(super) set_back_ms: u64,
    pub(super) progress: &'a Progress,
    pub(super) global: Option<&'a Weights>,
}

#[derive(Debug)]
pub(super) enum Decision {
    Accepted(Box<Participant>),
    Rejected(Box<Rejection>),
}

/// An accepted update, with its tensors in the order of the model, and results of its checks.
struct Checked {
    update: Update,
    staleness: u64,
    norm: f64,
}

/// Updates of one round: the sum, the newest updates that are not in it yet, and the senders.
#[derive(Debug)]
pub(super) struct Gathering {
    average: Option<Average>,
    pending: Vec<(Weights, u64)>,
    /// Without a global model, the order of the tensors is that of the first node by id, so that it
    /// does not depend on the order of arrival.
    first_node: Option<(NodeId, Vec<TensorSpec>)>,
    /// Base of each participant's update.
    bases: BTreeMap<NodeId, u64>,
    pub(super) participants: BTreeMap<NodeId, Participant>,
    pub(super) rejected: u64,
}

impl Gathering {
    pub(super) fn new() -> Self {
        Self {
            average: None,
            pending: Vec::new(),
            first_node: None,
            bases: BTreeMap::new(),
            participants: BTreeMap::new(),
            rejected: 0,
        }
    }

    pub(super) fn answered(&self) -> usize {
        self.participants.len()
    }

    pub(super) fn is_enough(&self, rules: &Rules) -> bool {
        self.answered() as u64 >= rules.min_nodes.max(1)
    }

    pub(super) fn is_complete(&self, rules: &Rules) -> bool {
        match &rules.expected {
            Expected::Listed(nodes) => {
                self.is_enough(rules)
                    && nodes
                        .iter()
                        .all(|node| self.participants.contains_key(node))
            }
            Expected::Open => false,
        }
    }

    pub(super) fn take(
        &mut self,
        rules: &Rules,
        open: Open<'_>,
        update: Update,
    ) -> Result<Decision, Error> {
        let order = update.weights.tensors().to_vec();
        let Checked {
            update,
            staleness,
            norm,
        } = match self.check(rules, open, update) {
            Ok(checked) => checked,
            Err(rejection) => {
                self.rejected += 1;
                return Ok(Decision::Rejected(Box::new(rejection)));
            }
        };
        if open.global.is_none()
            && self
                .first_node
                .as_ref()
                .is_none_or(|(first, _)| update.node < *first)
        {
            self.first_node = Some((update.node.clone(), order));
        }
        let participant = Participant {
            node: update.node.clone(),
            samples: update.samples,
            staleness,
            loss: update.loss,
            norm,
            train_ms: update.train_ms,
            metrics: update.metrics,
        };
        self.pending.push((update.weights, update.samples));
        if self.pending.len() >= ADDED_TOGETHER {
            self.add_pending(rules, open.progress.published + 1)?;
        }
        self.bases.insert(update.node.clone(), update.base_round);
        self.participants.insert(update.node, participant.clone());
        Ok(Decision::Accepted(Box::new(participant)))
    }

    /// The mean of all updates.
    pub(super) fn finish(&mut self, rules: &Rules, round: u64) -> Result<Weights, Error> {
        self.add_pending(rules, round)?;
        let mean = self
            .average
            .as_ref()
            .map_or(Err(FinishError::NoUpdates), Average::finish);
        let mean = mean.map_err(|reason| Error::Unfinished { round, reason })?;
        match &self.first_node {
            Some((_, tensors)) => mean
                .arranged_as(tensors)
                .map_err(|mismatch| Error::Unordered { round, mismatch }),
            None => Ok(mean),
        }
    }

    /// Bases that are too old to be accepted again are dropped.
    pub(super) fn progress_after(&self, rules: &Rules, before: &Progress, now_ms: u64) -> Progress {
        let published = before.published + 1;
        let oldest = published.saturating_sub(rules.max_staleness_rounds);
        let counted = before.counted.iter().chain(&self.bases);
        let counted = counted
            .filter(|&(_, &base)| base >= oldest)
            .map(|(node, &base)| (node.clone(), base))
            .collect();
        Progress {
            published,
            opened_ms: now_ms,
            counted,
        }
    }

    fn add_pending(&mut self, rules: &Rules, round: u64) -> Result<(), Error> {
        let pending = std::mem::take(&mut self.pending);
        let updates: Vec<(&Weights, u64)> = pending
            .iter()
            .map(|(weights, samples)| (weights, *samples))
            .collect();
        let Some((first, _)) = updates.first() else {
            return Ok(());
        };
        let average = match &mut self.average {
            Some(average) => average,
            none => {
                let average = Average::new(first.tensors().to_vec(), rules.limits());
                none.insert(average.map_err(|reason| Error::NoMean { round, reason })?)
            }
        };
        let answers = average.add_all(&updates).into_iter();
        answers
            .collect::<Result<(), _>>()
            .map_err(|reason| Error::Unfit { round, reason })
    }

    /// Checks the rules, cheap ones first, and returns the first rule that the update breaks.
    fn check(
        &self,
        rules: &Rules,
        open: Open<'_>,
        mut update: Update,
    ) -> Result<Checked, Rejection> {
        self.check_sender(rules, open.progress, &update)?;
        let staleness = check_time(rules, open, &update)?;
        if !(1..=rules.max_samples).contains(&update.samples) {
            return Err(Rejection::BadSampleCount {
                samples: update.samples,
                limit: rules.max_samples,
            });
        }
        if !update.loss.is_finite() {
            return Err(Rejection::BadLoss { loss: update.loss });
        }
        if let Some(tensors) = self.expected_tensors(open) {
            update.weights = update.weights.arranged_as(tensors).map_err(wrong_shape)?;
        }
        let norm = check_size(rules, &update.weights)?;
        Ok(Checked {
            update,
            staleness,
            norm,
        })
    }

    fn check_sender(
        &self,
        rules: &Rules,
        progress: &Progress,
        update: &Update,
    ) -> Result<(), Rejection> {
        let node = update.node.clone();
        if matches!(&rules.expected, Expected::Listed(nodes) if !nodes.contains(&node)) {
            return Err(Rejection::UnknownNode { node });
        }
        if update.plugin.name != rules.plugin {
            return Err(Rejection::WrongPlugin {
                expected: rules.plugin.clone(),
                found: update.plugin.name.clone(),
            });
        }
        let counted_before = progress
            .counted
            .get(&node)
            .is_some_and(|&base| update.base_round <= base);
        if counted_before || self.participants.contains_key(&node) {
            return Err(Rejection::Duplicate { node });
        }
        if self.answered() as u64 >= rules.max_nodes {
            return Err(Rejection::TooManyUpdates {
                limit: rules.max_nodes,
            });
        }
        Ok(())
    }

    /// The tensors of the global model; in the first round those of the first update.
    fn expected_tensors<'a>(&'a self, open: Open<'a>) -> Option<&'a [TensorSpec]> {
        open.global
            .map(Weights::tensors)
            .or_else(|| self.average.as_ref().map(Average::tensors))
            .or_else(|| self.pending.first().map(|(weights, _)| weights.tensors()))
    }
}

fn check_time(rules: &Rules, open: Open<'_>, update: &Update) -> Result<u64, Rejection> {
    let newest = open.progress.published;
    let Some(staleness) = newest.checked_sub(update.base_round) else {
        return Err(Rejection::UnknownBase {
            base_round: update.base_round,
            newest,
        });
    };
    if staleness > rules.max_staleness_rounds {
        return Err(Rejection::Stale {
            staleness,
            limit: rules.max_staleness_rounds,
        });
    }
    let ahead_ms = update.timestamp_ms.saturating_sub(open.now_ms);
    if ahead_ms > rules.max_update_age_ms {
        return Err(Rejection::AheadOfTime {
            ahead_ms,
            limit_ms: rules.max_update_age_ms,
        });
    }
    let age_ms = open
        .progress
        .opened_ms
        .saturating_sub(update.timestamp_ms)
        .saturating_sub(open.set_back_ms);
    if age_ms > rules.max_update_age_ms {
        return Err(Rejection::TooOld {
            age_ms,
            limit_ms: rules.max_update_age_ms,
        });
    }
    Ok(staleness)
}

fn wrong_shape(mismatch: ShapeMismatch) -> Rejection {
    Rejection::WrongShape {
        expected: mismatch.expected,
        found: mismatch.found,
    }
}

fn check_size(rules: &Rules, weights: &Weights) -> Result<f64, Rejection> {
    let magnitude = f64::from(weights.max_abs());
    if magnitude > rules.max_weight {
        return Err(Rejection::OverWeight {
            magnitude,
            limit: rules.max_weight,
        });
    }
    let norm = weights.norm();
    if norm > rules.max_norm {
        return Err(Rejection::OverNorm {
            norm,
            limit: rules.max_norm,
        });
    }
    Ok(norm)
}
