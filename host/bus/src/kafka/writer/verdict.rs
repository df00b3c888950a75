//! Tables of what to do after an error, without any I/O.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::super::diagnosis::{self, Diagnosis};
use super::offsets;

/// The step of a transaction that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Begin a transaction.
    Begin,
    /// Send records, or wait for their reports.
    Records,
    /// Add offsets.
    Offsets,
    /// Commit.
    Commit,
    /// Abort.
    Abort,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Repeat the call: it continues where it stopped.
    Again,
    /// The transaction cannot succeed and was certainly not committed: abort it.
    Abort,
    /// Create a new client. It settles whether the transaction was committed.
    Renew,
}

/// The properties of an error that librdkafka reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traits {
    pub(super) fatal: bool,
    pub(super) retriable: bool,
    pub(super) timed_out: bool,
}

impl Traits {
    pub(super) fn of(error: &KafkaError) -> Self {
        let timed_out = error.rdkafka_error_code() == Some(RDKafkaErrorCode::OperationTimedOut);
        match error {
            KafkaError::Transaction(error) => Self {
                fatal: error.is_fatal(),
                retriable: error.is_retriable(),
                timed_out,
            },
            _ => Self {
                timed_out,
                ..Self::default()
            },
        }
    }
}

/// What to do after an error of a transaction step.
pub(super) fn after(step: Step, traits: Traits) -> Move {
    match step {
        _ if traits.fatal => Move::Renew,
        // Once commit or abort was requested, only a new client can determine the result: a request
        // that is still in transit could otherwise end the next transaction.
        Step::Commit | Step::Abort if traits.timed_out => Move::Renew,
        Step::Begin | Step::Offsets | Step::Commit | Step::Abort if traits.retriable => Move::Again,
        Step::Records | Step::Offsets => Move::Abort,
        Step::Begin | Step::Commit | Step::Abort => Move::Renew,
    }
}

/// What a record that was not written means for its write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The record, or another one in the same batch, is refused permanently.
    Refused,
    /// The topic or partition does not exist, or the broker does not know it yet.
    Unknown,
    /// The record is not the cause.
    None,
}

pub(super) fn fault(code: RDKafkaErrorCode) -> Fault {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageSizeTooLarge
        | Code::MessageBatchTooLarge
        | Code::InvalidMessageSize
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::InvalidTopic
        | Code::PolicyViolation
        | Code::UnsupportedForMessageFormat
        | Code::UnsupportedCompressionType => Fault::Refused,
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
            Fault::Unknown
        }
        _ => Fault::None,
    }
}

/// What to do after the broker refused a commit of offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    /// The reader has lost its place in its group.
    Lost,
    /// The commit may succeed later.
    Again,
}

pub(super) fn after_commit(error: &KafkaError) -> Commit {
    match error.rdkafka_error_code() {
        Some(code) if offsets::is_stale(code) => Commit::Lost,
        _ => Commit::Again,
    }
}

/// The meaning of a report's code.
pub(super) fn diagnosis(code: RDKafkaErrorCode) -> Diagnosis {
    diagnosis::of(&KafkaError::MessageProduction(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIABLE: Traits = Traits {
        fatal: false,
        retriable: true,
        timed_out: false,
    };

    #[test]
    fn a_fatal_error_needs_a_new_client_whatever_was_under_way() {
        let fatal = Traits {
            fatal: true,
            retriable: true,
            timed_out: false,
        };
        for step in [
            Step::Begin,
            Step::Records,
            Step::Offsets,
            Step::Commit,
            Step::Abort,
        ] {
            assert_eq!(after(step, fatal), Move::Renew, "{step:?}");
        }
    }

    #[test]
    fn an_end_whose_outcome_is_open_is_never_guessed() {
        let timed_out = Traits {
            timed_out: true,
            ..RETRIABLE
        };
        for traits in [timed_out, Traits::default()] {
            assert_eq!(after(Step::Commit, traits), Move::Renew, "{traits:?}");
        }
        assert_eq!(after(Step::Abort, timed_out), Move::Renew);
    }

    #[test]
    fn what_goes_on_where_it_stopped_is_called_again() {
        for step in [Step::Begin, Step::Offsets, Step::Commit, Step::Abort] {
            assert_eq!(after(step, RETRIABLE), Move::Again, "{step:?}");
        }
    }

    #[test]
    fn a_transaction_that_failed_before_its_end_is_aborted() {
        for step in [Step::Records, Step::Offsets] {
            assert_eq!(after(step, Traits::default()), Move::Abort, "{step:?}");
        }
    }

    #[test]
    fn only_what_is_the_record_s_own_fault_ends_its_write() {
        use RDKafkaErrorCode as Code;
        assert_eq!(fault(Code::MessageSizeTooLarge), Fault::Refused);
        assert_eq!(fault(Code::UnknownTopicOrPartition), Fault::Unknown);
        for code in [
            Code::TopicAuthorizationFailed,
            Code::MessageTimedOut,
            Code::PurgeQueue,
            Code::Fatal,
        ] {
            assert_eq!(fault(code), Fault::None, "{code:?}");
        }
    }
}
