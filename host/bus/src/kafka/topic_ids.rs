//! The ids that a cluster gives to topics. A topic that is deleted and created again has another.
//!
//! The client library has no safe call for this request, so this module makes it through the C
//! interface. It must not do anything else there.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::slice;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{IsError as _, KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;

use crate::TopicId;

/// The ids of `topics`, by name. Leaves out topics that do not exist or that may not be seen, and
/// all topics of a broker that has no ids (before Apache Kafka 2.8).
///
/// # Errors
/// No answer within `timeout`, or the request was refused.
pub(super) fn topic_ids<C: ClientContext>(
    client: &Client<C>,
    topics: &[&str],
    timeout: Duration,
) -> KafkaResult<BTreeMap<String, TopicId>> {
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<CString> = topics
        .iter()
        .filter_map(|topic| CString::new(*topic).ok())
        .collect();
    let mut names: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    // Any broker knows the topics. Without this, the request waits for the controller.
    let metadata = client.fetch_metadata(topics.first().copied(), timeout)?;
    let broker = metadata.orig_broker_id();
    let timeout_ms = i32::try_from(timeout.as_millis())
        .unwrap_or(i32::MAX)
        .max(1);
    describe(client, &mut names, broker, timeout_ms)
}

#[expect(
    unsafe_code,
    reason = "the request exists in the C interface only; see SAFETY"
)]
fn describe<C: ClientContext>(
    client: &Client<C>,
    names: &mut [*const c_char],
    broker: i32,
    timeout_ms: i32,
) -> KafkaResult<BTreeMap<String, TopicId>> {
    // SAFETY: the client outlives this call. Every object that is created here is destroyed here,
    // after its last use, and the request copies the names and the options. The event owns the
    // answer, and everything is copied out of it before it is destroyed.
    unsafe {
        let handle = client.native_ptr();
        let queue = sys::rd_kafka_queue_new(handle);
        let topics = sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
        let options = sys::rd_kafka_AdminOptions_new(
            handle,
            sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        );
        sys::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, ptr::null_mut(), 0);
        sys::rd_kafka_AdminOptions_set_broker(options, broker, ptr::null_mut(), 0);
        sys::rd_kafka_DescribeTopics(handle, topics, options, queue);
        // The request ends by its own timeout, a moment before this one.
        let event = sys::rd_kafka_queue_poll(queue, timeout_ms.saturating_add(1_000));
        let ids = if event.is_null() {
            Err(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut))
        } else {
            let ids = ids_of(event);
            sys::rd_kafka_event_destroy(event);
            ids
        };
        sys::rd_kafka_AdminOptions_destroy(options);
        sys::rd_kafka_TopicCollection_destroy(topics);
        sys::rd_kafka_queue_destroy(queue);
        ids
    }
}

/// Copies the ids out of the answer.
///
/// # Safety
/// `event` is an event that has not been destroyed.
#[expect(unsafe_code, reason = "reads the C library's answer; see SAFETY")]
unsafe fn ids_of(event: *mut sys::rd_kafka_event_t) -> KafkaResult<BTreeMap<String, TopicId>> {
    let mut ids = BTreeMap::new();
    // SAFETY: the event is alive, and so is everything that the library returns of it. The library
    // returns null for an event of another kind, and the array has the returned length.
    unsafe {
        let code = sys::rd_kafka_event_error(event);
        if code.is_error() {
            return Err(KafkaError::AdminOp(code.into()));
        }
        let result = sys::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Ok(ids);
        }
        let mut count = 0;
        let first = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if first.is_null() || count == 0 {
            return Ok(ids);
        }
        for &topic in slice::from_raw_parts(first, count) {
            let error = sys::rd_kafka_TopicDescription_error(topic);
            let id = sys::rd_kafka_TopicDescription_topic_id(topic);
            if id.is_null() || (!error.is_null() && sys::rd_kafka_error_code(error).is_error()) {
                continue;
            }
            let name = CStr::from_ptr(sys::rd_kafka_TopicDescription_name(topic));
            let high = sys::rd_kafka_Uuid_most_significant_bits(id);
            let low = sys::rd_kafka_Uuid_least_significant_bits(id);
            if (high, low) != (0, 0) {
                let id = format!("{high:016x}{low:016x}");
                ids.insert(name.to_string_lossy().into_owned(), TopicId::new(id));
            }
        }
    }
    Ok(ids)
}
