//! The fog node role: reads its sensors' topic, preprocesses and scores every row, keeps labelled
//! rows, and trains the global model further on them.
//!
//! One task owns the node. Guests run on guest threads: a batch of readings is awaited, evaluating
//! and training go on beside the stream. Scores, dead letters and offsets are written together, and
//! so are an update and the account of what it was trained on; a node that is killed at any moment
//! repeats what was not written, and nothing else.

mod batches;
mod globals;
mod jobs;
mod pipeline;
mod snapshot;
mod start;
mod swap;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fedhost_domain::event::FederationEvent;
use fedhost_domain::fog::schedule::{Config, Input, Output, Schedule, TrainingJob};
use fedhost_domain::model::{NodeId, Weights};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::engine::RetryPolicy;
use super::engine::plugins::{Lineup, Plugins};
use super::federation::FederationTopics;
use super::halt::{self, Watch};
use super::models::ReceivedGlobal;
use super::refusal::RefusedUpdate;
use super::{Context, DeadLetters, Error, models, on_bus, trace};
use batches::Held;
use fedhost_base::clock;
use fedhost_bus::{self as bus, Record, Source, Start, Write};
use fedhost_plugin::CallError;
use globals::Globals;
use pipeline::Pipeline;
use writes::UpdateError;

/// What a fog node is given.
pub struct Service {
    /// Everyone's context.
    pub context: Context,
    /// Its number in the manifest.
    pub number: u32,
    /// The topic of its readings.
    pub readings: Arc<str>,
    /// The consumer group in which it reads global models.
    pub models_group: String,
    /// Where it begins to read them when it never has.
    pub start: Start,
    /// The topics it shares with others.
    pub topics: Arc<FederationTopics>,
    /// Its plug-ins.
    pub plugins: Arc<Plugins>,
    /// The components that should be in use, renewed while it runs.
    pub lineup: watch::Receiver<Lineup>,
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
    /// When it gives up on a reading.
    pub dead_letters: DeadLetters,
    /// Whether it is the one that puts aside what is no global model, for all nodes.
    pub keeps_global_models: bool,
}

/// Something that ran beside the stream.
enum Done {
    Evaluated {
        round: u64,
        foreign: Option<Bytes>,
        result: Result<jobs::Evaluated, CallError>,
    },
    Trained {
        training: TrainingJob,
        foreign: Option<Bytes>,
        result: Result<jobs::Trained, CallError>,
    },
}

impl Service {
    /// Works until the last global model is scored, or until it is stopped.
    ///
    /// # Errors
    /// The bus refused, the stored state cannot be read, or too many readings could not be used.
    pub async fn run(self) -> Result<(), Error> {
        let stop = self.context.stop.clone();
        let node = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            node = Node::start(self) => node?,
        };
        node.service.context.started.send();
        node.run().await
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
        usize::try_from(self.schedule.backlog_rows)
            .unwrap_or(usize::MAX)
            .saturating_add(self.batch_rows)
    }
}

/// A running fog node.
struct Node {
    service: Service,
    role: String,
    readings: Box<dyn Source>,
    models: Globals,
    /// `None` while a guest thread has it, and once a batch was given up because the node is to
    /// stop.
    pipeline: Option<Pipeline>,
    /// A batch that waits for a plug-in that has an open circuit breaker. No other one is read meanwhile, and no
    /// snapshot taken: what readers have passed is not what this node has handled.
    held: Option<Held>,
    retry: RetryPolicy,
    watch: Watch,
    schedule: Schedule,
    jobs: JoinSet<Done>,
    /// Results of earlier offsets are published already.
    published: BTreeMap<u32, u64>,
    rows_since_snapshot: u64,
    /// A global model that the held-out rows are to be scored with.
    unevaluated: Option<u64>,
    /// The trace of the newest global model, if it is not that of its round.
    foreign: Option<Bytes>,
}

impl Node {
    async fn run(mut self) -> Result<(), Error> {
        self.note_ended_sensors();
        while !self.is_done() {
            let rest = self.service.plugins.rest();
            tokio::select! {
                () = self.service.context.stop.cancelled() => break,
                Some(done) = self.jobs.join_next() => self.finish(done.map_err(|error| self.defect(&error))?).await?,
                record = self.models.read() => self.take_model_record(record.map_err(on_bus(&self.role))?).await?,
                records = self.readings.read(self.service.batch_rows), if self.may_read(rest) => {
                    self.take_readings(records.map_err(on_bus(&self.role))?).await?;
                }
                () = clock::sleep_until(self.schedule.deadline_ms()) => self.tell(Input::Tick),
                Ok(()) = self.service.lineup.changed() => self.take_lineup().await?,
                () = tokio::time::sleep(rest.unwrap_or_default()), if rest.is_some() || self.held.is_some() => {
                    self.resume().await?;
                }
            }
        }
        self.stop().await
    }

