//! Who reads what in this process: readers of all partitions, and members that share them.
//!
//! A partition changes hands in four steps: it is held, it is leaving (its owner finishes what is
//! under way), it is claimed (its next owner waits for the writes of the previous one), and it is
//! held again under another epoch. A write is checked against this on the writer's thread, so what
//! was accepted before a claim is in the log before the next owner asks for the stored offset.
//!
//! Pure bookkeeping: the time is an argument, and nothing waits here.

mod balance;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::topic::Topic;
use crate::{Error, GroupOffset, epoch};

/// Topic and partition.
pub(super) type Place = (Arc<str>, u32);

/// Identifies a member.
pub(super) type Id = u64;

/// The groups of one log.
pub(super) struct Groups {
    readers: Mutex<Readers>,
    /// Rises with every change of any assignment, so that a member sees without the lock that
    /// nothing has changed.
    version: AtomicU64,
    /// For an owner to finish what is under way when its partition goes to another member.
    drain: Duration,
}

#[derive(Default)]
struct Readers {
    /// Groups and topics with a reader of all partitions.
    whole: BTreeSet<(String, Arc<str>)>,
    /// Groups whose members share partitions.
    shared: BTreeMap<String, Group>,
}

#[derive(Default)]
struct Group {
    members: BTreeMap<Id, Joined>,
    slots: BTreeMap<Place, Slot>,
}

struct Joined {
    topics: BTreeSet<Arc<str>>,
    wake: Arc<Notify>,
}

#[derive(Default)]
struct Slot {
    state: State,
    /// Who is to have the partition.
    heir: Option<Id>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Free,
    /// The member learns where it begins; no write moves the offset.
    Claimed(Id),
    Held(u64),
    /// Still held under that epoch, until it is released or the time is over.
    Leaving(u64, Instant),
}

/// How an ownership stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Held,
    /// To be released before that time.
    Leaving(Instant),
    /// Another one has taken its place.
    Ended,
}

impl Groups {
    pub(super) fn new(drain: Duration) -> Self {
        Self {
            readers: Mutex::default(),
            version: AtomicU64::new(0),
            drain,
        }
    }

    /// Notes a reader of all partitions.
    ///
    /// # Errors
    /// The group has a reader of a topic already: two would each take every record, and each move
    /// the group's offsets.
    pub(super) fn claim_whole(&self, group: &str, topics: &[Arc<Topic>]) -> Result<(), Error> {
        let mut readers = self.lock();
        for topic in topics {
            let key = (group.to_owned(), Arc::clone(&topic.name));
            if readers.whole.contains(&key) || readers.shares(group, &topic.name) {
                return Err(busy(group, &topic.name));
            }
        }
        let keys = topics
            .iter()
            .map(|topic| (group.to_owned(), Arc::clone(&topic.name)));
        readers.whole.extend(keys);
        Ok(())
    }

    /// Forgets a reader of all partitions.
    pub(super) fn release_whole(&self, group: &str, topics: &[Arc<str>]) {
        let mut readers = self.lock();
        for topic in topics {
            readers.whole.remove(&(group.to_owned(), Arc::clone(topic)));
        }
    }

    /// Adds a member; `wake` is notified of changes.
    ///
    /// # Errors
    /// The group has a reader of all partitions of a topic.
    pub(super) fn join(
        &self,
        group: &str,
        topics: &[Arc<Topic>],
        wake: &Arc<Notify>,
        now: Instant,
    ) -> Result<Id, Error> {
        let mut readers = self.lock();
        let names: BTreeSet<Arc<str>> = topics.iter().map(|t| Arc::clone(&t.name)).collect();
        for name in &names {
            if readers
                .whole
                .contains(&(group.to_owned(), Arc::clone(name)))
            {
                return Err(busy(group, name));
            }
        }
        let id = epoch::next();
        let entry = readers.shared.entry(group.to_owned()).or_default();
        for partition in topics.iter().flat_map(|topic| &topic.partitions) {
            let place = (Arc::clone(&partition.topic), partition.index);
            entry.slots.entry(place).or_default();
        }
        let wake = Arc::clone(wake);
        let joined = Joined {
            topics: names,
            wake,
        };
        entry.members.insert(id, joined);
        self.rearrange(entry, now);
        Ok(id)
    }

    /// Removes a member: what it had is free at once, and its writes are refused.
    pub(super) fn leave(&self, group: &str, member: Id, held: &[(Place, u64)], now: Instant) {
        let mut readers = self.lock();
        let Some(entry) = readers.shared.get_mut(group) else {
            return;
        };
        entry.members.remove(&member);
        for (place, epoch) in held {
            entry.end(place, *epoch);
        }
        if entry.members.is_empty() {
            readers.shared.remove(group);
        } else {
            self.rearrange(entry, now);
        }
    }

    /// An owner is done with a partition that is leaving.
    pub(super) fn release(&self, group: &str, place: &Place, epoch: u64) {
        let mut readers = self.lock();
        let Some(entry) = readers.shared.get_mut(group) else {
            return;
        };
        let leaving =
            |slot: &&mut Slot| matches!(slot.state, State::Leaving(held, _) if held == epoch);
        if let Some(slot) = entry.slots.get_mut(place).filter(leaving) {
            slot.state = State::Free;
            self.changed(entry);
        }
    }

