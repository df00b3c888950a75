//! Apache Kafka's jars and the Java that runs them.

use std::path::PathBuf;
use std::process::Command;

/// A Java program of Apache Kafka; it logs warnings only.
pub(super) fn java(class: &str) -> Command {
    let classes = format!("{}/*", libraries().display());
    let mut java = Command::new("java");
    // What matters here is a quick start.
    java.args(["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]);
    java.args([
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        &classes,
        class,
    ]);
    java
}

fn libraries() -> PathBuf {
    let given = std::env::var_os("KAFKA_LIBS").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| crate::root().join("target/kafka/libs"));
    assert!(
        folder.is_dir(),
        "there are no jars of Apache Kafka in {}: run `scripts/kafka fetch`, or `make test`",
        folder.display()
    );
    folder
}
