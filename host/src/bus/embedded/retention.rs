//! Drops a partition's oldest batches, whole, as its topic asks; the newest batch always stays.
//!
//! It runs with the writes and reads no clock: a record's age counts from the newest timestamp of its partition. So a
//! replay of old records is kept like a live stream, and a partition that nobody writes to keeps what it has.

use fjall::AbstractTree;

use super::partition::{Partition, Tail, batch_key};
use super::store::Store;
use super::store::guarded;
use crate::bus::TopicSpec;

/// Moves the front of `tail` past every batch that `spec` lets go.
pub(super) fn advance(partition: &Partition, spec: &TopicSpec, tail: &mut Tail) {
    if spec.retention_ms.is_none() && spec.retention_bytes.is_none() {
        return;
    }
    // The newest batch is not in the store yet, and stays.
    while tail.first + 1 < tail.end {
        let too_large = spec.retention_bytes.is_some_and(|limit| tail.bytes_written - tail.bytes_dropped > limit);
        if !too_large && spec.retention_ms.is_none() {
            break;
        }
        // Damaged batches go with the first readable one behind them.
        let Some((number, head)) = partition.front(tail.first..tail.end - 1) else { break };
        let too_old = spec.retention_ms.is_some_and(|limit| tail.newest_ms.saturating_sub(head.newest_ms) > limit);
        if !too_large && !too_old {
            break;
        }
        tail.first = number + 1;
        tail.oldest = head.end();
        tail.bytes_dropped = head.bytes_before + head.bytes;
    }
}

/// Gives room back, once for every buffer of bytes dropped. Only whole files go, so nothing is read.
pub(super) fn reclaim(store: &Store, partition: &Partition, before: &Tail, after: &Tail) {
    let step = store.buffer_bytes;
    if before.bytes_dropped / step == after.bytes_dropped / step {
        return;
    }
    let dropped = guarded(|| Ok(partition.keyspace.tree.drop_range(batch_key(0)..batch_key(after.first))?));
    if let Err(reason) = dropped {
        let place = format!("{}:{}", partition.topic, partition.index);
        store.damages.warn(format!("old records of {place} still take up room: {reason}"));
    }
}
