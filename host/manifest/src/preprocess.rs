//! `[preprocess]`, and the parameters that any plug-in takes.

use std::collections::BTreeMap;

use fedhost_domain::model::PluginSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::selector::Form;

/// What rows pass through before the model sees them; without this section they reach it as they
/// are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preprocess {
    /// A plug-in that exports `preprocessing`. Example: `"baseline-deviation@^0.1"`.
    #[schemars(with = "Form")]
    pub plugin: PluginSelector,
    /// As the plug-in describes them. Example: `{ window = 200 }`.
    #[serde(default)]
    pub parameters: Parameters,
}

/// A plug-in's parameters, by name.
pub type Parameters = BTreeMap<String, Parameter>;

/// The value of a plug-in's parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Parameter {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(String),
}
