//! Quarantines a plug-in that keeps failing: counts the failures of all its instances, and
//! announces changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fedhost_base::event::{Event, PluginEvent};
use fedhost_domain::quarantine::{Quarantine, QuarantineChange, QuarantinePolicy};

use super::context::EventSink;
use super::failure::{CallError, Kind};

/// The quarantine of one component. A component that replaces it starts without failures.
pub(super) struct PluginQuarantine {
    plugin: Arc<str>,
    policy: QuarantinePolicy,
    created: Instant,
    /// By part: a failing trainer does not stop the detector.
    records: Mutex<BTreeMap<&'static str, Quarantine>>,
}

impl PluginQuarantine {
    pub(super) fn new(plugin: Arc<str>, policy: QuarantinePolicy) -> Self {
        Self {
            plugin,
            policy,
            created: fedhost_base::clock::now(),
            records: Mutex::default(),
        }
    }

    /// Returns the time until the quarantine of a call's part ends; `None` if it is not
    /// quarantined.
    pub(super) fn remaining(&self, call: &str) -> Option<Duration> {
        let now_ms = self.now_ms();
        self.records()
            .get(part_of(call))?
            .admit(now_ms)
            .err()
            .map(Duration::from_millis)
    }

    /// Refuses a call during quarantine.
    pub(super) fn admit(&self, call: &'static str) -> Result<(), CallError> {
        let Some(remaining) = self.remaining(call) else {
            return Ok(());
        };
        let detail = format!(
            "it kept failing, and is quarantined for another {} ms\n\
             hint: replace its file to try it at once",
            remaining.as_millis()
        );
        Err(CallError {
            plugin: self.plugin.to_string(),
            call,
            kind: Kind::Quarantined,
            detail,
        })
    }

    /// Records how a call ended. Declined input neither resets nor increments the failure count.
    pub(super) fn record<T>(
        &self,
        call: &'static str,
        outcome: &Result<T, CallError>,
        events: &EventSink,
    ) {
        let now_ms = self.now_ms();
        let part = part_of(call);
        let change = {
            let mut records = self.records();
            let record = records
                .entry(part)
                .or_insert_with(|| Quarantine::new(self.policy));
            match outcome {
                Ok(_) => record.succeeded(call),
                Err(error) if error.kind.is_fault() => record.failed(now_ms, call),
                Err(_) => None,
            }
        };
        let (plugin, part) = (self.plugin.to_string(), part.to_owned());
        match (change, outcome) {
            (Some(QuarantineChange::Began { failures, pause_ms }), Err(error)) => {
                let (call, detail) = (call.to_owned(), error.detail.clone());
                events(Event::Plugin(PluginEvent::PluginQuarantined {
                    plugin,
                    part,
                    call,
                    failures,
                    pause_ms,
                    detail,
                }));
            }
            (Some(QuarantineChange::Ended), _) => {
                events(Event::Plugin(PluginEvent::PluginReleased { plugin, part }))
            }
            _ => {}
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<&'static str, Quarantine>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the part of a call: `detector` of `detector.score`.
fn part_of(call: &str) -> &str {
    call.split_once('.').map_or(call, |(part, _)| part)
}
