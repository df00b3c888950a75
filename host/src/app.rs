//! The composition root: the only file that names every edge. What starts in which order, and how it ends.
//!
//! Start: the bus is opened, plug-ins are found and their parameters checked, topics are made; until then nothing has
//! happened. Then the aggregator, the fog nodes, the sensors. End: sensors stop first, fog nodes finish the batch in hand
//! and store what they know, the bus is closed last.

mod options;
mod parts;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fedhost_domain::event::{Event, RoundClosed};
use fedhost_domain::model::{PluginId, Sha256Hex};
use fedhost_domain::round::Rules;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::announce::Announcer;
use crate::bus::Bus;
use crate::bus::embedded::EmbeddedLog;
use crate::manifest::Loaded;
use crate::role::fog_node::plugins::Configured;
use crate::role::{self, aggregator, fog_node, sensor};
pub use options::{Options, Role};

/// A run that could begin: everything is checked and open, nothing has started.
pub struct Prepared {
    manifest: Loaded,
    options: Options,
    announcer: Announcer,
    log: Arc<EmbeddedLog>,
    rules: Rules,
    /// Absent when only sensors run here: they need no plug-in.
    plugins: Option<Components>,
    rounds_logged: u64,
}

/// The components that the manifest names.
struct Components {
    preprocess: Option<Configured>,
    model: Configured,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every role has done its work.
    Completed,
    /// The time that it was given is over.
    TimeLimit,
    /// Somebody asked it to stop.
    Interrupted,
}

impl Outcome {
    /// As the run log has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::TimeLimit => "time-limit",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Where a run writes what happens.
#[must_use]
pub fn run_log_path(manifest: &Loaded) -> PathBuf {
    manifest.manifest.bus.directory.join("aggregation_log.jsonl")
}

impl Prepared {
    /// Checks and opens everything. Blocks while plug-ins are compiled.
    ///
    /// # Errors
    /// Everything that keeps the run from beginning, with its remedy.
    pub async fn new(manifest: Loaded, options: Options, announcer: Announcer) -> Result<Self, anyhow::Error> {
        options.check(&manifest.manifest)?;
        let rules = parts::rules(&manifest.manifest, &options)?;
        // First of all, so that a second process on the same directory is refused before it announces anything.
        let log = parts::open_log(&manifest.manifest, &announcer).await?;
        let plugins = if options.runs(Role::Aggregator) || options.runs(Role::FogNode) {
            let (settings, events) = (manifest.manifest.clone(), announcer.clone());
            Some(tokio::task::spawn_blocking(move || parts::plugins(&settings, &events)).await??)
        } else {
            None
        };
        parts::create_topics(&log, &manifest.manifest).await?;
        let rounds_logged = crate::run_log::last_round(&run_log_path(&manifest)).unwrap_or_default().unwrap_or(0);
        Ok(Self { manifest, options, announcer, log, rules, plugins, rounds_logged })
    }

    /// Runs until the work is done, `interrupt` is set, or time is up.
    ///
    /// # Errors
    /// The first role that had to give up; the others have been stopped.
    pub async fn run(self, interrupt: CancellationToken) -> Result<Outcome, role::Error> {
        let started = self.started().await;
        self.announcer.announce(started);
        let mut running = Running::start(&self);
        let outcome = running.wait(interrupt, self.options.duration).await;
        let stopped = running.stop().await;
        let outcome = outcome.and_then(|outcome| stopped.map(|()| outcome));
        let finished = self.finished(&outcome).await;
        self.announcer.announce(finished);
        let log = Arc::clone(&self.log);
        // A writer that panicked has been reported by the panic hook; everything acknowledged is in the log.
        tokio::task::spawn_blocking(move || log.close()).await.ok();
        outcome
    }

    async fn started(&self) -> Event {
        Event::RunStarted {
            manifest: self.options.manifest_name.clone(),
            manifest_sha256: Sha256Hex::of(self.manifest.canonical.as_bytes()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            resumed_round: self.newest().await.map_or(0, |closed| closed.round),
            plugins: self.plugin_ids(),
        }
    }

    async fn finished(&self, outcome: &Result<Outcome, role::Error>) -> Event {
        let newest = self.newest().await;
        Event::RunFinished {
            round: newest.as_ref().map_or(0, |closed| closed.round),
            outcome: outcome.as_ref().map_or("failed", |outcome| outcome.word()).to_owned(),
            weights_sha256: newest.map(|closed| closed.weights_sha256),
        }
    }

    /// The account of the newest round; for the run log, so a fault here is no reason to stop.
    async fn newest(&self) -> Option<RoundClosed> {
        aggregator::newest_round(self.log.as_ref()).await.ok().flatten()
    }

    fn plugin_ids(&self) -> Vec<PluginId> {
        let components = self.plugins.iter();
        let configured = components.flat_map(|components| components.preprocess.iter().chain([&components.model]));
        configured.map(|configured| configured.plugin.id().clone()).collect()
    }
}

/// The tasks of a run. Sensors can be stopped apart from the rest.
struct Running {
    roles: JoinSet<Result<(), role::Error>>,
    sensors: JoinSet<Result<(), role::Error>>,
    stop_roles: CancellationToken,
    stop_sensors: CancellationToken,
    /// The run is over when the roles are, whatever the sensors still have to say.
    roles_decide: bool,
}

impl Running {
    fn start(prepared: &Prepared) -> Self {
        let bus: Arc<dyn Bus> = Arc::clone(&prepared.log) as Arc<dyn Bus>;
        let (stop_roles, stop_sensors) = (CancellationToken::new(), CancellationToken::new());
        let context = |stop: &CancellationToken| role::Context {
            bus: Arc::clone(&bus),
            announcer: prepared.announcer.clone(),
            stop: stop.clone(),
        };
        let (mut roles, mut sensors) = (JoinSet::new(), JoinSet::new());
        if let Some(service) = parts::aggregator(prepared, context(&stop_roles)) {
            roles.spawn(aggregator::Service::run(service));
        }
        for service in parts::fog_nodes(prepared, &context(&stop_roles)) {
            roles.spawn(fog_node::Service::run(service));
        }
        for service in parts::sensors(prepared, &context(&stop_sensors)) {
            sensors.spawn(sensor::Service::run(service));
        }
        let roles_decide = !roles.is_empty();
        Self { roles, sensors, stop_roles, stop_sensors, roles_decide }
    }

    async fn wait(&mut self, interrupt: CancellationToken, duration: Option<Duration>) -> Result<Outcome, role::Error> {
        let time_is_up = async {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(time_is_up);
        while !self.is_done() {
            tokio::select! {
                () = interrupt.cancelled() => return Ok(Outcome::Interrupted),
                () = &mut time_is_up => return Ok(Outcome::TimeLimit),
                Some(ended) = self.sensors.join_next() => parts::joined(ended)?,
                Some(ended) = self.roles.join_next() => parts::joined(ended)?,
            }
        }
        Ok(Outcome::Completed)
    }

    fn is_done(&self) -> bool {
        self.roles.is_empty() && (self.roles_decide || self.sensors.is_empty())
    }

    async fn stop(&mut self) -> Result<(), role::Error> {
        self.stop_sensors.cancel();
        let mut first = Ok(());
        while let Some(ended) = self.sensors.join_next().await {
            first = first.and(parts::joined(ended));
        }
        self.stop_roles.cancel();
        while let Some(ended) = self.roles.join_next().await {
            first = first.and(parts::joined(ended));
        }
        first
    }
}
