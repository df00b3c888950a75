//! The state machine of rounds: updates and time in, global models out.
//!
//! ```text
//! gathering ──every expected node answered, or interval over with min_nodes──> aggregating ──> publishing ──> gathering
//!     └──interval over with too few──> failed ──enough have answered──> aggregating                    └──> complete
//! ```
//!
//! Feed one input, carry out its outputs in order, feed the next. The machine never waits:
//! [`Machine::deadline_ms`] returns when it needs an [`Input::Tick`].

mod aggregating;
mod gathering;
mod received;
mod rules;
#[cfg(test)]
mod tests;
mod time;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use aggregating::GlobalModel;
use gathering::{Decision, Gathering};
pub use received::HeaderFault;
pub use rules::{Expected, Rejection, Rules, Update};
use time::RisingTime;

use crate::event::{Participant, RoundClosed};
use crate::fedavg;
use crate::model::{NodeId, ShapeMismatch, Weights};

/// The state that survives a restart. It is stored together with its global model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The newest published round; 0 before the first.
    pub published: u64,
    /// When the next round began to gather, in milliseconds since the Unix epoch.
    pub opened_ms: u64,
    /// The base round of each node's newest counted update, for nodes whose updates may still
    /// arrive. It identifies a repeated update, also in a later round.
    pub counted: BTreeMap<NodeId, u64>,
}

/// An input of the machine.
#[derive(Clone, Debug)]
pub enum Input {
    /// A decoded update. Legal while gathering or failed.
    Update(Box<Update>),
    /// An update was refused before it could be decoded; it counts as rejected. Legal while
    /// gathering or failed.
    Undecodable,
    /// Time has passed. Legal always.
    Tick,
    /// Finish the mean. Legal after [`Output::Aggregate`].
    Aggregate,
    /// The global model is durable. Legal after [`Output::Publish`].
    Published,
}

/// An action for the caller, or a change to report.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// The update was added to the sum.
    Accepted(Participant),
    /// The update was refused permanently.
    Rejected {
        /// The sender.
        node: NodeId,
        /// The reason.
        rejection: Rejection,
    },
    /// The interval ended before enough nodes answered.
    Failed {
        /// The number of nodes that answered.
        answered: u64,
    },
    /// The round has enough updates; feed [`Input::Aggregate`].
    Aggregate,
    /// Publish the model, then feed [`Input::Published`]. The caller fills in the durations of the
    /// summary.
    Publish {
        /// The new global model.
        model: Arc<GlobalModel>,
        /// The summary of the round.
        summary: Box<RoundClosed>,
        /// The state to store with the model.
        progress: Progress,
    },
    /// The next round has begun to gather.
    Opened {
        /// Its number.
        round: u64,
    },
    /// The last round is published.
    Complete,
}

/// An internal error. Nothing that a node sends can cause it.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// The phase does not accept the input. The machine is unchanged.
    #[error("round {round} is {phase} and does not accept the input {input}")]
    OutOfTurn {
        /// The round.
        round: u64,
        /// The phase's name.
        phase: &'static str,
        /// The input's name.
        input: &'static str,
    },
    /// The limits of the rules do not allow an exact mean; [`Rules::check`] finds that earlier.
    #[error("round {round} cannot be averaged: {reason}")]
    NoMean {
        /// The round.
        round: u64,
        /// Why not.
        reason: fedavg::NewError,
    },
    /// The sum refused an update that the rules accepted.
    #[error("round {round} has accepted an update that does not fit its sum: {reason}")]
    Unfit {
        /// The round.
        round: u64,
        /// Why it does not fit.
        reason: fedavg::AddError,
    },
    /// The tensors of the mean are not those of its updates.
    #[error("the mean of round {round} has other tensors than its updates: {mismatch}")]
    Unordered {
        /// The round.
        round: u64,
        /// How they differ.
        mismatch: ShapeMismatch,
    },
    /// The mean of a round with updates could not be computed.
    #[error("round {round} has no mean: {reason}")]
    Unfinished {
        /// The round.
        round: u64,
        /// Why not.
        reason: fedavg::FinishError,
    },
}

