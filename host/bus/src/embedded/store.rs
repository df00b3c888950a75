//! The key-value store under the log: the only place that knows how fjall is opened, laid out and
//! asked.
//!
//! A keyspace `TOPIC-PARTITION` holds a partition's batches under their numbers: appended, never
//! merged. The keyspace `meta` holds everything small, under a letter: `f`ormat, `t`opics,
//! `p`artition tails, `g`roup offsets, `s`tate.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use fjall::compaction::Fifo;
use fjall::config::FilterPolicy;
use fjall::{
    AbstractTree, CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode,
};

use super::damage::Damages;
use super::partition::{Partition, Tail};
use super::topic::Topic;
use super::{journal, keys, manifest};
use crate::{Error, GroupOffset, Position, TopicSpec};

const FORMAT: &[u8] = b"1";
/// Bounds both the room that journals take and the time to replay them.
const JOURNALS_BYTES_MAX: u64 = 128 << 20;
const UNREADABLE_HINT: &str = "unless space or permission is missing, restore it from a copy, or move it away to start with an empty one";
/// Full write buffers of a keyspace on their way to a table; at 4, fjall waits.
const FULL_BUFFERS_MAX: usize = 2;

/// An open store and what it holds in memory: the topics and how far their partitions reach.
pub(super) struct Store {
    directory: String,
    /// Size of a keyspace's write buffer, and about that of the pieces in which retention gives
    /// room back.
    pub(super) buffer_bytes: u64,
    pub(super) damages: Damages,
    topics: RwLock<BTreeMap<Arc<str>, Arc<Topic>>>,
    pub(super) meta: Keyspace,
    pub(super) database: Database,
    /// Released last.
    _lock: File,
}

impl Store {
    /// Opens or creates the store in `directory`.
    pub(super) fn open(
        directory: &Path,
        buffer_bytes: u64,
        damages: Damages,
    ) -> Result<Self, Error> {
        let name = directory.display().to_string();
        let unreadable = |reason: String| {
            let (directory, hint) = (name.clone(), UNREADABLE_HINT.to_owned());
            Error::Unreadable {
                directory,
                reason,
                hint,
            }
        };
        let storage = |action: &str, reason: String| {
            let (directory, action) = (name.clone(), action.to_owned());
            Error::Storage {
                directory,
                action,
                reason,
            }
        };
        fs::create_dir_all(directory).map_err(|error| storage("be created", error.to_string()))?;
        let lock = lock(directory).map_err(|error| storage("be locked", error.to_string()))?;
        let lock = lock.ok_or_else(|| Error::InUse {
            directory: name.clone(),
        })?;

        let path = directory.join("store");
        if !path.exists() {
            create(directory, &path).map_err(|reason| storage("be created", reason))?;
        }
        manifest::check(&path).map_err(unreadable)?;
        let cuts =
            journal::mend(&path).map_err(|error| unreadable(format!("its journal: {error}")))?;
        let database = guarded(|| configured(&path)).map_err(unreadable)?;
        let meta = guarded(|| database.keyspace("meta", buffered)).map_err(unreadable)?;

        let topics = RwLock::default();
        let store = Self {
            directory: name.clone(),
            buffer_bytes,
            damages,
            topics,
            meta,
            database,
            _lock: lock,
        };
        store.load().map_err(unreadable)?;
        cuts.iter().for_each(|cut| store.damages.announce_cut(cut));
        if !cuts.is_empty() {
            store.announce_gaps();
        }
        Ok(store)
    }

    /// As errors name it.
    pub(super) fn name(&self) -> String {
        format!("the log in {}", self.directory)
    }

    pub(super) fn error(&self, action: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Storage {
            directory: self.directory.clone(),
            action: action.into(),
            reason: reason.into(),
        }
    }

