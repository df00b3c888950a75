//! Drops a partition's oldest records: whole batches, as its topic asks, of which the newest always
//! stays; or up to an offset that the caller names.
//!
//! It runs with the writes and reads no clock: a record's age counts from the newest timestamp of
//! its partition. So a replay of old records is kept like a live stream, and a partition
//! without new writes keeps its records.

use super::keys;
use super::partition::{Partition, Tail};
use super::store::Store;
use crate::{Error, TopicSpec};

/// Moves the front of `tail` past every batch that `spec` lets go.
pub(super) fn advance(partition: &Partition, spec: &TopicSpec, tail: &mut Tail) {
    let compacted = spec
        .settings
        .get("cleanup.policy")
        .is_some_and(|policy| policy.trim() == "compact");
    if compacted || spec.retention_ms.is_none() && spec.retention_bytes.is_none() {
        return;
    }
    // The newest batch is not in the store yet, and stays.
    while tail.first + 1 < tail.end {
        let too_large = spec
            .retention_bytes
            .is_some_and(|limit| tail.bytes_written - tail.bytes_dropped > limit);
        if !too_large && spec.retention_ms.is_none() {
            break;
        }
        // Damaged batches go with the first readable one behind them.
        let Some((number, head)) = partition.front(tail.first..tail.end - 1) else {
            break;
        };
        let too_old = spec
            .retention_ms
            .is_some_and(|limit| tail.newest_ms.saturating_sub(head.newest_ms) > limit);
        if !too_large && !too_old {
            break;
        }
        tail.first = number + 1;
        tail.oldest = head.end();
        tail.bytes_dropped = head.bytes_before + head.bytes;
    }
}

/// Forgets the records below offset `before`, durably.
///
/// # Errors
/// The partition ends before that, or the medium refused.
pub(super) fn forget(store: &Store, partition: &Partition, before: u64) -> Result<(), Error> {
    let tail = partition.tail();
    let action = || {
        format!(
            "delete the records of {}:{} below offset {before}",
            partition.topic, partition.index
        )
    };
    if before > tail.next {
        let reason = format!("the next record to be written has offset {}", tail.next);
        let hint = "name an offset between the oldest record and that one".to_owned();
        return Err(Error::Refused {
            bus: store.name(),
            action: action(),
            reason,
            hint,
        });
    }
    if before <= tail.oldest {
        return Ok(());
    }
    let first = partition.locate(before, &tail);
    let bytes_dropped = partition
        .first_readable(first..tail.end)
        .map_or(tail.bytes_written, |(_, head)| head.bytes_before);
    let after = Tail {
        first,
        oldest: before,
        bytes_dropped,
        ..tail
    };
    let mut draft = store.begin();
    draft.put(
        keys::tail(&partition.topic, partition.index),
        Some(after.encode().into()),
    );
    store
        .commit(draft)
        .map_err(|reason| store.error(action(), reason))?;
    partition.publish(after);
    store.reclaim();
    store.tidy();
    Ok(())
}
