//! The fog node role: reads its sensors' topic, preprocesses and scores every row, keeps labelled rows, and trains the
//! global model further on them.
//!
//! One task owns the node. Guests run on guest threads: a batch of readings is awaited, evaluating and training go on
//! beside the stream. Scores, dead letters and offsets are written together, and so are an update and the account of what
//! it was trained on; a node that is killed at any moment repeats what was not written, and nothing else.

mod jobs;
mod pipeline;
pub mod plugins;
mod snapshot;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::event::Event;
use fedhost_domain::fog::schedule::{Config, Input, Output, Progress, Schedule, Training};
use fedhost_domain::metrics::ScoreSketch;
use fedhost_domain::model::{NodeId, Weights};
use fedhost_domain::reading::Decoder;
use tokio::task::JoinSet;

use super::models::ReceivedGlobal;
use super::{Context, Error, Topics, models, on_bus};
use crate::bus::{Record, Source, Start, Write};
use crate::clock;
use crate::plugin::CallError;
use pipeline::{Outcome, Pipeline, Scorer, Sizes};
use plugins::Plugins;
use snapshot::Snapshot;

/// What a fog node is given.
pub struct Service {
    /// Everyone's context.
    pub context: Context,
    /// Its number in the manifest.
    pub number: u32,
    /// The topic of its readings.
    pub readings: Arc<str>,
    /// The topics it shares with others.
    pub topics: Arc<Topics>,
    /// Its plug-ins.
    pub plugins: Arc<Plugins>,
    /// When it trains.
    pub schedule: Config,
    /// Epochs of each training.
    pub epochs: u32,
    /// Labelled rows to train on.
    pub window_rows: usize,
    /// Held-out rows to evaluate on.
    pub held_out_rows: usize,
    /// Most rows taken at a time.
    pub batch_rows: usize,
    /// Names under which its sensors give labels.
    pub labels: Vec<String>,
    /// Its sensors; when all of them have ended no further row comes.
    pub sensors: BTreeSet<String>,
}

/// Something that ran beside the stream.
enum Done {
    Evaluated { round: u64, result: Result<ScoreSketch, CallError> },
    Trained { training: Training, result: Result<jobs::Trained, CallError> },
}

impl Service {
    /// Works until the last global model is scored, or until it is told to stop.
    ///
    /// # Errors
    /// The bus refused, or the stored state cannot be read.
    pub async fn run(self) -> Result<(), Error> {
        Node::start(self).await?.run().await
    }

    fn id(&self) -> NodeId {
        NodeId::fog(self.number)
    }

    fn snapshot_state(&self) -> String {
        format!("{}/snapshot", self.id())
    }

    fn progress_state(&self) -> String {
        format!("{}/progress", self.id())
    }

    /// Rows kept beyond the training window, for a training whose rows end before the newest.
    fn backlog(&self) -> usize {
        usize::try_from(self.schedule.backlog_rows).unwrap_or(usize::MAX).saturating_add(self.batch_rows)
    }
}

/// A running fog node.
struct Node {
    service: Service,
    role: String,
    readings: Box<dyn Source>,
    models: Box<dyn Source>,
    /// `None` only while a guest thread has it.
    pipeline: Option<Pipeline>,
    schedule: Schedule,
    jobs: JoinSet<Done>,
    /// Results of earlier offsets are published already.
    published: BTreeMap<u32, u64>,
    rows_since_snapshot: u64,
    /// A global model that the held-out rows are to be scored with.
    unevaluated: Option<u64>,
}

impl Node {
    async fn start(service: Service) -> Result<Self, Error> {
        let role = service.id().to_string();
        let bus = Arc::clone(&service.context.bus);
        let mut readings = bus.subscribe(&role, &[&service.readings], Start::Earliest).map_err(on_bus(&role))?;
        let models = models::newest(bus.as_ref(), &format!("{role}.models"), &service.topics.global_model).await;
        let models = models.map_err(on_bus(&role))?;
        let published = offsets_of(readings.as_ref());
        let progress: Progress =
            super::stored(bus.as_ref(), &role, &service.progress_state()).await?.unwrap_or_default();
        let snapshot: Option<Snapshot> = super::stored(bus.as_ref(), &role, &service.snapshot_state()).await?;
        for &partition in published.keys() {
            let next = snapshot.as_ref().and_then(|snapshot| snapshot.offsets.get(&partition)).copied();
            readings.seek(&service.readings, partition, next.unwrap_or(0));
        }
        let replayed = replayed(&published, &offsets_of(readings.as_ref()));
        let pipeline = restore(&service, &role, snapshot).await?;
        let seen = pipeline.windows.as_ref().map_or(0, |windows| windows.training.range().end);
        let schedule = Schedule::new(service.schedule, progress, seen, 0, clock::now_ms());
        if published.values().any(|&offset| offset > 0) {
            let round = schedule.progress().trained_base.unwrap_or(0);
            let node = service.id();
            service.context.announcer.announce(Event::NodeResumed { node, rows: seen, replayed, round });
        }
        Ok(Self {
            service,
            role,
            readings,
            models,
            pipeline: Some(pipeline),
            schedule,
            jobs: JoinSet::new(),
            published,
            rows_since_snapshot: 0,
            unevaluated: None,
        })
    }