#[derive(Debug)]
enum Phase {
    Gathering(Gathering),
    Failed(Gathering),
    Aggregating(Gathering),
    Publishing(Arc<GlobalModel>, Progress),
    Complete,
}

impl Phase {
    fn name(&self) -> &'static str {
        match self {
            Self::Gathering(_) => "gathering",
            Self::Failed(_) => "failed",
            Self::Aggregating(_) => "aggregating",
            Self::Publishing(..) => "publishing",
            Self::Complete => "complete",
        }
    }
}

/// The rounds of one federation, one after the other.
#[derive(Debug)]
pub struct Machine {
    rules: Arc<Rules>,
    global: Option<Arc<Weights>>,
    progress: Progress,
    time: RisingTime,
    phase: Phase,
}

impl Machine {
    /// Continues from a stored `progress` and the global model that was stored with it. For a fresh
    /// start, `progress` has only the time.
    ///
    /// Time does not go back: where the clock shows an earlier time than `progress`, or than an
    /// earlier input, the newer one counts.
    #[must_use]
    pub fn new(rules: Rules, progress: Progress, global: Option<Arc<Weights>>) -> Self {
        let mut machine = Self {
            rules: Arc::new(rules),
            global,
            time: RisingTime::after(progress.opened_ms),
            progress,
            phase: Phase::Complete,
        };
        machine.open();
        machine
    }

    fn open(&mut self) {
        let complete = self
            .rules
            .rounds
            .is_some_and(|rounds| self.progress.published >= rounds);
        self.phase = if complete {
            Phase::Complete
        } else {
            Phase::Gathering(Gathering::new())
        };
    }

    /// The current round; one past the last when complete.
    #[must_use]
    pub fn round(&self) -> u64 {
        self.progress.published + 1
    }

    /// The state that was stored with the newest global model.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The newest published global model.
    #[must_use]
    pub fn global(&self) -> Option<&Arc<Weights>> {
        self.global.as_ref()
    }

    /// Whether the current phase accepts an update.
    #[must_use]
    pub fn accepts_updates(&self) -> bool {
        matches!(self.phase, Phase::Gathering(_) | Phase::Failed(_))
    }

