//! Which plug-in is wanted.

use std::fmt;
use std::str::FromStr;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::{NotASha256, PluginId, Sha256Hex};

/// Selects a plug-in: `name`, `name@^0.1`, or the same pinned to a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct PluginSelector {
    /// The plug-in's name: 1 to 100 letters, digits, `.`, `_` or `-`.
    pub name: String,
    /// The accepted versions; `None` accepts any.
    pub version: Option<VersionReq>,
    /// The digest of the accepted component; `None` accepts any.
    pub sha256: Option<Sha256Hex>,
}

/// A text selects no plug-in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{text:?} selects no plug-in: {reason}")]
#[diagnostic(help("write name or name@^0.1"))]
pub struct NotASelector {
    text: String,
    reason: String,
}

/// The written forms: a text, or a table.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Table {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
    },
}

impl PluginSelector {
    /// Whether the plug-in has the name, an accepted version and the digest.
    #[must_use]
    pub fn accepts(&self, plugin: &PluginId, version: &Version) -> bool {
        let is_version = self
            .version
            .as_ref()
            .is_none_or(|wanted| wanted.matches(version));
        let is_pinned = self
            .sha256
            .as_ref()
            .is_none_or(|wanted| *wanted == plugin.sha256);
        self.name == plugin.name && is_version && is_pinned
    }

    /// What it asks for beside the name, such as `version ^0.1`; empty if nothing.
    #[must_use]
    pub fn requirements(&self) -> String {
        let version = self
            .version
            .iter()
            .map(|version| format!("version {version}"));
        let sha256 = self.sha256.iter().map(|sha256| format!("sha256 {sha256}"));
        version.chain(sha256).collect::<Vec<_>>().join(", ")
    }
}

/// Checks the name of a plug-in or of a sensor, or the end of a topic's name.
///
/// # Errors
/// What a name consists of.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=100).contains(&name.len()) && name.bytes().all(is_legal) {
        Ok(())
    } else {
        Err("expected a name of 1 to 100 letters, digits, '.', '_' or '-'")
    }
}

/// Checks the versions that are accepted, such as `^0.1`.
///
/// # Errors
/// What is wrong with them.
pub fn check_versions(text: &str) -> Result<VersionReq, String> {
    VersionReq::parse(text).map_err(|error| format!("expected versions such as \"^0.1\" ({error})"))
}

impl FromStr for PluginSelector {
    type Err = NotASelector;

    fn from_str(text: &str) -> Result<Self, NotASelector> {
        let selector = Self::try_from(Form::Text(text.to_owned()));
        selector.map_err(|reason| NotASelector {
            text: text.to_owned(),
            reason,
        })
    }
}

impl fmt::Display for PluginSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.version
            .iter()
            .try_for_each(|version| write!(f, "@{version}"))
    }
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
        let sha256 = sha256
            .map(Sha256Hex::try_from)
            .transpose()
            .map_err(|_: NotASha256| {
                "expected the 64 lower-case hexadecimal digits of a sha256".to_owned()
            })?;
        Ok(Self {
            name,
            version: version.as_deref().map(check_versions).transpose()?,
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
            sha256: sha256.map(String::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_a_name_and_perhaps_a_version() {
        let plain: PluginSelector = "pca-t2q".parse().unwrap();
        assert_eq!(
            plain,
            PluginSelector {
                name: "pca-t2q".into(),
                version: None,
                sha256: None
            }
        );
        for text in ["pca-t2q", "pca-t2q@^0.1"] {
            let selector: PluginSelector = text.parse().unwrap();
            assert_eq!(selector.to_string(), text);
            let json = serde_json::to_string(&selector).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(
                serde_json::from_str::<PluginSelector>(&json).unwrap(),
                selector
            );
        }
        for bad in ["", "@1", "a@one", "a b"] {
            let error = bad.parse::<PluginSelector>().unwrap_err();
            assert!(miette::Diagnostic::help(&error).is_some(), "{error}");
        }
    }

    #[test]
    fn name_version_and_digest_have_to_agree() {
        let id = PluginId {
            name: "scaler".into(),
            version: "0.1.5".into(),
            sha256: Sha256Hex::of(b"scaler"),
        };
        let accepts = |selector: &PluginSelector| selector.accepts(&id, &Version::new(0, 1, 5));
        for (text, accepted) in [
            ("scaler", true),
            ("scaler@^0.1", true),
            ("scaler@^0.2", false),
            ("other", false),
        ] {
            assert_eq!(accepts(&text.parse().unwrap()), accepted, "{text}");
        }
        for (content, accepted) in [(b"scaler".as_slice(), true), (b"another", false)] {
            let pinned = PluginSelector {
                sha256: Some(Sha256Hex::of(content)),
                ..id.name.parse().unwrap()
            };
            assert_eq!(accepts(&pinned), accepted);
        }
    }
}
