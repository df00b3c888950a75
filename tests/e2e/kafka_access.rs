//! A command connects to a cluster through every kind of listener, or reports why it cannot.

use std::sync::Arc;

use fedhost_e2e::broker::{Broker, PASSWORD, secured};
use fedhost_e2e::{Finished, Scene};

const SECRETS: [&str; 2] = [PASSWORD, "battery-staple"];

/// A way in, as a manifest has it.
struct Way {
    broker: Arc<Broker>,
    listener: &'static str,
    settings: String,
}

impl Way {
    fn in_by(listener: &'static str, settings: &[(&str, &str)]) -> Self {
        let settings = settings
            .iter()
            .map(|(name, value)| format!("{name} = \"{value}\"\n"))
            .collect();
        Self {
            broker: secured(),
            listener,
            settings,
        }
    }

    fn over_tls(listener: &'static str, settings: &[(&str, &str)]) -> Self {
        let way = Self::in_by(listener, settings);
        let authority = way.broker.certificates().authority().display().to_string();
        Self {
            settings: format!("{}ssl_ca_location = \"{authority}\"\n", way.settings),
            ..way
        }
    }

    /// `topics list` with what is in the environment.
    fn taken_with(&self, environment: &[(&str, &str)]) -> Finished {
        let scene = Scene::new();
        let (address, settings) = (self.broker.address(self.listener), &self.settings);
        scene.write(
            "run.toml",
            format!(
                "[bus]\nkind = \"kafka\"\n\n[kafka]\nbootstrap_servers = [\"{address}\"]\nrequest_ms = 5000\n{settings}\n\
                 [topics]\nprefix = \"access.\"\n\n[model]\nplugin = \"logistic-regression\"\n\n[[fog_node]]\nid = 1\n"
            ),
        );
        scene.write("password", format!("{PASSWORD}\n"));
        let command = scene.prepare(&["topics", "list", "run.toml"]);
        let finished = environment
            .iter()
            .fold(command, |command, (name, value)| command.env(name, value))
            .finish();
        for secret in SECRETS {
            let said = [&finished.stdout, &finished.stderr];
            assert!(
                said.iter().all(|said| !said.contains(secret)),
                "{}: {secret} in {said:?}",
                self.listener
            );
        }
        finished
    }

    fn taken(&self) -> Finished {
        self.taken_with(&[])
    }
}

const PLAIN: [(&str, &str); 3] = [
    ("security_protocol", "SASL_PLAINTEXT"),
    ("sasl_mechanism", "PLAIN"),
    ("sasl_username", "alice"),
];
const FILE: (&str, &str) = ("sasl_password_file", "password");

#[test]
fn a_command_gets_in_through_every_kind_of_listener_with_what_its_manifest_says() {
    let (_kept, certificates) = (secured(), secured().certificates().clone());
    let scram = |protocol, mechanism| {
        [
            ("security_protocol", protocol),
            ("sasl_mechanism", mechanism),
            PLAIN[2],
            FILE,
        ]
    };
    let (certificate, key) = (certificates.client_certificate(), certificates.client_key());
    let mutual = [
        ("security_protocol", "SSL"),
        ("ssl_certificate_location", certificate.to_str().unwrap()),
        ("ssl_key_location", key.to_str().unwrap()),
    ];
    for way in [
        Way::in_by("plaintext", &[]),
        Way::over_tls("tls", &[("security_protocol", "SSL")]),
        Way::over_tls("mutual_tls", &mutual),
        Way::in_by("plain", &[&PLAIN[..], &[FILE]].concat()),
        Way::in_by("scram256", &scram("SASL_PLAINTEXT", "SCRAM-SHA-256")),
        Way::in_by("scram512", &scram("SASL_PLAINTEXT", "SCRAM-SHA-512")),
        Way::over_tls("plain_tls", &scram("SASL_SSL", "PLAIN")),
        Way::over_tls("scram512_tls", &scram("SASL_SSL", "SCRAM-SHA-512")),
    ] {
        let listed = way.taken();
        assert_eq!(listed.code, Some(0), "{}: {}", way.listener, listed.stderr);
        assert!(
            listed.stdout.contains("access.global_model"),
            "{}: {}",
            way.listener,
            listed.stdout
        );
    }
}

#[test]
fn a_command_gets_in_with_what_the_environment_says() {
    let (_kept, way) = (secured(), Way::in_by("scram256", &[]));
    let environment = [
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-256"),
        ("KAFKA_SASL_USERNAME", "alice"),
        ("KAFKA_SASL_PASSWORD", PASSWORD),
    ];
    way.taken_with(&environment).expect_code(0);
    let authority = way.broker.certificates().authority();
    let environment = [
        ("KAFKA_SECURITY_PROTOCOL", "SSL"),
        ("KAFKA_SSL_CA_LOCATION", authority.to_str().unwrap()),
    ];
    Way::in_by("tls", &[])
        .taken_with(&environment)
        .expect_code(0);
}

#[test]
fn a_command_that_does_not_get_in_says_why_and_what_to_do() {
    let (_kept, certificates) = (secured(), secured().certificates().clone());
    let other = certificates.other_authority();
    let wrong_authority = [
        ("security_protocol", "SSL"),
        ("ssl_ca_location", other.to_str().unwrap()),
    ];
    let wrong_password = ("sasl_password", "battery-staple");
    let cases = [
        (
            Way::in_by("plain", &[&PLAIN[..], &[wrong_password]].concat()),
            "password",
            "sasl_username",
        ),
        (
            Way::in_by("tls", &wrong_authority),
            "ssl_ca_location does not name",
            "doctor",
        ),
        (
            Way::over_tls("expired", &[("security_protocol", "SSL")]),
            "certificate",
            "doctor",
        ),
        (
            Way::over_tls("other_host", &[("security_protocol", "SSL")]),
            "certificate",
            "doctor",
        ),
        // Only the doctor diagnoses a connection that was closed without an error.
        (Way::in_by("tls", &[]), "cannot list topics", "doctor"),
        (
            Way::over_tls("plaintext", &[("security_protocol", "SSL")]),
            "TLS",
            "security_protocol",
        ),
    ];
    for (way, reason, remedy) in cases {
        let refused = way.taken();
        assert_eq!(
            refused.code,
            Some(2),
            "{}: {}",
            way.listener,
            refused.stderr
        );
        let (story, hint) = refused
            .stderr
            .split_once("hint: ")
            .unwrap_or((&refused.stderr, ""));
        assert!(
            story.contains(reason) && hint.contains(remedy),
            "{}: {}",
            way.listener,
            refused.stderr
        );
    }
}
