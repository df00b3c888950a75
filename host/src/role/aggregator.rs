//! The aggregator role: gathers updates, averages them, publishes global models, writes the account of each round.
//!
//! A global model, the offsets of the updates it was made from, and the state to go on from are written together, so an
//! aggregator that is killed at any moment makes the same model of the same updates again.

mod evaluations;
mod inbox;

use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::event::{Durations, Event, RoundClosed};
use fedhost_domain::model::{NodeId, PluginId};
use fedhost_domain::round::{GlobalModel, Input, Machine, Output, Progress, Rules};
use serde::{Deserialize, Serialize};

use super::message::{dead_letter, skipped};
use super::{Context, Error, Topics, models, on_bus};
use crate::bus::{Bus, Record, Start, Write};
use crate::clock::{self, Stopwatch};
use evaluations::Evaluations;
use inbox::Inbox;

const ROLE: &str = "aggregator";

/// What an aggregator is given.
pub struct Service {
    /// Everyone's context.
    pub context: Context,
    /// The topics it shares with others.
    pub topics: Arc<Topics>,
    /// The rules of the federation.
    pub rules: Rules,
    /// The component whose weights it averages.
    pub plugin: PluginId,
    /// Rounds that the run log already tells of.
    pub rounds_logged: u64,
}

/// What survives a restart; written together with the global model it speaks of.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// Where the round machine goes on.
    progress: Progress,
    /// The account of the newest round, in case the run log does not have it yet.
    closed: Option<RoundClosed>,
}

impl Service {
    /// Makes global models until the last round is published and evaluated, or until it is told to stop.
    ///
    /// # Errors
    /// The bus refused, or the stored state cannot be read.
    pub async fn run(self) -> Result<(), Error> {
        Aggregator::start(self).await?.run().await
    }
}

/// A running aggregator.
struct Aggregator {
    service: Service,
    machine: Machine,
    inbox: Inbox,
    evaluations: Evaluations,
    gathering: Stopwatch,
}

