//! What a bus tells about itself while it works.

use fedhost_domain::event::Event;

use crate::figure::{Count, Gauge};

/// Label names and values of a figure, such as `("topic", "model_updates")`.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// Listens to a bus. Called from the threads of clients: must neither block nor use the bus.
pub trait Observer: Send + Sync {
    /// A part of the bus, such as `writer of fog-node-1`, is in trouble, or well again (`None`).
    /// While any part is in trouble the process is not ready; that alone is no reason to end it.
    fn condition(&self, part: &str, trouble: Option<&str>);

    /// Sets a figure that goes up and down.
    fn gauge(&self, figure: Gauge, labels: Labels<'_>, value: f64);

    /// Adds to a figure that only rises.
    fn count(&self, figure: Count, labels: Labels<'_>, by: u64);

    /// Gauges that carry all of `labels` speak of something that went away, such as a partition or
    /// a client.
    fn forget(&self, _labels: Labels<'_>) {}

    /// A fact for the run log.
    fn announce(&self, event: Event);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deaf;

impl Observer for Deaf {
    fn condition(&self, _: &str, _: Option<&str>) {}
    fn gauge(&self, _: Gauge, _: Labels<'_>, _: f64) {}
    fn count(&self, _: Count, _: Labels<'_>, _: u64) {}
    fn announce(&self, _: Event) {}
}