    async fn run(mut self) -> Result<(), Error> {
        self.note_ended_sensors();
        while !(self.schedule.is_complete() && self.jobs.is_empty() && self.unevaluated.is_none()) {
            tokio::select! {
                () = self.service.context.stop.cancelled() => break,
                Some(done) = self.jobs.join_next() => self.finish(done.map_err(|error| self.defect(&error))?).await?,
                records = self.models.read(1) => self.take_models(records.map_err(on_bus(&self.role))?).await,
                records = self.readings.read(self.service.batch_rows), if !self.schedule.must_wait() => {
                    self.take_readings(records.map_err(on_bus(&self.role))?).await?;
                }
                () = clock::sleep_until(self.schedule.deadline_ms()) => self.tell(Input::Tick),
            }
        }
        self.stop().await
    }

    /// Takes a snapshot and lets guests return; a training that is cut short is not published and will be repeated.
    async fn stop(mut self) -> Result<(), Error> {
        self.service.plugins.cancel.cancel();
        let mut write = Write::default();
        self.add_snapshot(&mut write).await?;
        self.service.context.bus.write(write).await.map_err(on_bus(&self.role))?;
        self.jobs.abort_all();
        while self.jobs.join_next().await.is_some() {}
        Ok(())
    }

    fn defect(&self, error: &dyn std::fmt::Display) -> Error {
        Error::Defect { role: self.role.clone(), reason: error.to_string() }
    }

