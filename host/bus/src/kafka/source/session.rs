//! Runs one client: polls it, seeks, pauses and resumes partitions, and detects stalls.

use std::collections::BTreeMap;
use std::time::Duration;

use fedhost_base::event::{BusEvent, Event, RunEvent};
use rdkafka::consumer::{Consumer as _, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;

use super::context::{Client, Context};
use super::failure::Failure;
use super::hanging::{self, OpenTransactions};
use super::offsets;
use super::partition::{FlowControl, Partition, Place};
use super::record::Batch;
use super::stall::{Verdict, Watch};
use super::statistics::Snapshot;
use crate::Record;
use crate::kafka::chunks::Trouble;
use crate::kafka::diagnosis::{self, Diagnosis, Kind};
use fedhost_base::clock;
use fedhost_base::hint::with_hint;

/// Longest time between two polls of the client.
const TICK: Duration = Duration::from_millis(100);
/// Statistics between two looks at whether the topics are still the same.
const TOPIC_CHECK: u32 = 10;
/// Longest time that the client waits for a broker's answer.
const QUERY: Duration = Duration::from_secs(5);
/// Number of statistics without a connection after which it counts as lost; the first one may fall
/// into a reconnect.
const MISSED: u32 = 2;
/// Consecutive statistics of undisturbed reading after which a new client counts as working.
const SETTLED: u32 = 3;

pub(super) struct Session<'a> {
    client: &'a Client,
    context: &'a Context,
    watch: Watch,
    open: OpenTransactions,
    /// The client replaces one that failed.
    successor: bool,
    /// Consecutive statistics with a connection (while reading), and without a connection.
    connected: u32,
    missed: u32,
    /// Statistics since the topics were looked at.
    unchecked: u32,
}

impl<'a> Session<'a> {
    pub(super) fn new(client: &'a Client, successor: bool) -> Self {
        let context = client.context();
        let watch = Watch::new(context.plan.options.stall_after);
        Self {
            client,
            context,
            watch,
            open: OpenTransactions::new(context.plan.options.stall_after),
            successor,
            connected: 0,
            missed: 0,
            unchecked: 0,
        }
    }

