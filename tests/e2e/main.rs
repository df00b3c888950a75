//! One file a promise; each test runs the built binary in a folder of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot continue fails"
)]

mod bad_input;
mod checks;
mod chunks;
mod columns;
mod crashes;
mod csv_rows;
mod dead_letters;
mod doctor;
mod evaluate;
mod figures;
mod guests;
mod hostile;
mod kafka_access;
mod kafka_dead_letters;
mod kafka_doctor;
mod kafka_federation;
mod kafka_outage;
mod kafka_recreated;
mod kafka_secrets;
mod kafka_security;
mod kafka_standby;
mod kafka_start;
mod kafka_supervision;
mod kafka_topics;
mod learning;
mod library_log;
mod plugin_check;
mod plugin_commands;
mod plugin_new;
mod python_clients;
mod reading_files;
mod real_data;
mod refused_updates;
mod rights;
mod stopping;
mod swaps;
mod too_many;
mod topics;
mod traces;
mod tutorial;
