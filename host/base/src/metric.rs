//! Every metric that the host reports: its name, its description, and whether it is a gauge or a
//! counter.
//!
//! A name ends with its unit; a metric without a unit is a count of things. All code takes metrics
//! from here, so that each has a description, and an unused one is a compiler warning.

/// A metric that goes up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauge {
    name: &'static str,
    help: &'static str,
}

/// A metric that only rises; it starts at 0 with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    name: &'static str,
    help: &'static str,
}

impl Gauge {
    /// Its name in `snake_case`, with the unit at the end.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Its description, in one line.
    #[must_use]
    pub const fn help(self) -> &'static str {
        self.help
    }
}

impl Count {
    /// Its name in `snake_case`, with the unit at the end.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Its description, in one line.
    #[must_use]
    pub const fn help(self) -> &'static str {
        self.help
    }
}

/// Declares metrics, and lists all of them for the tests.
macro_rules! metrics {
    ($($constant:ident: $kind:ident = $name:literal, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: $kind = $kind { name: $name, help: $help };
        )*
        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($name, $help)),*];
    };
}

metrics! {
    // Writers.
    PRODUCER_QUEUE_RECORDS: Gauge = "producer_queue_records", "Records in the producer's queue, not acknowledged yet";
    PRODUCER_QUEUE_BYTES: Gauge = "producer_queue_bytes", "Bytes in the producer's queue, not acknowledged yet";
    COMPRESSION_RATIO: Gauge = "compression_ratio", "Bytes of a producer's batches as sent, divided by the bytes of the keys and values in them";
    BATCH_RECORDS: Gauge = "batch_records", "Records that a producer sends to a partition in one batch";
    BATCH_BYTES: Gauge = "batch_bytes", "Bytes that a producer sends to a partition in one batch";
    RECORDS_WRITTEN: Count = "records_written", "Records that were written and acknowledged";
    BYTES_WRITTEN: Count = "bytes_written", "Bytes of keys and values that were written and acknowledged";
    SEND_ERRORS: Count = "send_errors", "Records that the client returned as not acknowledged; most are sent again with their write";
    WRITE_RETRIES: Count = "write_retries", "Writes that were tried again as a whole";
    TRANSACTIONS_COMMITTED: Count = "transactions_committed", "Transactions that were committed";
    TRANSACTIONS_ABORTED: Count = "transactions_aborted", "Transactions that were aborted";

    // Readers.
    CONSUMER_LAG_RECORDS: Gauge = "consumer_lag_records", "Records of a partition that its group has not read yet";
    CONSUMER_LAG_SECONDS: Gauge = "consumer_lag_seconds", "Age of the oldest record of a partition that its group has not read yet";
    RECORDS_NOT_SAFE: Gauge = "records_not_safe", "Records that were read and whose results are not stored yet";
    RECORDS_READ: Count = "records_read", "Records that were read";
    BYTES_READ: Count = "bytes_read", "Bytes of keys and values that were read";
    REBALANCES: Count = "rebalances", "Times that a group assigned partitions to a reader again";
    PARTITION_STALLS: Count = "partition_stalls", "Times that a partition had records and delivered none for a while";
    DEAD_LETTERS: Count = "dead_letters", "Records that could not be used and were written to a dead-letter topic";
    RECORDS_SKIPPED: Count = "records_skipped", "Records and lines of files that could not be used";

    // The spool in front of a bus.
    SPOOL_RECORDS: Gauge = "spool_records", "Records that wait in the spool";
    SPOOL_BYTES: Gauge = "spool_bytes", "Bytes that wait in the spool";
    SPOOL_OLDEST_SECONDS: Gauge = "spool_oldest_seconds", "Age of the oldest record that waits in the spool";
    SPOOL_WRITTEN: Count = "spool_written", "Records that were written to the spool";
    SPOOL_DRAINED: Count = "spool_drained", "Records that were moved from the spool to the bus";

    // Connections.
    BROKER_RTT_SECONDS: Gauge = "broker_rtt_seconds", "Time that a broker takes to answer a request, on average";
    BROKER_RTT_P99_SECONDS: Gauge = "broker_rtt_p99_seconds", "Time within which a broker answers 99 of 100 requests";
    BROKER_THROTTLE_SECONDS: Gauge = "broker_throttle_seconds", "Time that a broker makes a client wait that is over its quota";
    BROKER_REQUESTS_WAITING: Gauge = "broker_requests_waiting", "Requests to a broker that are not yet sent or not yet answered";
    BROKER_CONNECTS: Count = "broker_connects", "Connections to a broker that were made or tried";
    BROKER_DISCONNECTS: Count = "broker_disconnects", "Connections to a broker that ended";
    REQUEST_TIMEOUTS: Count = "request_timeouts", "Requests that a broker did not answer in time";
    CONNECTIONS_LOST: Count = "connections_lost", "Times that a client lost its broker or was refused by it";

    // Learning.
    ROUNDS_CLOSED: Count = "rounds_closed", "Global models that were made and published";
    ROUND: Gauge = "round", "The newest global model that was published";
    ROUND_LOSS: Gauge = "round_loss", "Sample-weighted mean of the training losses in the newest closed round";
    ROUND_DURATION_SECONDS: Gauge = "round_duration_seconds", "Duration of each phase of the newest closed round";
    UPDATES_ACCEPTED: Count = "updates_accepted", "Updates that were added to a sum";
    UPDATES_REJECTED: Count = "updates_rejected", "Updates that were refused or came too late";
    TRAININGS: Count = "trainings", "Local models that were trained and published";
    SAMPLES: Count = "samples", "Rows that published local models were trained on";
    PLUGIN_FAILURES: Count = "plugin_failures", "Components that were refused, and calls that failed";
    PLUGIN_SWAPS: Count = "plugin_swaps", "Times that a node switched to another component";
    PLUGIN_QUARANTINES: Count = "plugin_quarantines", "Times that a component was quarantined because it kept failing";
    PLUGIN_QUARANTINED: Gauge = "plugin_quarantined", "1 while a component is quarantined or on trial, otherwise 0";
    ROLE_RESTARTS: Count = "role_restarts", "Times that a role started again from its stored state";

    // The process.
    READY: Gauge = "ready", "1 when the process is at work and has no trouble, otherwise 0";
    BUILD_INFO: Gauge = "build_info", "Always 1; its label is the version of this program";
    METRICS_LEFT_OUT: Count = "metrics_left_out", "Reports of metrics that were dropped because there were too many series";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_carry_no_prefix_and_no_total() {
        let mut names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        for name in names {
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
                "{name}"
            );
            assert!(
                !name.starts_with("fedhost_") && !name.ends_with("_total"),
                "{name}"
            );
            for short in ["_ms", "_us", "_s", "_milliseconds", "_microseconds", "_kb"] {
                assert!(
                    !name.ends_with(short),
                    "{name}: metrics are in seconds and bytes"
                );
            }
        }
    }

    #[test]
    fn help_is_one_plain_line() {
        for (name, help) in ALL {
            assert!(
                !help.is_empty() && !help.contains(['\n', '\\', '"']) && !help.ends_with('.'),
                "{name}: {help}"
            );
        }
    }
}
