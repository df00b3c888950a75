//! Decides which settings are secrets, and what is shown in their place.

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

#[cfg(test)]
mod tests {
    use super::*;

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
