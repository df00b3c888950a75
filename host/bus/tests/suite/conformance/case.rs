//! A bus, as tests that try every one of them get it.

use std::any::Any;
use std::sync::Arc;

use fedhost_bus::Bus;

/// A bus to be tried, and names on it that no other test uses.
pub(crate) struct Case {
    pub(crate) bus: Arc<dyn Bus>,
    /// In front of all names; legal in a topic's name.
    pub(crate) prefix: String,
    /// Makes a topic with so many partitions where the bus itself cannot: it is told of the topic
    /// afterwards.
    pub(crate) make_first: Option<MakeTopic>,
    /// Whatever has to live as long as the bus.
    pub(crate) _keep: Box<dyn Any + Send + Sync>,
}

pub(crate) type MakeTopic = Box<dyn Fn(&str, u32) + Send + Sync>;
