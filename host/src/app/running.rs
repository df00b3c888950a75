//! The tasks of a run, and the order in which they end.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::Outcome;
use super::access::BusAccess;
use super::deadline::ShutdownDeadline;
use super::roles::LocalRoles;
use super::supervise::{BACKOFF, Supervised};
use crate::observe::{Observed, Phase};
use crate::role::{Context, Error};
use fedhost_bus::trouble::Trouble;
use fedhost_manifest::{Completion, RoleSpec, Spooling};

/// The tasks of a run, started by the table of roles.
pub(super) struct Running {
    roles: Arc<LocalRoles>,
    access: BusAccess,
    observed: Observed,
    workers: Tasks,
    /// They are stopped before the workers.
    feeders: Tasks,
    /// Roles that wait for the bus.
    waiting: Vec<RoleSpec>,
    /// The run is complete when all workers are, whatever the feeders still have to write.
    workers_decide: bool,
    deadline: ShutdownDeadline,
}

/// Tasks that are stopped together.
#[derive(Default)]
struct Tasks {
    running: JoinSet<Result<(), Error>>,
    stop: CancellationToken,
}

impl Running {
    /// Nothing runs yet.
    pub(super) fn new(roles: &Arc<LocalRoles>, access: &BusAccess, observed: &Observed) -> Self {
        let waiting = roles.specs();
        Self {
            roles: Arc::clone(roles),
            access: access.clone(),
            observed: observed.clone(),
            workers: Tasks::default(),
            feeders: Tasks::default(),
            workers_decide: waiting
                .iter()
                .any(|spec| spec.completion == Completion::EndsRun),
            waiting,
            deadline: ShutdownDeadline::new(access.buses.shutdown_within()),
        }
    }

    /// By when everything has to be over.
    pub(super) fn deadline(&self) -> &ShutdownDeadline {
        &self.deadline
    }

    /// Starts all roles; while the bus is unreachable, only those that work without it.
    pub(super) fn start(&mut self, is_bus_reachable: bool) {
        if is_bus_reachable {
            self.start_waiting();
            return;
        }
        let spools = self.access.buses.spools();
        let (alone, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|spec| spools && spec.spooling == Spooling::Alone);
        self.waiting = waiting;
        self.spawn_all(alone);
    }

    /// The bus is reachable: starts the roles that have waited for it.
    fn start_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.spawn_all(waiting);
        self.observed.enter(Phase::Working);
    }

    fn spawn_all(&mut self, specs: Vec<RoleSpec>) {
        for spec in specs {
            let tasks = match spec.completion {
                Completion::EndsRun => &mut self.workers,
                Completion::Feeds => &mut self.feeders,
            };
            let supervised = Supervised {
                spec: spec.clone(),
                buses: self.access.buses.clone(),
                observer: Arc::clone(&self.access.observer),
                announcer: self.access.announcer.clone(),
                stop: tasks.stop.clone(),
                deadline: self.deadline.clone(),
                backoff: BACKOFF,
            };
            let roles = Arc::clone(&self.roles);
            let start = move |context: Context| {
                let (roles, spec) = (Arc::clone(&roles), spec.clone());
                async move { roles.run(&spec, context).await }
            };
            tasks.running.spawn(supervised.run(start));
        }
    }

    /// Until every role has done its work, the first one fails, or it is time to stop. While the
    /// bus is `away`, the roles that need it wait for it.
    pub(super) async fn wait(
        &mut self,
        away: Option<Trouble>,
        interrupt: CancellationToken,
        duration: Option<Duration>,
    ) -> Result<Outcome, Error> {
        let time_is_up = async {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        let mut waits = away.is_some();
        let access = self.access.clone();
        let is_reachable = async {
            match away {
                Some(away) => access.wait(away).await,
                None => Ok(()),
            }
        };
        tokio::pin!(time_is_up, is_reachable);
        while waits || !self.is_done() {
            tokio::select! {
                () = interrupt.cancelled() => return Ok(Outcome::Interrupted),
                () = &mut time_is_up => return Ok(Outcome::TimeLimit),
                Some(ended) = self.feeders.running.join_next() => joined(ended)?,
                Some(ended) = self.workers.running.join_next() => joined(ended)?,
                reachable = &mut is_reachable, if waits => {
                    reachable?;
                    waits = false;
                    self.start_waiting();
                }
            }
        }
        Ok(Outcome::Completed)
    }

    fn is_done(&self) -> bool {
        self.workers.running.is_empty() && (self.workers_decide || self.feeders.running.is_empty())
    }

    /// Stops all tasks; those that do not end in time are left behind.
    ///
    /// # Errors
    /// That of the first role that failed.
    pub(super) async fn stop(&mut self) -> Result<(), Error> {
        self.deadline.begin();
        let mut first = Ok(());
        self.feeders.stop.cancel();
        let feeders = self.feeders.ended(&mut first);
        let _ = tokio::time::timeout(self.deadline.left_for_feeders(), feeders).await;
        self.workers.stop.cancel();
        self.feeders.ended(&mut first).await;
        self.workers.ended(&mut first).await;
        first
    }
}

impl Tasks {
    /// Waits until all have ended; keeps the first failure.
    async fn ended(&mut self, first: &mut Result<(), Error>) {
        while let Some(ended) = self.running.join_next().await {
            if first.is_ok() {
                *first = joined(ended);
            }
        }
    }
}

/// A task's result; a panic in it is a defect of this program.
fn joined(ended: Result<Result<(), Error>, JoinError>) -> Result<(), Error> {
    ended.unwrap_or_else(|error| {
        Err(Error::Defect {
            role: "a role".to_owned(),
            reason: error.to_string(),
        })
    })
}