    fn may_read(&self, rest: Option<Duration>) -> bool {
        self.held.is_none() && rest.is_none() && !self.schedule.must_wait()
    }

    fn is_done(&self) -> bool {
        let is_settled = self.jobs.is_empty() && self.unevaluated.is_none();
        self.pipeline.is_none() || (self.schedule.is_complete() && is_settled)
    }

    /// Takes a snapshot and lets guests return; a training that is cut short is not published and
    /// will be repeated. After a batch that was given up the earlier snapshot stays, and the batch
    /// is read again.
    async fn stop(mut self) -> Result<(), Error> {
        self.service.plugins.cancel.cancel();
        if self.pipeline.is_some() && self.held.is_none() {
            let mut write = Write {
                offsets: self.models.progress(),
                ..Write::default()
            };
            self.add_snapshot(&mut write).await?;
            self.service.context.write(&self.role, write).await?;
        }
        self.jobs.abort_all();
        while self.jobs.join_next().await.is_some() {}
        Ok(())
    }

    fn defect(&self, error: &dyn std::fmt::Display) -> Error {
        Error::Defect {
            role: self.role.clone(),
            reason: error.to_string(),
        }
    }

    async fn on_guest_thread<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Pipeline) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let Some(mut pipeline) = self.pipeline.take() else {
            return Err(self.defect(&"its pipeline is lost"));
        };
        let worked = tokio::task::spawn_blocking(move || {
            let result = work(&mut pipeline);
            (pipeline, result)
        });
        let (pipeline, result) = worked.await.map_err(|error| self.defect(&error))?;
        self.pipeline = Some(pipeline);
        Ok(result)
    }

    /// Once every sensor has said that it is over, what is in the window is all there will be.
    fn note_ended_sensors(&mut self) {
        let (Some(pipeline), sensors) = (&self.pipeline, &self.service.sensors) else {
            return;
        };
        if !sensors.is_empty() && sensors.is_subset(&pipeline.ended_sensors) {
            self.tell(Input::Ended);
        }
    }

    async fn take_model_record(&mut self, record: Record) -> Result<(), Error> {
        if let Some(refusal) = RefusedUpdate::read(&record) {
            self.show_refusal(refusal, &record);
            return Ok(());
        }
        let global = models::decode_global(&record, self.service.plugins.model_id()).await;
        let (is_to_keep, verdict) = self.models.settle(&record, global.is_ok());
        let mut write = Write::default();
        match global {
            Ok(global) if self.models.is_current(&record) => {
                let foreign =
                    trace::foreign(&record, &self.service.topics.global_model, global.round);
                self.take_model(global, foreign);
            }
            Ok(_) => {}
            Err(refused) => {
                self.service
                    .context
                    .announcer
                    .announce(refused.event(&record));
                write.records.extend(
                    is_to_keep.then(|| writes::refused_global(&self.service, &record, &refused)),
                );
            }
        }
        if write.records.is_empty() && verdict.is_none() {
            return Ok(());
        }
        write.offsets = self.models.progress();
        halt::write(&self.service.context, &self.role, write, verdict).await
    }

    /// Shows why the aggregator refuses an update of this node.
    fn show_refusal(&mut self, refusal: RefusedUpdate, record: &Record) {
        self.models.settle(record, true);
        let RefusedUpdate {
            node,
            round,
            reason,
            detail,
        } = refusal;
        if node == self.service.id() && self.models.is_current(record) {
            self.service
                .context
                .announcer
                .announce(FederationEvent::NodeRefused {
                    node,
                    round,
                    reason,
                    detail,
                });
        }
    }

    fn take_model(
        &mut self,
        ReceivedGlobal { round, weights }: ReceivedGlobal,
        foreign: Option<Bytes>,
    ) {
        let Some(pipeline) = self
            .pipeline
            .as_mut()
            .filter(|_| round > self.schedule.newest())
        else {
            return;
        };
        pipeline.engine.set_model(round, weights);
        self.foreign = foreign;
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
        let caught_up = self
            .published
            .iter()
            .all(|(partition, next)| positions.get(partition) >= Some(next));
        let Some(round) = self.unevaluated.take_if(|_| caught_up) else {
            return;
        };
        let Some(pipeline) = &self.pipeline else {
            return;
        };
        let Some((_, weights)) = pipeline.engine.model().cloned() else {
            return;
        };
        let rows = pipeline
            .windows
            .as_ref()
            .map(|windows| windows.held_out.copy_all())
            .unwrap_or_default();
        let (plugins, features) = (
            Arc::clone(&self.service.plugins),
            pipeline.engine.features().to_vec(),
        );
        let foreign = self.foreign.clone();
        self.jobs.spawn_blocking(move || {
            let result = jobs::evaluate(&plugins, &features, &weights, &rows);
            Done::Evaluated {
                round,
                foreign,
                result,
            }
        });
    }

    fn tell(&mut self, input: Input) {
        for output in self.schedule.handle(clock::now_ms(), input) {
            match output {
                Output::Train(training) => self.train(training),
                Output::Skipped { rows } => {
                    self.service
                        .context
                        .announcer
                        .announce(FederationEvent::TrainingSkipped {
                            node: self.service.id(),
                            rows,
                        });
                }
            }
        }
    }

    fn train(&mut self, training: TrainingJob) {
        let Some(pipeline) = &self.pipeline else {
            return;
        };
        let Some(windows) = &pipeline.windows else {
            return;
        };
        let first = training
            .end_row
            .saturating_sub(self.service.window_rows as u64);
        let rows = windows.training.copy(first..training.end_row);
        let base: Option<Arc<Weights>> = pipeline
            .engine
            .model()
            .map(|(_, weights)| Arc::clone(weights));
        let (plugins, features) = (
            Arc::clone(&self.service.plugins),
            pipeline.engine.features().to_vec(),
        );
        let (epochs, foreign) = (self.service.epochs, self.foreign.clone());
        self.jobs.spawn_blocking(move || {
            let result = jobs::train(&plugins, &features, base.as_deref(), rows, training, epochs);
            Done::Trained {
                training,
                foreign,
                result,
            }
        });
    }

    async fn finish(&mut self, done: Done) -> Result<(), Error> {
        match done {
            Done::Evaluated {
                round,
                foreign,
                result: Ok(found),
            } => {
                let write = writes::evaluation(&self.service, round, foreign.as_ref(), found)
                    .map_err(|error| self.defect(&error))?;
                self.service.context.write(&self.role, write).await?;
            }
            Done::Trained {
                training,
                foreign,
                result: Ok(trained),
            } => match self.publish_update(foreign.as_ref(), &trained).await? {
                Ok(()) => {
                    self.announce_trained(&trained);
                    self.tell(Input::Trained(training));
                }
                Err(unsendable) => {
                    self.service.plugins.announce(&unsendable);
                    self.tell(Input::TrainingFailed(training));
                }
            },
            Done::Evaluated {
                result: Err(error), ..
            } => self.service.plugins.announce(&error),
            Done::Trained {
                training,
                result: Err(error),
                ..
            } => {
                self.service.plugins.announce(&error);
                self.tell(Input::TrainingFailed(training));
            }
        }
        Ok(())
    }

    /// A model that the bus cannot carry fails its own training, not the node.
    async fn publish_update(
        &mut self,
        foreign: Option<&Bytes>,
        trained: &jobs::Trained,
    ) -> Result<Result<(), CallError>, Error> {
        let write = match writes::update(&self.service, foreign, trained).await {
            Ok(write) => write,
            Err(UpdateError::Envelope(error)) => {
                return Ok(Err(jobs::unsendable(&trained.plugin, &error)));
            }
            Err(error @ UpdateError::Progress(_)) => return Err(self.defect(&error)),
        };
        match self.service.context.write(&self.role, write).await {
            Err(Error::Bus { error, .. }) if matches!(*error, bus::Error::TooLarge { .. }) => {
                Ok(Err(jobs::unsendable(&trained.plugin, error.as_ref())))
            }
            written => written.map(Ok),
        }
    }

    fn announce_trained(&self, trained: &jobs::Trained) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number of milliseconds"
        )]
        let train_ms = trained.train_ms.round() as u64;
        self.service
            .context
            .announcer
            .announce(FederationEvent::NodeTrained {
                node: self.service.id(),
                round: trained.training.base_round + 1,
                samples: trained.samples,
                loss: trained.loss,
                train_ms,
            });
    }
}

fn offsets_of(source: &dyn Source) -> BTreeMap<u32, u64> {
    source
        .positions()
        .into_iter()
        .map(|((_, partition), next)| (partition, next))
        .collect()
}
