//! The spool's log on this machine's disk. After a failed write it has to be opened again, under
//! the feet of its reader.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::drain_checkpoint::DrainCheckpoint;
use super::entry::Stamp;
use crate::embedded::{EmbeddedLog, Options};
use crate::{Admin, Bus, Error, NewRecord, Record, Sink, Source, Start, TopicSpec, Write};

/// The log's only topic.
const TOPIC: &str = "writes";
/// State of the log itself: who it is, and from whose work it went on.
const HOME: &str = "spool/home";
const BASE: &str = "spool/base";

pub(super) struct Local {
    options: Options,
    log: watch::Sender<Arc<EmbeddedLog>>,
}

impl Local {
    pub(super) async fn open(options: Options) -> Result<Self, Error> {
        let log = open(options.clone()).await?;
        Ok(Self {
            options,
            log: watch::Sender::new(log),
        })
    }

    /// Where it lies.
    pub(super) fn directory(&self) -> String {
        self.options.directory.display().to_string()
    }

    fn log(&self) -> Arc<EmbeddedLog> {
        Arc::clone(&self.log.borrow())
    }

    /// Appends one write, and says where it lies; `state` is kept with it.
    pub(super) async fn append(
        &self,
        key: &Stamp,
        value: &Bytes,
        state: &[(String, Option<Bytes>)],
        timestamp_ms: u64,
    ) -> Result<u64, Error> {
        let record = NewRecord {
            topic: TOPIC.into(),
            partition: Some(0),
            timestamp_ms,
            key: Some(key.encode()),
            value: value.clone(),
            headers: Vec::new(),
        };
        let positions = self
            .log()
            .write(Write {
                records: vec![record],
                offsets: Vec::new(),
                state: state.to_vec(),
            })
            .await?;
        positions
            .first()
            .map(|position| position.offset)
            .ok_or(Error::Closed)
    }

    /// Opens the log again, which settles what was written; waits until the directory is free.
    pub(super) async fn reopen(&self) -> Result<(), Error> {
        let old = self.log();
        off_the_workers(move || old.close()).await?;
        self.log.send_replace(open(self.options.clone()).await?);
        Ok(())
    }

    /// The newest write that can be read.
    pub(super) async fn newest(&self) -> Result<Option<Record>, Error> {
        Ok(self.log().newest(TOPIC).await?.pop())
    }

    /// What was kept with the writes.
    pub(super) async fn state(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.log().state(name).await
    }

    /// Identity of this log: the same for ever, and no other log's.
    pub(super) async fn home(&self) -> Result<u128, Error> {
        let known = self
            .state(HOME)
            .await?
            .and_then(|home| Some(u128::from_le_bytes((&*home).try_into().ok()?)));
        if let Some(home) = known {
            return Ok(home);
        }
        let home = uuid::Uuid::new_v4().as_u128();
        let state = vec![(
            HOME.to_owned(),
            Some(Bytes::copy_from_slice(&home.to_le_bytes())),
        )];
        self.log()
            .write(Write {
                state,
                ..Write::default()
            })
            .await?;
        Ok(home)
    }

    /// How far the work of another log had come when this one went on from it.
    pub(super) async fn base(&self) -> Result<Option<DrainCheckpoint>, Error> {
        Ok(self
            .state(BASE)
            .await?
            .as_deref()
            .and_then(DrainCheckpoint::decode))
    }

    /// Keeps a state as the bus has it, and the checkpoint that it had when that was written.
    pub(super) async fn adopt(
        &self,
        name: &str,
        value: Option<Bytes>,
        checkpoint: Option<Bytes>,
    ) -> Result<(), Error> {
        let state = vec![(name.to_owned(), value), (BASE.to_owned(), checkpoint)];
        self.log()
            .write(Write {
                state,
                ..Write::default()
            })
            .await
            .map(drop)
    }

    /// Where the next write comes to lie.
    pub(super) async fn end(&self) -> Result<u64, Error> {
        let topics = self.log().topics().await?;
        Ok(topics
            .iter()
            .flat_map(|topic| &topic.offsets)
            .map(|offsets| offsets.end)
            .max()
            .unwrap_or_default())
    }

    /// Gives the room of all writes below offset `before` back.
    pub(super) async fn forget(&self, before: u64) -> Result<(), Error> {
        self.log().delete_records(TOPIC, 0, before).await
    }

    /// Blocks while the log is synced to the disk.
    pub(super) fn close(&self) {
        self.log().close();
    }
}

async fn open(options: Options) -> Result<Arc<EmbeddedLog>, Error> {
    let log = off_the_workers(move || EmbeddedLog::open(options)).await??;
    let name = TOPIC.to_owned();
    log.create_topic(TopicSpec {
        name,
        partitions: 1,
        max_message_bytes: u64::MAX,
        ..TopicSpec::default()
    })
    .await?;
    Ok(Arc::new(log))
}

/// A task is only ever given up with the whole runtime.
pub(super) async fn off_the_workers<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Closed)
}

/// Reads the writes in order.
pub(super) struct Reader {
    /// Stores no offsets, as what was read is deleted.
    group: &'static str,
    logs: watch::Receiver<Arc<EmbeddedLog>>,
    source: Option<Box<dyn Source>>,
    next: u64,
}

impl Reader {
    /// Begins at the oldest write. No other reader has the name.
    pub(super) fn new(local: &Local, name: &'static str) -> Self {
        Self {
            group: name,
            logs: local.log.subscribe(),
            source: None,
            next: 0,
        }
    }

    /// The offset of the next write to be read, or one before it.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Goes on from offset `next`, or from the oldest after it.
    pub(super) fn seek(&mut self, next: u64) {
        self.next = next;
        if let Some(source) = &mut self.source {
            source.seek(TOPIC, 0, next);
        }
    }

    /// Waits for at least one write, and returns at most `max`, and no more than fits in a few
    /// megabytes.
    pub(super) async fn read(&mut self, max: usize) -> Result<Vec<Record>, Error> {
        loop {
            match self.try_read(max).await {
                Ok(records) => {
                    self.next = records
                        .last()
                        .map_or(self.next, |record| record.position.offset + 1);
                    return Ok(records);
                }
                // The log was closed to be opened again.
                Err(Error::Closed) => {
                    self.source = None;
                    self.logs.changed().await.map_err(|_| Error::Closed)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_read(&mut self, max: usize) -> Result<Vec<Record>, Error> {
        let source = match &mut self.source {
            Some(source) => source,
            empty => {
                let log = Arc::clone(&self.logs.borrow_and_update());
                let source =
                    empty.insert(log.subscribe(self.group, &[TOPIC], Start::Earliest).await?);
                source.seek(TOPIC, 0, self.next);
                source
            }
        };
        source.read(max).await
    }
}
