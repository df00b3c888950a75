//! A bus, as tests that try every one of them get it.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use fedhost_bus::Bus;

/// A bus to be tried, and names on it that no other test uses.
pub(crate) struct Case {
    pub(crate) bus: Arc<dyn Bus>,
    /// In front of all names; legal in a topic's name.
    pub(crate) prefix: String,
    /// Makes a topic with this number of partitions where the bus itself cannot: it gets the topic
    /// afterwards.
    pub(crate) make_first: Option<MakeTopic>,
    /// Deletes a topic, where topics can be deleted.
    pub(crate) delete_topic: Option<DeleteTopic>,
    /// For a member to finish what is under way when it is to give a partition up.
    pub(crate) drain: Duration,
    /// How often a member comes or goes in the test that tries this at random.
    pub(crate) churn: u32,
    /// Whether the records of a refused write may be there, and come again.
    pub(crate) repeats: bool,
    /// Whatever has to live as long as the bus.
    pub(crate) _keep: Box<dyn Any + Send + Sync>,
}

pub(crate) type DeleteTopic = Box<dyn Fn(&str) + Send + Sync>;
pub(crate) type MakeTopic = Box<dyn Fn(&str, u32) + Send + Sync>;
