//! A member of a group whose members share partitions.
//!
//! Who has what is decided in [`super::group`]; a member compares that with what it has whenever
//! something changed. No task works in the background: the member that is to have a partition takes
//! it, also when the time of its owner is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc, oneshot};

use super::group::{Groups, Id, Place, Standing};
use super::reading::{self, Beginnings, Cursors, Gate};
use super::writer::Command;
use crate::{Assignment, Error, Member, MemberEvent, Start};
use fedhost_base::clock;

pub(super) struct EmbeddedMember {
    group: String,
    id: Id,
    start: Start,
    held: BTreeMap<Place, Ownership>,
    /// Claimed, and not held yet.
    claimed: Vec<Place>,
    cursors: Cursors,
    /// Topics whose writes wake this member.
    listening: BTreeSet<Arc<str>>,
    wake: Arc<Notify>,
    /// The version of [`Groups`] that `held` agrees with.
    seen: Option<u64>,
    gate: Gate,
    groups: Arc<Groups>,
    commands: mpsc::Sender<Command>,
}

struct Ownership {
    epoch: u64,
    /// Its owner knows that it has to be released.
    revoking: bool,
}

impl EmbeddedMember {
    /// # Errors
    /// A topic does not exist, or the group has a reader of all its partitions.
    pub(super) fn join(
        gate: &Gate,
        groups: &Arc<Groups>,
        commands: &mpsc::Sender<Command>,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Self, Error> {
        let wake = Arc::new(Notify::new());
        let id = reading::with_store(gate, |store| {
            let topics = reading::topics(store, topics)?;
            groups.join(group, &topics, &wake, clock::now())
        })?;
        Ok(Self {
            group: group.to_owned(),
            id,
            start,
            held: BTreeMap::new(),
            claimed: Vec::new(),
            cursors: Cursors::default(),
            listening: BTreeSet::new(),
            wake,
            seen: None,
            gate: Arc::clone(gate),
            groups: Arc::clone(groups),
            commands: commands.clone(),
        })
    }

    /// What has changed for the partitions that this member has, one kind of change at a time.
    fn change(&mut self) -> Option<MemberEvent> {
        let version = self.groups.version();
        if self.seen == Some(version) {
            return None;
        }
        let mut lost = Vec::new();
        let mut leaving = Vec::new();
        for (place, ownership) in &self.held {
            match self.groups.standing(&self.group, place, ownership.epoch) {
                Standing::Held => {}
                Standing::Leaving(deadline) if !ownership.revoking => {
                    leaving.push((deadline, place.clone()));
                }
                Standing::Leaving(_) => {}
                Standing::Ended => lost.push(place.clone()),
            }
        }
        if !lost.is_empty() {
            lost.iter().for_each(|place| self.forget(place));
            return Some(MemberEvent::Lost(lost));
        }
        if let Some(deadline) = leaving.iter().map(|(deadline, _)| *deadline).min() {
            let partitions: Vec<Place> = leaving.into_iter().map(|(_, place)| place).collect();
            for place in &partitions {
                self.cursors.remove(place);
                if let Some(ownership) = self.held.get_mut(place) {
                    ownership.revoking = true;
                }
            }
            return Some(MemberEvent::Revoking {
                partitions,
                deadline,
            });
        }
        self.seen = Some(version);
        None
    }

    fn forget(&mut self, place: &Place) {
        self.held.remove(place);
        self.cursors.remove(place);
    }

    /// Waits until every write that was accepted before has been carried out: the stored offsets
    /// are those that the previous owners left.
    async fn barrier(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(Command::Barrier(reply))
            .await
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Begins with the partitions that were claimed; those that go to another member by now are
    /// left out.
    fn take_on(&mut self) -> Result<Vec<Assignment>, Error> {
        let Self {
            group,
            id,
            start,
            held,
            claimed,
            cursors,
            groups,
            ..
        } = self;
        let mut assigned = Vec::new();
        reading::with_store(&self.gate, |store| {
            let beginnings = Beginnings::new(store, group, *start)?;
            for place in claimed.drain(..) {
                let (topic, partition) = &place;
                let topic = store.topic(topic)?;
                let (cursor, _) = beginnings.cursor(topic.partition(*partition)?)?;
                let Some(epoch) = groups.hold(group, *id, &place) else {
                    continue;
                };
                assigned.push(Assignment {
                    group: group.clone(),
                    topic: Arc::clone(&topic.name),
                    partition: *partition,
                    next: cursor.next(),
                    epoch,
                });
                cursors.add(cursor);
                let revoking = false;
                held.insert(place, Ownership { epoch, revoking });
            }
            Ok(())
        })?;
        Ok(assigned)
    }

    /// Is woken by writes to the topics that it has partitions of, and by no others.
    fn listen(&mut self) {
        let wanted: BTreeSet<Arc<str>> = self
            .cursors
            .positions()
            .into_keys()
            .map(|(topic, _)| topic)
            .collect();
        if wanted == self.listening {
            return;
        }
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let Some(store) = gate.as_ref() else { return };
        for name in wanted.symmetric_difference(&self.listening) {
            match store.topic(name) {
                Ok(topic) if wanted.contains(name) => topic.join(&self.wake),
                Ok(topic) => topic.leave(&self.wake),
                // A topic never goes away while the log is open.
                Err(_) => {}
            }
        }
        drop(gate);
        self.listening = wanted;
    }

    async fn woken(&self) {
        match self.groups.due(&self.group, self.id) {
            Some(due) => {
                let _ = tokio::time::timeout_at(due.into(), self.wake.notified()).await;
            }
            None => self.wake.notified().await,
        }
    }
}

#[async_trait]
impl Member for EmbeddedMember {
    async fn next(&mut self, max: usize) -> Result<MemberEvent, Error> {
        tokio::task::coop::consume_budget().await;
        loop {
            if let Some(event) = self.change() {
                self.listen();
                return Ok(event);
            }
            self.claimed
                .extend(self.groups.claim(&self.group, self.id, clock::now()));
            if !self.claimed.is_empty() {
                self.barrier().await?;
                let assigned = self.take_on()?;
                self.listen();
                if !assigned.is_empty() {
                    return Ok(MemberEvent::Assigned(assigned));
                }
                continue;
            }
            let cursors = &mut self.cursors;
            let records =
                reading::with_store(&self.gate, |store| Ok(cursors.poll(store, max.max(1))))?;
            if !records.is_empty() {
                return Ok(MemberEvent::Records(records));
            }
            // A write or change since then has left its permit: nothing is missed between the two.
            self.woken().await;
        }
    }

    fn release(&mut self, partitions: &[Place]) {
        for place in partitions {
            let Some(ownership) = self.held.get(place).filter(|held| held.revoking) else {
                continue;
            };
            self.groups.release(&self.group, place, ownership.epoch);
            self.forget(place);
        }
    }

    fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64> {
        self.cursors.positions()
    }

    fn seek(&mut self, topic: &str, partition: u32, next: u64) {
        self.cursors.seek(topic, partition, next);
        self.wake.notify_one();
    }
}

impl Drop for EmbeddedMember {
    fn drop(&mut self) {
        let held: Vec<(Place, u64)> = self
            .held
            .iter()
            .map(|(place, ownership)| (place.clone(), ownership.epoch))
            .collect();
        self.groups.leave(&self.group, self.id, &held, clock::now());
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        for topic in self
            .listening
            .iter()
            .filter_map(|name| gate.as_ref()?.topic(name).ok())
        {
            topic.leave(&self.wake);
        }
    }
}
