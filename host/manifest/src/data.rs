//! `[data]`: where rows are read from.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where rows are read from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Data {
    /// What the sensors' `files` are relative to; itself relative to the working directory. Without
    /// it: the manifest's own directory. Example: `"${SKAB_DIR}"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
}
