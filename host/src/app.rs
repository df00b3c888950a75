//! The composition root: the only file that names every edge. What starts in which order, and how
//! it ends.
//!
//! Start: the log is opened, probes are answered, plug-ins are found and their parameters checked,
//! the bus is reached and topics are made; until then nothing has happened. Then the aggregator,
//! the fog nodes, the sensors. Sensors with a spool do not wait for a cluster that is away;
//! everybody else does. End: sensors stop first, fog nodes finish the batch in hand and store what
//! they know, the bus is closed last; all of that by one deadline.

pub mod buses;
mod components;
mod deadline;
pub mod doctor;
pub mod lag;
mod options;
mod parts;
mod plugins;
mod running;
mod supervise;
pub mod topics;

use miette::IntoDiagnostic as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fedhost_domain::event::{Event, RoundClosed};
use fedhost_domain::model::{PluginId, Sha256Hex};
use fedhost_domain::round::Rules;
use tokio_util::sync::CancellationToken;

use crate::http;
use crate::observe::{Observed, Phase};
use crate::role::{self, aggregator};
use crate::run_log::last_round;
use buses::Buses;
use fedhost_base::announce::Announcer;
use fedhost_base::hint::hint;
use fedhost_base::observer::Observer;
use fedhost_bus as bus;
use fedhost_bus::trouble::Trouble;
use fedhost_manifest::{Api, Loaded};
pub use options::{Options, Role};
use plugins::{PluginProvider, PluginWatcher};
use running::Running;

/// For a cluster to answer, where work could begin without that.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// A run that could begin: everything is checked and open, nothing has started.
pub struct Prepared {
    manifest: Loaded,
    options: Options,
    announcer: Announcer,
    observed: Observed,
    buses: Buses,
    rules: Rules,
    /// Absent when only sensors run here: they need no plug-in.
    plugins: Option<PluginProvider>,
    watcher: Option<PluginWatcher>,
    probes: Option<http::Handle>,
    /// Its topics are not looked after yet.
    away: Option<Trouble>,
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
    manifest
        .manifest
        .bus
        .directory
        .join("aggregation_log.jsonl")
}

impl Prepared {
    /// Checks and opens everything. Blocks while plug-ins are compiled.
    ///
    /// # Errors
    /// Everything that keeps the run from beginning, with its remedy.
    pub async fn new(
        manifest: Loaded,
        options: Options,
        announcer: Announcer,
        observed: &Observed,
    ) -> Result<Self, miette::Report> {
        let observed = observed.announcing(announcer.clone());
        options.check(&manifest.manifest)?;
        let rules = parts::rules(&manifest.manifest, &options)?;
        // First of all, so that a second process on the same directory is refused before it
        // announces anything.
        let buses = Buses::open(&manifest.manifest, Arc::new(observed.clone())).await?;
        let probes = probes(&manifest.manifest.api, &observed).await?;
        let (plugins, watcher) = if options.runs(Role::Aggregator) || options.runs(Role::FogNode) {
            let (settings, events) = (Arc::new(manifest.manifest.clone()), announcer.clone());
            let opened = tokio::task::spawn_blocking(move || plugins::open(&settings, &events))
                .await
                .into_diagnostic()??;
            (Some(opened.0), Some(opened.1))
        } else {
            (None, None)
        };
        for detail in manifest.manifest.kafka_warnings() {
            announcer.announce(Event::Warned {
                part: "kafka".to_owned(),
                detail,
            });
        }
        let away = None;
        let mut prepared = Self {
            manifest,
            options,
            announcer,
            observed,
            buses,
            rules,
            plugins,
            watcher,
            probes,
            away,
        };
        prepared.away = prepared.look().await?;
        Ok(prepared)
    }

    /// Whether the bus is there: what is wrong with it is better found before anything is started.
    /// A cluster that is away is no reason not to start.
    async fn look(&self) -> Result<Option<Trouble>, miette::Report> {
        // Sensors have better things to do than to wait.
        let is_awaited = self.buses.spools() && !parts::sensors(self).is_empty();
        let patience = if is_awaited {
            FIRST_LOOK
        } else {
            Duration::MAX
        };
        let Err(error) = self.make_ready(patience).await else {
            return Ok(None);
        };
        let error = error.downcast::<bus::Error>()?;
        let bus::Error::Unreachable { bus, .. } = &error else {
            return Err(error.into());
        };
        let observer: Arc<dyn Observer> = Arc::new(self.observed.clone());
        let mut away = Trouble::new(bus, &observer);
        away.met(&error).await;
        Ok(Some(away))
    }

