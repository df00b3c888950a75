//! The aggregator role: gathers updates, averages them, publishes global models, and writes the
//! summary of each round.
//!
//! A global model, the offsets of the updates it was made from, and the state to resume from are
//! written together, so an aggregator that is killed at any moment makes the same model of the same
//! updates again. On a bus that may cut such a write in two, the model's record carries the state
//! as a header.

mod evaluations;
mod inbox;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::event::Event;
use fedhost_domain::event::{Durations, FederationEvent, RoundClosed};
use fedhost_domain::model::{NodeId, PluginId};
use fedhost_domain::round::{GlobalModel, Input, Machine, Output, Progress, Rules, Update};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::federation::Topics;
use super::halt::{self, DeadLetterHalt, Watch};
use super::message::skipped;
use super::{Context, DeadLetters, Error, models, on_bus, trace};
use crate::dead_letters::{Failure, dead_letter};
use evaluations::Evaluations;
use fedhost_base::clock::{self, Stopwatch};
use fedhost_bus::{self as bus, Bus, NewRecord, Record, Source, Start, Write};
use inbox::Inbox;

const ROLE: &str = NodeId::AGGREGATOR;
/// Header of a global model: the aggregator's state after it, in JSON.
const PROGRESS: &str = "fedhost-progress";

/// State: the newest round whose model is evaluated.
const EVALUATED: &str = "aggregator/evaluated";

/// Reason code of a record that is no evaluation.
const UNDECODABLE: &str = "undecodable";

/// What an aggregator is given.
pub struct Service {
    /// What every role is given.
    pub context: Context,
    /// The topics it shares with others.
    pub topics: Arc<Topics>,
    /// The rules of the federation.
    pub rules: Rules,
    /// The component whose weights it averages, renewed while it runs.
    pub plugin: watch::Receiver<PluginId>,
    /// The newest round in the run log.
    pub rounds_logged: u64,
    /// When it gives up on the updates.
    pub dead_letters: DeadLetters,
}

/// What survives a restart; written together with the global model that it belongs to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    /// Where the round machine goes on.
    progress: Progress,
    /// The summary of the newest round, in case the run log does not have it yet.
    closed: Option<RoundClosed>,
    /// The next update to read, by partition.
    #[serde(default)]
    next: BTreeMap<u32, u64>,
}

impl Service {
    /// Makes global models until the last round is published and evaluated, or until it is stopped.
    ///
    /// # Errors
    /// The bus refused, the stored state cannot be read, or too many updates were rejected.
    pub async fn run(self) -> Result<(), Error> {
        let stop = self.context.stop.clone();
        let aggregator = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            aggregator = Aggregator::start(self) => aggregator?,
        };
        aggregator.service.context.started.send();
        aggregator.run().await
    }
}

/// A running aggregator.
struct Aggregator {
    service: Service,
    machine: Machine,
    inbox: Inbox,
    evaluations: Evaluations,
    updates_watch: Watch,
    evaluations_watch: Watch,
    gathering: Stopwatch,
    /// Traces other than the round's own, by the node whose update of the unpublished sum brought
    /// it.
    foreign: BTreeMap<NodeId, Bytes>,
}

