//! Looks at a cluster as this manifest's clients would meet it, step by step, and reports what
//! is wrong and what to do.
//!
//! No record is added to any of the manifest's topics and no group's offset is moved. What stays
//! behind is a transactional id, `PREFIX-doctor`, which the cluster forgets by itself.

mod acl;
mod address;
mod brokers;
mod client_error_log;
mod clock;
mod cluster;
mod entrance;
mod groups;
mod protocols;
mod rights;
mod tls;
mod topics;
mod transactions;

use super::Options;
use crate::TopicSpec;
use crate::checkup::Tell;
use fedhost_base::clock::now_ms;

/// What the roles are going to do on the cluster.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The topics, as the manifest wants them.
    pub topics: Vec<TopicSpec>,
    /// Which group reads which topic.
    pub reads: Vec<ReadNeed>,
    /// Names of the topics that are written.
    pub writes: Vec<String>,
}

/// A group that reads a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadNeed {
    /// The group's name, as the cluster knows it.
    pub group: String,
    /// The topic's name.
    pub topic: String,
    /// Whether it remembers how far it has come, so that it can be behind.
    pub stores_offsets: bool,
}

/// Examines the cluster and reports each finding as it is made. Blocks, for a few seconds at the
/// most where all is well; must not be called on a thread that runs async tasks.
pub fn examine(options: &Options, needs: &Needs, tell: &mut Tell<'_>) {
    examine_by(&now_ms, options, needs, tell);
}

/// The same by another clock than this machine's: `now_ms` gives milliseconds since the Unix epoch.
pub fn examine_by(now_ms: &dyn Fn() -> u64, options: &Options, needs: &Needs, tell: &mut Tell<'_>) {
    let Some(cluster) = entrance::enter(options, tell) else {
        return;
    };
    brokers::examine(&cluster, tell);
    topics::examine(&cluster, needs, tell);
    rights::examine(&cluster, needs, tell);
    transactions::examine(&cluster, now_ms, tell);
    protocols::examine(&cluster, tell);
    groups::examine(&cluster, needs, tell);
}
