//! A listener of a broker, and the settings of its clients.

use super::certificates::{Certificates, ServerCertificate};

/// Users of every listener with a login; all have [`PASSWORD`].
pub const USERS: [&str; 2] = ["alice", "bob"];

/// The password of all [`USERS`].
pub const PASSWORD: &str = "correct-horse";

/// An address for clients.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Lower-case a-z, digits and underscores.
    pub name: &'static str,
    /// The security protocol.
    pub protocol: Protocol,
    /// Its certificate, for protocols with TLS.
    pub certificate: ServerCertificate,
}

/// The security protocol of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Without encryption and login.
    Plaintext,
    /// TLS; the listener asks for no client certificate.
    Ssl,
    /// TLS, and the client must show a certificate.
    MutualSsl,
    /// A name and a password.
    SaslPlaintext(Mechanism),
    /// The same over TLS.
    SaslSsl(Mechanism),
}

/// The SASL mechanism of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `PLAIN`
    Plain,
    /// `SCRAM-SHA-256`
    ScramSha256,
    /// `SCRAM-SHA-512`
    ScramSha512,
}

impl Mechanism {
    /// Its name in Kafka and librdkafka.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Listener {
    /// A listener; if it needs a certificate, it has a valid one.
    #[must_use]
    pub fn new(name: &'static str, protocol: Protocol) -> Self {
        Self {
            name,
            protocol,
            certificate: ServerCertificate::Sound,
        }
    }

    /// A listener without encryption and login.
    #[must_use]
    pub fn plaintext(name: &'static str) -> Self {
        Self::new(name, Protocol::Plaintext)
    }

    /// A TLS listener with this certificate.
    #[must_use]
    pub fn ssl(name: &'static str, certificate: ServerCertificate) -> Self {
        Self {
            name,
            protocol: Protocol::Ssl,
            certificate,
        }
    }

    pub(super) fn mechanism(&self) -> Option<Mechanism> {
        match self.protocol {
            Protocol::SaslPlaintext(mechanism) | Protocol::SaslSsl(mechanism) => Some(mechanism),
            Protocol::Plaintext | Protocol::Ssl | Protocol::MutualSsl => None,
        }
    }

    pub(super) fn has_tls(&self) -> bool {
        matches!(
            self.protocol,
            Protocol::Ssl | Protocol::MutualSsl | Protocol::SaslSsl(_)
        )
    }

    /// `security.protocol`
    pub(super) fn security_protocol(&self) -> &'static str {
        match self.protocol {
            Protocol::Plaintext => "PLAINTEXT",
            Protocol::Ssl | Protocol::MutualSsl => "SSL",
            Protocol::SaslPlaintext(_) => "SASL_PLAINTEXT",
            Protocol::SaslSsl(_) => "SASL_SSL",
        }
    }

    /// As `kafka-storage format --add-scram` takes them.
    pub(super) fn scram_credentials(&self) -> Vec<String> {
        match self.mechanism() {
            None | Some(Mechanism::Plain) => Vec::new(),
            Some(scram) => USERS
                .iter()
                .map(|user| format!("{}=[name={user},password={PASSWORD}]", scram.name()))
                .collect(),
        }
    }

    /// Of the broker, under `listener.name.NAME.`.
    pub(super) fn settings(&self, certificates: &Certificates) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        if self.has_tls() {
            let asked = if self.protocol == Protocol::MutualSsl {
                "required"
            } else {
                "none"
            };
            settings.extend([
                ("ssl.keystore.type", "PEM".to_owned()),
                (
                    "ssl.keystore.location",
                    certificates.server(self.certificate).display().to_string(),
                ),
                ("ssl.truststore.type", "PEM".to_owned()),
                (
                    "ssl.truststore.location",
                    certificates.authority().display().to_string(),
                ),
                ("ssl.client.auth", asked.to_owned()),
            ]);
        }
        let mut settings: Vec<(String, String)> = settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        if let Some(mechanism) = self.mechanism() {
            settings.push((
                "sasl.enabled.mechanisms".to_owned(),
                mechanism.name().to_owned(),
            ));
            settings.push((
                format!("{}.sasl.jaas.config", mechanism.name().to_lowercase()),
                login(mechanism),
            ));
        }
        settings
    }

    /// Of a client that comes in as the first of [`USERS`], or with the client certificate.
    pub(super) fn client(&self, certificates: &Certificates) -> Vec<(String, String)> {
        let path = |path: std::path::PathBuf| path.display().to_string();
        let mut properties = vec![("security.protocol", self.security_protocol().to_lowercase())];
        if self.has_tls() {
            properties.push(("ssl.ca.location", path(certificates.authority())));
        }
        if self.protocol == Protocol::MutualSsl {
            properties.push((
                "ssl.certificate.location",
                path(certificates.client_certificate()),
            ));
            properties.push(("ssl.key.location", path(certificates.client_key())));
        }
        if let Some(mechanism) = self.mechanism() {
            properties.push(("sasl.mechanism", mechanism.name().to_owned()));
            properties.push(("sasl.username", USERS[0].to_owned()));
            properties.push(("sasl.password", PASSWORD.to_owned()));
        }
        properties
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

fn login(mechanism: Mechanism) -> String {
    match mechanism {
        Mechanism::Plain => {
            let users: String = USERS
                .iter()
                .map(|user| format!(" user_{user}=\"{PASSWORD}\""))
                .collect();
            format!("org.apache.kafka.common.security.plain.PlainLoginModule required{users};")
        }
        Mechanism::ScramSha256 | Mechanism::ScramSha512 => {
            "org.apache.kafka.common.security.scram.ScramLoginModule required;".to_owned()
        }
    }
}
