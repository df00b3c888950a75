//! The composition root: the only file that names every edge. It decides what starts in which
//! order, and how a run ends.
//!
//! Start: the log is opened, probes are answered, plug-ins are found and their parameters checked,
//! the bus is reached and topics are made; until then nothing has happened. Then the roles start,
//! by the table of the manifest. Roles that work alone, over a spool, do not wait for an
//! unreachable cluster; all others do. End: the roles that feed others stop first, the others
//! finish the batch in hand and store their state, the bus is closed last; all of that by one
//! deadline.

mod access;
pub mod buses;
mod components;
mod deadline;
pub mod doctor;
pub mod lag;
mod options;
mod plugins;
mod roles;
mod running;
mod sensor_files;
mod settings;
mod supervise;
#[cfg(test)]
mod tests;
pub mod topics;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fedhost_base::event::{Event, RunEvent};
use fedhost_domain::model::Sha256Hex;
use miette::IntoDiagnostic as _;
use tokio_util::sync::CancellationToken;

use crate::http;
use crate::observe::{Observed, Phase};
use crate::role;
use crate::run_log::last_round;
use access::{BusAccess, NewestRound};
use buses::Buses;
use fedhost_base::announce::Announcer;
use fedhost_base::hint::hint;
use fedhost_bus::trouble::Trouble;
use fedhost_manifest::{Api, Loaded, Spooling};
pub use options::Options;
use plugins::PluginWatcher;
use roles::LocalRoles;
use running::Running;
pub use sensor_files::check_sensor_files;

/// How long a cluster may take to answer where work can start without it.
const FIRST_PROBE: Duration = Duration::from_secs(3);

/// A run that is ready to start: everything is checked and open, nothing has started.
pub struct Prepared {
    roles: Arc<LocalRoles>,
    access: BusAccess,
    observed: Observed,
    manifest_sha256: Sha256Hex,
    plugin_watcher: Option<PluginWatcher>,
    probes: Option<http::Handle>,
    /// An unreachable bus, whose topics are not made yet.
    away: Option<Trouble>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every role has done its work.
    Completed,
    /// Its time limit is over.
    TimeLimit,
    /// It was interrupted.
    Interrupted,
}

impl Outcome {
    /// Its name in the run log.
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
    /// Everything that keeps the run from starting, with its remedy.
    pub async fn new(
        loaded: Loaded,
        options: Options,
        announcer: Announcer,
        observed: &Observed,
    ) -> Result<Self, miette::Report> {
        let manifest = Arc::new(loaded.manifest.clone());
        let observed = observed.announcing(announcer.clone());
        options.check(&manifest)?;
        let rules = settings::rules(&manifest, &options)?;
        let warnings = check_sensor_files(&loaded, |sensor| options.runs(sensor))?;
        // First of all, so that a second process on the same directory is refused before it
        // announces anything.
        let buses = Buses::open(&manifest, Arc::new(observed.clone())).await?;
        let probes = probes(&manifest.api, &observed).await?;
        let specs = options.select(manifest.roles());
        let (plugins, plugin_watcher) = if specs.iter().any(|spec| spec.needs_plugins) {
            let (settings, events) = (Arc::clone(&manifest), announcer.clone());
            let opened = tokio::task::spawn_blocking(move || plugins::open(&settings, &events))
                .await
                .into_diagnostic()??;
            (Some(opened.0), Some(opened.1))
        } else {
            (None, None)
        };
        for detail in warnings {
            announcer.announce(RunEvent::Warned {
                part: "sensors".to_owned(),
                detail,
            });
        }
        for detail in manifest.kafka_warnings() {
            announcer.announce(RunEvent::Warned {
                part: "kafka".to_owned(),
                detail,
            });
        }
        let access = BusAccess {
            buses,
            manifest: Arc::clone(&manifest),
            announcer,
            observer: Arc::new(observed.clone()),
        };
        // A fault of the bus is better found before anything has started.
        let works_alone = specs.iter().any(|spec| spec.spooling == Spooling::Alone);
        let at_most = if access.buses.spools() && works_alone {
            FIRST_PROBE
        } else {
            Duration::MAX
        };
        let away = access.probe(at_most).await?;
        let training_nodes = Arc::new(settings::training_nodes(&manifest));
        let roles = LocalRoles {
            manifest,
            options,
            rules,
            plugins,
            run_log: run_log_path(&loaded),
            training_nodes,
        };
        Ok(Self {
            roles: Arc::new(roles),
            access,
            observed,
            manifest_sha256: Sha256Hex::of(loaded.canonical.as_bytes()),
            plugin_watcher,
            probes,
            away,
        })
    }

    /// Runs until the work is done, `interrupt` is set, or time is up.
    ///
    /// # Errors
    /// The error of the first role that ended with one; the others have been stopped.
    pub async fn run(mut self, interrupt: CancellationToken) -> Result<Outcome, role::Error> {
        let stop_watcher = CancellationToken::new();
        if let Some(watcher) = self.plugin_watcher.take() {
            tokio::spawn(watcher.run(stop_watcher.clone()));
        }
        let away = self.away.take();
        let newest = match &away {
            None => self.access.newest_round(FIRST_PROBE).await,
            Some(_) => NewestRound::Unknown,
        };
        self.access.announcer.announce(self.started(&newest));
        let mut running = Running::new(&self.roles, &self.access, &self.observed);
        running.start(away.is_none());
        let duration = self.roles.options.duration;
        let outcome = running.wait(away, interrupt, duration).await;
        self.observed.enter(Phase::Stopping);
        stop_watcher.cancel();
        let stopped = running.stop().await;
        let outcome = outcome.and_then(|outcome| stopped.map(|()| outcome));
        let newest = self.access.newest_round(running.deadline().left()).await;
        let finished = self.finished(&newest, &outcome);
        self.access.announcer.announce(finished);
        self.access.buses.close(running.deadline()).await;
        if let Some(probes) = self.probes.take() {
            probes.close().await;
        }
        outcome
    }

    fn started(&self, newest: &NewestRound) -> Event {
        Event::Run(RunEvent::RunStarted {
            manifest: self.roles.options.manifest_name.clone(),
            manifest_sha256: self.manifest_sha256.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            resumed_round: self.round(newest),
            plugins: self.roles.plugin_ids(),
        })
    }

    fn finished(&self, newest: &NewestRound, outcome: &Result<Outcome, role::Error>) -> Event {
        Event::Run(RunEvent::RunFinished {
            round: self.round(newest),
            outcome: outcome
                .as_ref()
                .map_or("failed", |outcome| outcome.word())
                .to_owned(),
            weights_sha256: match newest {
                NewestRound::Read(Some(closed)) => Some(closed.weights_sha256.clone()),
                NewestRound::Read(None) | NewestRound::Unknown => None,
            },
        })
    }

    /// The newest round's number on the bus; that of the run log only while the bus is unreachable.
    fn round(&self, newest: &NewestRound) -> u64 {
        match newest {
            NewestRound::Read(Some(closed)) => closed.round,
            NewestRound::Read(None) => 0,
            NewestRound::Unknown => last_round(&self.roles.run_log).ok().flatten().unwrap_or(0),
        }
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
        .map_err(|error| cannot_start("api", &error).into())
}

fn cannot_start(part: &str, error: &dyn miette::Diagnostic) -> role::Error {
    role::Error::Start {
        part: part.to_owned(),
        reason: error.to_string(),
        hint: hint(error),
    }
}
