//! The parts of a federation. Each role is a task that owns its machines and turns their outputs into reads and writes.

pub mod aggregator;
pub mod fog_node;
pub mod message;
pub mod models;
pub mod sensor;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::announce::Announcer;
use crate::bus::{self, Bus};

/// What every role is given.
#[derive(Clone)]
pub struct Context {
    /// Where records, offsets and state live.
    pub bus: Arc<dyn Bus>,
    /// Where events go.
    pub announcer: Announcer,
    /// Set when the role is to finish what it has in hand, and return.
    pub stop: CancellationToken,
}

/// The topics that roles share.
#[derive(Clone, Debug)]
pub struct Topics {
    /// From the aggregator to the fog nodes.
    pub global_model: Arc<str>,
    /// From the fog nodes to the aggregator.
    pub model_updates: Arc<str>,
    /// Scores of readings.
    pub predictions: Arc<str>,
    /// From the fog nodes to the aggregator: how well a global model does.
    pub evaluations: Arc<str>,
    /// Added to a topic's name for the records of it that could not be used.
    pub dead_letter_suffix: String,
}

/// Why a role had to give up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus refused.
    #[error("{role}: {error}")]
    Bus {
        /// Which role, such as `fog-node-1`.
        role: String,
        /// What the bus said.
        error: bus::Error,
    },
    /// What the role stored earlier cannot be read.
    #[error(
        "{role}: its stored state {name:?} cannot be read: {reason}\nhint: it was written by another version; start with another `bus.directory`, or remove this one"
    )]
    State {
        /// Which role.
        role: String,
        /// The state's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A plug-in cannot be used at all.
    #[error("{role}: {reason}")]
    Plugin {
        /// Which role.
        role: String,
        /// Why not.
        reason: String,
    },
    /// A fault of this program.
    #[error("{role}: {reason}\nhint: this is a defect of fedhost; please report it with the run log")]
    Defect {
        /// Which role.
        role: String,
        /// What happened.
        reason: String,
    },
}

/// Adds the role's name to what the bus says.
pub(crate) fn on_bus(role: &str) -> impl Fn(bus::Error) -> Error + '_ {
    move |error| Error::Bus { role: role.to_owned(), error }
}

/// A value that a role stored as JSON.
pub(crate) async fn stored<T: DeserializeOwned>(bus: &dyn Bus, role: &str, name: &str) -> Result<Option<T>, Error> {
    let Some(bytes) = bus.state(name).await.map_err(on_bus(role))? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| Error::State {
        role: role.to_owned(),
        name: name.to_owned(),
        reason: error.to_string(),
    })
}
