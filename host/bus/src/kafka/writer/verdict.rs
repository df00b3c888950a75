//! What to do after an error: the tables, without any I/O.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::super::diagnosis::{self, Diagnosis};
use super::offsets;

/// Which call of a transaction failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Beginning one.
    Begin,
    /// Handing over records, or waiting for their reports.
    Records,
    /// Adding offsets.
    Offsets,
    /// Ending it well.
    Commit,
    /// Ending it otherwise.
    Abort,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// The same call again: it goes on where it stopped.
    Again,
    /// The transaction cannot succeed any more, and surely has not: abort it.
    Abort,
    /// A new client. It settles whether the transaction happened.
    Renew,
}

/// What librdkafka says of an error.
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

/// After an error of a transaction's call.
pub(super) fn after(step: Step, traits: Traits) -> Move {
    match step {
        _ if traits.fatal => Move::Renew,
        // Once the end was asked for, only a new client can tell how it went: a request that is
        // still on its way could otherwise end the next transaction.
        Step::Commit | Step::Abort if traits.timed_out => Move::Renew,
        Step::Begin | Step::Offsets | Step::Commit | Step::Abort if traits.retriable => Move::Again,
        Step::Records | Step::Offsets => Move::Abort,
        Step::Begin | Step::Commit | Step::Abort => Move::Renew,
    }
}

/// What a record that was not written means for its write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The record itself, or one in the same batch, is refused for good.
    Refused,
    /// There is no such topic or partition, or the broker does not know of it yet.
    Unknown,
    /// Nothing to do with the record.
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

/// After a commit of offsets that the broker did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    /// The reader's place in its group is gone.
    Lost,
    /// It may go better later.
    Again,
}

pub(super) fn after_commit(error: &KafkaError) -> Commit {
    match error.rdkafka_error_code() {
        Some(code) if offsets::is_stale(code) => Commit::Lost,
        _ => Commit::Again,
    }
}

/// What a report's code means, in words.
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
