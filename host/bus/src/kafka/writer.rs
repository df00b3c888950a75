//! The writer of one role.
//!
//! Its own thread owns the client and carries out the writes of tasks. Temporary errors are retried
//! for as long as the writer lives. A write is answered when it is durable, or when it can never
//! become durable.

mod at_least_once;
mod exactly_once;
mod job;
mod mailbox;
mod mark;
mod offsets;
mod pending;
mod producer;
mod shell;
#[cfg(test)]
#[cfg(feature = "broker-tests")]
mod tests;
mod verdict;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fedhost_base::event::{Event, RunEvent};
use tokio::sync::{oneshot, watch};

use self::at_least_once::AtLeastOnce;
use self::exactly_once::ExactlyOnce;
pub(super) use self::job::Checker;
use self::job::Content;
use self::mailbox::{End, Mailbox};
pub use self::producer::writer_properties;
use self::shell::Shell;
use super::catalogue::Catalogue;
use super::client::Listener;
use super::diagnosis;
use super::groups::Groups;
use super::options::{Delivery, Options};
use crate::{Error, Position, Write};
use fedhost_base::clock;

/// Limit of the unanswered writes in bytes, unless the client's own queue is configured to another
/// size.
const ROOM_BYTES: u64 = 64 << 20;

/// Writes as one role. When dropped, it is closed in the background.
pub(super) struct Writer {
    mailbox: Arc<Mailbox>,
    checker: Arc<Checker>,
    close: Duration,
    blocked: BlockedWriteWarning,
    listener: Arc<Listener>,
    /// The sender is dropped with the thread.
    alive: watch::Receiver<()>,
}

impl Writer {
    /// Starts the thread. With [`Delivery::ExactlyOnce`] it first fences the earlier process of the
    /// role: that process's open transaction is ended, and its later transactions are refused.
    ///
    /// # Errors
    /// The client cannot be created, or the cluster did not let it take over the role within the
    /// time of one request.
    pub(super) async fn start(
        role: &str,
        options: &Options,
        groups: Arc<Groups>,
        topics: Arc<Catalogue>,
    ) -> Result<Self, Error> {
        let room = options
            .producer
            .number("queue.buffering.max.kbytes")
            .map_or(ROOM_BYTES, |kib| kib << 10);
        let mailbox = Arc::new(Mailbox::new(usize::try_from(room).unwrap_or(usize::MAX)));
        let checker = Arc::new(Checker::new(role, options, &topics));
        let (living, alive) = watch::channel(());
        let (started, start) = oneshot::channel();
        let shell = Shell::new(role, options.clone(), groups, topics, Arc::clone(&mailbox));
        // From here on, a cancelled start closes the writer.
        let blocked = BlockedWriteWarning {
            part: format!("writer of {role}"),
            options: options.clone(),
        };
        let listener = Arc::clone(&shell.listener);
        let writer = Self {
            mailbox,
            checker,
            close: options.close,
            blocked,
            listener,
            alive,
        };
        let thread = thread::Builder::new().name(format!("writer-{role}"));
        let spawned = thread.spawn(move || {
            run(shell, started);
            drop(living);
        });
        spawned.map_err(|error| Error::Unreachable {
            bus: options.bus_name(),
            action: format!("start the writer of {role}"),
            reason: error.to_string(),
            hint: "look at the limits of threads and memory of this process".to_owned(),
        })?;
        start.await.map_err(|_| Error::Closed)??;
        // The condition of an earlier writer of the role ends.
        options.observer.condition(&writer.blocked.part, None);
        Ok(writer)
    }

    /// Makes everything in `write` durable, and returns the position of each record, in order.
    ///
    /// # Errors
    /// Refused before any part is sent: [`Error::UnknownTopic`], [`Error::UnknownPartition`],
    /// [`Error::TooLarge`]. Refused permanently by the cluster: [`Error::Refused`]. A reader's
    /// partition was revoked, or another writer took over the role: [`Error::Lost`]. Closed before
    /// it was done: [`Error::Closed`].
    pub(super) async fn write(&self, write: Write) -> Result<Vec<Position>, Error> {
        let content = self.prepare(write).await?;
        let answer = self.blocked.over(self.mailbox.send(content)).await?;
        answer
            .await
            .unwrap_or_else(|_| Err(self.mailbox.end_error()))
    }

    /// To split and hash large records takes time.
    async fn prepare(&self, write: Write) -> Result<Content, Error> {
        let draft = self.checker.check(write)?;
        if !draft.has_large_records() {
            return Ok(self.checker.finish(draft));
        }
        let checker = Arc::clone(&self.checker);
        tokio::task::spawn_blocking(move || checker.finish(draft))
            .await
            .map_err(|_| Error::Closed)
    }

    /// Accepts no further write, carries out the accepted ones, and ends. Writes that are not done
    /// within [`Options::close`] are dropped.
    pub(super) async fn close(&self) {
        self.shut();
        let mut alive = self.alive.clone();
        // The thread never sends a value; it only drops the sender.
        let ended = async { while alive.changed().await.is_ok() {} };
        drop(tokio::time::timeout(self.close, ended).await);
    }

    fn shut(&self) {
        self.mailbox.close(clock::now() + self.close);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shut();
        self.listener.retire();
    }
}

/// Reports a write that has waited long for room.
struct BlockedWriteWarning {
    part: String,
    options: Options,
}

impl BlockedWriteWarning {
    async fn over<T>(&self, waiting: impl Future<Output = T>) -> T {
        let mut waiting = std::pin::pin!(waiting);
        let Options {
            max_block,
            observer,
            ..
        } = &self.options;
        if let Ok(done) = tokio::time::timeout(*max_block, &mut waiting).await {
            return done;
        }
        let detail = format!(
            "no room for a further write since {} ms: the cluster takes less than comes",
            max_block.as_millis()
        );
        observer.announce(Event::Run(RunEvent::Warned {
            part: self.part.clone(),
            detail,
        }));
        waiting.await
    }
}

/// Answers the pending writes when the thread ends, for any reason.
struct Ending(Arc<Mailbox>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(End::Closed);
    }
}

/// Runs on the thread.
fn run(shell: Shell, started: oneshot::Sender<Result<(), Error>>) {
    let ending = Ending(Arc::clone(&shell.mailbox));
    let (bus, action) = (
        shell.options.bus_name(),
        format!("start the writer of {}", shell.role),
    );
    let writer: Result<Box<dyn FnOnce() -> End>, _> = match shell.options.delivery {
        Delivery::ExactlyOnce => {
            ExactlyOnce::start(shell).map(|writer| Box::new(|| writer.run()) as _)
        }
        Delivery::AtLeastOnce => AtLeastOnce::start(shell)
            .map(|writer| Box::new(|| writer.run()) as _)
            .map_err(|error| diagnosis::of(&error)),
    };
    match writer {
        Ok(run) => {
            // If the start was cancelled, the receiver is gone, and the writer is closed already.
            drop(started.send(Ok(())));
            ending.0.end(run());
        }
        Err(diagnosis) => drop(started.send(Err(diagnosis.into_error(&bus, &action)))),
    }
}
