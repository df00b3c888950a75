//! The log of the libraries underneath: on stderr, with `-v` only, and without secrets.

use std::net::TcpListener;

use fedhost_e2e::{Finished, Scene, on_kafka, simulated};
use serde_json::Value;

const PASSWORD: &str = "correct-horse-battery";

/// `topics list` on a cluster that does not answer, with these options.
fn listed(options: &[&str]) -> Finished {
    let scene = Scene::new();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let security = format!(
        "security_protocol = \"SASL_PLAINTEXT\"\nsasl_mechanism = \"PLAIN\"\nsasl_username = \"alice\"\n\
         sasl_password = \"{PASSWORD}\"\nrequest_ms = 2000\ntransactional_id_prefix"
    );
    let manifest = on_kafka(&simulated(100, 1), &free.to_string(), "log.");
    scene.write(
        "run.toml",
        manifest.replacen("transactional_id_prefix", &security, 1),
    );
    let finished = scene
        .fedhost(&[&["topics", "list", "run.toml"], options].concat())
        .expect_code(2);
    let output = format!("{}{}", finished.stdout, finished.stderr);
    assert!(!output.contains(PASSWORD), "{output}");
    finished
}

#[test]
fn the_kafka_client_logs_only_when_asked() {
    let silent = listed(&[]);
    assert!(!silent.stderr.contains("librdkafka"), "{}", silent.stderr);
    let verbose = listed(&["-v"]);
    assert!(
        verbose.stderr.contains("librdkafka: error: FAIL: "),
        "{}",
        verbose.stderr
    );
    let debug = listed(&["-vv"]);
    assert!(
        debug.stderr.contains("librdkafka: error: FAIL: "),
        "{}",
        debug.stderr
    );
}

#[test]
fn with_the_json_format_each_log_line_is_an_object() {
    let listed = listed(&["-v", "--json", "--log-format", "json"]);
    let lines: Vec<Value> = listed
        .stderr
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let line = lines
        .iter()
        .find(|line| line["library"] == "librdkafka")
        .unwrap_or_else(|| panic!("{}", listed.stderr));
    assert_eq!(line["level"], "error");
    assert!(line["message"].as_str().unwrap().starts_with("FAIL: "));
}
