//! What the manifest says about settings of clients, held against librdkafka itself. Nothing
//! connects.

#[cfg(test)]
#[path = "kafka_properties/librdkafka.rs"]
mod librdkafka;
