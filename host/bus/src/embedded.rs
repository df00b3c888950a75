//! A durable log in a directory, for one process: the bus that needs no broker.
//!
//! One commit after another is appended to a segment file, with all that its [`Write`]s hold, and
//! counts as a whole or not at all (`entry`). An acknowledged write survives the death of the process
//! at any instant. What a disk has damaged is skipped and reported ([`OnDamage`]), never shown. A
//! partition is chosen from a key as Apache Kafka does it.
//!
//! A group has one reader of a topic that reads all partitions, or members that share them; all of
//! them are in this process.
//!
//! Of a topic's settings only `cleanup.policy` means something here: a topic that is `compact`
//! keeps all its records. They are not compacted, and neither age nor size lets any of them go,
//! which might be the newest of its key.

mod batch;
mod chain;
mod commit;
mod cursor;
mod damage;
pub mod doctor;
mod entry;
mod group;
mod index;
mod keys;
mod log;
mod member;
mod partition;
mod reading;
mod recovery;
mod retention;
mod segment;
mod source;
mod store;
mod topic;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use self::cursor::Cursor;
use self::damage::Damages;
pub use self::damage::{OnDamage, OnWarning};
use self::group::Groups;
use self::member::EmbeddedMember;
use self::reading::Gate;
use self::source::EmbeddedSource;
use self::store::Store;
use self::writer::{Command, Reply};
use super::{
    Admin, Bus, Error, GroupOffset, Member, Position, Record, Sink, Source, Start, TopicInfo,
    TopicSpec, Write,
};

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Handed to the operating system before it is acknowledged: survives the end of the process,
    /// `kill -9` included. When the machine loses power, writes that the system had not put on the
    /// disk yet (on Linux, those of the last half minute) may be gone, each as a whole.
    #[default]
    Never,
    /// On the disk (`fdatasync`) before it is acknowledged: survives the loss of power as well. One
    /// sync serves all writes that wait at the same time.
    Always,
}

/// The default of [`Options::drain`], as of `kafka.drain_ms`.
const DRAIN: Duration = Duration::from_secs(5);

/// How to open a log.
#[derive(Clone)]
pub struct Options {
    /// Created when it is not there.
    pub directory: PathBuf,
    /// When an acknowledged write is on the disk.
    pub fsync: Fsync,
    /// A file of the log takes no more records once it is this large. Opening a log after a kill
    /// reads about this much of it, and retention gives disk space back when a file is full.
    pub segment_bytes: u64,
    /// For a member of a group to finish what is under way when a partition goes to another one.
    pub drain: Duration,
    /// Called with every damaged stretch once, while opening or from the task that read there; must
    /// neither block nor use the log.
    pub on_damage: OnDamage,
    /// Called with trouble that costs nothing yet, such as disk space that cannot be given back;
    /// under the same conditions.
    pub on_warning: OnWarning,
}

impl Options {
    /// The defaults: no sync, and damage is not reported.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            fsync: Fsync::default(),
            segment_bytes: 16 << 20,
            drain: DRAIN,
            on_damage: Arc::new(|_| {}),
            on_warning: Arc::new(|_| {}),
        }
    }
}

