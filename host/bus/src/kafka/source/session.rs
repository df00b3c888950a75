//! One client at work: polls it, carries out seeks, stops and starts partitions, and notices when
//! it is stuck.

use std::collections::BTreeMap;
use std::time::Duration;

use fedhost_domain::event::Event;
use rdkafka::consumer::{Consumer as _, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;

use super::context::{Client, Context};
use super::failure::Failure;
use super::offsets;
use super::partition::{FlowControl, Partition, Place};
use super::record::Batch;
use super::stall::{Verdict, Watch};
use super::statistics::Snapshot;
use crate::Record;
use crate::kafka::chunks::Trouble;
use crate::kafka::diagnosis::{self, Diagnosis, Kind};
use fedhost_base::clock;

/// The longest time without a look at the client.
const TICK: Duration = Duration::from_millis(100);
/// The client may be kept waiting for an answer of the broker no longer than this.
const QUERY: Duration = Duration::from_secs(5);
/// Statistics without a connection, after which it counts as lost; the first may catch it while it
/// is made anew.
const MISSED: u32 = 2;
/// Statistics of undisturbed reading, after which a new client counts as working.
const SETTLED: u32 = 3;

pub(super) struct Session<'a> {
    client: &'a Client,
    context: &'a Context,
    watch: Watch,
    /// Takes over from a client that failed.
    successor: bool,
    /// Statistics in a row with and without a connection.
    connected: u32,
    missed: u32,
}

impl<'a> Session<'a> {
    pub(super) fn new(client: &'a Client, successor: bool) -> Self {
        let context = client.context();
        let watch = Watch::new(context.plan.options.stall_after);
        Self {
            client,
            context,
            watch,
            successor,
            connected: 0,
            missed: 0,
        }
    }

    /// Works until the reader is closed or over, or the client fails.
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        while !self.context.shared.shelf().is_over() {
            if self.context.shared.shelf().is_reading() {
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

    /// Whether it has worked for a while.
    pub(super) fn is_settled(&self) -> bool {
        self.connected >= SETTLED
    }

    /// Takes what the client has; `true` when that is nothing.
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

    /// The shelf is not held meanwhile: to put large records together takes a while.
    fn take_in(&self, (topic, index): &Place, records: Vec<Record>) {
        let lent = self
            .context
            .shared
            .shelf()
            .find_mut(topic, *index)
            .and_then(Partition::lend);
        let Some(mut intake) = lent else { return };
        intake.add(records, clock::now());
        let troubles = intake.take_troubles();
        if let Some(partition) = self.context.shared.shelf().find_mut(topic, *index) {
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
                .announce(Event::Warned { part, detail });
        }
    }

    /// Most errors pass by themselves; some are the client's end.
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
            Some(RDKafkaErrorCode::AutoOffsetReset) => self.find_the_way_back(),
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

    /// Sends the client wherever the reader was sent. Whether that place exists it finds out there.
    fn carry_out_seeks(&self) -> Result<(), Failure> {
        let sought = self.context.shared.shelf().sought();
        self.send(sought.iter().map(|(place, next)| (place, *next)))?;
        let mut shelf = self.context.shared.shelf();
        for ((topic, index), next) in sought {
            if let Some(partition) = shelf.find_mut(&topic, index) {
                partition.placed(next);
            }
        }
        Ok(())
    }

    /// Records that were to be read next are gone, or have never been: goes on at the nearest place
    /// that there is.
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
            let mut shelf = self.context.shared.shelf();
            let Some(partition) = shelf.find_mut(topic, *index) else {
                continue;
            };
            let sent_there = partition.is_unproven();
            // Whoever was read beyond the end was made anew, so that all of it is new.
            let to = if sent_there {
                (*tail).clamp(oldest, end)
            } else {
                oldest
            };
            partition.skip_to(to);
            drop(shelf);
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
            .announce(Event::Warned { part, detail });
    }

    /// Sends the client to other offsets. What it delivers from now on comes from there.
    fn send<'b>(&self, moves: impl Iterator<Item = (&'b Place, u64)>) -> Result<(), Failure> {
        for (place @ (topic, index), next) in moves {
            if let Some(partition) = self.context.shared.shelf().find_mut(topic, *index) {
                partition.set_going();
            }
            self.client.resume(&offsets::without([place]))?;
            let offset = Offset::Offset(next.cast_signed());
            if self
                .client
                .seek(topic, index.cast_signed(), offset, QUERY)
                .is_err()
            {
                // Where the client has not begun, or has stopped, there is nothing to be sought.
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

    /// Stops partitions whose queue is full, and sets those going that have room again.
    fn brake(&self) -> Result<(), Failure> {
        let brakes = self.context.shared.shelf().brake();
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
        let mut shelf = self.context.shared.shelf();
        for seen in &snapshot.partitions {
            if let Some(partition) = shelf.find_mut(&seen.topic, seen.index) {
                partition.observe(seen.passed, seen.end);
            }
        }
        let reading = shelf.is_reading();
        drop(shelf);
        self.context.metrics().report(&self.context.shared);
        self.observe_connection(snapshot.connected, reading);
        if !reading || self.missed > 0 {
            return Ok(());
        }
        self.look_for_torn_records();
        self.look_for_stalls()
    }

    /// Records in chunks whose writer ended before it had written them all.
    fn look_for_torn_records(&self) {
        let now = clock::now();
        let overdue = self.each(|partition| partition.is_overdue(now).then_some(0));
        let overdue: Vec<Place> = overdue.into_keys().collect();
        // Without an answer nobody knows; the question comes again.
        let ends = offsets::ends(self.client, &overdue, QUERY).unwrap_or_default();
        let mut shelf = self.context.shared.shelf();
        for ((topic, index), end) in ends {
            if let Some(partition) = shelf.find_mut(&topic, index) {
                partition.call_last(end, now);
            }
        }
        let troubles: Vec<Trouble> = shelf
            .partitions_mut()
            .iter_mut()
            .flat_map(Partition::give_up)
            .collect();
        drop(shelf);
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
        // Without an answer nobody knows; the question comes again.
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

    /// Announces a stalled partition, and sends the client to where it should be.
    fn push(&self, place: &Place, end: u64) -> Result<(), Failure> {
        let (topic, partition) = place;
        let tail = self
            .context
            .shared
            .shelf()
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
            .announce(Event::PartitionStalled {
                group,
                topic,
                partition,
                next,
                end,
            });
        self.send([(place, next)].into_iter())
    }

    /// An offset of each partition that has one to tell.
    fn each(&self, offset: impl Fn(&Partition) -> Option<u64>) -> BTreeMap<Place, u64> {
        let shelf = self.context.shared.shelf();
        let told = |partition: &Partition| Some((partition.place(), offset(partition)?));
        shelf.partitions().iter().filter_map(told).collect()
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
