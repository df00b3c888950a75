//! What an error of a client means, and what to do about it.
//!
//! librdkafka reports an error as a code and a line of text; [`rules`] translates both. Some causes
//! look alike from inside the client, such as the ways in which a certificate can be wrong:
//! `fedhost doctor` looks closer.

mod rules;
#[cfg(test)]
mod tests;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use self::rules::{Rule, When};
use crate::Error;

/// What is to be done with a client after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The broker cannot be reached or is busy: the client continues to try by itself.
    Unreachable,
    /// Credentials, certificates or rights: only a person can correct them, so try again slowly
    /// with a new client.
    Refused,
    /// Another client has taken over.
    Fenced,
    /// The client is beyond repair: a new one is needed.
    Fatal,
    /// The request itself was wrong.
    Request,
}

/// What an error means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diagnosis {
    pub(super) kind: Kind,
    /// A description of what happened.
    pub(super) reason: String,
    /// What to do about it.
    pub(super) hint: String,
}

impl Diagnosis {
    /// As an error of the verb that `action` names.
    pub(super) fn into_error(self, bus: &str, action: &str) -> Error {
        let (bus, action) = (bus.to_owned(), action.to_owned());
        let Self { kind, reason, hint } = self;
        match kind {
            Kind::Refused | Kind::Request => Error::Refused {
                bus,
                action,
                reason,
                hint,
            },
            Kind::Fenced => Error::Lost {
                what: action,
                reason,
            },
            Kind::Unreachable | Kind::Fatal => Error::Unreachable {
                bus,
                action,
                reason,
                hint,
            },
        }
    }
}

/// What an error that a verb returned means.
pub(super) fn of(error: &KafkaError) -> Diagnosis {
    of_thing(error, "")
}

/// The same, where the caller knows the name of the topic, group or transactional id that it is
/// about.
pub(super) fn of_thing(error: &KafkaError, name: &str) -> Diagnosis {
    let detail = error.to_string();
    known(code(error), &detail, name).unwrap_or_else(|| match error {
        KafkaError::ClientCreation(reason) | KafkaError::ClientConfig(_, reason, ..) => {
            impossible(reason)
        }
        _ => unknown(&detail),
    })
}

/// What an error that a client reported by itself means; `detail` is librdkafka's own account.
pub(super) fn of_client(error: &KafkaError, detail: &str) -> Diagnosis {
    known(code(error), detail, "").unwrap_or_else(|| unknown(detail))
}

/// What an error of one topic, partition or setting in an answer means.
pub(super) fn of_code(code: RDKafkaErrorCode, name: &str) -> Diagnosis {
    let detail = code.to_string();
    known(Some(code), &detail, name).unwrap_or_else(|| unknown(&detail))
}

/// What a line in the log of a client that cannot get in means, when it reports a failure.
pub(super) fn of_log(line: &str) -> Option<Diagnosis> {
    let mut rules = rules::TEXTS.iter().chain(rules::LOGGED);
    Some(
        rules
            .find(|rule| rule.applies(None, line))?
            .diagnosis(line, ""),
    )
}

fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        _ => error.rdkafka_error_code(),
    }
}

fn known(code: Option<RDKafkaErrorCode>, detail: &str, name: &str) -> Option<Diagnosis> {
    let mut rules = rules::TEXTS.iter().chain(rules::CODES);
    Some(
        rules
            .find(|rule| rule.applies(code, detail))?
            .diagnosis(detail, name),
    )
}

fn unknown(detail: &str) -> Diagnosis {
    Diagnosis {
        kind: Kind::Unreachable,
        reason: detail.to_owned(),
        hint: "`fedhost doctor` examines the connection, the topics and the rights".to_owned(),
    }
}

/// No client can be made from these settings, now or later.
fn impossible(reason: &str) -> Diagnosis {
    Diagnosis {
        kind: Kind::Request,
        reason: format!("no client can be made from these settings: {reason}"),
        hint: "correct them in [kafka]; `fedhost check MANIFEST --print` shows what each client is given".to_owned(),
    }
}

impl Rule {
    fn applies(&self, code: Option<RDKafkaErrorCode>, detail: &str) -> bool {
        match self.when {
            When::Says(texts) => texts.iter().any(|text| detail.contains(text)),
            When::SaysAll(texts) => texts.iter().all(|text| detail.contains(text)),
            When::Is(codes) => code.is_some_and(|code| codes.contains(&code)),
        }
    }

    fn diagnosis(&self, detail: &str, name: &str) -> Diagnosis {
        let name = if name.is_empty() {
            String::new()
        } else {
            format!(" {name:?}")
        };
        let fill = |words: &str| {
            let words = words
                .replace("{place}", place(detail))
                .replace("{name}", &name);
            words
                .replace("{offered}", offered(detail))
                .replace("{detail}", detail)
        };
        Diagnosis {
            kind: self.kind,
            reason: fill(self.reason),
            hint: fill(self.hint),
        }
    }
}

/// Who it was: `ssl://localhost:9093/bootstrap: what happened` begins with the broker's address.
fn place(detail: &str) -> &str {
    let is_broker =
        |part: &&str| part.contains(':') && part.contains('/') && !part.contains([' ', '[']);
    let head = detail.split(": ").find(is_broker);
    let address = head.map(|head| head.split_once("://").map_or(head, |(_, rest)| rest));
    address
        .and_then(|address| address.split('/').next())
        .unwrap_or("a broker")
}

/// The login mechanisms that a broker says it has.
fn offered(detail: &str) -> &str {
    let listed = detail
        .split_once("supported mechanisms: ")
        .map(|(_, rest)| rest);
    let listed = listed.map(|rest| rest.split(" (after").next().unwrap_or(rest).trim());
    listed.filter(|listed| !listed.is_empty()).unwrap_or("none")
}
