//! A bus that fails on command, an observer, and a spool between them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fedhost_base::event::Event;
use fedhost_base::metric::{Count, Gauge};
use fedhost_base::observer::{Labels, Observer};
use fedhost_bus::embedded::{EmbeddedLog, Fsync, Options};
use fedhost_bus::spool::{self, Spooled};
use fedhost_bus::{
    Admin, Bus, Error, GroupOffset, Member, NewRecord, Position, Record, Sink, Source, Start,
    TopicInfo, TopicSpec, Write,
};
use tempfile::TempDir;
use tokio::sync::{Mutex, watch};

/// Every spool in these tests is called so, and every topic.
pub(crate) const NAME: &str = "fog-node-1";
pub(crate) const TOPIC: &str = "t";
/// Tells a child process which directory to work in.
pub(crate) const CHILD_DIRECTORY: &str = "FEDHOST_TEST_SPOOL";

/// How the bus behind the spool behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Cannot be reached.
    Away,
    /// Carries a write out, once, and then is away without an answer.
    CutOff,
    /// Carries writes out and never says so.
    Silent,
    /// Takes no write with a record `bad` in it.
    Strict,
    /// A record `bad` has become too large for it.
    Narrow,
    /// Its writer has been replaced by another.
    Fenced,
}

/// A real bus that fails on command.
pub(crate) struct Remote {
    pub(crate) log: Arc<EmbeddedLog>,
    pub(crate) mood: watch::Sender<Mood>,
    /// Held by a write until it is carried out, even when no caller waits for it any more. As on a
    /// cluster, the next writer continues behind it.
    turn: Arc<Mutex<()>>,
    _directory: Option<TempDir>,
}

impl Remote {
    pub(crate) async fn new() -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        let remote = Self::at(directory.path()).await;
        Arc::new(Self {
            _directory: Some(directory),
            ..remote
        })
    }

    pub(crate) async fn at(directory: &Path) -> Self {
        // Nothing is taken from a member of a group before it releases it.
        let options = Options {
            drain: Duration::from_secs(60),
            ..Options::new(directory)
        };
        let log = EmbeddedLog::open(options).unwrap();
        let spec = TopicSpec {
            name: TOPIC.into(),
            partitions: 2,
            max_message_bytes: 1 << 20,
            ..TopicSpec::default()
        };
        log.create_topic(spec).await.unwrap();
        Self {
            log: Arc::new(log),
            mood: watch::Sender::new(Mood::Well),
            turn: Arc::default(),
            _directory: None,
        }
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    fn answer(&self, action: &str) -> Result<(), Error> {
        match *self.mood.borrow() {
            Mood::Away => Err(self.unreachable(action)),
            _ => Ok(()),
        }
    }

    fn unreachable(&self, action: &str) -> Error {
        let (bus, reason, hint) = ("the test's bus".into(), "it is away".into(), "wait".into());
        Error::Unreachable {
            bus,
            action: action.into(),
            reason,
            hint,
        }
    }

    async fn carry_out(&self, write: Write) -> Result<Vec<Position>, Error> {
        let (log, turn) = (
            Arc::clone(&self.log),
            Arc::clone(&self.turn).lock_owned().await,
        );
        let carried_out = tokio::spawn(async move {
            let _turn = turn;
            log.write(write).await
        });
        carried_out.await.unwrap()
    }

    /// What has arrived in partition 0, in order.
    pub(crate) async fn arrived(&self) -> Vec<String> {
        let end = self.log.topics().await.unwrap()[0].offsets[0].end;
        let mut source = self
            .log
            .subscribe("look", &[TOPIC], Start::Earliest)
            .await
            .unwrap();
        let mut records = Vec::new();
        while source.positions()[&(TOPIC.into(), 0)] < end {
            records.extend(source.read(1_000).await.unwrap());
        }
        records.retain(|record: &Record| record.position.partition == 0);
        records
            .iter()
            .map(|record| text(record).to_owned())
            .collect()
    }

    /// Waits until this number of records has arrived.
    pub(crate) async fn arrives(&self, count: u64) {
        let mut source = self
            .log
            .subscribe("wait", &[TOPIC], Start::Earliest)
            .await
            .unwrap();
        while source.positions().values().sum::<u64>() < count {
            source.read(1_000).await.unwrap();
        }
    }
}

