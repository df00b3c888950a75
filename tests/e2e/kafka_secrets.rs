//! A federation over TLS with names and passwords; no secret is ever printed.

use fedhost_e2e::broker::{Broker, PASSWORD, secured};
use fedhost_e2e::{Scene, http, model, on_kafka, simulated, undisturbed};

const TOKEN: &str = "token-of-the-api-7f3a";
const LISTENER: &str = "scram512_tls";

/// A federation on the listener that asks for most; how the password is given is left open.
fn scene(broker: &Broker, prefix: &str, password: &str) -> Scene {
    let authority = broker.certificates().authority().display().to_string();
    let security = format!(
        "security_protocol = \"SASL_SSL\"\nsasl_mechanism = \"SCRAM-SHA-512\"\nsasl_username = \"alice\"\n{password}\n\
         ssl_ca_location = \"{authority}\"\ntransactional_id_prefix"
    );
    let manifest = on_kafka(&simulated(600, 2), &broker.address(LISTENER), prefix);
    let manifest = manifest.replacen("transactional_id_prefix", &security, 1);
    let scene = Scene::new();
    scene.write(
        "run.toml",
        format!("{manifest}\n[api]\nlisten = \"127.0.0.1:0\"\ntoken = \"${{API_TOKEN}}\"\n"),
    );
    scene.write("alice.password", format!("{PASSWORD}\n"));
    scene
}

/// The complete output of a run, as text and as JSON, at the highest verbosity, with the variable in
/// its environment.
fn everything_said(scene: &Scene, variable: &str) -> String {
    let prepare = |arguments: &[&str]| {
        scene
            .prepare(arguments)
            .env("API_TOKEN", TOKEN)
            .env(variable, PASSWORD)
    };
    let mut run =
        prepare(&["run", "run.toml", "--json", "-vv"]).start_with_stderr(&scene.path("stderr"));
    let address = run.wait_for("listening")["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let (status, refused) = http::get(&address, "/metrics", &[]);
    assert_eq!(status, 401, "{refused}");
    let (status, metrics) = http::get(
        &address,
        "/metrics",
        &[&format!("Authorization: Bearer {TOKEN}")],
    );
    assert_eq!(status, 200, "{metrics}");
    let (code, events) = run.rest();
    assert_eq!(
        (code, model(&events)),
        (Some(0), undisturbed(&simulated(600, 2)))
    );
    let mut said = format!("{refused}{metrics}{events:?}");
    for file in ["stderr", "data/aggregation_log.jsonl"] {
        said.push_str(&std::fs::read_to_string(scene.path(file)).unwrap());
    }
    for arguments in [
        &["check", "run.toml", "--print"][..],
        &["doctor", "run.toml"],
        &["topics", "list", "run.toml"],
    ] {
        let finished = prepare(arguments).finish().expect_code(0);
        said.push_str(&finished.stdout);
        said.push_str(&finished.stderr);
    }
    said
}

#[test]
fn a_federation_over_tls_with_a_password_runs_and_no_secret_is_told() {
    let broker = secured();
    for (prefix, password, variable) in [
        (
            "secret-file",
            "sasl_password_file = \"alice.password\"",
            "UNUSED",
        ),
        ("secret-variable", "", "KAFKA_SASL_PASSWORD"),
        ("secret-text", "sasl_password = \"${ALICE}\"", "ALICE"),
    ] {
        let said = everything_said(&scene(&broker, prefix, password), variable);
        assert!(
            said.contains("sasl.username = alice"),
            "other settings are printed: {said}"
        );
        for secret in [PASSWORD, TOKEN] {
            assert!(!said.contains(secret), "{prefix}: {secret} in {said}");
        }
    }
}

#[test]
fn a_wrong_password_is_refused_with_its_remedy_and_not_told() {
    let broker = secured();
    let scene = scene(&broker, "secret-wrong", "sasl_password = \"${ALICE}\"");
    let run = scene
        .prepare(&["run", "run.toml"])
        .env("API_TOKEN", TOKEN)
        .env("ALICE", "battery-staple");
    let refused = run.finish().expect_code(2);
    assert!(
        refused.stderr.contains("hint:") && refused.stderr.contains("sasl_password"),
        "{}",
        refused.stderr
    );
    assert!(
        !format!("{}{}", refused.stdout, refused.stderr).contains("battery-staple"),
        "{}",
        refused.stderr
    );
}
