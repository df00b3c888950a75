//! The embedded log of a manifest.

use miette::IntoDiagnostic as _;
use std::sync::Arc;

use fedhost_base::event::{BusEvent, Event, RunEvent};

use fedhost_base::observer::Observer;
use fedhost_bus::embedded::{EmbeddedLog, Fsync, Options};
use fedhost_manifest::{self as manifest, Manifest};

/// Opens the log, and announces what a disk has damaged in it.
pub(super) async fn open(
    manifest: &Manifest,
    observer: Arc<dyn Observer>,
) -> Result<Arc<EmbeddedLog>, miette::Report> {
    let warned = Arc::clone(&observer);
    let options = Options {
        fsync: fsync(manifest.bus.fsync),
        on_damage: Arc::new(move |damage| {
            observer.announce(Event::Bus(BusEvent::LogDamaged(damage)))
        }),
        on_warning: Arc::new(move |detail| {
            warned.announce(Event::Run(RunEvent::Warned {
                part: "log".to_owned(),
                detail,
            }))
        }),
        ..Options::new(&manifest.bus.directory)
    };
    Ok(Arc::new(
        tokio::task::spawn_blocking(move || EmbeddedLog::open(options))
            .await
            .into_diagnostic()??,
    ))
}

pub(super) fn fsync(fsync: manifest::Fsync) -> Fsync {
    match fsync {
        manifest::Fsync::Always => Fsync::Always,
        manifest::Fsync::Never => Fsync::Never,
    }
}