impl Aggregator {
    async fn start(service: Service) -> Result<Self, Error> {
        let bus = Arc::clone(&service.context.bus);
        // Subscribing first: what another aggregator has stored is not final while it works.
        let topics = &service.topics;
        let mut updates = bus
            .subscribe(ROLE, &[&topics.model_updates], Start::Earliest)
            .await
            .map_err(on_bus(ROLE))?;
        let reader = bus
            .subscribe(ROLE, &[&topics.evaluations], Start::Earliest)
            .await
            .map_err(on_bus(ROLE))?;
        halt::check(bus.as_ref(), ROLE, &service.dead_letters).await?;
        let stored = match super::stored(bus.as_ref(), ROLE, ROLE).await? {
            Some(state) => state,
            None => begin(&service).await?,
        };
        let newest = newest_model(bus.as_ref(), &topics.global_model)
            .await
            .map_err(on_bus(ROLE))?;
        let state = latest_state(newest.as_ref(), stored);
        seek_past_consumed(updates.as_mut(), &topics.model_updates, &state);
        if let Some(closed) = state
            .closed
            .clone()
            .filter(|closed| closed.round > service.rounds_logged)
        {
            service
                .context
                .announcer
                .announce(FederationEvent::RoundClosed(closed));
        }
        let global = match state.progress.published {
            0 => None,
            round => {
                let plugin = service.plugin.borrow().clone();
                let topic = &service.topics.global_model;
                Some(models::published(topic, newest.as_ref(), round, &plugin).await?)
            }
        };
        let machine = Machine::new(service.rules.clone(), state.progress, global);
        let inbox = Inbox::new(updates, Arc::clone(&service.topics.model_updates), ROLE);
        let evaluated = super::stored(bus.as_ref(), ROLE, EVALUATED)
            .await?
            .unwrap_or_default();
        let mut evaluations = Evaluations::new(reader, evaluated);
        if let Some(closed) = &state.closed {
            evaluations.expect(closed);
        }
        if !machine.is_complete() {
            service
                .context
                .announcer
                .announce(FederationEvent::RoundOpened {
                    round: machine.round(),
                });
        }
        let updates_watch = Watch::new(&service.topics.model_updates, service.dead_letters);
        let evaluations_watch = Watch::new(&service.topics.evaluations, service.dead_letters);
        let (gathering, foreign) = (Stopwatch::start(), BTreeMap::new());
        Ok(Self {
            service,
            machine,
            inbox,
            evaluations,
            updates_watch,
            evaluations_watch,
            gathering,
            foreign,
        })
    }

    async fn run(mut self) -> Result<(), Error> {
        // Wait for the last model's evaluation, but not for ever.
        let mut give_up_ms = None;
        loop {
            if self.machine.is_complete() {
                if self.evaluations.is_settled() {
                    return Ok(());
                }
                give_up_ms.get_or_insert(clock::now_ms() + self.service.rules.round_interval_ms);
            }
            tokio::select! {
                biased;
                () = self.service.context.stop.cancelled() => return self.settle_dead_letters().await,
                () = clock::sleep_until(give_up_ms) => return Ok(()),
                records = self.evaluations.read() => {
                    let records = records.map_err(on_bus(ROLE))?;
                    self.take_evaluations(records).await?;
                }
                () = clock::sleep_until(self.inbox.settle_by_ms()) => self.settle_dead_letters().await?,
                record = self.inbox.next(), if self.machine.accepts_updates() => {
                    let record = record.map_err(on_bus(ROLE))?;
                    self.take_update(record).await?;
                }
                () = clock::sleep_until(self.machine.deadline_ms()) => self.feed(Input::Tick, None).await?,
            }
        }
    }

    async fn take_update(&mut self, record: Record) -> Result<(), Error> {
        let update = models::decode_update(&record).await;
        match update.and_then(|update| self.check_version(update)) {
            Ok(update) => {
                self.feed(Input::Update(Box::new(update)), Some(record))
                    .await
            }
            Err(refused) => {
                let node = refused.sender(&record);
                self.refuse(
                    node,
                    "decode",
                    refused.code(),
                    &refused.to_string(),
                    &record,
                )
                .await?;
                self.count(false).await
            }
        }
    }

    /// Refuses an update of an incompatible version of the plug-in: the same shapes may have
    /// another meaning there.
    fn check_version(&self, update: Update) -> Result<Update, models::Refused> {
        let plugin = self.service.plugin.borrow();
        if update.plugin.name == plugin.name {
            models::check_line(&plugin, &update.plugin)?;
        }
        Ok(update)
    }

