//! The aggregator role: gathers updates, averages them, publishes global models, writes the account
//! of each round.
//!
//! A global model, the offsets of the updates it was made from, and the state to go on from are
//! written together, so an aggregator that is killed at any moment makes the same model of the same
//! updates again. On a bus that may cut such a write in two, the model itself tells where to go on:
//! its record carries the state as a header.

mod evaluations;
mod inbox;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::event::{Durations, Event, RoundClosed};
use fedhost_domain::model::{NodeId, PluginId};
use fedhost_domain::round::{GlobalModel, Input, Machine, Output, Progress, Rules, Update};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::dead_letter::{self, Failure, dead_letter};
use super::message::skipped;
use super::stopped::{self, Verdict, Watch};
use super::{Context, DeadLetters, Error, Topics, models, on_bus, trace};
use evaluations::Evaluations;
use fedhost_base::clock::{self, Stopwatch};
use fedhost_bus::{self as bus, Bus, NewRecord, Record, Source, Start, Write};
use inbox::Inbox;

const ROLE: &str = "aggregator";
/// Header of a global model: the aggregator's state after it, in JSON.
const PROGRESS: &str = "fedhost-progress";

/// State: the newest round whose model is evaluated.
const EVALUATED: &str = "aggregator/evaluated";

/// The reason of a finding that is none.
const UNDECODABLE: &str = "undecodable";

/// What an aggregator is given.
pub struct Service {
    /// Everyone's context.
    pub context: Context,
    /// The topics it shares with others.
    pub topics: Arc<Topics>,
    /// The rules of the federation.
    pub rules: Rules,
    /// The component whose weights it averages, renewed while it runs.
    pub plugin: watch::Receiver<PluginId>,
    /// Rounds that the run log already tells of.
    pub rounds_logged: u64,
    /// When it gives up on the updates.
    pub dead_letters: DeadLetters,
}

/// What survives a restart; written together with the global model it speaks of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    /// Where the round machine goes on.
    progress: Progress,
    /// The account of the newest round, in case the run log does not have it yet.
    closed: Option<RoundClosed>,
    /// The next update to read, by partition.
    #[serde(default)]
    next: BTreeMap<u32, u64>,
}

impl Service {
    /// Makes global models until the last round is published and evaluated, or until it is told to
    /// stop.
    ///
    /// # Errors
    /// The bus refused, the stored state cannot be read, or too many updates were rejected.
    pub async fn run(self) -> Result<(), Error> {
        let stop = self.context.stop.clone();
        let aggregator = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            aggregator = Aggregator::start(self) => aggregator?,
        };
        aggregator.service.context.began.tell();
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
    findings_watch: Watch,
    gathering: Stopwatch,
    /// Traces other than the round's own, by the node whose update of the unpublished sum brought
    /// it.
    foreign: BTreeMap<NodeId, Bytes>,
}

impl Aggregator {
    async fn start(service: Service) -> Result<Self, Error> {
        let bus = Arc::clone(&service.context.bus);
        // Subscribing first: while another aggregator is at work, what it has stored is not final.
        let topics = &service.topics;
        let mut updates = bus
            .subscribe(ROLE, &[&topics.model_updates], Start::Earliest)
            .await
            .map_err(on_bus(ROLE))?;
        let findings = bus
            .subscribe(ROLE, &[&topics.evaluations], Start::Earliest)
            .await
            .map_err(on_bus(ROLE))?;
        stopped::check(bus.as_ref(), ROLE, &service.dead_letters).await?;
        let stored = match super::stored(bus.as_ref(), ROLE, ROLE).await? {
            Some(state) => state,
            None => begin(&service).await?,
        };
        let newest = newest_model(bus.as_ref(), &topics.global_model)
            .await
            .map_err(on_bus(ROLE))?;
        let state = furthest(newest.as_ref(), stored);
        go_on(updates.as_mut(), &topics.model_updates, &state);
        if let Some(closed) = state
            .closed
            .clone()
            .filter(|closed| closed.round > service.rounds_logged)
        {
            service
                .context
                .announcer
                .announce(Event::RoundClosed(closed));
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
        let mut evaluations = Evaluations::new(findings, evaluated);
        if let Some(closed) = &state.closed {
            evaluations.expect(closed);
        }
        if !machine.is_complete() {
            service.context.announcer.announce(Event::RoundOpened {
                round: machine.round(),
            });
        }
        let updates_watch = Watch::new(&service.topics.model_updates, service.dead_letters);
        let findings_watch = Watch::new(&service.topics.evaluations, service.dead_letters);
        let (gathering, foreign) = (Stopwatch::start(), BTreeMap::new());
        Ok(Self {
            service,
            machine,
            inbox,
            evaluations,
            updates_watch,
            findings_watch,
            gathering,
            foreign,
        })
    }

    async fn run(mut self) -> Result<(), Error> {
        // The last model's evaluation is worth waiting for, but not for ever.
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
                () = self.service.context.stop.cancelled() => return self.settle_letters().await,
                () = clock::sleep_until(give_up_ms) => return Ok(()),
                records = self.evaluations.read() => {
                    let records = records.map_err(on_bus(ROLE))?;
                    self.take_findings(records).await?;
                }
                () = clock::sleep_until(self.inbox.settle_by_ms()) => self.settle_letters().await?,
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
        match update.and_then(|update| self.of_our_line(update)) {
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
                .await
            }
        }
    }

