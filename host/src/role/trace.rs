//! W3C trace context (<https://www.w3.org/TR/trace-context/>): which work follows from which, over
//! all hops.
//!
//! Ids are derived from what was worked on, never random: a message that is repeated after a crash
//! carries the same ids.
//!
//! Every round has a trace of its own. Other programs may bring theirs: an answer to one message
//! continues the trace of that message. A global model answers many, and would carry one foreign
//! trace into all later rounds: it keeps the trace of its round, and names the others in headers
//! of their own.

use std::collections::BTreeSet;

use bytes::Bytes;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use fedhost_bus::Record;

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// A header of a global model for each foreign trace that it continues, as W3C writes a
/// `traceparent`.
pub const LINK: &str = "fedhost-trace-link";

/// A header.
type Header = (String, Bytes);

/// Begins a trace; `origin` names what it begins with, such as a sensor and the number of its row.
#[must_use]
pub fn begin(origin: &str) -> Header {
    header(&trace_id(origin), origin)
}

/// The trace of a round, which every role derives from the round's number: training from the model
/// before it, its updates, its global model, and that model's evaluations. `who` has a span of its
/// own in it.
#[must_use]
pub fn of_round(global_model: &str, round: u64, who: &str) -> Header {
    let trace = round_id(global_model, round);
    header(&trace, &format!("{trace}{who}"))
}

fn round_id(global_model: &str, round: u64) -> String {
    trace_id(&format!("{global_model}/{round}"))
}

/// The trace that a record of the round carries, if it is another than the round's own.
#[must_use]
pub fn foreign(record: &Record, global_model: &str, round: u64) -> Option<Bytes> {
    let parent = record.header(TRACEPARENT)?;
    let (trace, _) = parse(parent)?;
    (trace != round_id(global_model, round)).then(|| parent.clone())
}

/// The trace of what answers a message: the foreign one that the message brought, or else that of
/// the round.
#[must_use]
pub fn of_answer(foreign: Option<&Bytes>, global_model: &str, round: u64, who: &str) -> Header {
    foreign
        .and_then(|parent| continued(parent, who))
        .unwrap_or_else(|| of_round(global_model, round, who))
}

/// Continues each of these traces beside the record's own; one that several messages brought is
/// named once.
#[must_use]
pub fn links<'a>(foreign: impl Iterator<Item = &'a Bytes>, work: &str) -> Vec<Header> {
    let mut known = BTreeSet::new();
    let first = foreign
        .filter(|parent| parse(parent).is_some_and(|(trace, _)| known.insert(trace.to_owned())));
    first
        .filter_map(|parent| Some((LINK.to_owned(), continued(parent, work)?.1)))
        .collect()
}

/// Continues the trace of `input` in a span of its own; `work` names what is done, such as the role.
/// A record without a trace begins one.
#[must_use]
pub fn follow(input: &Record, work: &str) -> Header {
    input
        .header(TRACEPARENT)
        .and_then(|parent| continued(parent, work))
        .unwrap_or_else(|| {
            begin(&format!(
                "{}/{}/{}",
                input.position.topic, input.position.partition, input.position.offset
            ))
        })
}

fn continued(parent: &Bytes, work: &str) -> Option<Header> {
    let (trace, parent) = parse(parent)?;
    let mut span = String::with_capacity(parent.len() + work.len());
    span.push_str(parent);
    span.push_str(work);
    Some(header(trace, &span))
}

/// `00-TRACE-SPAN-01`, written without a formatter: every record has one.
fn header(trace: &str, span: &str) -> Header {
    let mut text = Vec::with_capacity(HEADER_BYTES);
    text.extend_from_slice(b"00-");
    text.extend_from_slice(trace.as_bytes());
    text.push(b'-');
    push_hex(&mut text, &xxh3_64(span.as_bytes()).max(1).to_be_bytes());
    text.extend_from_slice(b"-01");
    (TRACEPARENT.to_owned(), text.into())
}

/// Bytes of a header of version 0.
const HEADER_BYTES: usize = 55;

fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        for half in [byte >> 4, byte & 0xf] {
            text.extend(DIGITS.get(usize::from(half)));
        }
    }
}

/// An id of a trace.
fn trace_id(of: &str) -> String {
    let mut text = Vec::with_capacity(32);
    push_hex(&mut text, &xxh3_128(of.as_bytes()).max(1).to_be_bytes());
    String::from_utf8(text).unwrap_or_else(|_| String::new())
}

