//! Leaves a plug-in alone that fails again and again: keeps the record of all its instances, and
//! tells when it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fedhost_domain::event::Event;
use fedhost_domain::quarantine::{Quarantine, QuarantineChange, QuarantinePolicy};

use super::context::EventSink;
use super::failure::{CallError, Kind};

/// One a component: a file that replaces it begins with a clean record.
pub(super) struct PluginQuarantine {
    plugin: Arc<str>,
    policy: QuarantinePolicy,
    born: Instant,
    /// By part: that a trainer fails is no reason not to score.
    records: Mutex<BTreeMap<&'static str, Quarantine>>,
}

impl PluginQuarantine {
    pub(super) fn new(plugin: Arc<str>, policy: QuarantinePolicy) -> Self {
        Self {
            plugin,
            policy,
            born: fedhost_base::clock::now(),
            records: Mutex::default(),
        }
    }

    /// How much longer the part of a call is left alone.
    pub(super) fn remaining(&self, call: &str) -> Option<Duration> {
        let now_ms = self.now_ms();
        self.records()
            .get(part_of(call))?
            .admit(now_ms)
            .err()
            .map(Duration::from_millis)
    }

    /// Whether the call may be made.
    pub(super) fn admit(&self, call: &'static str) -> Result<(), CallError> {
        let Some(left) = self.remaining(call) else {
            return Ok(());
        };
        let detail = format!(
            "it failed again and again, and is left alone for another {} ms\n\
             hint: replace its file, and it is tried at once",
            left.as_millis()
        );
        Err(CallError {
            plugin: self.plugin.to_string(),
            call,
            kind: Kind::Quarantined,
            detail,
        })
    }

    /// Takes note of how a call ended. A guest that declines its input is neither well nor ill.
    pub(super) fn note<T>(
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
                events(Event::PluginQuarantined {
                    plugin,
                    part,
                    call,
                    failures,
                    pause_ms,
                    detail,
                });
            }
            (Some(QuarantineChange::Ended), _) => events(Event::PluginReleased { plugin, part }),
            _ => {}
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<&'static str, Quarantine>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `detector.score` is a call of the part `detector`.
fn part_of(call: &str) -> &str {
    call.split_once('.').map_or(call, |(part, _)| part)
}
