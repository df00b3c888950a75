//! Identity of content, nodes and plug-ins.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for half in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
    }
    text
}

/// The first 16 bytes of the sha256 of `bytes`, for ids that are made from what they name.
#[must_use]
pub fn sha256_prefix(bytes: &[u8]) -> [u8; 16] {
    let digest = Sha256::digest(bytes);
    let mut prefix = [0; 16];
    prefix
        .iter_mut()
        .zip(digest)
        .for_each(|(place, byte)| *place = byte);
    prefix
}

/// A sha256 digest as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Hex(String);

impl Sha256Hex {
    /// Digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::finish(Sha256::new_with_prefix(bytes))
    }

    /// Digest of the input of `hasher`.
    #[must_use]
    pub fn finish(hasher: Sha256) -> Self {
        Self(hex(&hasher.finalize()))
    }

    /// All 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for display.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is not a sha256 in lower case.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("{0:?} is not a sha256 of 64 lower-case hexadecimal digits")]
pub struct NotASha256(String);

impl TryFrom<String> for Sha256Hex {
    type Error = NotASha256;
    fn try_from(text: String) -> Result<Self, NotASha256> {
        let digits = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if text.len() == 64 && digits {
            Ok(Self(text))
        } else {
            Err(NotASha256(text))
        }
    }
}

impl From<Sha256Hex> for String {
    fn from(digest: Sha256Hex) -> Self {
        digest.0
    }
}

/// The id of a sender of updates: `fog-node-1`, or any name that another client uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(String);

impl NodeId {
    /// The id of fog node `number` of the manifest.
    #[must_use]
    pub fn fog(number: u32) -> Self {
        Self(format!("fog-node-{number}"))
    }

    /// The name of the sender of global models.
    pub const AGGREGATOR: &str = "aggregator";

    /// The id of the sender of global models.
    #[must_use]
    pub fn aggregator() -> Self {
        Self(Self::AGGREGATOR.to_owned())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is not a node id.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("{0:?} is not a node id: 1 to 128 letters, digits, '.', '_' or '-'")]
pub struct NotANodeId(String);

impl TryFrom<String> for NodeId {
    type Error = NotANodeId;
    fn try_from(text: String) -> Result<Self, NotANodeId> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=128).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text))
        } else {
            Err(NotANodeId(text))
        }
    }
}

impl From<NodeId> for String {
    fn from(node: NodeId) -> Self {
        node.0
    }
}

/// The identity of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginId {
    /// The name that its `describe` returns.
    pub name: String,
    /// The semantic version that its `describe` returns.
    pub version: String,
    /// Digest of the component file.
    pub sha256: Sha256Hex,
}

impl PluginId {
    /// Whether weights of the two components may be averaged, and one may load the other's: the
    /// plug-in is the same and the versions are compatible by semantic versioning (`0.1.0` and
    /// `0.1.4`, `1.2.0` and `1.5.0`). A pre-release, and a text that is not a semantic version, is
    /// compatible with itself only.
    #[must_use]
    pub fn shares_weights_with(&self, other: &Self) -> bool {
        let line = line(&self.version);
        let is_compatible =
            self.version == other.version || (line.is_some() && line == self::line(&other.version));
        self.name == other.name && is_compatible
    }
}

/// The part that compatible versions share: the first number that is not 0, and those before it.
fn line(version: &str) -> Option<(u64, u64, u64)> {
    let version = semver::Version::parse(version)
        .ok()
        .filter(|version| version.pre.is_empty())?;
    Some(match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    })
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}@{} ({})",
            self.name,
            self.version,
            self.sha256.short()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatible_versions_of_one_plug_in_share_their_weights() {
        let id = |name: &str, version: &str| PluginId {
            name: name.into(),
            version: version.into(),
            sha256: Sha256Hex::of(version.as_bytes()),
        };
        let shares = |one, other| {
            let (one, other) = (id("mlp", one), id("mlp", other));
            assert_eq!(
                one.shares_weights_with(&other),
                other.shares_weights_with(&one)
            );
            one.shares_weights_with(&other)
        };
        for (one, other) in [
            ("0.1.0", "0.1.9"),
            ("1.2.0", "1.0.7"),
            ("0.0.3", "0.0.3"),
            ("dev", "dev"),
        ] {
            assert!(shares(one, other), "{one} and {other}");
        }
        for (one, other) in [
            ("0.1.0", "0.2.0"),
            ("1.0.0", "2.0.0"),
            ("0.0.3", "0.0.4"),
            ("1.0.0-rc.1", "1.0.0"),
            ("dev", "0.1.0"),
            ("dev", "test"),
        ] {
            assert!(!shares(one, other), "{one} and {other}");
        }
        assert!(!id("mlp", "0.1.0").shares_weights_with(&id("pca", "0.1.0")));
    }

    #[test]
    fn a_node_id_has_a_limited_length_and_alphabet() {
        assert!(NodeId::try_from("line-3.press_2".to_owned()).is_ok());
        for bad in ["", "a b", "é", &"x".repeat(129)] {
            assert!(NodeId::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