    /// Reaches the bus, and makes its topics.
    async fn make_ready(&self, at_most: Duration) -> Result<(), miette::Report> {
        self.buses.reach(at_most).await?;
        let limits = self.buses.broker_limits().await?;
        topics::prepare(
            self.buses.shared().as_ref(),
            &limits,
            &self.manifest.manifest,
            &self.announcer,
        )
        .await
    }

    /// Waits for a bus that is away, however long that takes; the process is not ready meanwhile.
    async fn wait_for_bus(&self, mut away: Trouble) -> Result<(), role::Error> {
        while let Err(error) = self.make_ready(Duration::MAX).await {
            match error.downcast() {
                Ok(error @ bus::Error::Unreachable { .. }) => away.met(&error).await,
                Ok(error) => return Err(cannot_begin("bus", &error)),
                Err(error) => return Err(cannot_begin("bus", error.as_ref())),
            }
        }
        away.over();
        Ok(())
    }

    /// Runs until the work is done, `interrupt` is set, or time is up.
    ///
    /// # Errors
    /// The first role that had to give up; the others have been stopped.
    pub async fn run(mut self, interrupt: CancellationToken) -> Result<Outcome, role::Error> {
        let (probes, away) = (self.probes.take(), self.away.take());
        let stop_watcher = CancellationToken::new();
        if let Some(watcher) = self.watcher.take() {
            tokio::spawn(watcher.run(stop_watcher.clone()));
        }
        let prepared = Arc::new(self);
        let mut running = Running::new(&prepared);
        let newest = if away.is_none() {
            prepared.newest(FIRST_LOOK).await
        } else {
            None
        };
        prepared
            .announcer
            .announce(prepared.started(newest.as_ref()));
        running.start(away.is_none());
        let outcome = running
            .wait(away, interrupt, prepared.options.duration)
            .await;
        prepared.observed.enter(Phase::Stopping);
        stop_watcher.cancel();
        let stopped = running.stop().await;
        let outcome = outcome.and_then(|outcome| stopped.map(|()| outcome));
        let newest = prepared.newest(running.deadline().left()).await;
        prepared
            .announcer
            .announce(prepared.finished(newest.as_ref(), &outcome));
        prepared.buses.close(running.deadline()).await;
        if let Some(probes) = probes {
            probes.close().await;
        }
        outcome
    }

    fn started(&self, newest: Option<&RoundClosed>) -> Event {
        Event::RunStarted {
            manifest: self.options.manifest_name.clone(),
            manifest_sha256: Sha256Hex::of(self.manifest.canonical.as_bytes()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            resumed_round: self.round(newest),
            plugins: self.plugin_ids(),
        }
    }

    fn finished(
        &self,
        newest: Option<&RoundClosed>,
        outcome: &Result<Outcome, role::Error>,
    ) -> Event {
        Event::RunFinished {
            round: self.round(newest),
            outcome: outcome
                .as_ref()
                .map_or("failed", |outcome| outcome.word())
                .to_owned(),
            weights_sha256: newest.map(|closed| closed.weights_sha256.clone()),
        }
    }

    /// The account of the newest round; for the run log, so a bus that does not give it in time is
    /// no reason to wait or stop.
    async fn newest(&self, within: Duration) -> Option<RoundClosed> {
        let bus = self.buses.shared();
        tokio::time::timeout(within, aggregator::newest_round(bus.as_ref()))
            .await
            .ok()?
            .ok()
            .flatten()
    }

    /// Its number; when the bus does not tell, that of the newest round in the run log.
    fn round(&self, newest: Option<&RoundClosed>) -> u64 {
        let logged = || last_round(&run_log_path(&self.manifest)).ok().flatten();
        newest
            .map(|closed| closed.round)
            .or_else(logged)
            .unwrap_or(0)
    }

    fn plugin_ids(&self) -> Vec<PluginId> {
        self.plugins
            .as_ref()
            .map(PluginProvider::ids)
            .unwrap_or_default()
    }
}

/// Answers probes, where the manifest asks for it.
async fn probes(api: &Api, observed: &Observed) -> Result<Option<http::Handle>, miette::Report> {
    let Some(listen) = api.listen else {
        return Ok(None);
    };
    let service = http::Service {
        listen,
        token: api.token.clone(),
        observed: observed.clone(),
    };
    service
        .start()
        .await
        .map(Some)
        .map_err(|error| cannot_begin("api", &error).into())
}

fn cannot_begin(part: &str, error: &dyn miette::Diagnostic) -> role::Error {
    role::Error::Start {
        part: part.to_owned(),
        reason: error.to_string(),
        hint: hint(error),
    }
}
