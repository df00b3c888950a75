//! Which settings are secrets, and what is shown in their place.

/// Stands for a secret wherever it would be shown.
pub const HIDDEN: &str = "***";

/// What the names of secrets end with.
const ENDINGS: [&str; 7] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "key_pem",
    "jaas_config",
    "private_key",
];

/// Whether the setting of that name must never be shown: by a key path of the manifest, such as
/// `kafka.sasl_password`, or by librdkafka's name.
pub fn is_secret(name: &str) -> bool {
    let name = name.replace('.', "_");
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_every_name_that_it_has() {
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