    /// Has the keyspace's write buffer moved to a table when it is full, and waits while too many
    /// are on their way.
    pub(super) fn relieve(&self, keyspace: &Keyspace) {
        if keyspace.tree.active_memtable().size() < self.buffer_bytes {
            return;
        }
        // fjall itself waits too, further on and in the middle of a commit, but forever when the
        // disk has failed.
        let alive = || self.database.persist(PersistMode::Buffer).is_ok();
        while keyspace.tree.sealed_memtable_count() >= FULL_BUFFERS_MAX && alive() {
            thread::sleep(Duration::from_millis(1));
        }
        if let Err(reason) = guarded(|| keyspace.rotate_memtable()) {
            self.damages.warn(format!(
                "the write buffer of {} cannot be emptied: {reason}",
                self.directory
            ));
        }
    }

    /// Why the records at `positions`, or the offsets and state of a write without any, were not
    /// written.
    pub(super) fn write_error(&self, positions: &[Position], reason: &str) -> Error {
        let action = match positions.first() {
            Some(first) if positions.len() == 1 => format!("write 1 record to {:?}", first.topic),
            Some(first) => format!(
                "write {} records, the first to {:?}",
                positions.len(),
                first.topic
            ),
            None => "write group offsets and state".to_owned(),
        };
        self.error(action, reason.to_owned())
    }

    /// # Errors
    /// Nobody created it.
    pub(super) fn topic(&self, name: &str) -> Result<Arc<Topic>, Error> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics
            .get(name)
            .map(Arc::clone)
            .ok_or_else(|| Error::UnknownTopic {
                topic: name.to_owned(),
            })
    }

    /// By name.
    pub(super) fn topics(&self) -> Vec<Arc<Topic>> {
        self.topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(Arc::clone)
            .collect()
    }

    /// Makes a topic durable, then known.
    pub(super) fn create_topic(&self, spec: TopicSpec) -> Result<Arc<Topic>, Error> {
        let action = || format!("create topic {:?}", spec.name);
        let stored =
            keys::encode_spec(&spec).map_err(|error| self.error(action(), error.to_string()))?;
        let topic = self
            .build(spec.clone(), &BTreeMap::new())
            .map_err(|reason| self.error(action(), reason))?;
        guarded(|| {
            self.meta.insert(keys::topic(&spec.name), stored)?;
            self.database.persist(PersistMode::SyncAll)
        })
        .map_err(|reason| self.error(action(), reason))?;
        let topic = Arc::new(topic);
        self.insert(&topic);
        Ok(topic)
    }

    fn insert(&self, topic: &Arc<Topic>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(Arc::clone(&topic.name), Arc::clone(topic));
    }

    /// Reads all of `meta`, also so that damage in it is found now and not by a later compaction.
    fn load(&self) -> Result<(), String> {
        let (mut specs, mut tails) = (Vec::new(), BTreeMap::new());
        let mut entries = self.meta.iter();
        let mut fresh = true;
        while let Some(guard) = guarded(|| Ok(entries.next()))? {
            let (key, value) = guarded(|| guard.into_inner())?;
            fresh = false;
            match key.split_first() {
                Some((&keys::FORMAT, _)) if *value != *FORMAT => {
                    return Err(format!(
                        "its format {:?} is not known to this version",
                        value.escape_ascii().to_string()
                    ));
                }
                Some((&keys::TOPIC, _)) => {
                    specs.push(keys::decode_spec(&value).map_err(|error| error.to_string())?)
                }
                Some((&keys::TAIL, partition)) => {
                    tails.insert(partition.to_vec(), Tail::decode(&value));
                }
                _ => {}
            }
        }
        if fresh {
            guarded(|| self.meta.insert([keys::FORMAT], FORMAT))?;
        }
        for spec in specs {
            self.insert(&Arc::new(self.build(spec, &tails)?));
        }
        Ok(())
    }

    /// Opens or creates a topic's partitions; a tail that is not in `tails` is looked up.
    fn build(
        &self,
        spec: TopicSpec,
        tails: &BTreeMap<Vec<u8>, Option<Tail>>,
    ) -> Result<Topic, String> {
        let name: Arc<str> = spec.name.as_str().into();
        let partition = |index| {
            let keyspace = guarded(|| {
                self.database
                    .keyspace(&keys::keyspace(&name, index), appended)
            })?;
            let key = keys::tail(&name, index);
            let stored = match key
                .split_first()
                .and_then(|(_, partition)| tails.get(partition))
            {
                Some(tail) => *tail,
                None => guarded(|| self.meta.get(&key))?.and_then(|value| Tail::decode(&value)),
            };
            let tail = stored.map_or_else(|| Tail::from_batches(&keyspace), Ok)?;
            Ok(Arc::new(Partition::new(
                Arc::clone(&name),
                index,
                keyspace,
                tail,
            )))
        };
        let partitions = (0..spec.partitions)
            .map(partition)
            .collect::<Result<_, String>>()?;
        Ok(Topic::new(spec, partitions))
    }

    /// Damage is mostly told to the one who reads there; after a mended journal nobody may ever
    /// read there again.
    pub(super) fn announce_gaps(&self) {
        for partition in self.topics().iter().flat_map(|topic| &topic.partitions) {
            let tail = partition.tail();
            let mut expected = tail.oldest;
            for (number, head) in tail
                .numbers()
                .filter_map(|number| partition.first_readable(number..number + 1))
            {
                if head.base > expected {
                    let detail = format!("no sound batch before number {number}");
                    self.damages
                        .announce(partition, expected..head.base, detail);
                }
                expected = head.end();
            }
            if expected < tail.next {
                self.damages.announce(
                    partition,
                    expected..tail.next,
                    "no sound batch at the end".to_owned(),
                );
            }
        }
    }

    pub(super) fn group_offsets(&self, group: &str) -> Result<Vec<GroupOffset>, Error> {
        let read = || {
            let mut offsets = Vec::new();
            let mut entries = self.meta.prefix(keys::group(group));
            while let Some(guard) = guarded(|| Ok(entries.next()))? {
                let (key, value) = guarded(|| guard.into_inner())?;
                offsets.extend(keys::decode_group_offset(group, &key, &value));
            }
            Ok(offsets)
        };
        read().map_err(|reason: String| {
            self.error(format!("read the offsets of group {group:?}"), reason)
        })
    }

    pub(super) fn state(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let value = guarded(|| self.meta.get(keys::state(name)));
        let value = value.map_err(|reason| self.error(format!("read state {name:?}"), reason))?;
        Ok(value.map(Bytes::from_owner))
    }
}