/// Trace id and parent id of a version 0 header.
fn parse(header: &[u8]) -> Option<(&str, &str)> {
    let text = str::from_utf8(header).ok()?;
    let mut fields = text.split('-');
    let (Some("00"), Some(trace), Some(parent), Some(_), None) = (
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
    ) else {
        return None;
    };
    let is_id = |id: &str, digits: usize| {
        id.len() == digits
            && id
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && id.bytes().any(|byte| byte != b'0')
    };
    (is_id(trace, 32) && is_id(parent, 16)).then_some((trace, parent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_bus::Position;

    fn record(traceparent: Option<Bytes>) -> Record {
        Record {
            position: Position {
                topic: "t".into(),
                partition: 0,
                offset: 7,
            },
            timestamp_ms: 0,
            key: None,
            value: Bytes::new(),
            headers: traceparent
                .map(|value| (TRACEPARENT.to_owned(), value))
                .into_iter()
                .collect(),
        }
    }

    #[test]
    fn a_header_is_written_as_w3c_writes_it() {
        let origin = "machine-1/5";
        let (name, header) = begin(origin);
        let trace = xxh3_128(origin.as_bytes());
        let span = xxh3_64(origin.as_bytes());
        assert_eq!(name, "traceparent");
        assert_eq!(header, format!("00-{trace:032x}-{span:016x}-01"));
        assert_eq!(header.len(), HEADER_BYTES);
    }

    #[test]
    fn a_trace_continues_in_a_span_of_its_own() {
        let (_, first) = begin("machine-1/5");
        let (_, second) = follow(&record(Some(first.clone())), "fog-node-1");
        let ((trace, span), (same, other)) = (parse(&first).unwrap(), parse(&second).unwrap());
        assert_eq!(trace, same);
        assert_ne!(span, other);
        assert_eq!(
            follow(&record(Some(first)), "fog-node-1").1,
            second,
            "a repeated message carries the same ids"
        );
    }

    fn trace_of(header: &Bytes) -> &str {
        parse(header).expect("a trace").0
    }

    #[test]
    fn an_answer_stays_in_its_round_unless_the_message_brought_a_trace_of_its_own() {
        let (_, own) = of_round("global", 7, "aggregator");
        assert_eq!(foreign(&record(Some(own)), "global", 7), None);
        assert_eq!(foreign(&record(None), "global", 7), None);
        assert_eq!(foreign(&record(Some("no trace".into())), "global", 7), None);
        let (_, theirs) = begin("another program");
        let brought = foreign(&record(Some(theirs.clone())), "global", 7);
        assert_eq!(brought.as_ref(), Some(&theirs));

        let (_, answer) = of_answer(brought.as_ref(), "global", 7, "fog-node-1");
        assert_eq!(trace_of(&answer), trace_of(&theirs));
        assert_ne!(answer, theirs, "it has a span of its own");
        assert_eq!(
            of_answer(None, "global", 7, "fog-node-1"),
            of_round("global", 7, "fog-node-1")
        );
    }

    #[test]
    fn a_foreign_trace_of_several_messages_is_named_once() {
        let [(_, one), (_, other)] = ["one", "other"].map(begin);
        let (_, same) = follow(&record(Some(one.clone())), "another node");
        let named = links([&one, &other, &same].into_iter(), "aggregator");
        assert!(named.iter().all(|(name, _)| name == LINK));
        let traces: Vec<&str> = named.iter().map(|(_, header)| trace_of(header)).collect();
        assert_eq!(traces, [trace_of(&one), trace_of(&other)]);
        assert_eq!(
            named,
            links([&one, &other].into_iter(), "aggregator"),
            "the same after a restart"
        );
    }

    #[test]
    fn what_is_no_trace_begins_one() {
        let fresh = follow(&record(None), "fog-node-1");
        for bad in [
            "",
            "00-0-0-01",
            "00-00000000000000000000000000000000-0000000000000001-01",
            "ff-1",
            "\u{e9}",
        ] {
            assert_eq!(
                follow(&record(Some(bad.to_owned().into())), "fog-node-1"),
                fresh,
                "{bad:?}"
            );
        }
        assert!(parse(&fresh.1).is_some());
    }
}
