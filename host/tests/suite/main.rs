//! What the host promises beyond one of its crates.

#[cfg(test)]
#[cfg(feature = "guest-tests")]
mod compiling;
#[cfg(test)]
mod dead_letters;
#[cfg(test)]
#[cfg(feature = "guest-tests")]
#[path = "../../plugin/tests/suite/harness.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod harness;
#[cfg(test)]
mod kafka_properties;