impl Aggregator {
    async fn start(service: Service) -> Result<Self, Error> {
        let bus = Arc::clone(&service.context.bus);
        let state = match super::stored(bus.as_ref(), ROLE, ROLE).await? {
            Some(state) => state,
            None => begin(&service).await?,
        };
        if let Some(closed) = state.closed.clone().filter(|closed| closed.round > service.rounds_logged) {
            service.context.announcer.announce(Event::RoundClosed(closed));
        }
        let global = match state.progress.published {
            0 => None,
            round => Some(models::published(bus.as_ref(), &service.topics.global_model, round).await?),
        };
        let machine = Machine::new(service.rules.clone(), state.progress, global);
        let updates = bus.subscribe(ROLE, &[&service.topics.model_updates], Start::Earliest).map_err(on_bus(ROLE))?;
        let findings = bus.subscribe(ROLE, &[&service.topics.evaluations], Start::Earliest).map_err(on_bus(ROLE))?;
        let inbox = Inbox::new(updates, Arc::clone(&service.topics.model_updates), ROLE);
        let mut evaluations = Evaluations::new(findings);
        if let Some(closed) = &state.closed {
            evaluations.expect(closed);
        }
        if !machine.is_complete() {
            service.context.announcer.announce(Event::RoundOpened { round: machine.round() });
        }
        Ok(Self { service, machine, inbox, evaluations, gathering: Stopwatch::start() })
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
                () = self.service.context.stop.cancelled() => return Ok(()),
                () = clock::sleep_until(give_up_ms) => return Ok(()),
                records = self.evaluations.read() => {
                    let records = records.map_err(on_bus(ROLE))?;
                    self.take_findings(records).await?;
                }
                record = self.inbox.next(), if self.machine.accepts_updates() => {
                    let record = record.map_err(on_bus(ROLE))?;
                    self.take_update(record).await?;
                }
                () = clock::sleep_until(self.machine.deadline_ms()) => self.feed(Input::Tick, None).await?,
            }
        }
    }

    async fn take_update(&mut self, record: Record) -> Result<(), Error> {
        match models::decode_update(&record).await {
            Ok(update) => self.feed(Input::Update(Box::new(update)), Some(record)).await,
            Err(refused) => {
                let node = refused.sender(&record);
                self.refuse(node, refused.code(), &refused.to_string(), &record).await
            }
        }
    }

    async fn feed(&mut self, input: Input, record: Option<Record>) -> Result<(), Error> {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let watch = Stopwatch::start();
            let outputs = self.machine.handle(clock::now_ms(), input).map_err(|error| self.defect(&error))?;
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
                self.service.context.announcer.announce(Event::UpdateAccepted { round, participant });
            }
            Output::Rejected { node, rejection } => {
                if let Some(record) = record {
                    self.refuse(Some(node), rejection.code(), &rejection.to_string(), record).await?;
                }
            }
            Output::Failed { answered } => {
                let min_nodes = self.service.rules.min_nodes;
                self.service.context.announcer.announce(Event::RoundFailed { round, answered, min_nodes });
            }
            Output::Aggregate => return Ok(Some(Input::Aggregate)),
            Output::Publish { model, summary, progress } => {
                self.publish(&model, *summary, progress, watch.milliseconds()).await?;
                return Ok(Some(Input::Published));
            }
            Output::Opened { round } => {
                self.gathering = Stopwatch::start();
                self.service.context.announcer.announce(Event::RoundOpened { round });
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
        let record = models::global_record(&self.service.topics, &self.service.plugin, model);
        let record = record.await.map_err(|error| self.defect(&error))?;
        closed.durations = Durations { gathering_ms, aggregating_ms, publishing_ms: watch.milliseconds() };
        let state = State { progress, closed: Some(closed.clone()) };
        let state = serde_json::to_vec(&state).map_err(|error| self.defect(&error))?;
        let write = Write {
            records: self.inbox.take_refused().into_iter().chain([record]).collect(),
            offsets: self.inbox.offsets(),
            state: vec![(ROLE.to_owned(), Some(Bytes::from(state)))],
        };
        self.service.context.bus.write(write).await.map_err(on_bus(ROLE))?;
        closed.durations.publishing_ms = watch.milliseconds();
        let evaluated = self.evaluations.expect(&closed);
        for event in evaluated.into_iter().chain([Event::RoundClosed(closed)]) {
            self.service.context.announcer.announce(event);
        }
        Ok(())
    }

    async fn refuse(&mut self, node: Option<NodeId>, code: &str, detail: &str, record: &Record) -> Result<(), Error> {
        let (round, reason, detail) = (self.machine.round(), code.to_owned(), detail.to_owned());
        let letter = dead_letter(record, &self.service.topics.dead_letter_suffix, ROLE, &reason, &detail);
        self.service.context.announcer.announce(Event::UpdateRejected { round, node, reason, detail });
        if let Some(records) = self.inbox.refuse(letter) {
            let write = Write { records, ..Write::default() };
            self.service.context.bus.write(write).await.map_err(on_bus(ROLE))?;
        }
        Ok(())
    }

    async fn take_findings(&mut self, records: Vec<Record>) -> Result<(), Error> {
        for record in &records {
            match models::decode_finding(record) {
                Ok(finding) => {
                    if let Some(event) = self.evaluations.take(finding) {
                        self.service.context.announcer.announce(event);
                    }
                }
                Err(detail) => self.service.context.announcer.announce(skipped(record, "undecodable", detail)),
            }
        }
        let write = Write { offsets: self.evaluations.offsets(ROLE), ..Write::default() };
        self.service.context.bus.write(write).await.map_err(on_bus(ROLE))?;
        Ok(())
    }

    fn defect(&self, error: &dyn std::fmt::Display) -> Error {
        Error::Defect { role: ROLE.to_owned(), reason: error.to_string() }
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

/// The first start: from now on the first round is open, also for an aggregator that is restarted before its end.
async fn begin(service: &Service) -> Result<State, Error> {
    let progress = Progress { opened_ms: clock::now_ms(), ..Progress::default() };
    let state = State { progress, closed: None };
    let bytes = serde_json::to_vec(&state).unwrap_or_default();
    let write = Write { state: vec![(ROLE.to_owned(), Some(Bytes::from(bytes)))], ..Write::default() };
    service.context.bus.write(write).await.map_err(on_bus(ROLE))?;
    Ok(state)
}
