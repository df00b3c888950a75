//! How a run, or a command, gets its bus.

mod embedded;
mod kafka;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::kafka::Cluster;
use super::deadline::ShutdownDeadline;
use fedhost_base::observer::Observer;
use fedhost_bus::embedded::EmbeddedLog;
use fedhost_bus::kafka::RoleClient;
use fedhost_bus::limits::BrokerLimits;
use fedhost_bus::spool::{self, Spooled};
use fedhost_bus::{self as bus, Bus};
use fedhost_manifest::{BusKind, Loaded, Manifest, RoleSpec, Spooling};
pub use kafka::options as kafka_options;

/// For roles on an embedded log to finish what they have in hand.
const GRACE: Duration = Duration::from_secs(15);

/// Opens the bus of a manifest for a caller without a role, such as a command. It is closed when
/// dropped.
///
/// # Errors
/// The bus cannot be opened, or not reached; an embedded log that a run has open is
/// [`fedhost_bus::Error::InUse`].
pub async fn open(
    manifest: &Loaded,
    observer: Arc<dyn Observer>,
) -> Result<Arc<dyn Bus>, miette::Report> {
    let manifest = &manifest.manifest;
    Ok(match manifest.bus.kind {
        BusKind::Embedded => embedded::open(manifest, observer).await?,
        BusKind::Kafka => {
            let cluster = Cluster::new(manifest, &observer);
            cluster.reach(Duration::MAX).await?;
            Arc::new(cluster.host())
        }
    })
}

/// Whether there is anything to open: an embedded log is made by the first who needs it.
#[must_use]
pub fn is_there(manifest: &Loaded) -> bool {
    match manifest.manifest.bus.kind {
        BusKind::Embedded => holds_log(&manifest.manifest.bus.directory),
        BusKind::Kafka => true,
    }
}

fn holds_log(directory: &Path) -> bool {
    EmbeddedLog::is_there(directory)
}

/// The bus of a run. Cheap to clone.
#[derive(Clone)]
pub(super) enum Buses {
    Embedded(Arc<EmbeddedLog>),
    Kafka(Arc<OnKafka>),
}

/// A run's ways to a cluster.
pub(super) struct OnKafka {
    cluster: Cluster,
    /// It has answered.
    reached: AtomicBool,
    /// For callers without a role.
    host: Arc<RoleClient>,
    /// What fog nodes and sensors write goes through it.
    spool: Option<spool::Options>,
    /// For everything to be over, once a run stops.
    close: Duration,
}

/// What one role reads and writes through; to be closed when the role has ended.
pub(super) enum RoleBus {
    Embedded(Arc<EmbeddedLog>),
    Kafka(Arc<RoleClient>),
    Spooled {
        spool: Arc<Spooled>,
        client: Arc<RoleClient>,
    },
}

