//! Halts a role whose share of dead-letter records exceeds the cap, until an operator acknowledges
//! it.
//!
//! The halt is stored in the same write as the last dead-letter record: a supervisor that restarts
//! the process again and again must not move a whole topic into its dead-letter topic. It holds
//! until it is acknowledged, or the cap is changed.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::dead_letter::{Cap, Exceeded};
use serde::{Deserialize, Serialize};

use super::{Context, DeadLetters, Error, on_bus, stored};
use fedhost_bus::{Bus, Write};

/// Why a role has halted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterHalt {
    /// The topic that it reads.
    pub topic: String,
    /// Records that were dead-lettered.
    pub dead: u64,
    /// The newest records that were looked at.
    pub of: u64,
    /// The cap in force, as text: under another one the role may start.
    cap: String,
}

/// Counts the records of one topic that a role could and could not use.
pub(crate) struct Watch {
    topic: Arc<str>,
    cap: Cap,
    policy: DeadLetters,
}

impl Watch {
    pub(crate) fn new(topic: &Arc<str>, policy: DeadLetters) -> Self {
        Self {
            topic: Arc::clone(topic),
            cap: policy.cap(),
            policy,
        }
    }

    /// Takes for each of the next records whether it could be used. Returns a halt when the share
    /// of those that could not exceeds the cap.
    pub(crate) fn count(&mut self, used: impl IntoIterator<Item = bool>) -> Option<DeadLetterHalt> {
        let Exceeded { dead, of, .. } = self.cap.record_all(used).err()?;
        Some(DeadLetterHalt {
            topic: self.topic.to_string(),
            dead,
            of,
            cap: cap_text(&self.policy),
        })
    }
}

impl DeadLetterHalt {
    /// The state to store, in the same write as the dead-letter records.
    fn state(&self, role: &str) -> Result<(String, Option<Bytes>), Error> {
        let bytes = serde_json::to_vec(self).map_err(|error| Error::Defect {
            role: role.to_owned(),
            reason: format!("a halt cannot be written as JSON: {error}"),
        })?;
        Ok((state_name(role), Some(bytes.into())))
    }

    /// The error that the role ends with.
    fn into_error(self, role: &str) -> Error {
        let Self {
            topic, dead, of, ..
        } = self;
        Error::TooManyDeadLetters {
            role: role.to_owned(),
            topic,
            dead,
            of,
        }
    }
}

/// Writes records of which some may be dead-letter records. With a halt, stores that too and
/// returns [`Error::TooManyDeadLetters`], with which the role ends.
pub(crate) async fn write(
    context: &Context,
    role: &str,
    mut write: Write,
    halt: Option<DeadLetterHalt>,
) -> Result<(), Error> {
    if let Some(halt) = &halt {
        write.state.push(halt.state(role)?);
    }
    context.write(role, write).await?;
    halt.map_or(Ok(()), |halt| Err(halt.into_error(role)))
}

/// Refuses to start where an earlier process has halted under the same cap.
pub(crate) async fn check(bus: &dyn Bus, role: &str, policy: &DeadLetters) -> Result<(), Error> {
    match halt(bus, role).await? {
        None => Ok(()),
        Some(halt) if halt.cap == cap_text(policy) => Err(halt.into_error(role)),
        Some(_) => acknowledge(bus, role).await,
    }
}

/// Why the role has halted, if it has.
///
/// # Errors
/// The bus refused, or what is stored cannot be read.
pub async fn halt(bus: &dyn Bus, role: &str) -> Result<Option<DeadLetterHalt>, Error> {
    stored(bus, role, &state_name(role)).await
}

/// Lets the role start again.
///
/// # Errors
/// The bus refused.
pub async fn acknowledge(bus: &dyn Bus, role: &str) -> Result<(), Error> {
    let write = Write {
        state: vec![(state_name(role), None)],
        ..Write::default()
    };
    bus.write(write).await.map_err(on_bus(role))?;
    Ok(())
}

fn state_name(role: &str) -> String {
    format!("{role}/stopped")
}

fn cap_text(policy: &DeadLetters) -> String {
    format!("{} of {}", policy.cap_share, policy.cap_records)
}