    /// Changes so far.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn standing(&self, group: &str, place: &Place, epoch: u64) -> Standing {
        let readers = self.lock();
        let slot = readers
            .shared
            .get(group)
            .and_then(|entry| entry.slots.get(place));
        match slot.map(|slot| slot.state) {
            Some(State::Held(held)) if held == epoch => Standing::Held,
            Some(State::Leaving(held, deadline)) if held == epoch => Standing::Leaving(deadline),
            _ => Standing::Ended,
        }
    }

    /// The partitions that a member may take now: those that are free, and those whose owner has
    /// had its time. Writes of their previous owner are refused from now on.
    pub(super) fn claim(&self, group: &str, member: Id, now: Instant) -> Vec<Place> {
        let mut readers = self.lock();
        let Some(entry) = readers.shared.get_mut(group) else {
            return Vec::new();
        };
        let mut claimed = Vec::new();
        let mut taken = false;
        for (place, slot) in &mut entry.slots {
            let is_due = match slot.state {
                State::Free => true,
                State::Leaving(_, deadline) => deadline <= now,
                State::Claimed(_) | State::Held(_) => false,
            };
            if is_due && slot.heir == Some(member) {
                taken |= slot.state != State::Free;
                slot.state = State::Claimed(member);
                claimed.push(place.clone());
            }
        }
        if taken {
            self.changed(entry);
        }
        claimed
    }

    /// When an owner of a partition that this member is to have has had its time.
    pub(super) fn due(&self, group: &str, member: Id) -> Option<Instant> {
        let readers = self.lock();
        let slots = readers.shared.get(group)?.slots.values();
        let deadlines = slots.filter_map(|slot| match slot.state {
            State::Leaving(_, deadline) if slot.heir == Some(member) => Some(deadline),
            _ => None,
        });
        deadlines.min()
    }

    /// Gives a claimed partition to its member, under a new epoch; `None` when it is to go to
    /// another one by now.
    pub(super) fn hold(&self, group: &str, member: Id, place: &Place) -> Option<u64> {
        let mut readers = self.lock();
        let slot = readers.shared.get_mut(group)?.slots.get_mut(place)?;
        if slot.state != State::Claimed(member) {
            return None;
        }
        let epoch = epoch::next();
        slot.state = State::Held(epoch);
        Some(epoch)
    }

    /// Whether all of these offsets may be written.
    ///
    /// # Errors
    /// [`Error::Fenced`]: an offset names an ownership that has ended, or none although the group's
    /// members share the partition.
    pub(super) fn check(&self, offsets: &[GroupOffset]) -> Result<(), Error> {
        if offsets.is_empty() {
            return Ok(());
        }
        let readers = self.lock();
        offsets.iter().try_for_each(|offset| readers.check(offset))
    }

    /// Wakes all members: the log was closed.
    pub(super) fn wake(&self) {
        self.lock()
            .shared
            .values()
            .for_each(|group| self.changed(group));
    }

    fn lock(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Assigns the partitions to the members again.
    fn rearrange(&self, group: &mut Group, now: Instant) {
        let members = group
            .members
            .iter()
            .map(|(id, joined)| (*id, &joined.topics))
            .collect();
        let current = group
            .slots
            .iter()
            .map(|(place, slot)| (place.clone(), slot.heir))
            .collect();
        let heirs = balance::balance(&members, current);
        for (place, slot) in &mut group.slots {
            let heir = heirs.get(place).copied();
            if slot.heir != heir {
                slot.heir = heir;
                slot.state = slot.state.given_to_another(now + self.drain);
            }
        }
        self.changed(group);
    }

    fn changed(&self, group: &Group) {
        self.version.fetch_add(1, Ordering::AcqRel);
        group
            .members
            .values()
            .for_each(|joined| joined.wake.notify_one());
    }
}

impl Readers {
    fn shares(&self, group: &str, topic: &Arc<str>) -> bool {
        self.shared.get(group).is_some_and(|group| {
            group
                .members
                .values()
                .any(|joined| joined.topics.contains(topic))
        })
    }

    fn check(&self, offset: &GroupOffset) -> Result<(), Error> {
        let place = (Arc::clone(&offset.topic), offset.partition);
        let state = self
            .shared
            .get(&offset.group)
            .and_then(|group| group.slots.get(&place))
            .map(|slot| slot.state);
        let held = match state {
            Some(State::Held(epoch) | State::Leaving(epoch, _)) => Some(epoch),
            _ => None,
        };
        let reason = match (offset.epoch, held) {
            (None, _) if !self.shares(&offset.group, &offset.topic) => return Ok(()),
            (Some(epoch), Some(held)) if epoch == held => return Ok(()),
            (None, _) => "the members of the group share it, so an offset needs an epoch",
            (Some(_), _) => "it was taken from the member that read it",
        };
        Err(Error::Fenced {
            group: offset.group.clone(),
            reason: format!(
                "partition {} of {}: {reason}",
                offset.partition, offset.topic
            ),
        })
    }
}

impl Group {
    /// Ends an ownership, if it has not ended yet.
    fn end(&mut self, place: &Place, epoch: u64) {
        if let Some(slot) = self.slots.get_mut(place)
            && let State::Held(held) | State::Leaving(held, _) = slot.state
            && held == epoch
        {
            slot.state = State::Free;
        }
    }
}

impl State {
    fn given_to_another(self, deadline: Instant) -> Self {
        match self {
            Self::Free | Self::Claimed(_) => Self::Free,
            Self::Held(epoch) => Self::Leaving(epoch, deadline),
            // Its owner knows of the earlier deadline.
            Self::Leaving(..) => self,
        }
    }
}

fn busy(group: &str, topic: &Arc<str>) -> Error {
    Error::GroupBusy {
        group: group.to_owned(),
        topic: topic.to_string(),
    }
}