    async fn feed(&mut self, input: Input, record: Option<Record>) -> Result<(), Error> {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let watch = Stopwatch::start();
            let outputs = self
                .machine
                .handle(clock::now_ms(), input)
                .map_err(|error| defect(&error))?;
            for output in outputs {
                inputs.extend(self.carry_out(output, record.as_ref(), watch).await?);
            }
        }
        Ok(())
    }

    /// Returns the machine's next input, if there is one.
    async fn carry_out(
        &mut self,
        output: Output,
        record: Option<&Record>,
        watch: Stopwatch,
    ) -> Result<Option<Input>, Error> {
        let round = self.machine.round();
        match output {
            Output::Accepted(participant) => {
                if let Some(record) = record {
                    self.inbox.hold(&record.position);
                    let foreign = trace::foreign(record, &self.service.topics.global_model, round);
                    self.foreign
                        .extend(foreign.map(|trace| (participant.node.clone(), trace)));
                }
                self.service
                    .context
                    .announcer
                    .announce(FederationEvent::UpdateAccepted { round, participant });
                self.count(true).await?;
            }
            Output::Rejected { node, rejection } => {
                if let Some(record) = record {
                    self.refuse(
                        Some(node),
                        "round",
                        rejection.code(),
                        &rejection.to_string(),
                        record,
                    )
                    .await?;
                    if !rejection.is_superseded() {
                        self.count(false).await?;
                    }
                }
            }
            Output::Failed { answered } => {
                let min_nodes = self.service.rules.min_nodes;
                self.service
                    .context
                    .announcer
                    .announce(FederationEvent::RoundFailed {
                        round,
                        answered,
                        min_nodes,
                    });
                self.settle_dead_letters().await?;
            }
            Output::Aggregate => return Ok(Some(Input::Aggregate)),
            Output::Publish {
                model,
                summary,
                progress,
            } => {
                self.publish(&model, *summary, progress, watch.milliseconds())
                    .await?;
                return Ok(Some(Input::Published));
            }
            Output::Opened { round } => {
                self.gathering = Stopwatch::start();
                self.service
                    .context
                    .announcer
                    .announce(FederationEvent::RoundOpened { round });
            }
            Output::Complete => {}
        }
        Ok(None)
    }

    async fn publish(
        &mut self,
        model: &GlobalModel,
        mut closed: RoundClosed,
        progress: Progress,
        aggregating_ms: f64,
    ) -> Result<(), Error> {
        let watch = Stopwatch::start();
        let gathering_ms = self.gathering.milliseconds() - aggregating_ms;
        let plugin = self.service.plugin.borrow().clone();
        let record = models::global_record(&self.service.topics, &plugin, model);
        let mut record = record.await.map_err(|error| defect(&error))?;
        closed.durations = Durations {
            gathering_ms,
            aggregating_ms,
            publishing_ms: watch.milliseconds(),
        };
        let mut write = self.inbox.published();
        let next = write
            .offsets
            .iter()
            .map(|offset| (offset.partition, offset.next))
            .collect();
        let state = State {
            progress,
            closed: Some(closed.clone()),
            next,
        };
        let state = Bytes::from(serde_json::to_vec(&state).map_err(|error| defect(&error))?);
        record.headers.push((PROGRESS.to_owned(), state.clone()));
        record.headers.extend(trace::links(
            std::mem::take(&mut self.foreign).values(),
            ROLE,
        ));
        write.records.push(record);
        write.state.push((ROLE.to_owned(), Some(state)));
        self.service.context.write(ROLE, write).await?;
        closed.durations.publishing_ms = watch.milliseconds();
        let evaluated = self.evaluations.expect(&closed);
        for event in evaluated
            .into_iter()
            .chain([Event::Federation(FederationEvent::RoundClosed(closed))])
        {
            self.service.context.announcer.announce(event);
        }
        Ok(())
    }

    async fn refuse(
        &mut self,
        node: Option<NodeId>,
        stage: &str,
        reason: &str,
        detail: &str,
        record: &Record,
    ) -> Result<(), Error> {
        let dead_letter = self.dead_letter(stage, reason, detail, record);
        let (round, reason, detail) = (self.machine.round(), reason.to_owned(), detail.to_owned());
        self.service
            .context
            .announcer
            .announce(FederationEvent::UpdateRejected {
                round,
                node,
                reason,
                detail,
            });
        if self.inbox.refuse(dead_letter, clock::now_ms()) {
            self.settle(None).await?;
        }
        Ok(())
    }

    /// Counts one more update. Beyond the cap, writes the dead-letter records and ends with an
    /// error.
    async fn count(&mut self, used: bool) -> Result<(), Error> {
        match self.updates_watch.count([used]) {
            None => Ok(()),
            halt => self.settle(halt).await,
        }
    }

    /// Writes the dead-letter records that wait for a model, if there are any.
    async fn settle_dead_letters(&mut self) -> Result<(), Error> {
        if self.inbox.settle_by_ms().is_some() {
            self.settle(None).await
        } else {
            Ok(())
        }
    }

    async fn settle(&mut self, halt: Option<DeadLetterHalt>) -> Result<(), Error> {
        let write = self.inbox.settled();
        halt::write(&self.service.context, ROLE, write, halt).await
    }

    fn dead_letter(&self, stage: &str, reason: &str, detail: &str, record: &Record) -> NewRecord {
        let first_seen_ms = clock::now_ms();
        let failure = Failure {
            role: ROLE,
            stage,
            reason,
            detail,
            component: None,
            attempts: 1,
            first_seen_ms,
        };
        dead_letter(record, &self.service.topics.dead_letter_suffix, &failure)
    }

    async fn take_evaluations(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let mut write = Write::default();
        let mut used = Vec::with_capacity(records.len());
        for record in &records {
            let evaluation = models::decode_evaluation(record);
            used.push(evaluation.is_ok());
            let event = match evaluation {
                Ok(evaluation) => self.evaluations.take(evaluation, &record.position),
                Err(detail) => {
                    write
                        .records
                        .push(self.dead_letter("decode", UNDECODABLE, &detail, record));
                    Some(skipped(record, UNDECODABLE, detail))
                }
            };
            if let Some(event) = event {
                self.service.context.announcer.announce(event);
            }
        }
        if !write.records.is_empty() {
            self.evaluations.let_go();
        }
        write.offsets = self.evaluations.offsets(ROLE);
        let evaluated = self.evaluations.evaluated();
        write.state.push((
            EVALUATED.to_owned(),
            Some(Bytes::from(evaluated.to_string())),
        ));
        let halt = self.evaluations_watch.count(used);
        halt::write(&self.service.context, ROLE, write, halt).await
    }
}

