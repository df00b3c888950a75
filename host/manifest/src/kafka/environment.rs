//! Environment variables that Kafka's users have set already, and the keys of the manifest that
//! they stand for.

/// The variables of Kafka tools and clients.
const KAFKA: &[(&str, &str)] = &[
    ("KAFKA_BOOTSTRAP_SERVERS", "kafka.bootstrap_servers"),
    ("KAFKA_SECURITY_PROTOCOL", "kafka.security_protocol"),
    ("KAFKA_SASL_MECHANISM", "kafka.sasl_mechanism"),
    ("KAFKA_SASL_USERNAME", "kafka.sasl_username"),
    ("KAFKA_SASL_PASSWORD", "kafka.sasl_password"),
    ("KAFKA_SSL_CA_LOCATION", "kafka.ssl_ca_location"),
    ("KAFKA_SSL_CERT_LOCATION", "kafka.ssl_certificate_location"),
    ("KAFKA_SSL_KEY_LOCATION", "kafka.ssl_key_location"),
    ("KAFKA_SSL_KEY_PASSWORD", "kafka.ssl_key_password"),
];

/// The variables of streaming applications that keep their settings under one prefix.
const STREAMING: &[(&str, &str)] = &[
    ("STREAMING_EVENTS_TOPIC", "topics.events.name"),
    ("STREAMING_METRICS_TOPIC", "topics.metrics.name"),
    ("STREAMING_ALERTS_TOPIC", "topics.streaming_alerts.name"),
    (
        "STREAMING_ML_PREDICTIONS_TOPIC",
        "topics.ml_predictions.name",
    ),
    ("STREAMING_KAFKA__PRODUCER_CONFIG", "kafka.producer"),
    ("STREAMING_KAFKA__CONSUMER_CONFIG", "kafka.consumer"),
    (
        "STREAMING_KAFKA__DEAD_LETTER_TOPIC_SUFFIX",
        "topics.dead_letter_suffix",
    ),
];

const STREAMING_KAFKA: &str = "STREAMING_KAFKA__";

/// The key path that a variable stands for; a variable that is set to nothing stands for none.
pub(crate) fn well_known(variable: &str, text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return None;
    }
    let table = STREAMING
        .iter()
        .chain(KAFKA)
        .find(|(name, _)| *name == variable);
    if let Some((_, path)) = table {
        return Some(path.split('.').map(str::to_owned).collect());
    }
    let key = variable.strip_prefix(STREAMING_KAFKA)?.to_ascii_lowercase();
    let is_granted = key == "enable_dead_letter_queue" && matches!(text, "true" | "True" | "1");
    (!is_granted).then(|| {
        std::iter::once("kafka")
            .chain(key.split("__"))
            .map(str::to_owned)
            .collect()
    })
}
