//! A spool on the local disk in front of a bus that may be unreachable: a write is safe once it is
//! in the spool. It is delivered when the bus accepts it, in order and once.
//!
//! Each role has a spool of its own. What waits is bounded: a full spool makes its writer wait, and
//! drops nothing. Verbs that read the bus wait until everything accepted has arrived, so that
//! a role never sees a state older than its own writes.
//!
//! The progress is stored on the bus as state `spool/NAME`, in the same step as the writes: a crash
//! between delivery and deletion here repeats nothing. Where the bus itself may repeat a write
//! after a crash, it may do so here. Work that another process has done while this one was
//! disconnected is skipped: its group's offsets have advanced.
//!
//! A write that the bus will never accept, for example after its topic's limit was lowered, does
//! not block later writes: it is moved to a file in the spool's directory, and that is announced.
//! The spool waits while the cause may pass, such as a missing topic or right.

mod admission;
mod aside;
mod batch;
mod current_topics;
mod drain;
mod drain_checkpoint;
mod entry;
mod intake;
mod local;
mod member;
mod source;
mod status;
mod superseded;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fedhost_base::event::{BusEvent, Damage, Event, RunEvent};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::batch::Taken;
use self::current_topics::CurrentTopics;
use self::drain::Drain;
use self::drain_checkpoint::DrainCheckpoint;
use self::entry::Sums;
use self::intake::{Intake, Request};
use self::local::{Local, Reader};
use self::member::SpooledMember;
use self::source::SpooledSource;
use self::status::{Contact, End, Level, Status};
use super::embedded::{self, Fsync};
use super::trouble::Trouble;
use super::{
    Admin, Beginning, Bus, Error, GroupOffset, Member, Position, Record, Sink, Source, Start,
    StoredOffset, TopicInfo, TopicSpec, Write,
};
use fedhost_base::observer::Observer;

/// Requests on their way to the task that takes writes in; further ones wait.
const QUEUE: usize = 64;
/// So many writes are read together at the most, if no more than a few megabytes.
const TOGETHER: usize = 512;

/// How to open a spool.
#[derive(Clone)]
pub struct Options {
    /// Each spool has a directory of its own in it.
    pub directory: PathBuf,
    /// So much may wait, in bytes of keys, values, headers and their lengths. A larger write goes
    /// alone through an empty spool. The files may be larger by up to about 200 MB, as room is
    /// given back in large pieces.
    pub max_bytes: u64,
    /// When a write is on the disk.
    pub fsync: Fsync,
    /// Whether its role may continue from the state that it has written here while the bus is away.
    /// Only for a role whose work no other process does: if another process has done it, the spool
    /// is fenced, and the waiting writes are moved to a file.
    pub alone: bool,
    /// Whether the bus is known to be away, so that no caller waits for its first answer.
    pub away: bool,
    /// Receives the reports.
    pub observer: Arc<dyn Observer>,
}