/// The summary of the newest round that an aggregator has published on this bus.
///
/// # Errors
/// The bus refused, or the stored state cannot be read.
pub async fn newest_round(bus: &dyn Bus) -> Result<Option<RoundClosed>, Error> {
    let state: Option<State> = super::stored(bus, ROLE, ROLE).await?;
    Ok(state.and_then(|state| state.closed))
}

/// The newest record that an aggregator has put on the topic of global models, past any
/// untrusted record behind it.
async fn newest_model(bus: &dyn Bus, topic: &Arc<str>) -> Result<Option<Record>, bus::Error> {
    let mut newest: Option<Record> = None;
    for record in bus.newest(topic).await? {
        let mut candidate = Some(record);
        while let Some(record) = candidate.take_if(|record| progress_header(record).is_none()) {
            candidate = models::before(bus, &record).await?;
        }
        let published = |record: &Option<Record>| {
            record
                .as_ref()
                .and_then(progress_header)
                .map(|state| state.progress.published)
        };
        if published(&candidate) > published(&newest) {
            newest = candidate;
        }
    }
    Ok(newest)
}

/// The aggregator's state that a global model carries as a header; `None` without a readable one.
fn progress_header(model: &Record) -> Option<State> {
    serde_json::from_slice(model.header(PROGRESS)?).ok()
}

/// The stored state, or that of the newest global model if it is ahead.
fn latest_state(newest: Option<&Record>, stored: State) -> State {
    match newest.and_then(progress_header) {
        Some(carried) if carried.progress.published > stored.progress.published => carried,
        _ => stored,
    }
}

/// Skips the updates that the newest model is made of.
fn seek_past_consumed(updates: &mut dyn Source, topic: &Arc<str>, state: &State) {
    let positions = updates.positions();
    for (&partition, &next) in &state.next {
        if positions
            .get(&(Arc::clone(topic), partition))
            .is_some_and(|&position| position < next)
        {
            updates.seek(topic, partition, next);
        }
    }
}

fn defect(error: &dyn std::fmt::Display) -> Error {
    Error::Defect {
        role: ROLE.to_owned(),
        reason: error.to_string(),
    }
}

/// The first start: from now on the first round is open, also for an aggregator that is restarted
/// before its end.
async fn begin(service: &Service) -> Result<State, Error> {
    let progress = Progress {
        opened_ms: clock::now_ms(),
        ..Progress::default()
    };
    let state = State {
        progress,
        ..State::default()
    };
    let bytes = serde_json::to_vec(&state).map_err(|error| defect(&error))?;
    let write = Write {
        state: vec![(ROLE.to_owned(), Some(Bytes::from(bytes)))],
        ..Write::default()
    };
    service
        .context
        .bus
        .write(write)
        .await
        .map_err(on_bus(ROLE))?;
    Ok(state)
}

#[cfg(test)]
mod tests;
