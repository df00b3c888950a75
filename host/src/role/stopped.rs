//! A role that puts too many records aside stops, and stays stopped until somebody has looked.
//!
//! The verdict is stored in the write that puts the last of them aside: whoever starts the process
//! again and again must not empty a topic into its dead letters. It holds until it is acknowledged,
//! or the cap is changed.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::dead_letter::{Cap, Exceeded};
use serde::{Deserialize, Serialize};

use super::{Context, DeadLetters, Error, dead_letter, on_bus, stored};
use fedhost_bus::{Bus, Write};

/// Why a role has stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The topic that it reads.
    pub topic: String,
    /// Records that were dead-lettered.
    pub dead: u64,
    /// The newest records that were looked at.
    pub of: u64,
    /// The cap in force, in words: another one is a new beginning.
    cap: String,
}

/// Watches how many records of one topic a role puts aside.
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

    /// Takes the next records, and whether each could be used; says when there are too many that
    /// could not.
    pub(crate) fn count(&mut self, used: impl IntoIterator<Item = bool>) -> Option<Verdict> {
        let Exceeded { dead, of, .. } = self.cap.record_all(used).err()?;
        Some(Verdict {
            topic: self.topic.to_string(),
            dead,
            of,
            cap: in_words(&self.policy),
        })
    }
}

impl Verdict {
    /// What to store of it, in the write that puts the records aside.
    fn state(&self, role: &str) -> (String, Option<Bytes>) {
        (
            state_name(role),
            serde_json::to_vec(self).ok().map(Bytes::from),
        )
    }

    /// What the role ends with.
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

/// Writes with dead letters among the records, and the verdict on them; with one, the role is to
/// end.
pub(crate) async fn write(
    context: &Context,
    role: &str,
    mut write: Write,
    verdict: Option<Verdict>,
) -> Result<(), Error> {
    write
        .state
        .extend(verdict.as_ref().map(|verdict| verdict.state(role)));
    dead_letter::write(context, role, write).await?;
    verdict.map_or(Ok(()), |verdict| Err(verdict.into_error(role)))
}

/// Refuses to begin where an earlier process has stopped under the same cap.
pub(crate) async fn check(bus: &dyn Bus, role: &str, policy: &DeadLetters) -> Result<(), Error> {
    match verdict(bus, role).await? {
        None => Ok(()),
        Some(verdict) if verdict.cap == in_words(policy) => Err(verdict.into_error(role)),
        Some(_) => acknowledge(bus, role).await,
    }
}

/// Why the role has stopped, if it has.
///
/// # Errors
/// The bus refused, or what is stored cannot be read.
pub async fn verdict(bus: &dyn Bus, role: &str) -> Result<Option<Verdict>, Error> {
    stored(bus, role, &state_name(role)).await
}

/// Lets the role begin again.
///
/// # Errors
/// The bus refused.
pub async fn acknowledge(bus: &dyn Bus, role: &str) -> Result<(), Error> {
    let write = Write {
        state: vec![(state_name(role), None)],
        ..Write::default()
    };
    bus.write(write).await.map(drop).map_err(on_bus(role))
}

fn state_name(role: &str) -> String {
    format!("{role}/stopped")
}

fn in_words(policy: &DeadLetters) -> String {
    format!("{} of {}", policy.cap_share, policy.cap_records)
}
