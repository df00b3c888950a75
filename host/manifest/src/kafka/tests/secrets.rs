//! Passwords reach the clients, and nothing else.

use super::*;

const SIGNED_IN: &str = "[kafka]\nsecurity_protocol = \"SASL_SSL\"\nsasl_mechanism = \"PLAIN\"\nsasl_username = \"me\"\n";

#[test]
fn a_secret_lies_in_a_file_and_is_shown_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("password"), "hunter2 \n").unwrap();
    let path = directory.path().join("m.toml");
    let text = format!(
        "[bus]\nkind = \"kafka\"\n{SIGNED_IN}sasl_password_file = \"password\"\nssl_key_password = \"hunter3\"\n\
         [kafka.aggregator.producer]\nsasl_password = \"hunter4\"\n[api]\ntoken = \"hunter5\"\n{MINIMAL}"
    );
    std::fs::write(&path, text).unwrap();
    let loaded = crate::load(&path, [], &[]).unwrap();

    let password = |role| of(&loaded.manifest, role, Side::Producer).remove("sasl.password");
    assert_eq!(
        password(ClientRole::FogNode).as_deref(),
        Some("hunter2 "),
        "but for one line end"
    );
    assert_eq!(
        password(ClientRole::Aggregator).as_deref(),
        Some("hunter4"),
        "a role's own goes before it"
    );
    let clients = loaded.manifest.kafka_clients(ClientRole::Aggregator);
    let shown = format!(
        "{loaded:?}{clients:?}{:?}{}",
        loaded.manifest,
        loaded.to_toml_with_origins()
    );
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(
        shown.contains("sasl_password = \"***\"") && shown.contains("sasl.password = ***"),
        "{shown}"
    );
}

#[test]
fn a_secret_of_a_higher_layer_displaces_a_file_of_a_lower_one() {
    let text = format!("{SIGNED_IN}sasl_password_file = \"no-such-file\"");
    assert_eq!(problems_of(load(&text))[0].0, "kafka.sasl_password_file");
    let loaded = load_with(&text, &[("KAFKA_SASL_PASSWORD", "hunter2")], &[]).unwrap();
    let producer = of(&loaded.manifest, ClientRole::Sensor, Side::Producer);
    assert_eq!(
        producer.get("sasl.password").map(String::as_str),
        Some("hunter2")
    );
}

#[test]
fn no_problem_tells_a_secret() {
    let text = "[kafka]\nsasl_password = [\"hunter2\"]\nssl_key_pem = 5\n'sasl.jaas.config' = \"hunter2\"\n";
    let environment = [
        ("KAFKA_SASL_PASSWORD", "[hunter2"),
        ("STREAMING_KAFKA__PRODUCER_CONFIG", "{hunter2"),
    ];
    for environment in [&environment[..], &[]] {
        let problems = load_with(text, environment, &[]).unwrap_err().to_string();
        assert!(
            problems.contains("sasl_password") && !problems.contains("hunter2"),
            "{problems}"
        );
    }
}
