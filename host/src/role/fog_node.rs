//! The fog node role: reads its sensors' topic, preprocesses and scores every row, keeps labelled
//! rows, and trains the global model further on them.
//!
//! One task owns the node. Guests run on guest threads: a batch of readings is awaited, evaluating
//! and training run beside the stream. Scores, dead-letter records and offsets are written
//! together, and so are an update and the progress of training; a node that is killed at any moment
//! repeats what was not written, and nothing else.
//!
//! Each piece of state has one owner: `intake` reads readings and knows whose results are
//! published, `globals` reads global models, `worker` has the plug-ins and what they have
//! learnt from the rows, `learning` decides when to train and evaluate, `snapshot` when to
//! store all of it.

mod batches;
mod globals;
mod intake;
mod jobs;
mod learning;
mod pipeline;
mod predictions;
mod resume;
mod snapshot;
mod start;
mod swap;
mod training_nodes;
mod worker;
mod writes;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fedhost_domain::event::FederationEvent;
use fedhost_domain::fog::schedule::{Config, Input};
use fedhost_domain::model::NodeId;
use fedhost_domain::reading::Fields;
use tokio::sync::watch;

use super::engine::plugins::{Lineup, Plugins};
use super::federation::FederationTopics;
use super::halt::{self, Watch};
use super::models::{self, ReceivedGlobal};
use super::refusal::RefusedUpdate;
use super::{Context, DeadLetters, Error, on_bus, trace};
use fedhost_base::clock;
use fedhost_base::event::RunEvent;
use fedhost_bus::{self as bus, Record, Start, Write};
use fedhost_plugin::{CallError, Kind, Refusal};
use globals::Globals;
use intake::Intake;
use learning::{Done, Learning};
use snapshot::SnapshotSchedule;
use training_nodes::Left;
pub use training_nodes::TrainingNodes;
use worker::Worker;
use writes::UpdateError;

/// What a fog node is given.
pub struct Service {
    /// What every role is given.
    pub context: Context,
    /// Its number in the manifest.
    pub number: u32,
    /// The topics it shares with others.
    pub topics: Arc<FederationTopics>,
    /// What it reads from its sensors.
    pub readings: Readings,
    /// How it reads global models.
    pub global_models: GlobalModels,
    /// The components that it starts with.
    pub plugins: Arc<Plugins>,
    /// The components that should be in use, renewed while it runs.
    pub lineup: watch::Receiver<Lineup>,
    /// How it trains and evaluates.
    pub training: Training,
    /// The nodes of the manifest that can still train.
    pub training_nodes: Arc<TrainingNodes>,
    /// When it gives up on a reading.
    pub dead_letters: DeadLetters,
}

/// What a fog node reads from its sensors.
pub struct Readings {
    /// Their topic.
    pub topic: Arc<str>,
    /// Where it starts to read without a stored offset.
    pub start: Start,
    /// Most rows taken at a time.
    pub batch_rows: usize,
    /// What the fields of a reading are.
    pub fields: Fields,
    /// Its columns; empty, they are those of the first readings.
    pub columns: Vec<String>,
    /// Its sensors; when all of them have ended no further row comes.
    pub sensors: BTreeSet<String>,
}

/// How a fog node reads global models.
pub struct GlobalModels {
    /// The consumer group.
    pub group: String,
    /// Whether it is the one that writes dead-letter records of what is no global model, for all
    /// nodes.
    pub is_keeper: bool,
}

/// How a fog node trains and evaluates.
pub struct Training {
    /// When it trains.
    pub schedule: Config,
    /// Epochs of each training.
    pub epochs: u32,
    /// Labelled rows to train on.
    pub window_rows: usize,
    /// Held-out rows to evaluate on.
    pub held_out_rows: usize,
    /// Whether its rows have labels; a model trains on rows without if not.
    pub has_labels: bool,
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

    fn published_state(&self) -> String {
        format!("{}/published", self.id())
    }

