//! The few verbs with which roles reach a log of records, whichever bus is behind them.
//!
//! A name of a particular bus never appears in these types. What every bus promises: a record is
//! readable in the order and under the offset at which it was acknowledged; a group's offsets move
//! only through a [`Write`], and never before the records of that write are safe; a [`Write`]
//! happens as a whole or not at all. A bus that was asked for the weaker promise of at-least-once
//! delivery may repeat a write that a crash interrupted; it never loses one.
//!
//! A group reads in one of two modes. [`Bus::subscribe`] gives one reader all partitions; others
//! wait to take over. [`Bus::join`] gives each member some of the partitions; see [`Member`].

mod beginning;
pub mod checkup;
pub mod compare;
pub mod embedded;
mod epoch;
mod error;
pub mod kafka;
pub mod limits;
mod member;
mod partitioner;
mod record;
pub mod sizing;
pub mod spool;
mod topic;
mod topic_name;
pub mod trouble;
mod verbs;
mod write;

pub use self::beginning::{Beginning, StoredOffset};
pub use self::error::Error;
pub use self::member::{Assignment, Member, MemberEvent};
pub use self::record::{NewRecord, Position, Record};
pub use self::topic::{TopicId, TopicInfo, TopicSpec};
pub use self::verbs::{Admin, Bus, Sink, Source, Start};
pub use self::write::{GroupOffset, Write};