/// A bus behind a spool. Dropping it leaves what waits on the disk, and blocks for a moment:
/// [`Spooled::close`] it first.
pub struct Spooled {
    name: Arc<Name>,
    remote: Arc<dyn Bus>,
    local: Arc<Local>,
    requests: mpsc::Sender<Request>,
    status: Arc<watch::Sender<Status>>,
    alone: bool,
    topics: Arc<CurrentTopics>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What a spool is called.
struct Name {
    /// As its owner calls it.
    spool: String,
    /// As a part of the host that may be in trouble.
    part: String,
    /// Under which its checkpoint is kept.
    state: String,
    /// Where it lies.
    directory: String,
}

impl Name {
    fn labels(&self) -> [(&'static str, &str); 1] {
        [("spool", &self.spool)]
    }
}

impl Spooled {
    /// Opens or creates the spool `name` in front of `remote`. What an earlier process has left is
    /// carried over from the first verb on, or once the first reader has its place: a process that
    /// stands by must not disturb the one at work. The name is a file name, such as that of its
    /// role, and no other spool of the federation has it.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Unreadable`] or [`Error::Storage`] of the directory; `remote` is
    /// not waited for.
    pub async fn open(options: Options, remote: Arc<dyn Bus>, name: &str) -> Result<Self, Error> {
        let Options {
            directory,
            max_bytes,
            fsync,
            alone,
            away,
            observer,
        } = options;
        let directory = directory.join(name);
        let name = Arc::new(Name {
            spool: name.to_owned(),
            part: format!("spool of {name}"),
            state: DrainCheckpoint::state_name(name),
            directory: directory.display().to_string(),
        });
        let log = embedded::Options {
            fsync,
            ..log_options(directory, &name, &observer)
        };
        let local = Arc::new(Local::open(log).await?);
        let mut reader = Reader::new(&local, "drain");
        let contact = if away {
            Contact::Trouble
        } else {
            Contact::Unknown
        };
        let status = Status {
            contact,
            in_use: alone,
            ..left(&local, &mut reader, &name).await?
        };
        let status = Arc::new(watch::Sender::new(status));
        let home = local.home().await?;
        status.borrow().tell(&*observer, &name.labels());

        let (requests, queue) = mpsc::channel(QUEUE);
        let intake = Intake {
            name: Arc::clone(&name),
            requests: queue,
            local: Arc::clone(&local),
            status: Arc::clone(&status),
            observer: Arc::clone(&observer),
            trouble: Trouble::new(&format!("disk of the {}", name.part), &observer),
            generation: uuid::Uuid::new_v4().as_u128(),
            alone,
            max_bytes,
            positions: BTreeMap::new(),
        };
        let topics = Arc::new(CurrentTopics::default());
        let drain = Drain {
            topics: Arc::clone(&topics),
            local: Arc::clone(&local),
            reader,
            remote: Arc::clone(&remote),
            status: Arc::clone(&status),
            trouble: Trouble::new(&name.part, &observer),
            observer,
            name: Arc::clone(&name),
            alone,
            home,
            checkpoint: None,
            suspect: 0,
            kept: false,
            stored: BTreeMap::new(),
        };
        let task = tokio::spawn(async {
            tokio::join!(intake.run(), drain.run());
        });
        Ok(Self {
            name,
            remote,
            local,
            requests,
            status,
            alone,
            topics,
            task: Mutex::new(Some(task)),
        })
    }

    /// Takes nothing more, waits until everything has arrived, if it was in use, though no longer
    /// than `within`, and releases the directory. Returns how many writes stay there for the next
    /// start.
    pub async fn close(&self, within: Duration) -> u64 {
        self.status.send_modify(|status| status.closing = true);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut task) = task
            && tokio::time::timeout(within, &mut task).await.is_err()
        {
            status::end(&self.status, End::Closed);
            // It ends by itself now; a panic was reported by the panic hook.
            drop(task.await);
        }
        status::end(&self.status, End::Closed);
        let local = Arc::clone(&self.local);
        drop(local::off_the_workers(move || local.close()).await);
        self.status.borrow().writes()
    }

    /// A role's state as the bus has it, kept here for the time when that is away.
    async fn recall(&self, name: &str) -> Result<Option<Bytes>, Error> {
        // The checkpoint first: if another process continues meanwhile, the checkpoint differs.
        let checkpoint = self.remote.state(&self.name.state).await?;
        let value = self.remote.state(name).await?;
        self.local.adopt(name, value.clone(), checkpoint).await?;
        Ok(value)
    }

    /// Waits until the bus has answered, or is known not to.
    async fn is_away(&self) -> bool {
        let known =
            |status: &Status| status.contact != Contact::Unknown || status.refusal().is_some();
        status::until(&self.status, known).await.contact == Contact::Trouble
    }

    /// From now on what waits goes out.
    fn set_going(&self) {
        self.status
            .send_if_modified(|status| !std::mem::replace(&mut status.in_use, true));
    }

    /// Waits until everything accepted has arrived.
    ///
    /// # Errors
    /// [`Error::Lost`] or [`Error::Closed`]: it goes no further.
    pub async fn drained(&self) -> Result<(), Error> {
        self.set_going();
        let status = status::until(&self.status, |status| {
            status.is_empty() || status.refusal().is_some()
        })
        .await;
        status.refusal().map_or(Ok(()), Err)
    }