    /// Runs until the reader is closed or has ended, or the client fails.
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        while !self.context.shared.buffer().is_over() {
            if self.context.shared.buffer().is_reading() {
                self.carry_out_seeks()?;
                self.brake()?;
            }
            let idle = self.gather()?;
            if let Some(failure) = self.context.take_failure() {
                return Err(failure);
            }
            if let Some(snapshot) = self.context.take_snapshot() {
                self.observe(&snapshot)?;
            }
            if idle {
                self.context.shared.signal.wait(TICK);
            }
        }
        Ok(())
    }

    /// Whether the client has worked for a while.
    pub(super) fn is_settled(&self) -> bool {
        self.connected >= SETTLED
    }

    /// Takes records from the client; `true` if there were none.
    fn gather(&mut self) -> Result<bool, Failure> {
        let mut batch = Batch::default();
        let mut failed = None;
        while let Some(polled) = self.client.poll(Duration::ZERO) {
            match polled {
                Ok(message) => batch.add(&message, &self.context.plan.topics),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() || !batch.has_room() {
                break;
            }
        }
        let idle = batch.is_empty() && failed.is_none();
        self.put(batch);
        failed.map_or(Ok(()), |error| self.heed(&error))?;
        Ok(idle)
    }

    fn put(&self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        for (place, records) in batch.into_runs() {
            self.take_in(&place, records);
        }
        self.context.shared.wake_reader();
    }

    /// The buffer is not locked meanwhile: to assemble large records takes time.
    fn take_in(&self, (topic, index): &Place, records: Vec<Record>) {
        let lent = self
            .context
            .shared
            .buffer()
            .find_mut(topic, *index)
            .and_then(Partition::lend);
        let Some(mut intake) = lent else { return };
        intake.add(records, clock::now());
        let troubles = intake.take_troubles();
        if let Some(partition) = self.context.shared.buffer().find_mut(topic, *index) {
            partition.give_back(intake);
        }
        self.tell_of_troubles(&troubles);
    }

    fn tell_of_troubles(&self, troubles: &[Trouble]) {
        for trouble in troubles {
            let (part, detail) = (self.context.listener.part().to_owned(), trouble.to_string());
            self.context
                .plan
                .options
                .observer
                .announce(Event::Run(RunEvent::Warned { part, detail }));
        }
    }

    /// Most errors are temporary; some are fatal for the client.
    fn heed(&self, error: &KafkaError) -> Result<(), Failure> {
        let code = error.rdkafka_error_code();
        let diagnosis = self
            .context
            .newest_error()
            .unwrap_or_else(|| diagnosis::of(error));
        match code {
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => Err(Diagnosis {
                kind: Kind::Fatal,
                ..diagnosis
            }
            .into()),
            Some(RDKafkaErrorCode::AutoOffsetReset) => {
                self.context.check_topics(self.client, QUERY)?;
                self.find_the_way_back()
            }
            Some(
                RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition,
            ) => Err(diagnosis.into()),
            _ => Ok(()),
        }
    }

    /// Makes the client seek to the offsets that the reader asked for. The client finds out there
    /// whether the offset exists.
    fn carry_out_seeks(&self) -> Result<(), Failure> {
        let sought = self.context.shared.buffer().sought();
        self.send(sought.iter().map(|(place, next)| (place, *next)))?;
        let mut buffer = self.context.shared.buffer();
        for ((topic, index), next) in sought {
            if let Some(partition) = buffer.find_mut(&topic, index) {
                partition.placed(next);
            }
        }
        Ok(())
    }

    /// The records to read next were deleted or never existed: continues at the nearest offset that
    /// exists.
    fn find_the_way_back(&self) -> Result<(), Failure> {
        let tails = self.each(|partition| Some(partition.tail()));
        let places: Vec<Place> = tails.keys().cloned().collect();
        let bounds = offsets::bounds(self.client, &places, QUERY)?;
        for (place @ (topic, index), tail) in &tails {
            let Some(&(oldest, end)) = bounds
                .get(place)
                .filter(|(oldest, end)| !(*oldest..=*end).contains(tail))
            else {
                continue;
            };
            let mut buffer = self.context.shared.buffer();
            let Some(partition) = buffer.find_mut(topic, *index) else {
                continue;
            };
            let sent_there = partition.is_unproven();
            // A partition that was read beyond its end was created again, so all its records are
            // new.
            let to = if sent_there {
                (*tail).clamp(oldest, end)
            } else {
                oldest
            };
            partition.skip_to(to);
            drop(buffer);
            self.send([(place, to)].into_iter())?;
            if !sent_there {
                self.tell_of_gap(place, *tail, to);
            }
        }
        Ok(())
    }

    fn tell_of_gap(&self, place: &Place, tail: u64, to: u64) {
        if tail < to {
            return self.context.expired(place, tail, to);
        }
        let ((topic, index), part) = (place, self.context.listener.part().to_owned());
        let detail = format!(
            "{topic}/{index} ends before offset {tail}, as if made anew: it is read from {to} on"
        );
        self.context
            .plan
            .options
            .observer
            .announce(Event::Run(RunEvent::Warned { part, detail }));
    }

    /// Makes the client seek; from then on it delivers from the new offsets.
    fn send<'b>(&self, moves: impl Iterator<Item = (&'b Place, u64)>) -> Result<(), Failure> {
        for (place @ (topic, index), next) in moves {
            if let Some(partition) = self.context.shared.buffer().find_mut(topic, *index) {
                partition.set_going();
            }
            self.client.resume(&offsets::without([place]))?;
            let offset = Offset::Offset(next.cast_signed());
            if self
                .client
                .seek(topic, index.cast_signed(), offset, QUERY)
                .is_err()
            {
                // A seek fails where the client has not started or has stopped.
                self.assign_anew(place, next)?;
            }
        }
        Ok(())
    }

    fn assign_anew(&self, place: &Place, next: u64) -> Result<(), Failure> {
        let here = offsets::at([(place, next)])?;
        if matches!(
            self.client.rebalance_protocol(),
            RebalanceProtocol::Cooperative
        ) {
            self.client.incremental_unassign(&here)?;
            return Ok(self.client.incremental_assign(&here)?);
        }
        let mut all = self.context.everything()?;
        let (topic, index) = place;
        all.set_partition_offset(
            topic,
            index.cast_signed(),
            Offset::Offset(next.cast_signed()),
        )?;
        Ok(self.client.assign(&all)?)
    }

    /// Pauses partitions whose queue is full, and resumes those that have room again.
    fn brake(&self) -> Result<(), Failure> {
        let brakes = self.context.shared.buffer().brake();
        if brakes.is_empty() {
            return Ok(());
        }
        let those = |wanted| {
            brakes
                .iter()
                .filter(move |(_, brake)| *brake == wanted)
                .map(|(place, _)| place)
        };
        self.client
            .pause(&offsets::without(those(FlowControl::Pause)))?;
        Ok(self
            .client
            .resume(&offsets::without(those(FlowControl::Resume)))?)
    }

    fn observe(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        let mut buffer = self.context.shared.buffer();
        for seen in &snapshot.partitions {
            if let Some(partition) = buffer.find_mut(&seen.topic, seen.index) {
                partition.observe(seen.passed, seen.end);
            }
        }
        let reading = buffer.is_reading();
        drop(buffer);
        self.look_for_hanging_transactions(snapshot);
        self.context.metrics().report(&self.context.shared);
        self.observe_connection(snapshot.connected, reading);
        if !reading || self.missed > 0 {
            return Ok(());
        }
        self.check_topics()?;
        self.look_for_torn_records();
        self.look_for_stalls()
    }

    fn look_for_hanging_transactions(&mut self, snapshot: &Snapshot) {
        let now = clock::now();
        for seen in &snapshot.partitions {
            let mut topics = self.context.plan.topics.iter();
            let Some(topic) = topics.find(|topic| ***topic == *seen.topic) else {
                continue;
            };
            let place = (std::sync::Arc::clone(topic), seen.index);
            let hanging = self.open.observe(&place, seen.stable, seen.end, now);
            if let Some(hanging) = hanging {
                let (detail, hint) = hanging::describe(&place, hanging);
                self.context.warn(with_hint(detail, Some(&hint)));
            }
        }
    }

    /// Ends the session when a topic was deleted and created again. Without an answer, asks again
    /// later.
    fn check_topics(&mut self) -> Result<(), Failure> {
        self.unchecked += 1;
        if self.unchecked < TOPIC_CHECK {
            return Ok(());
        }
        self.unchecked = 0;
        match self.context.check_topics(self.client, QUERY) {
            Err(Failure::Client(_)) => Ok(()),
            checked => checked,
        }
    }

    /// Looks for records in chunks whose writer ended before it had written all chunks.
    fn look_for_torn_records(&self) {
        let now = clock::now();
        let overdue = self.each(|partition| partition.is_overdue(now).then_some(0));
        let overdue: Vec<Place> = overdue.into_keys().collect();
        // Without an answer the end is unknown; the request is repeated.
        let ends = offsets::ends(self.client, &overdue, QUERY).unwrap_or_default();
        let mut buffer = self.context.shared.buffer();
        for ((topic, index), end) in ends {
            if let Some(partition) = buffer.find_mut(&topic, index) {
                partition.call_last(end, now);
            }
        }
        let troubles: Vec<Trouble> = buffer
            .partitions_mut()
            .iter_mut()
            .flat_map(Partition::give_up)
            .collect();
        drop(buffer);
        if !troubles.is_empty() {
            self.tell_of_troubles(&troubles);
            self.context.shared.wake_reader();
        }
    }

    fn observe_connection(&mut self, connected: bool, reading: bool) {
        self.missed = if connected { 0 } else { self.missed + 1 };
        self.connected = if connected && reading {
            self.connected + 1
        } else {
            0
        };
        if self.missed == MISSED {
            let nothing = || diagnosis::of(&KafkaError::Global(RDKafkaErrorCode::AllBrokersDown));
            self.context
                .listener
                .is_in_trouble(self.context.newest_error().unwrap_or_else(nothing));
        }
        if connected && (!self.successor || self.is_settled()) {
            self.context.listener.is_well();
        }
    }

    fn look_for_stalls(&mut self) -> Result<(), Failure> {
        let idle = self.each(|partition| partition.is_idle().then(|| partition.reached()));
        let standing = self.watch.standing(&idle, clock::now());
        // Without an answer the end is unknown; the request is repeated.
        let ends = offsets::ends(self.client, &standing, QUERY).unwrap_or_default();
        for (place, end) in ends {
            match self.watch.judge(&place, end, clock::now()) {
                Verdict::AtTheEnd => {}
                Verdict::Stalled => self.push(&place, end)?,
                Verdict::Hopeless => return Err(stalled(&place).into()),
            }
        }
        Ok(())
    }

    /// Reports a stalled partition, and makes the client seek to the correct offset.
    fn push(&self, place: &Place, end: u64) -> Result<(), Failure> {
        let (topic, partition) = place;
        let tail = self
            .context
            .shared
            .buffer()
            .find(topic, *partition)
            .map(Partition::tail);
        let Some(next) = tail else { return Ok(()) };
        let (group, topic, partition) = (
            self.context.plan.group.clone(),
            topic.to_string(),
            *partition,
        );
        self.context.metrics().stalled(place);
        self.context
            .plan
            .options
            .observer
            .announce(Event::Bus(BusEvent::PartitionStalled {
                group,
                topic,
                partition,
                next,
                end,
            }));
        self.send([(place, next)].into_iter())
    }

    /// An offset of each partition that has one.
    fn each(&self, offset: impl Fn(&Partition) -> Option<u64>) -> BTreeMap<Place, u64> {
        let buffer = self.context.shared.buffer();
        let told = |partition: &Partition| Some((partition.place(), offset(partition)?));
        buffer.partitions().iter().filter_map(told).collect()
    }
}

fn stalled((topic, index): &Place) -> Diagnosis {
    let reason = format!("{topic}/{index} has records and the client does not deliver them");
    let hint = "if it happens again, look at the brokers' logs".to_owned();
    Diagnosis {
        kind: Kind::Fatal,
        reason,
        hint,
    }
}
