//! `[model]`: what learns.

use fedhost_domain::model::PluginSelector;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::preprocess::Parameters;
use super::selector::Form;

/// What learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// A plug-in that exports `training` and `detection`. Example: `"logistic-regression"`.
    #[schemars(with = "Form")]
    pub plugin: PluginSelector,
    /// As the plug-in describes them. Example: `{ learning_rate = 0.05, batch_size = 32 }`.
    #[serde(default)]
    pub parameters: Parameters,
    /// How often a fog node goes through its rows in one round: 1 to 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub local_epochs: u32,
    /// Decides everything the plug-in draws by chance.
    #[schemars(range(min = 0, max = 9_223_372_036_854_775_807_u64))]
    pub seed: u64,
}