#[async_trait]
impl Sink for Remote {
    async fn write(&self, write: Write) -> Result<Vec<Position>, Error> {
        self.answer("write")?;
        let mood = *self.mood.borrow();
        match mood {
            Mood::CutOff => {
                self.carry_out(write).await?;
                self.is(Mood::Away);
                Err(self.unreachable("write"))
            }
            Mood::Silent => {
                self.carry_out(write).await?;
                std::future::pending().await
            }
            Mood::Strict | Mood::Narrow if is_bad(&write) => {
                let (bus, reason, hint) = (
                    "the test's bus".into(),
                    "it is bad".into(),
                    "repair it".into(),
                );
                Err(Error::Refused {
                    bus,
                    action: "write".into(),
                    reason,
                    hint,
                })
            }
            Mood::Fenced => Err(Error::Lost {
                what: "the writer".into(),
                reason: "another took over".into(),
            }),
            _ => self.carry_out(write).await,
        }
    }

    async fn check(&self, write: &Write) -> Result<(), Error> {
        if *self.mood.borrow() == Mood::Narrow && is_bad(write) {
            return Err(Error::TooLarge {
                topic: TOPIC.into(),
                bytes: 3,
                limit: 2,
            });
        }
        self.log.check(write).await
    }
}

fn is_bad(write: &Write) -> bool {
    write.records.iter().any(|record| &*record.value == b"bad")
}

#[async_trait]
impl Admin for Remote {
    async fn create_topic(&self, spec: TopicSpec) -> Result<TopicInfo, Error> {
        self.answer("create a topic")?;
        self.log.create_topic(spec).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>, Error> {
        self.answer("list topics")?;
        self.log.topics().await
    }

    async fn group_offsets(&self, group: &str) -> Result<Vec<GroupOffset>, Error> {
        self.answer("read offsets")?;
        self.log.group_offsets(group).await
    }

    async fn newest(&self, topic: &str) -> Result<Vec<Record>, Error> {
        self.answer("read")?;
        self.log.newest(topic).await
    }

    async fn first_from(
        &self,
        topic: &str,
        partition: u32,
        from: u64,
    ) -> Result<Option<Record>, Error> {
        self.answer("read")?;
        self.log.first_from(topic, partition, from).await
    }

    async fn delete_records(&self, topic: &str, partition: u32, before: u64) -> Result<(), Error> {
        self.answer("delete records")?;
        self.log.delete_records(topic, partition, before).await
    }

    async fn state(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.answer("read state")?;
        let _turn = self.turn.lock().await;
        self.log.state(name).await
    }
}

#[async_trait]
impl Bus for Remote {
    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Source>, Error> {
        self.answer("subscribe")?;
        self.log.subscribe(group, topics, start).await
    }

    async fn join(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Member>, Error> {
        self.answer("join")?;
        self.log.join(group, topics, start).await
    }
}

/// Records everything that a spool reports.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) events: std::sync::Mutex<Vec<Event>>,
    pub(crate) conditions: std::sync::Mutex<BTreeMap<String, Option<String>>>,
    metrics: std::sync::Mutex<BTreeMap<&'static str, f64>>,
    heard: watch::Sender<()>,
}

impl Recorder {
    pub(crate) fn metric(&self, name: &str) -> f64 {
        self.metrics
            .lock()
            .unwrap()
            .get(name)
            .copied()
            .unwrap_or_default()
    }

    /// What a part is in trouble with.
    pub(crate) fn trouble(&self, part: &str) -> Option<String> {
        self.conditions.lock().unwrap().get(part).cloned().flatten()
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events
            .lock()
            .unwrap()
            .iter()
            .filter(|event| wanted(event))
            .count()
    }

