//! Apache Kafka as the bus. Only this module uses rdkafka.
//!
//! Each role has its own writer. The writer's transactions (or acknowledged, idempotent batches)
//! carry records, offsets and state. State is kept in a compacted topic. Readers are members of a
//! consumer group; each runs on its own thread. A client that fails permanently is replaced; its
//! pending writes are kept and tried again.
//!
//! A record that exceeds the limit of its topic, or of the producer, is written as several
//! checksummed chunks and read as one record. See `kafka/chunks.rs` for the format. Readers,
//! [`crate::Admin::newest`], [`crate::Admin::first_from`] and state all return whole records. With
//! transactions, all chunks of a record become readable together. Without transactions, a writer
//! that dies between two chunks leaves a torn record, which was never acknowledged. Readers of its
//! partition wait until the same writer begins another record or until its time (45 s) is over;
//! then they report the torn record and continue. A live writer that needed longer than that for a
//! record writes all chunks again before it acknowledges the record. A damaged chunk is never
//! replaced: the reader returns what exists of the record with the header `fedhost-chunk-fault`, so
//! that the consumer rejects it like any other unusable record. Programs in other languages
//! assemble chunks from the same headers, or use a topic whose records are small enough for them.

mod admin;
mod catalogue;
mod chunks;
mod client;
mod client_log;
mod diagnosis;
pub mod doctor;
mod groups;
mod missing_topics;
mod offset_note;
mod options;
mod properties;
mod role_client;
mod source;
mod state;
mod statistics;
mod topic_ids;
mod writer;

pub use admin::{Broker, Cluster};
pub use chunks::{LARGEST_RECORD, beyond_the_limit};
pub use options::{Delivery, Options};
pub use properties::Properties;
pub use role_client::{Kafka, RoleClient};
pub use source::reader_properties;
pub use writer::writer_properties;
