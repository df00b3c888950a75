//! Readers on a real Apache Kafka, and on librdkafka's mock where something has to go wrong.

mod chunks;
mod groups;
mod harness;
mod reading;
mod trouble;