impl Buses {
    /// Opens the log, or makes ready for the cluster, which is not waited for.
    ///
    /// # Errors
    /// The log cannot be opened.
    pub(super) async fn open(
        manifest: &Manifest,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, miette::Report> {
        if manifest.bus.kind == BusKind::Embedded {
            return Ok(Self::Embedded(embedded::open(manifest, observer).await?));
        }
        let cluster = Cluster::new(manifest, &observer);
        let host = Arc::new(cluster.host());
        let (directory, fsync) = (
            manifest.spool_directory(),
            embedded::fsync(manifest.spool.fsync),
        );
        let max_bytes = manifest.spool.max_bytes;
        let options = spool::Options {
            directory,
            max_bytes,
            fsync,
            alone: false,
            away: false,
            observer,
        };
        let spool = manifest.spool.enabled.then_some(options);
        let (reached, close) = (
            AtomicBool::new(false),
            Duration::from_millis(manifest.kafka.close_ms),
        );
        Ok(Self::Kafka(Arc::new(OnKafka {
            cluster,
            reached,
            host,
            spool,
            close,
        })))
    }

    /// Reaches the cluster, within the time of one request or of `at_most`; a log is there.
    ///
    /// # Errors
    /// The cluster cannot be reached, or refuses.
    pub(super) async fn reach(&self, at_most: Duration) -> Result<(), bus::Error> {
        if let Self::Kafka(kafka) = self {
            kafka.cluster.reach(at_most).await?;
            kafka.reached.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether there are spools, so that what works alone needs no cluster to begin.
    pub(super) fn spools(&self) -> bool {
        matches!(self, Self::Kafka(kafka) if kafka.spool.is_some())
    }

    /// So long a run may take to stop.
    pub(super) fn shutdown_within(&self) -> Duration {
        match self {
            Self::Embedded(_) => GRACE,
            Self::Kafka(kafka) => kafka.close,
        }
    }

    /// For callers without a role: to look at topics and state.
    pub(super) fn shared(&self) -> Arc<dyn Bus> {
        match self {
            Self::Embedded(log) => Arc::clone(log) as Arc<dyn Bus>,
            Self::Kafka(kafka) => Arc::clone(&kafka.host) as Arc<dyn Bus>,
        }
    }

    /// What every broker lets pass; an embedded log has no limits but those of its topics.
    ///
    /// # Errors
    /// The cluster refuses, or cannot be reached.
    pub(super) async fn broker_limits(&self) -> Result<BrokerLimits, bus::Error> {
        match self {
            Self::Embedded(_) => Ok(BrokerLimits::default()),
            Self::Kafka(kafka) => kafka.cluster.broker_limits().await,
        }
    }

    /// The role's own access to the bus.
    ///
    /// # Errors
    /// Its spool cannot be opened.
    pub(super) async fn of_role(&self, spec: &RoleSpec) -> Result<RoleBus, bus::Error> {
        let kafka = match self {
            Self::Embedded(log) => return Ok(RoleBus::Embedded(Arc::clone(log))),
            Self::Kafka(kafka) => kafka,
        };
        let client = Arc::new(kafka.cluster.role_client(spec));
        let spool = kafka.spool.as_ref();
        let Some(options) = spool.filter(|_| spec.spooling != Spooling::No) else {
            return Ok(RoleBus::Kafka(client));
        };
        let options = spool::Options {
            alone: spec.spooling == Spooling::Alone,
            away: !kafka.reached.load(Ordering::Relaxed),
            ..options.clone()
        };
        let remote = Arc::clone(&client) as Arc<dyn Bus>;
        let spool = Spooled::open(options, remote, &spec.name).await?;
        Ok(RoleBus::Spooled {
            spool: Arc::new(spool),
            client,
        })
    }

    /// Ends every client, in the time that is left; what was acknowledged is safe.
    pub(super) async fn close(&self, deadline: &ShutdownDeadline) {
        match self {
            Self::Embedded(log) => {
                let log = Arc::clone(log);
                // A writer that panicked has been reported by the panic hook; everything
                // acknowledged is in the log.
                tokio::task::spawn_blocking(move || log.close()).await.ok();
            }
            Self::Kafka(kafka) => kafka.host.close(deadline.left()).await,
        }
    }
}

impl RoleBus {
    pub(super) fn bus(&self) -> Arc<dyn Bus> {
        match self {
            Self::Embedded(log) => Arc::clone(log) as Arc<dyn Bus>,
            Self::Kafka(client) => Arc::clone(client) as Arc<dyn Bus>,
            Self::Spooled { spool, .. } => Arc::clone(spool) as Arc<dyn Bus>,
        }
    }

    /// Waits until everything that the role has written is on the bus, and not only in its spool;
    /// or for as long as the spool continues.
    pub(super) async fn arrived(&self) {
        if let Self::Spooled { spool, .. } = self {
            // The caller that closes it receives its end.
            spool.drained().await.ok();
        }
    }

    /// What a spool still holds when the time is over stays there for the next start.
    pub(super) async fn close(self, deadline: &ShutdownDeadline) {
        match self {
            Self::Embedded(_) => {}
            Self::Kafka(client) => client.close(deadline.left()).await,
            Self::Spooled { spool, client } => {
                spool.close(deadline.left()).await;
                client.close(deadline.left()).await;
            }
        }
    }
}
