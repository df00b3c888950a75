//! A writer: one role's way into the cluster.
//!
//! A thread of its own owns the client and carries out the writes that tasks hand in. Whatever goes
//! wrong that may go better later is tried again for as long as the writer lives; a write is
//! answered when it is durable, or when it can never be.

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

use fedhost_domain::event::Event;
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

/// Writes that are not answered hold so many bytes together, unless the client's own queue is set
/// to another size.
const ROOM_BYTES: u64 = 64 << 20;

/// Writes in the name of one role. Dropped, it is closed in the background.
pub(super) struct Writer {
    mailbox: Arc<Mailbox>,
    checker: Arc<Checker>,
    close: Duration,
    blocked: BlockedWriteWarning,
    listener: Arc<Listener>,
    /// Its other end goes away with the thread.
    alive: watch::Receiver<()>,
}

impl Writer {
    /// Starts the thread. With [`Delivery::ExactlyOnce`] the role is taken over first from whatever
    /// process had it: its open transaction is ended, and further ones of it are refused.
    ///
    /// # Errors
    /// The client cannot be made, or the cluster did not let it take the role over in the time of
    /// one request.
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
        // From here on a start that is given up closes the writer.
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
        // The trouble of an earlier writer of the role is over with it.
        options.observer.condition(&writer.blocked.part, None);
        Ok(writer)
    }

    /// Makes everything in `write` durable, and says where each record lies, in order.
    ///
    /// # Errors
    /// Refused before anything of it is sent: [`Error::UnknownTopic`], [`Error::UnknownPartition`],
    /// [`Error::TooLarge`]. The cluster refuses it for good: [`Error::Refused`]. A reader's
    /// partition was taken away, or another writer took the role over: [`Error::Lost`]. Closed
    /// before it was done: [`Error::Closed`].
    pub(super) async fn write(&self, write: Write) -> Result<Vec<Position>, Error> {
        let content = self.prepare(write).await?;
        let answer = self.blocked.over(self.mailbox.send(content)).await?;
        answer
            .await
            .unwrap_or_else(|_| Err(self.mailbox.end_error()))
    }

    /// To cut and hash large records takes a while.
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

    /// Lets no further write in, carries out what is in, and ends; what is not done in
    /// [`Options::close`] is given up.
    pub(super) async fn close(&self) {
        self.shut();
        let mut alive = self.alive.clone();
        // The thread never says anything: it only goes away.
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

/// Says when a write has long waited for room.
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
        observer.announce(Event::Warned {
            part: self.part.clone(),
            detail,
        });
        waiting.await
    }
}

/// Answers whoever waits for a thread that is gone, however it went.
struct Ending(Arc<Mailbox>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(End::Closed);
    }
}

/// The thread.
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
            // Nobody is left to hear when the start was given up: then the writer is closed
            // already.
            drop(started.send(Ok(())));
            ending.0.end(run());
        }
        Err(diagnosis) => drop(started.send(Err(diagnosis.into_error(&bus, &action)))),
    }
}
