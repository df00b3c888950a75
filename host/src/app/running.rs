//! The tasks of a run, and the order in which they end.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::buses::Spooling;
use super::deadline::ShutdownDeadline;
use super::supervise::{BACKOFF, RestartPolicy, Supervised};
use super::{Outcome, Prepared, Role, parts};
use crate::observe::Phase;
use crate::role::{Context, Error};
use fedhost_bus::trouble::Trouble;

/// The tasks of a run. Sensors can be stopped apart from the rest.
pub(super) struct Running {
    prepared: Arc<Prepared>,
    roles: JoinSet<Result<(), Error>>,
    sensors: JoinSet<Result<(), Error>>,
    stop_roles: CancellationToken,
    stop_sensors: CancellationToken,
    /// The run is over when the roles are, whatever the sensors still have to say.
    roles_decide: bool,
    deadline: ShutdownDeadline,
}

impl Running {
    /// Nothing runs yet.
    pub(super) fn new(prepared: &Arc<Prepared>) -> Self {
        Self {
            prepared: Arc::clone(prepared),
            roles: JoinSet::new(),
            sensors: JoinSet::new(),
            stop_roles: CancellationToken::new(),
            stop_sensors: CancellationToken::new(),
            roles_decide: false,
            deadline: ShutdownDeadline::new(prepared.buses.shutdown_within()),
        }
    }

    /// By when everything has to be over.
    pub(super) fn deadline(&self) -> &ShutdownDeadline {
        &self.deadline
    }

    /// Starts everything; while the bus is away, only those that can do without it.
    pub(super) fn start(&mut self, is_bus_there: bool) {
        if is_bus_there || self.prepared.buses.spools() {
            self.start_sensors();
        }
        if is_bus_there {
            self.start_roles();
            self.prepared.observed.enter(Phase::Working);
        }
    }

    fn start_sensors(&mut self) {
        for sensor in parts::sensors(&self.prepared) {
            let name = format!("sensor-{}-{}", sensor.node(), sensor.name());
            let supervised = self.supervised(
                name,
                RestartPolicy::Never,
                Spooling::Alone,
                &self.stop_sensors,
            );
            let prepared = Arc::clone(&self.prepared);
            let start = move |context: Context| parts::sensor(&prepared, context, &sensor).run();
            self.sensors.spawn(supervised.run(start));
        }
    }

    fn start_roles(&mut self) {
        if self.prepared.options.runs(Role::Aggregator) {
            let supervised = self.supervised(
                "aggregator".to_owned(),
                RestartPolicy::Rejoin,
                Spooling::No,
                &self.stop_roles,
            );
            let prepared = Arc::clone(&self.prepared);
            let start = move |context: Context| start_aggregator(Arc::clone(&prepared), context);
            self.roles.spawn(supervised.run(start));
        }
        for number in parts::fog_nodes(&self.prepared) {
            let name = format!("fog-node-{number}");
            let supervised = self.supervised(
                name,
                RestartPolicy::Rejoin,
                Spooling::Writes,
                &self.stop_roles,
            );
            let prepared = Arc::clone(&self.prepared);
            let start =
                move |context: Context| start_fog_node(Arc::clone(&prepared), context, number);
            self.roles.spawn(supervised.run(start));
        }
        self.roles_decide = !self.roles.is_empty();
    }

    fn supervised(
        &self,
        name: String,
        restart: RestartPolicy,
        spooling: Spooling,
        stop: &CancellationToken,
    ) -> Supervised {
        let Prepared {
            buses,
            observed,
            announcer,
            ..
        } = &*self.prepared;
        Supervised {
            name,
            restart,
            spooling,
            buses: buses.clone(),
            observer: Arc::new(observed.clone()),
            announcer: announcer.clone(),
            stop: stop.clone(),
            deadline: self.deadline.clone(),
            backoff: BACKOFF,
        }
    }

    /// Until every role has done its work, the first one fails, or it is time to stop. While the
    /// bus is `away`, those that need it wait for it.
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
        let prepared = Arc::clone(&self.prepared);
        let is_there = async {
            match away {
                Some(away) => prepared.wait_for_bus(away).await,
                None => Ok(()),
            }
        };
        tokio::pin!(time_is_up, is_there);
        while waits || !self.is_done() {
            tokio::select! {
                () = interrupt.cancelled() => return Ok(Outcome::Interrupted),
                () = &mut time_is_up => return Ok(Outcome::TimeLimit),
                Some(ended) = self.sensors.join_next() => parts::joined(ended)?,
                Some(ended) = self.roles.join_next() => parts::joined(ended)?,
                there = &mut is_there, if waits => {
                    there?;
                    waits = false;
                    self.go_on();
                }
            }
        }
        Ok(Outcome::Completed)
    }

    /// The bus is there: starts what has waited for it.
    fn go_on(&mut self) {
        if !self.prepared.buses.spools() {
            self.start_sensors();
        }
        self.start_roles();
        self.prepared.observed.enter(Phase::Working);
    }

    fn is_done(&self) -> bool {
        self.roles.is_empty() && (self.roles_decide || self.sensors.is_empty())
    }

    /// Stops all tasks; those that do not end in time are left behind.
    ///
    /// # Errors
    /// That of the first role that failed.
    pub(super) async fn stop(&mut self) -> Result<(), Error> {
        self.deadline.begin();
        let mut first = Ok(());
        self.stop_sensors.cancel();
        let sensors = ended(&mut self.sensors, &mut first);
        drop(tokio::time::timeout(self.deadline.left_for_sensors(), sensors).await);
        self.stop_roles.cancel();
        ended(&mut self.sensors, &mut first).await;
        ended(&mut self.roles, &mut first).await;
        first
    }
}

/// Waits until all have ended.
async fn ended(tasks: &mut JoinSet<Result<(), Error>>, first: &mut Result<(), Error>) {
    while let Some(ended) = tasks.join_next().await {
        if first.is_ok() {
            *first = parts::joined(ended);
        }
    }
}

async fn start_aggregator(prepared: Arc<Prepared>, context: Context) -> Result<(), Error> {
    match parts::aggregator(&prepared, context) {
        Some(service) => service.run().await,
        None => Ok(()),
    }
}

async fn start_fog_node(
    prepared: Arc<Prepared>,
    context: Context,
    number: u32,
) -> Result<(), Error> {
    match parts::fog_node(&prepared, context, number) {
        Some(service) => service.run().await,
        None => Ok(()),
    }
}
