//! Apache Kafka as the bus: the only place that knows rdkafka.
//!
//! Each role has a writer of its own, whose transactions (or acknowledged, idempotent batches)
//! carry records, offsets and state; state lies in a compacted topic. Readers are members of a
//! consumer group, each on a thread of its own. Clients that fail for good are replaced; what was
//! handed to them is kept and tried again.
//!
//! A record that is larger than its topic, or the producer, lets through travels in several
//! checksummed chunks, and is read as the one that it was; see `kafka/chunks.rs` for how they look.
//! Readers, [`crate::Admin::newest`], [`crate::Admin::first_from`] and state all give
//! whole records. With transactions all chunks of a record become readable together. Without, a
//! writer that dies between two of them leaves a torn record, which was never acknowledged: readers
//! of its partition wait until the same writer begins another one, or has had its time (45 s),
//! announce it and go on; a writer that lives writes a record that took longer than that again, as
//! a whole, before it calls it done. A damaged chunk is never made up for: what there is of the
//! record is handed out with the header `fedhost-chunk-fault`, so that whoever reads it finds it
//! unusable and puts it aside like any other. Programs in other languages put chunks together by
//! the same headers, or see a topic whose records are small enough for them.

mod admin;
mod catalogue;
mod chunks;
mod client;
mod diagnosis;
pub mod doctor;
mod groups;
mod options;
mod properties;
mod source;
mod state;
mod statistics;
mod view;
mod writer;

pub use admin::{Broker, Cluster};
pub use chunks::{LARGEST_RECORD, beyond_the_limit};
pub use options::{Delivery, Options};
pub use properties::Properties;
pub use source::reader_properties;
pub use view::{Kafka, View};
pub use writer::writer_properties;
