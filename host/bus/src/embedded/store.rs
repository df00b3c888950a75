//! The open log: its topics, its small values, and the way in for the one writer.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;

use super::chain::{Chain, Place};
use super::damage::Damages;
use super::entry::Values;
use super::log::{Draft, Log};
use super::partition::{Partition, Tail};
use super::recovery::{Recovered, recover};
use super::segment::Files;
use super::topic::Topic;
use super::{Fsync, keys};
use crate::{Error, GroupOffset, Position, TopicSpec};

/// Where the segments lie.
const SEGMENTS: &str = "segments";
/// Where earlier versions of this program kept the log, in another form.
const STORE: &str = "store";
const UNREADABLE_HINT: &str = "unless space or permission is missing, restore it from a copy, or move it away to start with an empty one";
const EARLIER_HINT: &str = "name another `bus.directory` or move this one away to start with an empty log; the version of fedhost that wrote it can still read it";

/// An open log and what it holds in memory: the topics, how far their partitions reach, and all
/// small values.
pub(super) struct Store {
    directory: String,
    pub(super) damages: Damages,
    fsync: Fsync,
    topics: RwLock<BTreeMap<Arc<str>, Arc<Topic>>>,
    values: RwLock<Values>,
    files: Arc<Files>,
    log: Mutex<Log>,
    /// Released last.
    _lock: File,
}

