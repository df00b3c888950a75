//! Handles assigned and revoked partitions. Runs on the thread that polls.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{Consumer as _, RebalanceProtocol};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionList;

use fedhost_base::event::{BusEvent, Event, RunEvent};

use super::context::{Client, Context};
use super::failure::{Failure, persist};
use super::fetch_buffer::{FetchBuffer, Phase};
use super::offsets::{self, Begin};
use super::partition::{Partition, Place};
use super::plan::Sharing;
use crate::{Assignment, MemberEvent, Start, StoredOffset};
use fedhost_base::clock;

impl Context {
    /// Handles a rebalance for a reader that continues.
    pub(super) fn rearrange(
        &self,
        client: &Client,
        assigned: bool,
        list: &TopicPartitionList,
    ) -> Result<(), Failure> {
        match (self.plan.sharing, assigned) {
            (Sharing::Shared, true) => self.take_on(client, list),
            (Sharing::Shared, false) => self.give_back(client, list),
            (Sharing::Whole, true) => self.lead_or_stand_by(client, list),
            (Sharing::Whole, false) => self.suspend(client),
        }
    }

    /// Handles a rebalance for a reader that has ended.
    pub(super) fn decline(
        &self,
        client: &Client,
        assigned: bool,
        list: &TopicPartitionList,
    ) -> Result<(), Failure> {
        let answer = if assigned {
            accept(client, &TopicPartitionList::new())
        } else {
            let_go(client, list)
        };
        Ok(answer?)
    }

    /// A member that shares got more partitions.
    fn take_on(&self, client: &Client, list: &TopicPartitionList) -> Result<(), Failure> {
        let places = offsets::places(list, &self.plan.topics);
        let begins = persist(&self.shared, self.plan.options.request, |timeout| {
            offsets::begins(client, &places, self.plan.start, timeout)
        });
        let begins = begins.inspect_err(|_| drop(accept(client, &TopicPartitionList::new())))?;
        self.begin(&begins);
        accept(
            client,
            &offsets::at(
                begins
                    .iter()
                    .map(|begin| (&begin.place, begin.beginning.next)),
            )?,
        )?;
        self.assigned(&begins);
        Ok(())
    }

    /// Reports the new partitions to the reader.
    fn assigned(&self, begins: &[Begin]) {
        let mut buffer = self.shared.buffer();
        let assigned: Vec<Assignment> = begins
            .iter()
            .filter_map(|Begin { place, .. }| buffer.find(&place.0, place.1))
            .map(|partition| partition.assignment(self.plan.name()))
            .collect();
        if !assigned.is_empty() {
            buffer.change(MemberEvent::Assigned(assigned));
        }
        drop(buffer);
        self.shared.wake_reader();
    }

    /// A member that shares has to release some partitions; it may first finish the records that it
    /// returned.
    fn give_back(&self, client: &Client, list: &TopicPartitionList) -> Result<(), Failure> {
        let places = offsets::places(list, &self.plan.topics);
        if !client.assignment_lost() {
            self.drain(&places);
        }
        let request = self.plan.options.request;
        self.shared
            .wait_until(request, FetchBuffer::commits_nothing);
        for partition in self.shared.remove(&places) {
            self.metrics().forget(partition);
        }
        Ok(let_go(client, list)?)
    }

    fn drain(&self, places: &[Place]) {
        let drain = self.plan.options.drain;
        let mut buffer = self.shared.buffer();
        for (topic, index) in places {
            if let Some(partition) = buffer.find_mut(topic, *index) {
                partition.begin_to_leave();
            }
        }
        if !places.is_empty() {
            buffer.change(MemberEvent::Revoking {
                partitions: places.to_vec(),
                deadline: clock::now() + drain,
            });
        }
        drop(buffer);
        self.shared.wake_reader();
        self.shared.wait_until(drain, |buffer| {
            places.iter().all(|(topic, index)| {
                buffer
                    .find(topic, *index)
                    .is_none_or(Partition::is_released)
            })
        });
    }

    /// The member with the first partition of the first topic reads all partitions.
    fn lead_or_stand_by(&self, client: &Client, list: &TopicPartitionList) -> Result<(), Failure> {
        if self
            .plan
            .topics
            .first()
            .is_some_and(|first| list.find_partition(first, 0).is_some())
        {
            return self.lead(client);
        }
        client.assign(&TopicPartitionList::new())?;
        let mut buffer = self.shared.buffer();
        let (led, stood_by) = (
            !buffer.partitions().is_empty(),
            matches!(buffer.phase(), Phase::StandingBy),
        );
        buffer.enter(if led {
            Phase::Ended(self.plan.lost("another process reads on"))
        } else {
            Phase::StandingBy
        });
        drop(buffer);
        self.shared.wake_reader();
        if !led && !stood_by {
            self.plan
                .options
                .observer
                .announce(Event::Bus(BusEvent::StandingBy {
                    group: self.plan.group.clone(),
                }));
        }
        Ok(())
    }