    async fn on_guest_thread<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Pipeline) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let Some(mut pipeline) = self.pipeline.take() else { return Err(self.defect(&"its pipeline is lost")) };
        let worked = tokio::task::spawn_blocking(move || {
            let result = work(&mut pipeline);
            (pipeline, result)
        });
        let (pipeline, result) = worked.await.map_err(|error| self.defect(&error))?;
        self.pipeline = Some(pipeline);
        Ok(result)
    }

    async fn take_readings(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let records = Arc::new(records);
        let shared = Arc::clone(&records);
        let outcome = self.on_guest_thread(move |pipeline| pipeline.process(&shared)).await?;
        let labelled = outcome.labelled;
        self.rows_since_snapshot += records.len() as u64;
        self.publish(&records, outcome).await?;
        if labelled > 0 {
            self.tell(Input::Rows(labelled));
        }
        self.evaluate();
        self.note_ended_sensors();
        Ok(())
    }

    async fn publish(&mut self, records: &[Record], outcome: Outcome) -> Result<(), Error> {
        for failure in &outcome.failures {
            self.service.context.announcer.announce(failure.event());
        }
        let is_new = |record: &Record| {
            self.published.get(&record.position.partition).is_none_or(|&next| record.position.offset >= next)
        };
        let mut write = writes::results(&self.service, records, &outcome, is_new);
        for (partition, next) in offsets_of(self.readings.as_ref()) {
            let published = self.published.entry(partition).or_default();
            if next > *published {
                *published = next;
                write.offsets.push(writes::offset(&self.role, &self.service.readings, partition, next));
            }
        }
        if self.rows_since_snapshot >= self.service.window_rows.max(1_000) as u64 {
            self.add_snapshot(&mut write).await?;
        }
        self.service.context.bus.write(write).await.map_err(on_bus(&self.role))?;
        Ok(())
    }

    async fn add_snapshot(&mut self, write: &mut Write) -> Result<(), Error> {
        let offsets = offsets_of(self.readings.as_ref());
        let snapshot = self.on_guest_thread(move |pipeline| Snapshot::take(pipeline, offsets)).await?;
        self.rows_since_snapshot = 0;
        match snapshot {
            Ok(snapshot) => {
                let bytes = serde_json::to_vec(&snapshot).map_err(|error| self.defect(&error))?;
                write.state.push((self.service.snapshot_state(), Some(Bytes::from(bytes))));
            }
            // The earlier snapshot stays; more rows are read again after a restart.
            Err(error) => self.service.context.announcer.announce(error.event()),
        }
        Ok(())
    }

    /// Once every sensor has said that it is over, what is in the window is all there will be.
    fn note_ended_sensors(&mut self) {
        let (Some(pipeline), sensors) = (&self.pipeline, &self.service.sensors) else { return };
        if !sensors.is_empty() && sensors.is_subset(&pipeline.ended_sensors) {
            self.tell(Input::Ended);
        }
    }

    async fn take_models(&mut self, records: Vec<Record>) {
        for record in records {
            match models::decode_global(&record, &self.service.plugins.model_id().name).await {
                Ok(global) => self.take_model(global),
                Err(refused) => self.service.context.announcer.announce(refused.event(&record)),
            }
        }
    }

    fn take_model(&mut self, ReceivedGlobal { round, weights }: ReceivedGlobal) {
        let Some(pipeline) = self.pipeline.as_mut().filter(|_| round > self.schedule.newest()) else { return };
        pipeline.scorer.renew(round, weights);
        self.unevaluated = Some(round);
        self.evaluate();
        self.tell(Input::Global { round });
    }

    /// Not while rows are being read again after a restart: the held-out rows are not all back yet.
    fn evaluate(&mut self) {
        if self.unevaluated.is_none() {
            return;
        }
        let positions = offsets_of(self.readings.as_ref());
        let caught_up = self.published.iter().all(|(partition, next)| positions.get(partition) >= Some(next));
        let Some(round) = self.unevaluated.take_if(|_| caught_up) else { return };
        let Some(pipeline) = &self.pipeline else { return };
        let Some((_, weights)) = pipeline.scorer.global.clone() else { return };
        let rows = pipeline.windows.as_ref().map(|windows| windows.held_out.copy_all()).unwrap_or_default();
        let (plugins, features) = (Arc::clone(&self.service.plugins), pipeline.features.clone());
        self.jobs.spawn_blocking(move || {
            let result = jobs::evaluate(&plugins, &features, &weights, &rows);
            Done::Evaluated { round, result }
        });
    }

    fn tell(&mut self, input: Input) {
        for output in self.schedule.handle(clock::now_ms(), input) {
            match output {
                Output::Train(training) => self.train(training),
                Output::Skipped { rows } => {
                    self.service.context.announcer.announce(Event::TrainingSkipped { node: self.service.id(), rows });
                }
            }
        }
    }

    fn train(&mut self, training: Training) {
        let Some(pipeline) = &self.pipeline else { return };
        let Some(windows) = &pipeline.windows else { return };
        let first = training.end_row.saturating_sub(self.service.window_rows as u64);
        let rows = windows.training.copy(first..training.end_row);
        let base: Option<Arc<Weights>> = pipeline.scorer.global.as_ref().map(|(_, weights)| Arc::clone(weights));
        let (plugins, features) = (Arc::clone(&self.service.plugins), pipeline.features.clone());
        let epochs = self.service.epochs;
        self.jobs.spawn_blocking(move || {
            let result = jobs::train(&plugins, &features, base.as_deref(), rows, training, epochs);
            Done::Trained { training, result }
        });
    }

    async fn finish(&mut self, done: Done) -> Result<(), Error> {
        match done {
            Done::Evaluated { round, result: Ok(sketch) } => {
                let write = writes::evaluation(&self.service, round, &sketch);
                self.service.context.bus.write(write).await.map_err(on_bus(&self.role))?;
            }
            Done::Trained { training, result: Ok(trained) } => {
                let write = writes::update(&self.service, &trained).await.map_err(|error| self.defect(&error))?;
                self.service.context.bus.write(write).await.map_err(on_bus(&self.role))?;
                self.announce_trained(&trained);
                self.tell(Input::Trained(training));
            }
            Done::Evaluated { result: Err(error), .. } => self.service.context.announcer.announce(error.event()),
            Done::Trained { training, result: Err(error) } => {
                self.service.context.announcer.announce(error.event());
                self.tell(Input::TrainingFailed(training));
            }
        }
        Ok(())
    }

    fn announce_trained(&self, trained: &jobs::Trained) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number of milliseconds"
        )]
        let train_ms = trained.train_ms.round() as u64;
        self.service.context.announcer.announce(Event::NodeTrained {
            node: self.service.id(),
            round: trained.training.base_round + 1,
            samples: trained.samples,
            loss: trained.loss,
            train_ms,
        });
    }
}

async fn restore(service: &Service, role: &str, snapshot: Option<Snapshot>) -> Result<Pipeline, Error> {
    let sizes =
        Sizes { training: service.window_rows.saturating_add(service.backlog()), held_out: service.held_out_rows };
    let mut pipeline = Pipeline {
        plugins: Arc::clone(&service.plugins),
        decoder: Decoder::new(service.labels.clone(), Vec::new()),
        features: Vec::new(),
        sources: Default::default(),
        checkpoints: Default::default(),
        ended_sensors: BTreeSet::new(),
        windows: None,
        sizes,
        scorer: Scorer::default(),
    };
    let Some(snapshot) = snapshot else { return Ok(pipeline) };
    let labels = service.labels.clone();
    let restored =
        tokio::task::spawn_blocking(move || snapshot.restore(&mut pipeline, labels).map(|()| pipeline)).await;
    let restored = restored.map_err(|error| Error::Defect { role: role.to_owned(), reason: error.to_string() })?;
    restored.map_err(|reason| Error::State { role: role.to_owned(), name: service.snapshot_state(), reason })
}

fn offsets_of(source: &dyn Source) -> BTreeMap<u32, u64> {
    source.positions().into_iter().map(|((_, partition), next)| (partition, next)).collect()
}

fn replayed(published: &BTreeMap<u32, u64>, from: &BTreeMap<u32, u64>) -> u64 {
    let from = |partition| from.get(partition).copied().unwrap_or(0);
    published.iter().map(|(partition, &next)| next.saturating_sub(from(partition))).sum()
}