    /// Waits until `condition` holds; it is looked at after everything heard.
    pub(crate) async fn until(&self, mut condition: impl FnMut(&Self) -> bool) {
        self.heard
            .subscribe()
            .wait_for(|()| condition(self))
            .await
            .unwrap();
    }
}

impl Observer for Recorder {
    fn condition(&self, part: &str, trouble: Option<&str>) {
        self.conditions
            .lock()
            .unwrap()
            .insert(part.to_owned(), trouble.map(str::to_owned));
        self.heard.send_replace(());
    }

    fn gauge(&self, metric: Gauge, labels: Labels<'_>, value: f64) {
        assert_eq!(labels, [("spool", NAME)]);
        self.metrics.lock().unwrap().insert(metric.name(), value);
        self.heard.send_replace(());
    }

    fn count(&self, metric: Count, labels: Labels<'_>, by: u64) {
        assert_eq!(labels, [("spool", NAME)]);
        *self
            .metrics
            .lock()
            .unwrap()
            .entry(metric.name())
            .or_default() += by as f64;
        self.heard.send_replace(());
    }

    fn announce(&self, event: Event) {
        self.events.lock().unwrap().push(event);
        self.heard.send_replace(());
    }
}

pub(crate) fn options(
    directory: &Path,
    max_bytes: u64,
    observer: Arc<dyn Observer>,
) -> spool::Options {
    let (directory, fsync) = (directory.to_owned(), Fsync::Never);
    spool::Options {
        directory,
        max_bytes,
        fsync,
        alone: false,
        away: false,
        observer,
    }
}

/// A spool in front of a bus that fails on command.
pub(crate) struct Bench {
    pub(crate) directory: TempDir,
    pub(crate) remote: Arc<Remote>,
    pub(crate) recorder: Arc<Recorder>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            remote: Remote::new().await,
            recorder: Arc::default(),
        }
    }

    pub(crate) fn options(&self, max_bytes: u64) -> spool::Options {
        options(
            self.directory.path(),
            max_bytes,
            Arc::clone(&self.recorder) as Arc<dyn Observer>,
        )
    }

    pub(crate) async fn open(&self) -> Spooled {
        self.open_with(1 << 30).await
    }

    pub(crate) async fn open_with(&self, max_bytes: u64) -> Spooled {
        let remote = Arc::clone(&self.remote) as Arc<dyn Bus>;
        Spooled::open(self.options(max_bytes), remote, NAME)
            .await
            .expect("the spool opens")
    }
}

/// Nothing in a test takes this long; what is not kept may show as waiting for ever.
pub(crate) async fn within_a_minute<T>(promise: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), promise)
        .await
        .expect("a writer was kept waiting")
}

/// Uses the spool, and closes it, having waited for everything to arrive.
pub(crate) async fn close(spool: &Spooled) {
    spool.topics().await.expect("it is in use");
    assert_eq!(spool.close(Duration::from_secs(60)).await, 0);
}

pub(crate) fn record(value: impl Into<Bytes>) -> NewRecord {
    let (topic, value) = (TOPIC.into(), value.into());
    NewRecord {
        topic,
        partition: Some(0),
        timestamp_ms: 7,
        key: None,
        value,
        headers: Vec::new(),
    }
}

/// One record that holds `number`.
pub(crate) fn numbered(number: impl ToString) -> Write {
    Write {
        records: vec![record(number.to_string())],
        ..Write::default()
    }
}

pub(crate) fn offset(next: u64) -> GroupOffset {
    GroupOffset {
        group: "g".into(),
        topic: TOPIC.into(),
        partition: 1,
        next,
        epoch: None,
    }
}

pub(crate) async fn write(bus: &dyn Bus, write: Write) {
    bus.write(write).await.expect("accepted");
}

pub(crate) fn texts(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

pub(crate) fn text(record: &Record) -> &str {
    str::from_utf8(&record.value).expect("text")
}

/// Runs the test `name` of this binary in a process of its own, by way of `shell` (which ends with
/// `exec "$@"`).
pub(crate) fn child(name: &str, directory: &Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", shell, "sh"])
        .arg(std::env::current_exe().unwrap());
    command
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD_DIRECTORY, directory);
    command
}