    fn progress_state(&self) -> String {
        format!("{}/progress", self.id())
    }
}

impl Training {
    /// Rows to keep: the training window, and the backlog of a training whose rows end before the
    /// newest.
    fn kept_rows(&self, batch_rows: usize) -> usize {
        usize::try_from(self.schedule.backlog_rows)
            .unwrap_or(usize::MAX)
            .saturating_add(batch_rows)
            .saturating_add(self.window_rows)
    }
}

/// A running fog node.
struct Node {
    service: Service,
    role: String,
    intake: Intake,
    models: Globals,
    worker: Worker,
    learning: Learning,
    snapshots: SnapshotSchedule,
    watch: Watch,
}

impl Node {
    async fn run(mut self) -> Result<(), Error> {
        self.note_ended_sensors();
        while !self.is_done() {
            if self.has_nothing_to_train() {
                self.leave_training(NOTHING_TO_TRAIN)?;
            }
            let pause = self.worker.plugins().rest();
            let deadline_ms = self.learning.deadline_ms();
            tokio::select! {
                () = self.service.context.stop.cancelled() => break,
                Some(done) = self.learning.next_done() => {
                    let done = done.map_err(|error| self.defect(&error))?;
                    self.finish(done).await?;
                }
                record = self.models.read() => {
                    self.take_model_record(record.map_err(on_bus(&self.role))?).await?;
                }
                records = self.intake.read(), if self.may_read(pause) => {
                    self.take_readings(records.map_err(on_bus(&self.role))?).await?;
                }
                () = clock::sleep_until(deadline_ms) => self.learn(Input::Tick),
                Ok(()) = self.service.lineup.changed() => self.take_lineup().await?,
                () = tokio::time::sleep(pause.unwrap_or(Duration::ZERO)),
                    if pause.is_some() || self.worker.is_held() => self.resume().await?,
            }
        }
        self.stop().await
    }

    fn may_read(&self, pause: Option<Duration>) -> bool {
        !self.worker.is_held() && pause.is_none() && !self.learning.must_wait()
    }

    fn is_done(&self) -> bool {
        self.worker.is_stopped() || self.learning.is_done()
    }

    /// Takes a snapshot and lets guests return. A training that is cut short is not published and
    /// will be repeated. A batch that is not settled is read again: the earlier snapshot stays.
    async fn stop(mut self) -> Result<(), Error> {
        self.worker.plugins().cancel.cancel();
        if self.is_settled() {
            let mut write = Write {
                offsets: self.models.progress(),
                ..Write::default()
            };
            self.add_snapshot(&mut write).await?;
            self.service.context.write(&self.role, write).await?;
        }
        self.learning.abort().await;
        Ok(())
    }

    /// Whether all readings that were read are handled.
    fn is_settled(&self) -> bool {
        !self.worker.is_stopped() && !self.worker.is_held() && !self.intake.holds_records()
    }

    fn defect(&self, error: &dyn std::fmt::Display) -> Error {
        defect(&self.role, error)
    }

    /// Once every sensor has ended, the rows in the window are all there will be.
    fn note_ended_sensors(&mut self) {
        let Some(pipeline) = self.worker.pipeline() else {
            return;
        };
        let sensors = &self.service.readings.sensors;
        if !sensors.is_empty() && sensors.is_subset(&pipeline.ended_sensors) {
            self.learn(Input::Ended);
        }
    }

    /// Whether no row will ever come that could be trained on.
    fn has_nothing_to_train(&self) -> bool {
        let sensors = &self.service.readings.sensors;
        let has_ended = self.worker.pipeline().is_some_and(|pipeline| {
            !sensors.is_empty() && sensors.is_subset(&pipeline.ended_sensors)
        });
        has_ended && self.is_settled() && self.learning.seen_rows() == 0
    }