impl Store {
    /// Opens or creates the log in `directory`.
    pub(super) fn open(
        directory: &Path,
        segment_bytes: u64,
        fsync: Fsync,
        damages: Damages,
    ) -> Result<Self, Error> {
        let name = directory.display().to_string();
        let storage = |action: &str, error: std::io::Error| Error::Storage {
            directory: name.clone(),
            action: action.to_owned(),
            reason: error.to_string(),
        };
        fs::create_dir_all(directory).map_err(|error| storage("be created", error))?;
        let lock = lock(directory).map_err(|error| storage("be locked", error))?;
        let lock = lock.ok_or_else(|| Error::InUse {
            directory: name.clone(),
        })?;
        let files = files(directory)?;
        create(directory, &files).map_err(|error| storage("be created", error))?;
        let recovered = recover(&files).map_err(|reason| unreadable(directory, reason))?;
        files.clear().map_err(|error| storage("be opened", error))?;
        let action = match recovered.newest {
            Some(_) => "be opened",
            None => "be created",
        };
        let log = Log::open(
            &files,
            &recovered,
            fsync,
            segment_bytes,
            damages.on_warning(),
        )
        .map_err(|error| storage(action, error))?;
        let topics = topics(&files, &recovered).map_err(|reason| unreadable(directory, reason))?;
        let store = Self {
            directory: name.clone(),
            damages,
            fsync,
            topics: RwLock::default(),
            values: RwLock::new(recovered.values),
            files,
            log: Mutex::new(log),
            _lock: lock,
        };
        topics.iter().for_each(|topic| store.insert(topic));
        let warnings = recovered.warnings.into_iter();
        warnings.for_each(|warning| store.damages.warn(warning));
        recovered
            .cuts
            .iter()
            .for_each(|cut| store.damages.announce_cut(cut));
        if !recovered.cuts.is_empty() {
            store.damages.announce_gaps(&topics);
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

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a commit. Only the writer's thread may, one at a time.
    pub(super) fn begin(&self) -> Draft {
        self.log().begin()
    }

    /// Makes a commit durable, then its values known; its batches are known once their partitions'
    /// tails are published.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn commit(&self, draft: Draft) -> Result<(), String> {
        self.commit_as(draft, self.fsync)
    }

    fn commit_as(&self, draft: Draft, fsync: Fsync) -> Result<(), String> {
        let puts = self.log().append(draft, fsync)?;
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in puts {
            match value {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
        Ok(())
    }

    /// Begins a new segment when the newest is full, and gives back what retention has left.
    pub(super) fn tidy(&self) {
        if self.log().is_full() {
            let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
            self.log().go_on(&values);
            drop(values);
            self.reclaim();
        }
    }

    /// Gives back the room of batches that no partition holds any more. The newest batch of each is
    /// kept: it shows the next offset, should the stored one be damaged.
    pub(super) fn reclaim(&self) {
        let mut oldest = BTreeMap::new();
        for topic in self.topics() {
            for partition in &topic.partitions {
                let tail = partition.tail();
                let place = (Arc::clone(&topic.name), partition.index);
                oldest.insert(place, tail.first.min(tail.end.saturating_sub(1)));
            }
        }
        self.log().reclaim(&oldest);
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
    /// The topic does not exist.
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
        let mut draft = self.begin();
        draft.put(keys::topic(&spec.name), Some(stored.into()));
        self.commit_as(draft, Fsync::Always)
            .map_err(|reason| self.error(action(), reason))?;
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let chain = |topic: &Arc<str>, partition| self.log().chain(topic, partition);
        let topic = Arc::new(build(&self.files, spec, &values, chain));
        drop(values);
        self.insert(&topic);
        self.tidy();
        Ok(topic)
    }

    fn insert(&self, topic: &Arc<Topic>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(Arc::clone(&topic.name), Arc::clone(topic));
    }

    pub(super) fn group_offsets(&self, group: &str) -> Result<Vec<GroupOffset>, Error> {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let prefix = keys::group(group);
        Ok(values
            .range(prefix.clone()..)
            .take_while(|(key, _)| key.starts_with(&prefix))
            .filter_map(|(key, value)| keys::decode_group_offset(group, key, value))
            .collect())
    }

    pub(super) fn state(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        Ok(values.get(&keys::state(name)).cloned())
    }
}

/// Whether there is a log in `directory`, of whatever version.
pub(super) fn is_there(directory: &Path) -> bool {
    directory.join(SEGMENTS).exists() || directory.join(STORE).exists()
}

/// The segment files in `directory`.
///
/// # Errors
/// An earlier version made the log.
pub(super) fn files(directory: &Path) -> Result<Arc<Files>, Error> {
    let store = directory.join(STORE);
    if store.exists() {
        return Err(Error::Unreadable {
            directory: directory.display().to_string(),
            reason: format!(
                "{} was written by an earlier version, in a form that this one does not read",
                store.display()
            ),
            hint: EARLIER_HINT.to_owned(),
        });
    }
    Ok(Arc::new(Files::new(directory.join(SEGMENTS))))
}

/// Why the log in `directory` cannot be opened.
pub(super) fn unreadable(directory: &Path, reason: String) -> Error {
    Error::Unreadable {
        directory: directory.display().to_string(),
        reason,
        hint: UNREADABLE_HINT.to_owned(),
    }
}

/// The topics of a log as it was recovered.
///
/// # Errors
/// A specification cannot be read.
pub(super) fn topics(files: &Arc<Files>, recovered: &Recovered) -> Result<Vec<Arc<Topic>>, String> {
    let mut topics = Vec::new();
    for (key, value) in &recovered.values {
        if key.first() == Some(&keys::TOPIC) {
            let spec = keys::decode_spec(value).map_err(|error| error.to_string())?;
            let chain = |topic: &Arc<str>, partition| {
                let place: Place = (Arc::clone(topic), partition);
                recovered.chains.get(&place).cloned().unwrap_or_default()
            };
            topics.push(Arc::new(build(files, spec, &recovered.values, chain)));
        }
    }
    Ok(topics)
}

fn build(
    files: &Arc<Files>,
    spec: TopicSpec,
    values: &Values,
    chain: impl Fn(&Arc<str>, u32) -> Arc<Chain>,
) -> Topic {
    let name: Arc<str> = spec.name.as_str().into();
    let partition = |index| {
        let tail = values
            .get(&keys::tail(&name, index))
            .and_then(|tail| Tail::decode(tail));
        let chain = chain(&name, index);
        Arc::new(Partition::new(
            Arc::clone(&name),
            index,
            Arc::clone(files),
            chain,
            tail,
        ))
    };
    let partitions = (0..spec.partitions).map(partition).collect();
    Topic::new(spec, partitions)
}

/// Makes the directory of the segments.
fn create(directory: &Path, files: &Files) -> std::io::Result<()> {
    if files.directory().exists() {
        return Ok(());
    }
    fs::create_dir(files.directory())?;
    File::open(directory)?.sync_all()
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
