//! Remembers what goes wrong in a client, put into words.

use std::sync::{Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::kafka::client_log;
use crate::kafka::diagnosis::{self, Diagnosis, Kind};

/// More different troubles than this add no information.
const TROUBLES_MAX: usize = 16;

/// What a client has had to say, oldest first, each once.
#[derive(Default)]
pub(super) struct ClientErrorLog(Mutex<Vec<Diagnosis>>);

impl ClientErrorLog {
    /// The trouble that only the user can correct, or else the first one.
    pub(super) fn worst(&self) -> Option<Diagnosis> {
        let troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = troubles.iter().find(|trouble| is_final(trouble));
        refusal.or_else(|| troubles.first()).cloned()
    }

    /// The same, when trying again is of no use.
    pub(super) fn refusal(&self) -> Option<Diagnosis> {
        self.worst().filter(is_final)
    }

    fn hear(&self, trouble: Diagnosis) {
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.len() < TROUBLES_MAX && !troubles.contains(&trouble) {
            troubles.push(trouble);
        }
    }
}

fn is_final(trouble: &Diagnosis) -> bool {
    trouble.kind == Kind::Refused
}

impl ClientContext for ClientErrorLog {
    /// A connection that was simply closed is reported in the log only, and only when the client is
    /// asked to say much.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        client_log::emit(level, facility, line);
        if facility == "FAIL"
            && let Some(trouble) = diagnosis::of_log(line)
        {
            self.hear(trouble);
        }
    }

    fn error(&self, error: KafkaError, detail: &str) {
        // Follows upon the trouble that says why.
        let nothing_new = [
            RDKafkaErrorCode::AllBrokersDown,
            RDKafkaErrorCode::PartitionEOF,
        ];
        if !error
            .rdkafka_error_code()
            .is_some_and(|code| nothing_new.contains(&code))
        {
            self.hear(diagnosis::of_client(&error, detail));
        }
    }
}

impl ConsumerContext for ClientErrorLog {}