    /// How far the writes that an earlier process has left move the group, by topic and partition.
    async fn left_for(&self, group: &str) -> Result<BTreeMap<(Arc<str>, u32), u64>, Error> {
        let (from, to, in_use) = {
            let status = self.status.borrow();
            (status.drained.offset, status.accepted.offset, status.in_use)
        };
        let (mut at, mut left) = (if in_use { to } else { from }, BTreeMap::new());
        let mut reader = Reader::new(&self.local, "left");
        reader.seek(from);
        while at < to {
            // In use meanwhile, they go out and are deleted.
            let records = tokio::select! {
                _ = status::until(&self.status, |status| status.in_use) => break,
                records = reader.read(TOGETHER) => records?,
            };
            for record in records {
                let taken = Taken::read(&self.local.directory(), record)?;
                at = taken.offset + 1;
                let steps = taken
                    .entry
                    .moves
                    .into_iter()
                    .filter(|step| step.to.group == group && !self.topics.is_outdated(step));
                left.extend(steps.map(|step| ((step.to.topic, step.to.partition), step.to.next)));
            }
        }
        Ok(left)
    }

    /// Hands a request to the task that takes them.
    async fn request(&self, request: Request) -> Result<(), Error> {
        self.requests
            .send(request)
            .await
            .map_err(|_| self.refusal())
    }

    fn refusal(&self) -> Error {
        self.status.borrow().refusal().unwrap_or(Error::Closed)
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        status::end(&self.status, End::Closed);
        if let Some(task) = self
            .task
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            task.abort();
        }
        self.local.close();
    }
}

/// What an earlier process has left.
async fn left(local: &Local, reader: &mut Reader, name: &Name) -> Result<Status, Error> {
    let taken = |record| Taken::read(&name.directory, record);
    let (oldest, newest) = match local.newest().await? {
        Some(newest) => (
            reader.read(1).await?.pop().map(taken).transpose()?,
            Some(taken(newest)?),
        ),
        None => (None, None),
    };
    let (Some(oldest), Some(newest)) = (oldest, newest) else {
        let level = Level {
            offset: local.end().await?,
            sums: Sums::default(),
        };
        return Ok(Status {
            accepted: level,
            drained: level,
            ..Status::default()
        });
    };
    let before = Sums {
        records: oldest
            .stamp
            .sums
            .records
            .saturating_sub(oldest.entry.records.len() as u64),
        bytes: oldest.stamp.sums.bytes.saturating_sub(oldest.bytes),
    };
    Ok(Status {
        accepted: Level {
            offset: newest.offset + 1,
            sums: newest.stamp.sums,
        },
        drained: Level {
            offset: oldest.offset,
            sums: before,
        },
        oldest_ms: oldest.accepted_ms,
        ..Status::default()
    })
}

/// What the disk has damaged is announced, as everything in it was acknowledged.
fn log_options(
    directory: PathBuf,
    name: &Arc<Name>,
    observer: &Arc<dyn Observer>,
) -> embedded::Options {
    let (damaged, warned) = (
        (Arc::clone(name), Arc::clone(observer)),
        (Arc::clone(name), Arc::clone(observer)),
    );
    embedded::Options {
        on_damage: Arc::new(move |damage: Damage| {
            let (name, observer) = &damaged;
            observer.announce(Event::Bus(BusEvent::LogDamaged(Damage {
                topic: name.part.clone(),
                detail: format!("{} (in {})", damage.detail, name.directory),
                ..damage
            })));
        }),
        on_warning: Arc::new(move |detail| {
            let (name, observer) = &warned;
            observer.announce(Event::Run(RunEvent::Warned {
                part: name.part.clone(),
                detail,
            }));
        }),
        ..embedded::Options::new(directory)
    }
}

#[async_trait]
impl Sink for Spooled {
    /// Waits for room while too much waits, and for a full disk to get better. The answer is always
    /// empty.
    async fn write(&self, write: Write) -> Result<Vec<Position>, Error> {
        self.set_going();
        admission::check(&write, &*self.remote, &self.status).await?;
        let (reply, answer) = oneshot::channel();
        self.request(Request::Write(write, reply)).await?;
        answer.await.map_err(|_| self.refusal())??;
        Ok(Vec::new())
    }
}

