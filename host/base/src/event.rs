//! Every event that the host announces. One enum feeds the terminal, the run log, the metrics and
//! every other listener.
//!
//! Events come in families. The name of an event is unique over all families: in the run log, an
//! event is one flat object with its name as `event`.

mod bus;
mod damage;
mod plugin;
mod run;
#[cfg(test)]
mod tests;

use fedhost_domain::event::FederationEvent;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use bus::BusEvent;
pub use damage::Damage;
pub use plugin::PluginEvent;
pub use run::RunEvent;

/// An event and when it happened; one line of the run log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened, by family.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// To the run and its roles.
    Run(RunEvent),
    /// To the bus.
    Bus(BusEvent),
    /// To a plug-in.
    Plugin(PluginEvent),
    /// To the federation.
    Federation(FederationEvent),
}

impl From<RunEvent> for Event {
    fn from(event: RunEvent) -> Self {
        Self::Run(event)
    }
}

impl From<BusEvent> for Event {
    fn from(event: BusEvent) -> Self {
        Self::Bus(event)
    }
}

impl From<PluginEvent> for Event {
    fn from(event: PluginEvent) -> Self {
        Self::Plugin(event)
    }
}

impl From<FederationEvent> for Event {
    fn from(event: FederationEvent) -> Self {
        Self::Federation(event)
    }
}

impl<'de> Deserialize<'de> for Event {
    /// Reads the family that has the event's name, so that an error is about that event's fields.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Value::deserialize(deserializer)?;
        let name = fields
            .get("event")
            .and_then(Value::as_str)
            .ok_or_else(|| D::Error::missing_field("event"))?;
        if RunEvent::NAMES.contains(&name) {
            read(fields).map(Self::Run)
        } else if BusEvent::NAMES.contains(&name) {
            read(fields).map(Self::Bus)
        } else if PluginEvent::NAMES.contains(&name) {
            read(fields).map(Self::Plugin)
        } else if FederationEvent::NAMES.contains(&name) {
            read(fields).map(Self::Federation)
        } else {
            Err(D::Error::custom(format_args!("unknown variant `{name}`")))
        }
    }
}

fn read<T: DeserializeOwned, E: serde::de::Error>(fields: Value) -> Result<T, E> {
    serde_json::from_value(fields).map_err(E::custom)
}
