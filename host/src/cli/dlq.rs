//! `fedhost dlq`: what an operator does with dead-letter records.

mod acknowledge;
mod content;
mod list;
mod purge;
mod replay;
mod show;

use std::sync::Arc;

use clap::{Args, Subcommand};
use fedhost_base::event::{BusEvent, Event};
use tokio_util::sync::CancellationToken;

use super::words::{Weight, describe};
use super::{Ending, Global, ManifestArgs, run, screen};
use crate::app::buses;
use crate::dead_letters::{BadBound, Bound, DeadLetterTopic, Error};
use fedhost_base::clock;
use fedhost_base::metric::{Count, Gauge};
use fedhost_base::observer::{Labels, Observer};
use fedhost_bus::Bus;
use fedhost_manifest::Manifest;

/// What to do with dead-letter records.
#[derive(Debug, Subcommand)]
pub(super) enum Dlq {
    /// Count the dead-letter records of every topic of a manifest, by reason
    List(list::List),
    /// Show dead-letter records whole: key, headers and value
    Show(show::Show),
    /// Put the original records back on their topic
    Replay(replay::Replay),
    /// Delete the oldest dead-letter records permanently
    Purge(purge::Purge),
    /// Let roles continue that stopped because of too many dead-letter records
    Acknowledge(acknowledge::Acknowledge),
}

impl Dlq {
    pub(super) fn execute(&self, global: &Global) -> Ending {
        match self {
            Self::List(list) => on_bus(&list.manifest, async |scene| list.run(scene, global).await),
            Self::Show(show) => on_bus(&show.of.manifest, async |scene| {
                show.run(scene, global).await
            }),
            Self::Replay(replay) => on_bus(&replay.of.manifest, async |scene| {
                replay.run(scene, global).await
            }),
            Self::Purge(purge) => on_bus(&purge.of.manifest, async |scene| {
                purge.run(scene, global).await
            }),
            Self::Acknowledge(acknowledge) => on_bus(&acknowledge.manifest, async |scene| {
                acknowledge.run(scene, global).await
            }),
        }
    }
}

/// A manifest, and one of its topics.
#[derive(Debug, Args)]
struct OfTopic {
    #[command(flatten)]
    manifest: ManifestArgs,
    /// A topic, or its dead-letter topic
    topic: String,
}

impl OfTopic {
    fn resolve(&self, manifest: &Manifest) -> DeadLetterTopic {
        DeadLetterTopic::of(&self.topic, &manifest.topics.dead_letter_suffix)
    }
}

/// What a command works with.
struct Scene {
    manifest: Manifest,
    /// Absent while the embedded log does not exist: looking for dead-letter records does not
    /// create it.
    bus: Option<Arc<dyn Bus>>,
    /// Set by Ctrl-C.
    stop: CancellationToken,
}

impl Scene {
    /// The bus on which the topic is looked for.
    fn bus_of(&self, topic: &str) -> Result<&Arc<dyn Bus>, Error> {
        self.bus.as_ref().ok_or_else(|| Error::NoTopic {
            topic: topic.to_owned(),
        })
    }

    /// The outcome of `work`, or `None` when Ctrl-C came first.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            done = work => Some(done),
        }
    }
}

/// Opens the manifest's bus for `work`.
fn on_bus(manifest: &ManifestArgs, work: impl AsyncFnOnce(&Scene) -> Ending) -> Ending {
    let loaded = match manifest.load() {
        Ok(loaded) => loaded,
        Err(error) => return Ending::Refused(error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return Ending::Refused(
                miette::Report::from_err(error).wrap_err("no threads can be started"),
            );
        }
    };
    let opened = buses::is_there(&loaded)
        .then(|| runtime.block_on(buses::open(&loaded, Arc::new(StderrObserver))));
    let bus = match opened.transpose() {
        Ok(bus) => bus,
        Err(error) => return Ending::Refused(error),
    };
    let scene = Scene {
        manifest: loaded.manifest,
        bus,
        stop: CancellationToken::new(),
    };
    runtime.spawn(run::listen_for_ctrl_c(scene.stop.clone()));
    let ending = runtime.block_on(work(&scene));
    drop(scene);
    // After Ctrl-C at a question, a thread still waits for the answer. The program does not wait
    // for that thread.
    runtime.shutdown_background();
    ending
}

/// A missing topic or partition is found before anything is done.
fn ending_of(error: Error) -> Ending {
    match error {
        Error::NoTopic { .. } | Error::NoPartition { .. } => Ending::Refused(error.into()),
        Error::Bus(_) => Ending::Failed(error.into()),
    }
}

fn bound(text: &str) -> Result<Bound, BadBound> {
    Bound::parse(text, clock::now_ms())
}

/// `1 dead-letter record`, `2 dead-letter records`.
fn counted(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} dead-letter record{plural}")
}

/// Reports problems of the bus on stderr.
struct StderrObserver;

impl Observer for StderrObserver {
    fn condition(&self, part: &str, trouble: Option<&str>) {
        if let Some(trouble) = trouble {
            screen::note(&format!("{part}: {trouble}"));
        }
    }

    fn gauge(&self, _: Gauge, _: Labels<'_>, _: f64) {}

    fn count(&self, _: Count, _: Labels<'_>, _: u64) {}

    fn announce(&self, event: Event) {
        // Only the group of the replays has not read what was purged.
        if matches!(event, Event::Bus(BusEvent::RecordsExpired { .. })) {
            return;
        }
        if let Some((Weight::Warning, text)) = describe(&event) {
            screen::note(&text);
        }
    }
}
