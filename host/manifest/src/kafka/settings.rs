//! A table of client settings, as the manifest keeps it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use toml::Value;

use super::property::to_text;
use super::table;
use fedhost_base::secrets::{HIDDEN, is_secret};

/// Settings of clients by the keys of the manifest: librdkafka's names with underscores. Secrets
/// stay out of its `Debug` and out of what is written.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// Each setting that is given: its key, and the property that it is, with its value as
    /// librdkafka takes it.
    pub(super) fn given(&self) -> impl Iterator<Item = (&str, &'static table::Property, String)> {
        self.0
            .iter()
            .filter_map(|(key, value)| Some((key.as_str(), table::by_key(key)?, to_text(value))))
    }

    /// Whether no setting is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hidden = Value::from(HIDDEN);
        let shown = self
            .0
            .iter()
            .map(|(key, value)| (key, if is_secret(key) { &hidden } else { value }));
        serializer.collect_map(shown)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().map(|(key, value)| {
            (
                key,
                if is_secret(key) {
                    HIDDEN.into()
                } else {
                    to_text(value)
                },
            )
        });
        f.debug_map().entries(shown).finish()
    }
}
