//! The one thread that changes the store. Everything queued when it wakes becomes durable in one
//! commit, so that many writers share its cost; each write in it is still whole, or not there at
//! all.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use super::commit::Commit;
use super::group::Groups;
use super::store::Store;
use super::{retention, topic};
use crate::{Error, Position, TopicInfo, TopicSpec, Write};

/// Writes waiting for the thread; further ones wait for room.
const QUEUE: usize = 1_024;
/// A commit takes no further writes once it holds this much.
const COMMIT_BYTES: u64 = 4 << 20;

/// What came of a command, once the thread has carried it out.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

pub(super) enum Command {
    Write(Write, Reply<Vec<Position>>),
    CreateTopic(TopicSpec, Reply<TopicInfo>),
    /// The topic, the partition, and the first offset that stays.
    DeleteRecords(String, u32, u64, Reply<()>),
    /// Answered once everything before it is carried out.
    Barrier(Reply<()>),
    /// The last one: what is queued by now is carried out, later commands are refused.
    Close,
}

/// Starts the thread, which ends with [`Command::Close`].
pub(super) fn start(
    store: Arc<Store>,
    groups: Arc<Groups>,
) -> std::io::Result<(mpsc::Sender<Command>, JoinHandle<()>)> {
    let (sender, commands) = mpsc::channel(QUEUE);
    let thread = thread::Builder::new()
        .name("log-writer".to_owned())
        .spawn(move || run(&store, &groups, commands))?;
    Ok((sender, thread))
}

fn run(store: &Store, groups: &Groups, mut commands: mpsc::Receiver<Command>) {
    let (mut waiting, mut closing) = (None, false);
    loop {
        let next = || {
            if closing {
                commands.try_recv().ok()
            } else {
                commands.blocking_recv()
            }
        };
        let Some(command) = waiting.take().or_else(next) else {
            return;
        };
        match command {
            Command::Close => {
                closing = true;
                commands.close();
            }
            // If the caller has gone, the reply is dropped; the command is carried out in any case.
            Command::CreateTopic(spec, reply) => drop(reply.send(create_topic(store, spec))),
            Command::DeleteRecords(topic, partition, before, reply) => {
                drop(reply.send(delete_records(store, &topic, partition, before)));
            }
            Command::Barrier(reply) => drop(reply.send(Ok(()))),
            Command::Write(write, reply) => {
                let mut commit = Commit::new(store);
                add(&mut commit, groups, write, reply);
                while commit.bytes() < COMMIT_BYTES
                    && let Ok(next) = commands.try_recv()
                {
                    match next {
                        Command::Write(write, reply) => add(&mut commit, groups, write, reply),
                        other => {
                            waiting = Some(other);
                            break;
                        }
                    }
                }
                commit.finish();
            }
        }
    }
}

/// Takes a write in, unless its member has lost the partition meanwhile.
fn add(commit: &mut Commit<'_>, groups: &Groups, write: Write, reply: Reply<Vec<Position>>) {
    match groups.check(&write.offsets) {
        Ok(()) => commit.add(write, reply),
        // A caller that has gone away does not need the answer.
        Err(error) => drop(reply.send(Err(error))),
    }
}

fn create_topic(store: &Store, mut spec: TopicSpec) -> Result<TopicInfo, Error> {
    match store.topic(&spec.name) {
        Ok(topic) => Ok(topic.info()),
        Err(_) => {
            topic::check(&spec)?;
            // There is one copy, whatever was asked for.
            spec.replication_factor = None;
            Ok(store.create_topic(spec)?.info())
        }
    }
}

fn delete_records(store: &Store, topic: &str, partition: u32, before: u64) -> Result<(), Error> {
    let topic = store.topic(topic)?;
    retention::forget(store, topic.partition(partition)?, before)
}