    /// Versions of a plug-in that are not compatible may give the same shapes another meaning.
    fn of_our_line(&self, update: Update) -> Result<Update, models::Refused> {
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
                .map_err(|error| self.defect(&error))?;
            for output in outputs {
                inputs.extend(self.carry_out(output, record.as_ref(), watch).await?);
            }
        }
        Ok(())
    }

    /// Says what to feed next, if anything.
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
                    .announce(Event::UpdateAccepted { round, participant });
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
                }
            }
            Output::Failed { answered } => {
                let min_nodes = self.service.rules.min_nodes;
                self.service.context.announcer.announce(Event::RoundFailed {
                    round,
                    answered,
                    min_nodes,
                });
                self.settle_letters().await?;
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
                    .announce(Event::RoundOpened { round });
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
        let mut record = record.await.map_err(|error| self.defect(&error))?;
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
        let state = Bytes::from(serde_json::to_vec(&state).map_err(|error| self.defect(&error))?);
        record.headers.push((PROGRESS.to_owned(), state.clone()));
        record.headers.extend(trace::links(
            std::mem::take(&mut self.foreign).values(),
            ROLE,
        ));
        write.records.push(record);
        write.state.push((ROLE.to_owned(), Some(state)));
        dead_letter::write(&self.service.context, ROLE, write).await?;
        closed.durations.publishing_ms = watch.milliseconds();
        let evaluated = self.evaluations.expect(&closed);
        for event in evaluated.into_iter().chain([Event::RoundClosed(closed)]) {
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
        let letter = self.letter(stage, reason, detail, record);
        let (round, reason, detail) = (self.machine.round(), reason.to_owned(), detail.to_owned());
        self.service
            .context
            .announcer
            .announce(Event::UpdateRejected {
                round,
                node,
                reason,
                detail,
            });
        if self.inbox.refuse(letter, clock::now_ms()) {
            self.settle(None).await?;
        }
        self.count(false).await
    }

    /// Whether to go on after one more update; if not, its dead letters are written first.
    async fn count(&mut self, used: bool) -> Result<(), Error> {
        match self.updates_watch.count([used]) {
            None => Ok(()),
            verdict => self.settle(verdict).await,
        }
    }

    /// Writes the letters that wait for a model, if there are any.
    async fn settle_letters(&mut self) -> Result<(), Error> {
        if self.inbox.settle_by_ms().is_some() {
            self.settle(None).await
        } else {
            Ok(())
        }
    }

    async fn settle(&mut self, verdict: Option<Verdict>) -> Result<(), Error> {
        let write = self.inbox.settled();
        stopped::write(&self.service.context, ROLE, write, verdict).await
    }

    fn letter(&self, stage: &str, reason: &str, detail: &str, record: &Record) -> NewRecord {
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

    async fn take_findings(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let mut write = Write::default();
        let mut used = Vec::with_capacity(records.len());
        for record in &records {
            let finding = models::decode_finding(record);
            used.push(finding.is_ok());
            let event = match finding {
                Ok(finding) => self.evaluations.take(finding, &record.position),
                Err(detail) => {
                    write
                        .records
                        .push(self.letter("decode", UNDECODABLE, &detail, record));
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
        let verdict = self.findings_watch.count(used);
        stopped::write(&self.service.context, ROLE, write, verdict).await
    }

    fn defect(&self, error: &dyn std::fmt::Display) -> Error {
        Error::Defect {
            role: ROLE.to_owned(),
            reason: error.to_string(),
        }
    }
}

/// The account of the newest round that an aggregator has published on this bus.
///
/// # Errors
/// The bus refused, or the stored state cannot be read.
pub async fn newest_round(bus: &dyn Bus) -> Result<Option<RoundClosed>, Error> {
    let state: Option<State> = super::stored(bus, ROLE, ROLE).await?;
    Ok(state.and_then(|state| state.closed))
}

/// The newest record that an aggregator has put on the topic of global models, whatever strangers
/// have put behind it.
async fn newest_model(bus: &dyn Bus, topic: &Arc<str>) -> Result<Option<Record>, bus::Error> {
    let mut newest: Option<Record> = None;
    for record in bus.newest(topic).await? {
        let mut candidate = Some(record);
        while let Some(record) = candidate.take_if(|record| told(record).is_none()) {
            candidate = models::before(bus, &record).await?;
        }
        let published = |record: &Option<Record>| {
            record
                .as_ref()
                .and_then(told)
                .map(|state| state.progress.published)
        };
        if published(&candidate) > published(&newest) {
            newest = candidate;
        }
    }
    Ok(newest)
}

/// The state that a global model carries.
fn told(model: &Record) -> Option<State> {
    serde_json::from_slice(model.header(PROGRESS)?).ok()
}

/// What was stored, or what the newest global model tells if it is ahead of that.
fn furthest(newest: Option<&Record>, stored: State) -> State {
    let told = newest.and_then(told).into_iter();
    told.chain([stored])
        .max_by_key(|state| state.progress.published)
        .unwrap_or_default()
}

/// Does not read again what the newest model is made of.
fn go_on(updates: &mut dyn Source, topic: &Arc<str>, state: &State) {
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
    let bytes = serde_json::to_vec(&state).unwrap_or_default();
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
