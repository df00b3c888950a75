//! Secrets: values that are used and never shown, and the names of settings that hold one.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Is shown in place of a secret.
pub const HIDDEN: &str = "***";

/// The endings of the names of secrets.
const ENDINGS: [&str; 7] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "key_pem",
    "jaas_config",
    "private_key",
];

/// Whether the value of a setting must never be shown. `name` is a key path of the manifest, such
/// as `kafka.sasl_password`, or a name of librdkafka.
pub fn is_secret(name: &str) -> bool {
    let name = name.replace('.', "_");
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// A text that stays out of `Debug` and out of what is serialized.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, to be used where the secret is needed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether the candidate is the secret. The time it takes depends on neither: all bytes of two
    /// digests are compared.
    #[must_use]
    pub fn is(&self, candidate: &[u8]) -> bool {
        let expected = Sha256::digest(self.0.as_bytes());
        let found = Sha256::digest(candidate);
        expected.as_slice().ct_eq(found.as_slice()).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_itself_is_the_secret() {
        let secret = Secret::from("s3cret".to_owned());
        assert!(secret.is(b"s3cret"));
        for other in [b"".as_slice(), b"s3cre", b"s3cret ", b"S3cret"] {
            assert!(!secret.is(other), "{other:?}");
        }
        assert_eq!(format!("{secret:?}"), "***");
    }

    #[test]
    fn a_secret_is_recognised_by_the_names_of_manifest_and_client() {
        for name in [
            "kafka.sasl_password",
            "sasl.password",
            "ssl.key.password",
            "ssl.keystore.password",
            "ssl.key.pem",
            "kafka.producer.ssl_key_pem",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.assertion.private.key.passphrase",
            "sasl.jaas.config",
            "api.token",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "kafka.sasl_password_file",
            "sasl.username",
            "ssl.key.location",
            "ssl.certificate.pem",
            "client.id",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
