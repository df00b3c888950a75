//! How a command that is no run works on the bus of a manifest.

use std::sync::Arc;

use fedhost_base::event::Event;

use super::{Ending, Global, ManifestArgs, screen, words};
use crate::app::buses;
use fedhost_base::metric::{Count, Gauge};
use fedhost_base::observer::{Labels, Observer};
use fedhost_bus::Bus;
use fedhost_manifest::Loaded;

/// Loads the manifest, and runs the command's work to its end. What keeps it from the bus is found
/// before anything is started; what goes wrong on the bus is a failure.
pub(super) fn on_bus(
    manifest: &ManifestArgs,
    global: &Global,
    work: impl AsyncFnOnce(&Loaded, &Opener) -> Result<(), Failure>,
) -> Ending {
    let opener = Opener {
        observer: Arc::new(StderrObserver {
            quiet: global.quiet,
        }),
    };
    let prepared = manifest.load().and_then(|loaded| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        Ok((
            loaded,
            runtime.map_err(|error| {
                miette::Report::from_err(error).wrap_err("no threads can be started")
            })?,
        ))
    });
    let (loaded, runtime) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Ending::Refused(error),
    };
    let outcome = runtime.block_on(work(&loaded, &opener));
    // A client that still waits for its broker is left behind.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => Ending::Done,
        Err(Failure::Refused(error)) => Ending::Refused(error),
        Err(Failure::Failed(error)) => Ending::Failed(error),
    }
}

/// How a command's work ended early.
pub(super) enum Failure {
    /// It could not begin.
    Refused(miette::Report),
    /// It began, and failed.
    Failed(miette::Report),
}

impl<E: Into<miette::Report>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Opens the bus when the command needs it.
pub(super) struct Opener {
    observer: Arc<dyn Observer>,
}

impl Opener {
    /// The bus of the manifest.
    pub(super) async fn open(&self, manifest: &Loaded) -> Result<Arc<dyn Bus>, Failure> {
        buses::open(manifest, Arc::clone(&self.observer))
            .await
            .map_err(Failure::Refused)
    }

    /// The bus, or `None` for a log that does not exist yet: a command that only reads does not
    /// create it.
    pub(super) async fn open_existing(
        &self,
        manifest: &Loaded,
    ) -> Result<Option<Arc<dyn Bus>>, Failure> {
        if buses::is_there(manifest) {
            self.open(manifest).await.map(Some)
        } else {
            Ok(None)
        }
    }
}

/// Reports problems of the bus on stderr.
struct StderrObserver {
    quiet: bool,
}

impl Observer for StderrObserver {
    fn condition(&self, _: &str, _: Option<&str>) {}
    fn gauge(&self, _: Gauge, _: Labels<'_>, _: f64) {}
    fn count(&self, _: Count, _: Labels<'_>, _: u64) {}

    fn announce(&self, event: Event) {
        if let Some((weight, text)) = words::describe(&event)
            && (weight == words::Weight::Warning || weight == words::Weight::Notice && !self.quiet)
        {
            screen::note(&text);
        }
    }
}
