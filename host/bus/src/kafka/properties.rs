//! librdkafka properties by name.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;

use fedhost_base::secrets::{HIDDEN, is_secret};

/// Properties of one client, with librdkafka's names. `Debug` hides secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

impl Properties {
    /// The value of a property, if it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Sets a property; replaces an earlier value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Removes a property, so that the client uses its default.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// These properties; `others` take precedence.
    #[must_use]
    pub fn with<'a>(mut self, others: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.0.extend(
            others
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        self
    }

    /// All properties, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value as a number, if the property is set to one.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    pub(super) fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.extend(self.0.clone());
        config
    }
}

impl FromIterator<(String, String)> for Properties {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(properties: T) -> Self {
        Self(properties.into_iter().collect())
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self
            .iter()
            .map(|(name, value)| (name, if is_secret(name) { HIDDEN } else { value }));
        formatter.debug_map().entries(shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let properties =
            Properties::default().with([("sasl.password", "hunter2"), ("sasl.username", "me")]);
        let shown = format!("{properties:?}");
        assert!(
            shown.contains("me") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