/// The lock is the system's: it goes with the process, however that ends. `None` when another one
/// has it.
fn lock(directory: &Path) -> std::io::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Creates the store under another name first: a kill half-way must not leave something that can
/// neither be opened nor created.
fn create(directory: &Path, path: &Path) -> Result<(), String> {
    let draft = directory.join("store.new");
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(|error| error.to_string())?;
    }
    drop(guarded(|| configured(&draft))?);
    fs::rename(&draft, path)
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(|error| error.to_string())
}

fn configured(path: &Path) -> fjall::Result<Database> {
    Database::builder(path)
        .max_journaling_size(JOURNALS_BYTES_MAX)
        // The store checks a journal by compressing it again: a newer compressor would find every
        // frame damaged.
        .journal_compression(CompressionType::None)
        .open()
}

/// With a write buffer that [`Store::relieve`] looks after. Left to itself, fjall 3.1 asks its
/// workers with every write to a full buffer; they then wait for room in their own full queue
/// forever, and the buffer grows without end (<https://github.com/fjall-rs/fjall/issues/260>).
fn buffered() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(u64::MAX)
}

/// Batches are only ever appended: nothing is merged, so no old block is read in the background,
/// where finding one damaged would stop the whole store. Tables never overlap, so there is nothing
/// to filter.
fn appended() -> KeyspaceCreateOptions {
    buffered()
        .compaction_strategy(Arc::new(Fifo::new(u64::MAX, None)))
        .filter_policy(FilterPolicy::disabled())
}

/// Runs a call into the store. Some damaged files make it panic; that must not reach the tasks that
/// read and write.
pub(super) fn guarded<T>(call: impl FnOnce() -> fjall::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fjall::Error::Io(error))) => Err(error.to_string()),
        Ok(Err(fjall::Error::Poisoned)) => {
            Err("an earlier write failed, and the store takes no more".to_owned())
        }
        Ok(Err(error)) => Err(format!("the store says {error:?}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown reason");
            Err(format!("the store gave up: {text}"))
        }
    }
}
