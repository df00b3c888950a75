//! How a fog node begins: where it was left, or anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fedhost_base::event::RunEvent;
use fedhost_domain::event::FederationEvent;
use fedhost_domain::fog::schedule::{Progress, Schedule};
use fedhost_domain::reading::Decoder;
use tokio::task::JoinSet;

use super::globals::Globals;
use super::pipeline::{Pipeline, Sizes};
use super::snapshot::Snapshot;
use super::{Node, Service, offsets_of, writes};
use crate::role::engine::{Engine, RetryPolicy};
use crate::role::halt::{self, Watch};
use crate::role::{Error, on_bus, stored};
use fedhost_base::clock;
use fedhost_bus::{Source, Start, Write};

impl Node {
    pub(super) async fn start(service: Service) -> Result<Self, Error> {
        let role = service.id().to_string();
        let bus = Arc::clone(&service.context.bus);
        let mut readings = bus
            .subscribe(&role, &[&service.readings], service.start)
            .await
            .map_err(on_bus(&role))?;
        halt::check(bus.as_ref(), &role, &service.dead_letters).await?;
        let models = Globals::open(&service).await.map_err(on_bus(&role))?;
        let published = offsets_of(readings.as_ref());
        let progress: Progress = stored(bus.as_ref(), &role, &service.progress_state())
            .await?
            .unwrap_or_default();
        let snapshot: Option<Snapshot> =
            stored(bus.as_ref(), &role, &service.snapshot_state()).await?;
        let begins_inside = service.start != Start::Earliest && snapshot.is_none();
        if !begins_inside {
            go_back(
                readings.as_mut(),
                &service.readings,
                &published,
                snapshot.as_ref(),
            );
        }
        let replayed = replayed(&published, &offsets_of(readings.as_ref()));
        let pipeline = restore(&service, &role, snapshot).await?;
        let seen = pipeline
            .windows
            .as_ref()
            .map_or(0, |windows| windows.training.range().end);
        let schedule = Schedule::new(service.schedule, progress, seen, 0, clock::now_ms());
        if !begins_inside && published.values().any(|&offset| offset > 0) {
            let round = schedule.progress().trained_base.unwrap_or(0);
            let node = service.id();
            service
                .context
                .announcer
                .announce(FederationEvent::NodeResumed {
                    node,
                    rows: seen,
                    replayed,
                    round,
                });
        }
        let policy = service.dead_letters;
        let mut node = Self {
            retry: RetryPolicy::new(policy.retries(), service.context.stop.clone()),
            watch: Watch::new(&service.readings, policy),
            service,
            role,
            readings,
            models,
            pipeline: Some(pipeline),
            held: None,
            schedule,
            jobs: JoinSet::new(),
            published,
            rows_since_snapshot: 0,
            unevaluated: None,
            foreign: None,
        };
        if begins_inside {
            node.remember_the_beginning().await?;
        }
        Ok(node)
    }

    /// A node that does not begin with the oldest record could not find the place again without
    /// having read anything.
    async fn remember_the_beginning(&mut self) -> Result<(), Error> {
        let offset = |(&partition, &next)| {
            writes::offset(&self.role, &self.service.readings, partition, next)
        };
        let mut write = Write {
            offsets: self.published.iter().map(offset).collect(),
            ..Write::default()
        };
        self.add_snapshot(&mut write).await?;
        self.service
            .context
            .bus
            .write(write)
            .await
            .map(drop)
            .map_err(on_bus(&self.role))
    }
}

/// To the rows that came after the snapshot; without one, to all.
fn go_back(
    readings: &mut dyn Source,
    topic: &Arc<str>,
    published: &BTreeMap<u32, u64>,
    snapshot: Option<&Snapshot>,
) {
    for &partition in published.keys() {
        let next = snapshot
            .and_then(|snapshot| snapshot.offsets.get(&partition))
            .copied();
        readings.seek(topic, partition, next.unwrap_or(0));
    }
}

async fn restore(
    service: &Service,
    role: &str,
    snapshot: Option<Snapshot>,
) -> Result<Pipeline, Error> {
    let sizes = Sizes {
        training: service.window_rows.saturating_add(service.backlog()),
        held_out: service.held_out_rows,
    };
    let mut pipeline = Pipeline {
        engine: Engine::new(Arc::clone(&service.plugins)),
        decoder: Decoder::new(service.labels.clone(), Vec::new()),
        ended_sensors: BTreeSet::new(),
        seen: Default::default(),
        windows: None,
        sizes,
    };
    let Some(snapshot) = snapshot else {
        return Ok(pipeline);
    };
    let labels = service.labels.clone();
    let restored = tokio::task::spawn_blocking(move || {
        snapshot
            .restore(&mut pipeline, labels)
            .map(|anew| (pipeline, anew))
    })
    .await;
    let restored = restored.map_err(|error| Error::Defect {
        role: role.to_owned(),
        reason: error.to_string(),
    })?;
    let (pipeline, anew) = restored.map_err(|reason| Error::State {
        role: role.to_owned(),
        name: service.snapshot_state(),
        reason,
    })?;
    for detail in anew {
        let detail = format!("another preprocessor than before begins anew: {detail}");
        service.context.announcer.announce(RunEvent::Warned {
            part: role.to_owned(),
            detail,
        });
    }
    Ok(pipeline)
}

fn replayed(published: &BTreeMap<u32, u64>, from: &BTreeMap<u32, u64>) -> u64 {
    let from = |partition| from.get(partition).copied().unwrap_or(0);
    published
        .iter()
        .map(|(partition, &next)| next.saturating_sub(from(partition)))
        .sum()
}