/// An open log. Closed when dropped.
pub struct EmbeddedLog {
    directory: PathBuf,
    gate: Gate,
    groups: Arc<Groups>,
    commands: mpsc::Sender<Command>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedLog {
    /// Opens or creates the log. Reads the index of each segment and the newest segment; blocks
    /// meanwhile.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Unreadable`] or [`Error::Storage`].
    pub fn open(options: Options) -> Result<Self, Error> {
        let Options {
            directory,
            fsync,
            segment_bytes,
            drain,
            on_damage,
            on_warning,
        } = options;
        let damages = Damages::new(on_damage, on_warning);
        let store = Arc::new(Store::open(&directory, segment_bytes, fsync, damages)?);
        let groups = Arc::new(Groups::new(drain));
        let (commands, writer) = writer::start(Arc::clone(&store), Arc::clone(&groups))
            .map_err(|error| store.error("start its writer", error.to_string()))?;
        Ok(Self {
            directory,
            gate: Arc::new(RwLock::new(Some(store))),
            groups,
            commands,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Whether there is a log in `directory`, of whatever version.
    #[must_use]
    pub fn is_there(directory: &Path) -> bool {
        store::is_there(directory)
    }

    /// Where it lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Carries out what is queued, syncs it to the disk and releases the directory; blocks
    /// meanwhile. Every verb answers [`Error::Closed`] from then on, readers that wait included.
    pub fn close(&self) {
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // A full queue empties without the help of any task, so this ends.
            while let Err(mpsc::error::TrySendError::Full(_)) =
                self.commands.try_send(Command::Close)
            {
                std::thread::yield_now();
            }
            // A panic of the thread was reported by the panic hook; there is nothing left to save.
            drop(writer.join());
        }
        let store = self
            .gate
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(store) = store {
            store.topics().iter().for_each(|topic| topic.wake());
        }
        self.groups.wake();
    }

    /// Sends a command to the writer's thread, and waits for what came of it. A caller that stops
    /// waiting does not stop it.
    async fn command<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(command(reply))
            .await
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    fn with_store<T>(&self, read: impl FnOnce(&Store) -> Result<T, Error>) -> Result<T, Error> {
        read(
            self.gate
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()
                .ok_or(Error::Closed)?,
        )
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.close();
    }
}

#[async_trait]
impl Sink for EmbeddedLog {
    /// After [`Error::Storage`] the log takes no more writes until it is opened again, and only
    /// then is it settled whether this write is there: as a whole, or not at all.
    async fn write(&self, write: Write) -> Result<Vec<Position>, Error> {
        self.command(|reply| Command::Write(write, reply)).await
    }

    async fn check(&self, write: &Write) -> Result<(), Error> {
        self.with_store(|store| commit::places(store, write).map(drop))
    }
}

#[async_trait]
impl Admin for EmbeddedLog {
    async fn create_topic(&self, spec: TopicSpec) -> Result<TopicInfo, Error> {
        self.command(|reply| Command::CreateTopic(spec, reply))
            .await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>, Error> {
        self.with_store(|store| Ok(store.topics().iter().map(|topic| topic.info()).collect()))
    }

    async fn group_offsets(&self, group: &str) -> Result<Vec<GroupOffset>, Error> {
        self.with_store(|store| store.group_offsets(group))
    }

    async fn newest(&self, topic: &str) -> Result<Vec<Record>, Error> {
        self.with_store(|store| {
            Ok(store
                .topic(topic)?
                .partitions
                .iter()
                .filter_map(|p| p.newest())
                .collect())
        })
    }

    async fn first_from(
        &self,
        topic: &str,
        partition: u32,
        from: u64,
    ) -> Result<Option<Record>, Error> {
        self.with_store(|store| {
            let topic = store.topic(topic)?;
            let mut records = Vec::new();
            Cursor::new(topic.partition(partition)?, from).take(1, &mut records, &store.damages);
            Ok(records.pop())
        })
    }

    async fn delete_records(&self, topic: &str, partition: u32, before: u64) -> Result<(), Error> {
        self.command(|reply| Command::DeleteRecords(topic.to_owned(), partition, before, reply))
            .await
    }

    async fn state(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.with_store(|store| store.state(name))
    }
}

#[async_trait]
impl Bus for EmbeddedLog {
    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Source>, Error> {
        let source = EmbeddedSource::subscribe(&self.gate, &self.groups, group, topics, start)?;
        Ok(Box::new(source))
    }

    async fn join(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Member>, Error> {
        let member = EmbeddedMember::join(
            &self.gate,
            &self.groups,
            &self.commands,
            group,
            topics,
            start,
        )?;
        Ok(Box::new(member))
    }
}
