//! What a bus reports about itself while it works.

use crate::event::Event;

use crate::metric::{Count, Gauge};

/// Label names and values of a metric, such as `("topic", "model_updates")`.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// Receives the reports of a bus. It is called from the threads of clients, so it must neither
/// block nor use the bus.
pub trait Observer: Send + Sync {
    /// Reports that a part of the bus, such as `writer of fog-node-1`, is in trouble, or that its
    /// trouble is over (`None`). While a part is in trouble the process is not ready; that alone is
    /// no reason to end the process.
    fn condition(&self, part: &str, trouble: Option<&str>);

    /// Sets a gauge.
    fn gauge(&self, metric: Gauge, labels: Labels<'_>, value: f64);

    /// Adds to a counter.
    fn count(&self, metric: Count, labels: Labels<'_>, by: u64);

    /// Removes the gauges that carry all of `labels`: the partition or client that they described
    /// is gone.
    fn forget(&self, _labels: Labels<'_>) {}

    /// Reports an event for the run log.
    fn announce(&self, event: Event);
}

/// Ignores every report.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn condition(&self, _: &str, _: Option<&str>) {}
    fn gauge(&self, _: Gauge, _: Labels<'_>, _: f64) {}
    fn count(&self, _: Count, _: Labels<'_>, _: u64) {}
    fn announce(&self, _: Event) {}
}