    /// Whether the last round is published.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.phase, Phase::Complete)
    }

    /// Nodes whose updates are in the sum.
    #[must_use]
    pub fn answered(&self) -> usize {
        match &self.phase {
            Phase::Gathering(gathering)
            | Phase::Failed(gathering)
            | Phase::Aggregating(gathering) => gathering.answered(),
            Phase::Publishing(..) | Phase::Complete => 0,
        }
    }

    /// How far the clock was set back, in milliseconds; 0 if it was not.
    #[must_use]
    pub fn set_back_ms(&self) -> u64 {
        self.time.set_back_ms()
    }

    /// When to feed [`Input::Tick`], in milliseconds since the Unix epoch by the clock that
    /// [`handle`](Self::handle) is given, unless another input comes earlier.
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        match self.phase {
            Phase::Gathering(_) => Some(self.closes_ms().saturating_sub(self.time.set_back_ms())),
            _ => None,
        }
    }

    fn closes_ms(&self) -> u64 {
        self.progress
            .opened_ms
            .saturating_add(self.rules.round_interval_ms)
    }

    /// Processes one input at `now_ms` (milliseconds since the Unix epoch).
    ///
    /// # Errors
    /// An internal error, never a fault of an update.
    pub fn handle(&mut self, now_ms: u64, input: Input) -> Result<Vec<Output>, Error> {
        let now_ms = self.time.at(now_ms);
        match input {
            Input::Update(update) => self.update(now_ms, *update),
            Input::Undecodable => self.undecodable(),
            Input::Tick => Ok(self.tick(now_ms)),
            Input::Aggregate => self.aggregate(now_ms),
            Input::Published => self.published(),
        }
    }

    fn out_of_turn(&self, input: &'static str) -> Error {
        Error::OutOfTurn {
            round: self.round(),
            phase: self.phase.name(),
            input,
        }
    }

    fn undecodable(&mut self) -> Result<Vec<Output>, Error> {
        match &mut self.phase {
            Phase::Gathering(gathering) | Phase::Failed(gathering) => gathering.rejected += 1,
            Phase::Aggregating(_) | Phase::Publishing(..) | Phase::Complete => {
                return Err(self.out_of_turn("undecodable"));
            }
        }
        Ok(Vec::new())
    }

    fn update(&mut self, now_ms: u64, update: Update) -> Result<Vec<Output>, Error> {
        let out_of_turn = self.out_of_turn("update");
        let (gathering, overdue) = match &mut self.phase {
            Phase::Gathering(gathering) => (gathering, false),
            Phase::Failed(gathering) => (gathering, true),
            Phase::Aggregating(_) | Phase::Publishing(..) | Phase::Complete => {
                return Err(out_of_turn);
            }
        };
        let node = update.node.clone();
        let open = gathering::Open {
            now_ms,
            set_back_ms: self.time.set_back_ms(),
            progress: &self.progress,
            global: self.global.as_deref(),
        };
        match gathering.take(&self.rules, open, update)? {
            Decision::Rejected(rejection) => Ok(vec![Output::Rejected {
                node,
                rejection: *rejection,
            }]),
            Decision::Accepted(participant) => {
                let closes = gathering.is_complete(&self.rules)
                    || (overdue && gathering.is_enough(&self.rules));
                let mut outputs = vec![Output::Accepted(*participant)];
                if closes {
                    outputs.push(self.close());
                }
                Ok(outputs)
            }
        }
    }

    fn tick(&mut self, now_ms: u64) -> Vec<Output> {
        let Phase::Gathering(gathering) = &self.phase else {
            return Vec::new();
        };
        if now_ms < self.closes_ms() {
            return Vec::new();
        }
        if gathering.is_enough(&self.rules) {
            return vec![self.close()];
        }
        let answered = gathering.answered() as u64;
        self.move_on(|phase| match phase {
            Phase::Gathering(gathering) => Phase::Failed(gathering),
            other => other,
        });
        vec![Output::Failed { answered }]
    }

    fn close(&mut self) -> Output {
        self.move_on(|phase| match phase {
            Phase::Gathering(gathering) | Phase::Failed(gathering) => Phase::Aggregating(gathering),
            other => other,
        });
        Output::Aggregate
    }

    fn aggregate(&mut self, now_ms: u64) -> Result<Vec<Output>, Error> {
        let out_of_turn = self.out_of_turn("aggregate");
        let Phase::Aggregating(gathering) = &mut self.phase else {
            return Err(out_of_turn);
        };
        let (model, summary) =
            aggregating::finish(gathering, &self.rules, self.progress.published + 1)?;
        let progress = gathering.progress_after(&self.rules, &self.progress, now_ms);
        let model = Arc::new(model);
        self.phase = Phase::Publishing(Arc::clone(&model), progress.clone());
        Ok(vec![Output::Publish {
            model,
            summary: Box::new(summary),
            progress,
        }])
    }

    fn published(&mut self) -> Result<Vec<Output>, Error> {
        let Phase::Publishing(model, progress) = &self.phase else {
            return Err(self.out_of_turn("published"));
        };
        self.global = Some(Arc::clone(&model.weights));
        self.progress = progress.clone();
        self.open();
        Ok(vec![if self.is_complete() {
            Output::Complete
        } else {
            Output::Opened {
                round: self.round(),
            }
        }])
    }

    fn move_on(&mut self, change: impl FnOnce(Phase) -> Phase) {
        let phase = std::mem::replace(&mut self.phase, Phase::Complete);
        self.phase = change(phase);
    }
}
