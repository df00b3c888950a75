//! Tests of readers on a real Apache Kafka, and on librdkafka's mock where faults are needed.

mod chunks;
mod groups;
mod harness;
mod reading;
mod topics;
mod trouble;