#[async_trait]
impl Admin for Spooled {
    async fn create_topic(&self, spec: TopicSpec) -> Result<TopicInfo, Error> {
        self.remote.create_topic(spec).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>, Error> {
        self.drained().await?;
        self.remote.topics().await
    }

    async fn hides(&self, topic: &str) -> Result<bool, Error> {
        self.remote.hides(topic).await
    }

    async fn group_offsets(&self, group: &str) -> Result<Vec<GroupOffset>, Error> {
        self.drained().await?;
        self.remote.group_offsets(group).await
    }

    async fn newest(&self, topic: &str) -> Result<Vec<Record>, Error> {
        self.drained().await?;
        self.remote.newest(topic).await
    }

    async fn first_from(
        &self,
        topic: &str,
        partition: u32,
        from: u64,
    ) -> Result<Option<Record>, Error> {
        self.drained().await?;
        self.remote.first_from(topic, partition, from).await
    }

    async fn delete_records(&self, topic: &str, partition: u32, before: u64) -> Result<(), Error> {
        self.drained().await?;
        self.remote.delete_records(topic, partition, before).await
    }

    /// Where its role works alone and the bus is away, as it was written here last.
    async fn state(&self, name: &str) -> Result<Option<Bytes>, Error> {
        if self.alone && self.is_away().await {
            self.status.send_modify(|status| status.assumed = true);
            return self.local.state(name).await;
        }
        self.drained().await?;
        if self.alone {
            self.recall(name).await
        } else {
            self.remote.state(name).await
        }
    }

    fn record_bytes_max(&self, topic: &TopicSpec) -> u64 {
        self.remote.record_bytes_max(topic)
    }
}

#[async_trait]
impl Bus for Spooled {
    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Source>, Error> {
        let mut inner = self.remote.subscribe(group, topics, start).await?;
        let begun = inner.positions();
        let mut beginnings = inner.beginnings();
        self.topics.learn(&beginnings);
        // This reader takes the place of an earlier one: offsets of its writes come from nowhere
        // else.
        for ((topic, partition), next) in self.left_for(group).await? {
            if begun.contains_key(&(Arc::clone(&topic), partition)) {
                inner.seek(&topic, partition, next);
            }
        }
        self.drained().await?;
        // It began at the offsets that were stored before those writes arrived.
        let stored = self.remote.group_offsets(group).await?.into_iter();
        let stored: BTreeMap<_, _> = stored
            .map(|offset| ((offset.topic, offset.partition), offset.next))
            .collect();
        for (place, beginning) in &mut beginnings {
            if let Some(&next) = stored.get(place)
                && next > beginning.next
            {
                (beginning.next, beginning.stored) = (next, StoredOffset::Own);
            }
        }
        for (place, begun) in begun {
            let next = stored.get(&place).copied().unwrap_or(begun).max(begun);
            if inner.positions().get(&place) != Some(&next) {
                inner.seek(&place.0, place.1, next);
            }
        }
        let begin = |(place, next)| {
            let topic_id = beginnings
                .get(&place)
                .and_then(|beginning: &Beginning| beginning.topic_id.clone());
            let (topic, partition) = place;
            let offset = GroupOffset {
                group: group.to_owned(),
                topic,
                partition,
                next,
                epoch: None,
            };
            (offset, topic_id)
        };
        self.request(Request::Begin(
            inner.positions().into_iter().map(begin).collect(),
        ))
        .await?;
        Ok(Box::new(SpooledSource {
            inner,
            beginnings,
            status: self.status.subscribe(),
        }))
    }

    async fn join(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Member>, Error> {
        let inner = self.remote.join(group, topics, start).await?;
        // What an earlier process has left goes out now: members work side by side, so this one
        // disturbs no other.
        self.set_going();
        let status = self.status.subscribe();
        let member = SpooledMember::new(inner, status, self.requests.clone());
        Ok(Box::new(member))
    }
}
