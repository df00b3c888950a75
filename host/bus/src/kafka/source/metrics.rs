//! Metrics of a reader's partitions: the lag, and the records that are not safe yet.

use super::partition::{Handed, Lag, Partition, Place};
use super::shared::Shared;
use fedhost_base::clock;
use fedhost_base::metric;
use fedhost_base::observer::{Labels, Observer};

/// Gauges and counts of one reader.
pub(super) struct Metrics<'a> {
    pub(super) group: &'a str,
    pub(super) observer: &'a dyn Observer,
}

impl Metrics<'_> {
    /// Reports all partitions.
    pub(super) fn report(&self, shared: &Shared) {
        let now_ms = clock::now_ms();
        let told: Vec<_> = {
            let mut buffer = shared.buffer();
            let partitions = buffer.partitions_mut().iter_mut();
            partitions
                .map(|partition| (partition.place(), partition.lag(now_ms), partition.fresh()))
                .collect()
        };
        for (place, lag, fresh) in told {
            self.tell(&place, lag, fresh);
        }
    }

    /// Reports a partition for the last time, after it was released.
    pub(super) fn forget(&self, mut partition: Partition) {
        let fresh = partition.fresh();
        self.labelled(&partition.place(), |labels| {
            self.count(labels, fresh);
            self.observer.forget(labels);
        });
    }

    /// Counts a rebalance.
    pub(super) fn rebalanced(&self) {
        self.observer
            .count(metric::REBALANCES, &[("group", self.group)], 1);
    }

    /// Counts a stalled partition.
    pub(super) fn stalled(&self, place: &Place) {
        self.labelled(place, |labels| {
            self.observer.count(metric::PARTITION_STALLS, labels, 1)
        });
    }

    fn tell(&self, place: &Place, lag: Lag, fresh: Handed) {
        self.labelled(place, |labels| {
            self.observer
                .gauge(metric::CONSUMER_LAG_RECORDS, labels, lag.records as f64);
            self.observer
                .gauge(metric::CONSUMER_LAG_SECONDS, labels, lag.seconds);
            self.observer
                .gauge(metric::RECORDS_NOT_SAFE, labels, lag.not_safe as f64);
            self.count(labels, fresh);
        });
    }

    fn count(&self, labels: Labels<'_>, fresh: Handed) {
        self.observer
            .count(metric::RECORDS_READ, labels, fresh.records);
        self.observer.count(metric::BYTES_READ, labels, fresh.bytes);
    }

    fn labelled(&self, (topic, index): &Place, tell: impl FnOnce(&[(&'static str, &str)])) {
        let index = index.to_string();
        tell(&[
            ("group", self.group),
            ("topic", topic),
            ("partition", &index),
        ]);
    }
}
