//! One file a promise; each test runs the built binary in a folder of its own.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod bad_input;
mod checks;
mod crashes;
mod csv_rows;
mod guests;
mod learning;
mod plugin_commands;
mod real_data;
mod stopping;
