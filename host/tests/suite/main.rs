//! What the host promises beyond one of its crates.

#[cfg(all(test, feature = "guest-tests"))]
mod compiling;
#[cfg(test)]
mod dead_letters;
#[cfg(all(test, feature = "guest-tests"))]
#[path = "../../plugin/tests/suite/harness.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod harness;
#[cfg(test)]
mod kafka_properties;
