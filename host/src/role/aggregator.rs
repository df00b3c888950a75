//! The aggregator role: gathers updates, averages them, publishes global models, and writes the
//! summary of each round.
//!
//! A global model, the offsets of the updates it was made from, and the state to resume from are
//! written together, so an aggregator that is killed at any moment makes the same model of the same
//! updates again. On a bus that may cut such a write in two, the model's record carries the state
//! as a header.

mod evaluations;
mod inbox;
mod kept_model;
mod refusing;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::event::{Event, RunEvent};
use fedhost_domain::event::{Durations, FederationEvent, RoundClosed};
use fedhost_domain::model::{NodeId, PluginId};
use fedhost_domain::round::{GlobalModel, Input, Machine, Output, Progress, Rules, Update};
use tokio::sync::watch;

use super::federation::FederationTopics;
use super::halt::{self, Watch};
use super::message::skipped;
use super::refusal::Answers;
use super::{Context, DeadLetters, Error, models, on_bus, trace};
use evaluations::Evaluations;
use fedhost_base::clock::{self, Stopwatch};
use fedhost_base::hint::explain;
use fedhost_bus::{Record, Start, TopicId, Write};
use inbox::Inbox;
use refusing::Refusal;
use state::State;
pub use state::newest_round;

const ROLE: &str = NodeId::AGGREGATOR;
/// State: the newest round whose model is evaluated.
const EVALUATED: &str = "aggregator/evaluated";

/// A clock that is behind the stored time by less was not set back.
const CLOCK_JITTER_MS: u64 = 1_000;

/// Reason code of a record that is no evaluation.
const UNDECODABLE: &str = "undecodable";

/// What an aggregator is given.
pub struct Service {
    /// What every role is given.
    pub context: Context,
    /// The topics it shares with others.
    pub topics: Arc<FederationTopics>,
    /// The rules of the federation.
    pub rules: Rules,
    /// The component whose weights it averages, renewed while it runs.
    pub plugin: watch::Receiver<PluginId>,
    /// The newest round in the run log.
    pub rounds_logged: u64,
    /// When it stops because of refused updates.
    pub dead_letters: DeadLetters,
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
    /// The topic of updates, among all that have had the name.
    updates_topic: Option<TopicId>,
    inbox: Inbox,
    evaluations: Evaluations,
    updates_watch: Watch,
    evaluations_watch: Watch,
    gathering: Stopwatch,
    /// Traces other than the round's own, by the node whose update of the unpublished sum brought
    /// it.
    foreign: BTreeMap<NodeId, Bytes>,
    answers: Answers,
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
        let (state, newest) = State::latest(bus.as_ref(), &topics.global_model).await?;
        let newest = kept_model::restore(&service, newest, &state).await?;
        let beginnings = updates.beginnings();
        let updates_topic = beginnings
            .values()
            .find_map(|beginning| beginning.topic_id.clone());
        if state.is_of_another_topic(updates_topic.as_ref()) {
            service.context.announcer.announce(RunEvent::Warned {
                part: ROLE.to_owned(),
                detail: format!(
                    "topic {} was deleted and created again: all updates in it are new",
                    topics.model_updates
                ),
            });
        } else {
            state.seek_past_consumed(updates.as_mut(), &topics.model_updates);
        }
        announce_resumed(&service, &state);
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
        Ok(Self {
            service,
            machine,
            updates_topic,
            inbox,
            evaluations,
            updates_watch,
            evaluations_watch,
            gathering: Stopwatch::start(),
            foreign: BTreeMap::new(),
            answers: Answers::default(),
        })
    }

    async fn run(mut self) -> Result<(), Error> {
        // Wait for the last model's evaluation, but not forever.
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
                self.feed(Input::Undecodable, None).await?;
                let refusal = Refusal {
                    node: refused.sender(&record),
                    stage: "decode",
                    reason: refused.code(),
                    detail: explain(&refused),
                    is_answered: true,
                };
                self.refuse(refusal, &record).await?;
                self.count(false).await
            }
        }
    }

    /// Refuses an update of an incompatible version of the plug-in: the same shapes may have
    /// another meaning there.
    fn check_version(&self, update: Update) -> Result<Update, models::RefusedModel> {
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
                    let refusal = Refusal {
                        node: Some(node),
                        stage: "round",
                        reason: rejection.code(),
                        detail: explain(&rejection),
                        is_answered: rejection.is_news_to_sender(),
                    };
                    self.refuse(refusal, record).await?;
                    if !rejection.is_honest() {
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
        let state = State::new(progress, Some(closed.clone()), next)
            .of_topic(self.updates_topic.clone())
            .to_bytes()?;
        record
            .headers
            .push((state::PROGRESS.to_owned(), state.clone()));
        record.headers.extend(trace::links(
            std::mem::take(&mut self.foreign).values(),
            ROLE,
        ));
        kept_model::keep(&record, &mut write).map_err(|error| defect(&error))?;
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

/// Announces the newest round if the run log does not have it yet, and a clock that was set back.
fn announce_resumed(service: &Service, state: &State) {
    let announcer = &service.context.announcer;
    let unlogged = |closed: &&RoundClosed| closed.round > service.rounds_logged;
    if let Some(closed) = state.closed.as_ref().filter(unlogged) {
        announcer.announce(FederationEvent::RoundClosed(closed.clone()));
    }
    let behind_ms = state.progress.opened_ms.saturating_sub(clock::now_ms());
    if behind_ms > CLOCK_JITTER_MS {
        announcer.announce(RunEvent::Warned {
            part: "clock".to_owned(),
            detail: format!(
                "it shows a time {behind_ms} ms before the newest stored one, so it was set back; the newest stored time counts"
            ),
        });
    }
}

fn defect(error: &dyn std::fmt::Display) -> Error {
    Error::Defect {
        role: ROLE.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
