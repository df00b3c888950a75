//! How a fog node begins: where it was left, or with nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedhost_base::clock;
use fedhost_base::event::RunEvent;
use fedhost_bus::{Start, Write};
use fedhost_domain::event::FederationEvent;
use fedhost_domain::fog::schedule::{Progress, Schedule};
use fedhost_domain::reading::Decoder;

use super::globals::Globals;
use super::intake::Intake;
use super::learning::Learning;
use super::pipeline::{Pipeline, Sizes};
use super::resume::Positions;
use super::snapshot::{Snapshot, SnapshotSchedule};
use super::worker::Worker;
use super::{Node, Service};
use crate::role::engine::{Engine, RetryPolicy};
use crate::role::halt::{self, Watch};
use crate::role::sequence::Seen;
use crate::role::{Error, on_bus, stored};

impl Node {
    pub(super) async fn start(service: Service) -> Result<Self, Error> {
        let role = service.id().to_string();
        let bus = Arc::clone(&service.context.bus);
        let source = bus
            .subscribe(&role, &[&service.readings.topic], service.readings.start)
            .await
            .map_err(on_bus(&role))?;
        halt::check(bus.as_ref(), &role, &service.dead_letters).await?;
        let models = Globals::open(&service).await.map_err(on_bus(&role))?;
        let mut intake = Intake::new(source, &role, &service.readings);
        let progress: Progress = stored(bus.as_ref(), &role, &service.progress_state())
            .await?
            .unwrap_or_default();
        let snapshot: Option<Snapshot> =
            stored(bus.as_ref(), &role, &service.snapshot_state()).await?;
        let published: Option<Positions> =
            stored(bus.as_ref(), &role, &service.published_state()).await?;
        let begins_inside =
            service.readings.start != Start::Earliest && snapshot.is_none() && published.is_none();
        let mut forget_sequences = false;
        if !begins_inside {
            let taken = snapshot.as_ref().map(Snapshot::positions);
            let resumed = intake.resume(published.as_ref(), taken.as_ref());
            for note in resumed.notes {
                warn(&service, &role, note);
            }
            forget_sequences = resumed.forget_sequences;
        }
        let (mut pipeline, progress) = restore(&service, &role, snapshot, progress).await?;
        if forget_sequences {
            pipeline.seen = Seen::default();
        }
        if pipeline.decoder.columns().is_empty() {
            intake.look_for_columns();
        }
        let rows = pipeline
            .windows
            .as_ref()
            .map_or(0, |windows| windows.training.range().end);
        let schedule = Schedule::new(
            service.training.schedule,
            progress,
            rows,
            0,
            clock::now_ms(),
        );
        if !begins_inside && intake.has_published() {
            service
                .context
                .announcer
                .announce(FederationEvent::NodeResumed {
                    node: service.id(),
                    rows,
                    replayed: intake.repeated(),
                    round: schedule.progress().trained_base.unwrap_or(0),
                });
        }
        let policy = service.dead_letters;
        let retry = RetryPolicy::new(policy.retries(), service.context.stop.clone());
        let mut node = Self {
            intake,
            models,
            worker: Worker::new(&role, pipeline, retry),
            learning: Learning::new(&service.training, schedule),
            snapshots: SnapshotSchedule::new(service.training.window_rows),
            watch: Watch::new(&service.readings.topic, policy),
            service,
            role,
        };
        if begins_inside {
            node.store_beginning().await?;
        }
        Ok(node)
    }

    /// A node that does not begin with the oldest record could not find the place again without
    /// having read anything.
    async fn store_beginning(&mut self) -> Result<(), Error> {
        let mut write = Write {
            offsets: self.intake.published(),
            ..Write::default()
        };
        self.add_published(&mut write)?;
        self.add_snapshot(&mut write).await?;
        let written = self.service.context.bus.write(write).await;
        written.map_err(on_bus(&self.role))?;
        Ok(())
    }
}

/// The pipeline, and the progress of training, which counts the pipeline's rows.
async fn restore(
    service: &Service,
    role: &str,
    snapshot: Option<Snapshot>,
    progress: Progress,
) -> Result<(Pipeline, Progress), Error> {
    let readings = &service.readings;
    let columns = readings.columns.clone();
    let mut pipeline = Pipeline {
        engine: Engine::new(Arc::clone(&service.plugins)),
        decoder: Decoder::new(readings.fields.clone(), columns),
        ended_sensors: BTreeSet::new(),
        seen: Default::default(),
        windows: None,
        sizes: Sizes {
            training: service.training.kept_rows(readings.batch_rows),
            held_out: service.training.held_out_rows,
        },
        keeps_unlabelled: !service.training.has_labels,
    };
    let Some(snapshot) = snapshot else {
        return Ok((pipeline, progress));
    };
    let wanted = pipeline.decoder.columns();
    if !wanted.is_empty() && !snapshot.columns().is_empty() && wanted != snapshot.columns() {
        warn(
            service,
            role,
            format!(
                "it begins again with the columns of the manifest, {}; it had learnt from {}, and a global model \
                 of those columns cannot score its rows: begin a new federation, with another topics.prefix or \
                 bus.directory",
                wanted.join(", "),
                snapshot.columns().join(", ")
            ),
        );
        snapshot.begin_again(&mut pipeline);
        return Ok((pipeline, Progress::default()));
    }
    if snapshot.columns().is_empty() {
        snapshot.begin_again(&mut pipeline);
        return Ok((pipeline, progress));
    }
    let fields = readings.fields.clone();
    let restored = tokio::task::spawn_blocking(move || {
        snapshot
            .restore(&mut pipeline, fields)
            .map(|again| (pipeline, again))
    })
    .await;
    let restored = restored.map_err(|error| super::defect(role, &error))?;
    let (pipeline, again) = restored.map_err(|reason| Error::State {
        role: role.to_owned(),
        name: service.snapshot_state(),
        reason,
    })?;
    for detail in again {
        let detail = format!("another preprocessor than before begins anew: {detail}");
        warn(service, role, detail);
    }
    Ok((pipeline, progress))
}

fn warn(service: &Service, role: &str, detail: String) {
    service.context.announcer.announce(RunEvent::Warned {
        part: role.to_owned(),
        detail,
    });
}
