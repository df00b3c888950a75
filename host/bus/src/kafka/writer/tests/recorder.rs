//! An observer that records reports.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use fedhost_base::event::{BusEvent, Event};

use fedhost_base::metric::{Count, Gauge};
use fedhost_base::observer::{Labels, Observer};

#[derive(Default)]
pub(in crate::kafka::writer) struct Recorder(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    events: Vec<Event>,
    counts: HashMap<&'static str, u64>,
    gauges: HashMap<&'static str, f64>,
    trouble: Option<String>,
}

impl Recorder {
    pub(in crate::kafka::writer) fn count_of(&self, name: &str) -> u64 {
        self.with(|seen| seen.counts.get(name).copied().unwrap_or(0))
    }

    pub(in crate::kafka::writer) fn gauge_of(&self, name: &str) -> Option<f64> {
        self.with(|seen| seen.gauges.get(name).copied())
    }

    pub(in crate::kafka::writer) fn trouble(&self) -> Option<String> {
        self.with(|seen| seen.trouble.clone())
    }

    /// `lost` and `restored`, in the order of their events.
    pub(in crate::kafka::writer) fn connection(&self) -> Vec<&'static str> {
        let word = |event: &Event| match event {
            Event::Bus(BusEvent::ConnectionLost { .. }) => Some("lost"),
            Event::Bus(BusEvent::ConnectionRestored { .. }) => Some("restored"),
            _ => None,
        };
        self.with(|seen| seen.events.iter().filter_map(word).collect())
    }

    fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Recorder {
    fn condition(&self, _: &str, trouble: Option<&str>) {
        self.with(|seen| seen.trouble = trouble.map(str::to_owned));
    }

    fn gauge(&self, metric: Gauge, _: Labels<'_>, value: f64) {
        self.with(|seen| seen.gauges.insert(metric.name(), value));
    }

    fn count(&self, metric: Count, _: Labels<'_>, by: u64) {
        self.with(|seen| *seen.counts.entry(metric.name()).or_default() += by);
    }

    fn announce(&self, event: Event) {
        self.with(|seen| seen.events.push(event));
    }
}