    /// Leaves the nodes that train. Other nodes may be enough for a round; then this one scores on.
    ///
    /// # Errors
    /// They are too few.
    fn leave_training(&self, reason: &str) -> Result<(), Error> {
        match self.service.training_nodes.leave(self.service.number) {
            Left::Before => Ok(()),
            Left::Enough => {
                self.service.context.announcer.announce(RunEvent::Warned {
                    part: self.role.clone(),
                    detail: format!("{reason}; the other nodes train without it"),
                });
                Ok(())
            }
            Left::TooFew => Err(Error::NothingToTrain {
                role: self.role.clone(),
                reason: reason.to_owned(),
            }),
        }
    }

    async fn take_model_record(&mut self, record: Record) -> Result<(), Error> {
        if let Some(refusal) = RefusedUpdate::read(&record) {
            self.show_refusal(refusal, &record);
            return Ok(());
        }
        let global = models::decode_global(&record, self.worker.plugins().model_id()).await;
        let (is_to_keep, halt) = self.models.settle(&record, global.is_ok());
        let mut write = Write::default();
        match global {
            Ok(global) if self.models.is_current(&record) => self.take_model(&record, global),
            Ok(_) => {}
            Err(refused) => {
                let announcer = &self.service.context.announcer;
                announcer.announce(refused.event(&record));
                if is_to_keep {
                    let dead_letter = writes::refused_global(&self.service, &record, &refused);
                    write.records.push(dead_letter);
                }
            }
        }
        if write.records.is_empty() && halt.is_none() {
            return Ok(());
        }
        write.offsets = self.models.progress();
        halt::write(&self.service.context, &self.role, write, halt).await
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
            let announcer = &self.service.context.announcer;
            announcer.announce(FederationEvent::NodeRefused {
                node,
                round,
                reason,
                detail,
            });
        }
    }

    fn take_model(&mut self, record: &Record, global: ReceivedGlobal) {
        let ReceivedGlobal { round, weights } = global;
        if round <= self.learning.newest() {
            return;
        }
        let Some(pipeline) = self.worker.pipeline_mut() else {
            return;
        };
        pipeline.engine.set_model(round, weights);
        let foreign = trace::foreign(record, &self.service.topics.global_model, round);
        self.learning.set_global(round, foreign);
        self.evaluate();
        self.learn(Input::Global { round });
    }

    /// Not while rows are being read again after a restart: the held-out rows are not all back yet.
    fn evaluate(&mut self) {
        if let Some(pipeline) = self.worker.pipeline()
            && self.intake.has_caught_up()
        {
            self.learning.evaluate(pipeline);
        }
    }

    fn learn(&mut self, input: Input) {
        for rows in self.learning.take(input, self.worker.pipeline()) {
            let node = self.service.id();
            let announcer = &self.service.context.announcer;
            announcer.announce(FederationEvent::TrainingSkipped { node, rows });
        }
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
                    let announcer = &self.service.context.announcer;
                    announcer.announce(trained.event(self.service.id()));
                    self.learn(Input::Trained(training));
                }
                Err(unsendable) => {
                    self.worker.plugins().announce(&unsendable);
                    self.learn(Input::TrainingFailed(training));
                }
            },
            Done::Evaluated {
                result: Err(error), ..
            } => self.worker.plugins().announce(&error),
            Done::Trained {
                training,
                result: Err(error),
                ..
            } => {
                self.worker.plugins().announce(&error);
                self.learn(Input::TrainingFailed(training));
                if !self.service.training.has_labels && declines(&error) {
                    self.leave_training(&format!(
                        "{} declines to train on rows without labels, and no sensor names a label: {}",
                        error.plugin, error.detail
                    ))?;
                }
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
}

/// Why a node cannot train.
const NOTHING_TO_TRAIN: &str =
    "all its sensors have ended, and none of their rows can be trained on";

/// Whether a plug-in finds fault with the rows that it is given.
fn declines(error: &CallError) -> bool {
    error.kind == Kind::Refused(Refusal::InvalidInput)
}

fn defect(role: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Defect {
        role: role.to_owned(),
        reason: error.to_string(),
    }
}
