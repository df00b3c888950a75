//! librdkafka's own log lines, as events of `tracing` with target `librdkafka`. The command line
//! shows them with `-v`. They carry no secrets: librdkafka hides the values of passwords, and no
//! record's content is logged.

use rdkafka::config::RDKafkaLogLevel;

/// Emits one line of the client's log.
pub(super) fn emit(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::error!(target: "librdkafka", "{facility}: {line}"),
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", "{facility}: {line}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", "{facility}: {line}");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", "{facility}: {line}"),
    }
}
