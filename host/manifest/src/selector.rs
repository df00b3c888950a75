//! How a manifest names a plug-in: `"name"`, `"name@^0.1"` or `{ name, version, sha256 }`.

use std::fmt;

use schemars::JsonSchema;
use semver::VersionReq;
use serde::{Deserialize, Serialize};

/// Which component is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Form", into = "Form")]
#[schemars(with = "Form")]
pub struct PluginSelector {
    /// As its `describe` says.
    pub name: String,
    /// Which versions will do; `None` takes the newest.
    pub version: Option<VersionReq>,
    /// The digest of the component file, as 64 lower-case hexadecimal digits; `None` takes any.
    pub sha256: Option<String>,
}

impl fmt::Display for PluginSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.version
            .iter()
            .try_for_each(|version| write!(f, "@{version}"))
    }
}

/// As it is written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Form {
    /// A name, or a name and the versions that will do: `"standard-scaler@^0.1"`.
    Text(#[schemars(extend("format" = "plugin", "examples" = ["standard-scaler"]))] String),
    /// A name, and what the component must be.
    Table {
        /// As the plug-in's `describe` says. Example: `"standard-scaler"`.
        #[schemars(extend("format" = "name", "examples" = ["standard-scaler"]))]
        name: String,
        /// Which versions will do. Example: `"^0.1"`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "versions"))]
        version: Option<String>,
        /// The digest of the component file, as 64 lower-case hexadecimal digits.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "sha256"))]
        sha256: Option<String>,
    },
}

impl TryFrom<Form> for PluginSelector {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let (name, version, sha256) = match form {
            Form::Text(text) => match text.split_once('@') {
                Some((name, version)) => (name.to_owned(), Some(version.to_owned()), None),
                None => (text, None, None),
            },
            Form::Table {
                name,
                version,
                sha256,
            } => (name, version, sha256),
        };
        check_name(&name)?;
        sha256.as_deref().map_or(Ok(()), check_sha256)?;
        Ok(Self {
            name,
            version: version.as_deref().map(versions).transpose()?,
            sha256,
        })
    }
}

impl From<PluginSelector> for Form {
    fn from(selector: PluginSelector) -> Self {
        if selector.sha256.is_none() {
            return Self::Text(selector.to_string());
        }
        let PluginSelector {
            name,
            version,
            sha256,
        } = selector;
        Self::Table {
            name,
            version: version.map(|version| version.to_string()),
            sha256,
        }
    }
}

/// `name` or `name@versions`.
pub(super) fn check_text(text: &str) -> Result<(), String> {
    PluginSelector::try_from(Form::Text(text.to_owned())).map(drop)
}

/// The name of a plug-in or of a sensor, or the end of a topic's name.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=100).contains(&name.len()) && name.bytes().all(legal) {
        return Ok(());
    }
    Err("expected a name of 1 to 100 letters, digits, '.', '_' or '-'".into())
}

pub(super) fn check_versions(text: &str) -> Result<(), String> {
    versions(text).map(drop)
}

fn versions(text: &str) -> Result<VersionReq, String> {
    VersionReq::parse(text).map_err(|error| format!("expected versions such as \"^0.1\" ({error})"))
}

pub(super) fn check_sha256(text: &str) -> Result<(), String> {
    let digits = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if text.len() == 64 && digits {
        Ok(())
    } else {
        Err("expected the 64 lower-case hexadecimal digits of a sha256".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(text: &str) -> PluginSelector {
        PluginSelector::try_from(Form::Text(text.into())).unwrap()
    }

    #[test]
    fn a_selector_reads_back_as_it_was_written() {
        for text in ["scaler", "scaler@^0.1"] {
            assert_eq!(selector(text).to_string(), text);
        }
    }
}
