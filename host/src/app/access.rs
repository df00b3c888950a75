//! A run's access to its bus: reached, its topics made, awaited while it is unreachable.

use std::sync::Arc;
use std::time::Duration;

use fedhost_domain::event::RoundClosed;

use super::buses::Buses;
use super::topics;
use crate::role::{self, aggregator};
use fedhost_base::announce::Announcer;
use fedhost_base::observer::Observer;
use fedhost_bus as bus;
use fedhost_bus::trouble::Trouble;
use fedhost_manifest::Manifest;

/// What it takes to make the bus of a run ready.
#[derive(Clone)]
pub(super) struct BusAccess {
    pub(super) buses: Buses,
    pub(super) manifest: Arc<Manifest>,
    pub(super) announcer: Announcer,
    pub(super) observer: Arc<dyn Observer>,
}

/// What the bus holds of a federation.
pub(super) enum NewestRound {
    /// The newest round, if any has been closed on this bus.
    Read(Option<RoundClosed>),
    /// The bus does not answer.
    Unknown,
}

impl BusAccess {
    /// Makes the bus ready, within the time of one request or of `at_most`. An unreachable cluster
    /// is returned, since a run may start without it.
    ///
    /// # Errors
    /// The bus refuses, or cannot carry what the manifest promises.
    pub(super) async fn probe(&self, at_most: Duration) -> Result<Option<Trouble>, miette::Report> {
        let Err(error) = self.make_ready(at_most).await else {
            return Ok(None);
        };
        let error = error.downcast::<bus::Error>()?;
        let bus::Error::Unreachable { bus, .. } = &error else {
            return Err(error.into());
        };
        let mut away = Trouble::new(bus, &self.observer);
        away.met(&error).await;
        Ok(Some(away))
    }

    /// Waits for an unreachable bus without a limit; the process is not ready meanwhile.
    ///
    /// # Errors
    /// The bus refuses, or cannot carry what the manifest promises.
    pub(super) async fn wait(&self, mut away: Trouble) -> Result<(), role::Error> {
        while let Err(error) = self.make_ready(Duration::MAX).await {
            match error.downcast() {
                Ok(error @ bus::Error::Unreachable { .. }) => away.met(&error).await,
                Ok(error) => return Err(super::cannot_start("bus", &error)),
                Err(error) => return Err(super::cannot_start("bus", error.as_ref())),
            }
        }
        away.over();
        Ok(())
    }

    /// The summary of the newest round. It is only for the run log, so a bus that does not return it
    /// in time neither holds up nor stops the run.
    pub(super) async fn newest_round(&self, within: Duration) -> NewestRound {
        let bus = self.buses.shared();
        let read = aggregator::newest_round(bus.as_ref());
        match tokio::time::timeout(within, read).await {
            Ok(Ok(closed)) => NewestRound::Read(closed),
            Ok(Err(_)) | Err(_) => NewestRound::Unknown,
        }
    }

    async fn make_ready(&self, at_most: Duration) -> Result<(), miette::Report> {
        self.buses.reach(at_most).await?;
        let limits = self.buses.broker_limits().await?;
        let bus = self.buses.shared();
        topics::prepare(bus.as_ref(), &limits, &self.manifest, &self.announcer).await
    }
}
