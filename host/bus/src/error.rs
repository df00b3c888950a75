//! Why a verb failed.

/// Why a verb could not be carried out.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// The topic was never created.
    #[error("topic {topic:?} does not exist")]
    UnknownTopic {
        /// The name asked for.
        topic: String,
    },
    /// The topic has fewer partitions.
    #[error("topic {topic:?} has no partition {partition}")]
    UnknownPartition {
        /// The topic.
        topic: String,
        /// The partition asked for.
        partition: u32,
    },
    /// A topic cannot be made like that.
    #[error("topic {topic:?} cannot be created: {reason}")]
    BadTopic {
        /// The name asked for.
        topic: String,
        /// Why not.
        reason: String,
        /// What to do about it.
        #[help]
        hint: Option<String>,
    },
    /// Larger than the bus carries for the topic.
    #[error("a record of {bytes} bytes is over the limit of {limit} of topic {topic:?}")]
    #[diagnostic(help(
        "raise its max_message_bytes in the manifest and on the bus (on Kafka, with it the producer's max_request_size), or write less at a time"
    ))]
    TooLarge {
        /// The topic.
        topic: String,
        /// Size of key and value.
        bytes: u64,
        /// The topic's limit.
        limit: u64,
    },
    /// Another process has the directory open.
    #[error("the log in {directory} is in use by another process")]
    #[diagnostic(help("stop the other `fedhost run`, or give this one its own `bus.directory`"))]
    InUse {
        /// The log's directory.
        directory: String,
    },
    /// The directory holds something that this version cannot read.
    #[error("the log in {directory} cannot be opened: {reason}")]
    Unreadable {
        /// The log's directory.
        directory: String,
        /// What was found.
        reason: String,
        /// What to do about it.
        #[help]
        hint: String,
    },
    /// The medium refused.
    #[error("the log in {directory} cannot {action}: {reason}")]
    #[diagnostic(help(
        "look for a full or failing disk, then start again: what was acknowledged is safe"
    ))]
    Storage {
        /// The log's directory.
        directory: String,
        /// What was tried, for example `write 3 records to "model_updates"`.
        action: String,
        /// What came back.
        reason: String,
    },
    /// The bus cannot be reached, or does not answer. A retry may succeed.
    #[error("{bus} cannot {action}: {reason}")]
    Unreachable {
        /// Which bus, for example `kafka at localhost:9092`.
        bus: String,
        /// What was tried, for example `list topics`.
        action: String,
        /// What came back.
        reason: String,
        /// What to do about it.
        #[help]
        hint: String,
    },
    /// The bus refused permanently: credentials, rights, or a promise that it cannot keep.
    #[error("{bus} refuses to {action}: {reason}")]
    Refused {
        /// Which bus.
        bus: String,
        /// What was tried.
        action: String,
        /// What came back.
        reason: String,
        /// What to do about it.
        #[help]
        hint: String,
    },
    /// A reader or writer is fenced: another one has taken over, or its client had to be dropped.
    /// The next reader reads again what was not written; to continue, begin again from what is
    /// stored.
    #[error("{what} is cut off: {reason}")]
    Lost {
        /// Which reader or writer, for example `group "aggregator"`.
        what: String,
        /// Why.
        reason: String,
    },
    /// The write names an ownership of a partition that has ended: another member has the
    /// partition, or will get it. Nothing of the write took effect on the group. Its input is read
    /// again by the next owner, so drop the work.
    #[error("the write of group {group:?} is fenced: {reason}")]
    Fenced {
        /// The group.
        group: String,
        /// Which partition, and why.
        reason: String,
    },
    /// Another reader of the group is at work: two would each take every record.
    #[error("group {group:?} has a reader of {topic:?} already")]
    #[diagnostic(help("give this reader a group of its own, or end the other"))]
    GroupBusy {
        /// The group.
        group: String,
        /// The topic.
        topic: String,
    },
    /// A group that may only continue has no stored offset.
    #[error("group {group:?} has no stored offset in partition {partition} of topic {topic:?}")]
    #[diagnostic(help(
        "let new groups begin at the earliest or the latest record, or store an offset for this one"
    ))]
    NoOffset {
        /// The group.
        group: String,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
    },
    /// The bus was closed while the verb was under way.
    #[error("the bus is closed")]
    Closed,
}