    /// Reads all partitions: those that it already had from their current offsets, the others from
    /// the group's offsets. The group's offsets may depend on an open transaction of an earlier
    /// process, which this role's writer has to end; so the reader is called first.
    fn lead(&self, client: &Client) -> Result<(), Failure> {
        self.shared.buffer().call();
        self.shared.wake_reader();
        let begins = persist(&self.shared, self.plan.options.request, |timeout| {
            let all = offsets::partitions(client, &self.plan.topics, timeout)?;
            self.check_topics(client, timeout)?;
            let (new, first) = {
                let buffer = self.shared.buffer();
                let is_new = |(topic, index): &Place| buffer.find(topic, *index).is_none();
                (
                    all.into_iter().filter(is_new).collect::<Vec<_>>(),
                    buffer.partitions().is_empty(),
                )
            };
            // All records of a partition that was added later are new.
            let start = if first {
                self.plan.start
            } else {
                Start::Earliest
            };
            offsets::begins(client, &new, start, timeout)
        });
        let begins = begins.inspect_err(|_| drop(client.assign(&TopicPartitionList::new())))?;
        self.begin(&begins);
        client.assign(&self.everything()?)?;
        self.shared.enter(Phase::Reading);
        Ok(())
    }

    /// All partitions that are read, each from the offset after its queue.
    pub(super) fn everything(&self) -> KafkaResult<TopicPartitionList> {
        let buffer = self.shared.buffer();
        let owned: Vec<_> = buffer
            .partitions()
            .iter()
            .map(|partition| (partition.place(), partition.tail()))
            .collect();
        drop(buffer);
        offsets::at(owned.iter().map(|(place, tail)| (place, *tail)))
    }

    /// A rebalance of the whole group, as always when a member joins or leaves. Nothing is released
    /// until the next leader is known: nearly always it is the same reader, which keeps its work.
    fn suspend(&self, client: &Client) -> Result<(), Failure> {
        if client.assignment_lost() {
            self.shared
                .end(self.plan.lost("the group went on without this reader"));
        }
        let mut buffer = self.shared.buffer();
        if buffer.is_reading() {
            buffer.enter(Phase::Suspended);
        }
        let places: Vec<Place> = buffer.partitions().iter().map(Partition::place).collect();
        buffer
            .partitions_mut()
            .iter_mut()
            .for_each(Partition::set_going);
        drop(buffer);
        Ok(let_go(client, &offsets::without(&places))?)
    }

    fn begin(&self, begins: &[Begin]) {
        let mut buffer = self.shared.buffer();
        for begin in begins {
            buffer.add(begin.place.clone(), begin.beginning.clone());
        }
        drop(buffer);
        for Begin {
            place,
            beginning,
            stored,
        } in begins
        {
            match (beginning.stored, stored) {
                (StoredOffset::Outdated, Some(stored)) => {
                    self.warn(recreated(place, *stored, beginning.next));
                }
                (StoredOffset::Own | StoredOffset::Foreign, Some(stored))
                    if *stored < beginning.next =>
                {
                    self.expired(place, *stored, beginning.next);
                }
                _ => {}
            }
        }
    }

    /// Ends a reader whose topic was deleted and created again: its positions, and those of its
    /// owner, belong to the earlier topic.
    pub(super) fn check_topics(&self, client: &Client, timeout: Duration) -> Result<(), Failure> {
        let ids = offsets::ids(client, &self.plan.topics, timeout)?;
        let buffer = self.shared.buffer();
        let is_another = |topic: &&Arc<str>| {
            let (read, found) = (buffer.topic_id(topic), ids.get(&***topic));
            matches!((read, found), (Some(read), Some(found)) if read != *found)
        };
        let another = self.plan.topics.iter().find(is_another).cloned();
        drop(buffer);
        match another {
            Some(topic) => Err(Failure::Recreated(topic.to_string())),
            None => Ok(()),
        }
    }

    pub(super) fn warn(&self, detail: String) {
        let part = self.listener.part().to_owned();
        let observer = &self.plan.options.observer;
        observer.announce(Event::Run(RunEvent::Warned { part, detail }));
    }

    /// Reports that records were deleted.
    pub(super) fn expired(&self, (topic, partition): &Place, from: u64, to: u64) {
        let (group, topic, partition) = (self.plan.group.clone(), topic.to_string(), *partition);
        self.plan
            .options
            .observer
            .announce(Event::Bus(BusEvent::RecordsExpired {
                group,
                topic,
                partition,
                from,
                to,
            }));
    }
}

fn recreated((topic, partition): &Place, stored: u64, next: u64) -> String {
    format!(
        "{topic}/{partition} belongs to a topic that was deleted and created again: the stored offset {stored} does \
         not apply to it, and it is read from offset {next} on"
    )
}

fn accept(client: &Client, list: &TopicPartitionList) -> KafkaResult<()> {
    match client.rebalance_protocol() {
        RebalanceProtocol::Cooperative => client.incremental_assign(list),
        _ => client.assign(list),
    }
}

/// Resumes paused partitions: the client keeps the pause even after it has lost the partition.
fn let_go(client: &Client, list: &TopicPartitionList) -> KafkaResult<()> {
    drop(client.resume(list));
    match client.rebalance_protocol() {
        RebalanceProtocol::Cooperative => client.incremental_unassign(list),
        _ => client.unassign(),
    }
}
