//! How a manifest names a plug-in: `"name"`, `"name@^0.1"` or `{ name, version, sha256 }`.

use fedhost_domain::model::Sha256Hex;
use schemars::JsonSchema;
use serde::Serialize;

/// The schema of a [`PluginSelector`](fedhost_domain::model::PluginSelector).
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum Form {
    /// A name, or a name and the versions that are accepted: `"standard-scaler@^0.1"`.
    Text(#[schemars(extend("format" = "plugin", "examples" = ["standard-scaler"]))] String),
    /// A name, and what the component must be.
    Table {
        /// As the plug-in's `describe` says. Example: `"standard-scaler"`.
        #[schemars(extend("format" = "name", "examples" = ["standard-scaler"]))]
        name: String,
        /// Which versions are accepted. Example: `"^0.1"`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "versions"))]
        version: Option<String>,
        /// The digest of the component file, as 64 lower-case hexadecimal digits.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "sha256"))]
        sha256: Option<String>,
    },
}

/// `name` or `name@versions`.
pub(super) fn check_text(text: &str) -> Result<(), String> {
    match text.split_once('@') {
        Some((name, versions)) => {
            check_name(name)?;
            check_versions(versions)
        }
        None => check_name(text),
    }
}

/// The name of a plug-in or of a sensor, or the end of a topic's name.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    fedhost_domain::model::check_name(name).map_err(str::to_owned)
}

pub(super) fn check_versions(text: &str) -> Result<(), String> {
    fedhost_domain::model::check_versions(text).map(|_| ())
}

pub(super) fn check_sha256(text: &str) -> Result<(), String> {
    match Sha256Hex::try_from(text.to_owned()) {
        Ok(_) => Ok(()),
        Err(_) => Err("expected the 64 lower-case hexadecimal digits of a sha256".into()),
    }
}
