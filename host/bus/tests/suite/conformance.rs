//! Every bus keeps the same promises. Those of Apache Kafka are tried on the cluster that
//! `KAFKA_BOOTSTRAP_SERVERS` names.

mod case;
#[cfg(feature = "broker-tests")]
mod chunks;
#[cfg(feature = "broker-tests")]
mod kafka;
mod promises;

mod buses {
    use std::sync::Arc;
    use std::time::Duration;

    use fedhost_bus::embedded::{EmbeddedLog, Options};

    use super::case::Case;
    use super::promises::conformance;

    pub(super) async fn embedded() -> Case {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = Options {
            drain: Duration::from_millis(300),
            ..Options::new(directory.path())
        };
        let drain = options.drain;
        let log = EmbeddedLog::open(options).expect("an empty log opens");
        Case {
            bus: Arc::new(log),
            prefix: String::new(),
            make_first: None,
            delete_topic: None,
            drain,
            churn: 40,
            repeats: false,
            _keep: Box::new(directory),
        }
    }

    conformance!(
        embedded_log, super::embedded,
        without a_topic_created_again_is_read_from_its_start: "its topics cannot be deleted",
    );
}

#[cfg(feature = "broker-tests")]
mod clusters {
    use super::promises::conformance;

    conformance!(kafka_exactly_once, super::super::kafka::exactly_once);

    conformance!(kafka_at_least_once, super::super::kafka::at_least_once);

    // Each group's first reader waits 3 s for others that may come.
    conformance!(
        at_once kafka_mocked, super::super::kafka::mocked,
        without large_records_come_through: "its partitions keep 5 MiB in all, and drop the oldest without a word",
        without creating_a_topic_again_changes_nothing: "it does not tell the settings of a topic",
        without deleted_records_are_gone_and_the_others_stay: "it deletes no records",
        without a_topic_created_again_is_read_from_its_start: "it deletes no topics",
        without more_than_there_is_cannot_be_deleted: "it deletes no records",
    );
}
