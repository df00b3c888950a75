//! Derives metrics and health conditions from events.

use std::collections::BTreeMap;

use fedhost_base::event::{BusEvent, Event, PluginEvent, RunEvent};
use fedhost_domain::event::{FederationEvent, RoundClosed};

use super::store::Store;
use fedhost_base::metric;

/// The parts of a plug-in that can be quarantined.
const PARTS: [&str; 3] = ["preprocessor", "trainer", "detector"];

/// Updates the metrics that an event changes.
///
/// Labels come from the manifest, from components and from fixed lists of codes, never from
/// untrusted records: each new value of a label would be a new series.
pub(super) fn count(event: &Event, store: &mut Store) {
    match event {
        Event::Federation(FederationEvent::RoundClosed(closed)) => round_closed(closed, store),
        Event::Federation(FederationEvent::UpdateAccepted { .. }) => {
            store.add(metric::UPDATES_ACCEPTED, &[], 1)
        }
        Event::Federation(FederationEvent::UpdateRejected { reason, .. }) => {
            store.add(metric::UPDATES_REJECTED, &[("reason", reason)], 1)
        }
        Event::Run(RunEvent::RecordSkipped { source, reason, .. }) => {
            store.add(
                metric::RECORDS_SKIPPED,
                &[("source", source), ("reason", reason)],
                1,
            );
        }
        Event::Federation(FederationEvent::NodeTrained { node, samples, .. }) => {
            let labels = [("node", node.as_str())];
            store.add(metric::TRAININGS, &labels, 1);
            store.add(metric::SAMPLES, &labels, *samples);
        }
        Event::Plugin(PluginEvent::PluginFailed { plugin, kind, .. }) => {
            store.add(
                metric::PLUGIN_FAILURES,
                &[("plugin", plugin), ("kind", kind)],
                1,
            );
        }
        Event::Plugin(PluginEvent::PluginQuarantined { plugin, part, .. }) => {
            let labels = [("plugin", plugin.as_str()), ("part", part.as_str())];
            store.add(metric::PLUGIN_QUARANTINES, &labels, 1);
            store.set(metric::PLUGIN_QUARANTINED, &labels, 1.0);
        }
        Event::Plugin(PluginEvent::PluginSwapped {
            node, part, old, ..
        }) => {
            store.add(
                metric::PLUGIN_SWAPS,
                &[("node", node.as_str()), ("part", part)],
                1,
            );
            for part in PARTS {
                store.set(
                    metric::PLUGIN_QUARANTINED,
                    &[("plugin", &old.name), ("part", part)],
                    0.0,
                );
            }
        }
        Event::Plugin(PluginEvent::PluginReleased { plugin, part }) => {
            store.set(
                metric::PLUGIN_QUARANTINED,
                &[("plugin", plugin), ("part", part)],
                0.0,
            );
        }
        Event::Bus(BusEvent::ConnectionLost { part, .. }) => {
            store.add(metric::CONNECTIONS_LOST, &[("part", part)], 1)
        }
        Event::Run(RunEvent::RoleRestarted { role, .. }) => {
            store.add(metric::ROLE_RESTARTS, &[("role", role)], 1)
        }
        _ => {}
    }
}

/// Updates the health conditions that an event changes. While a plug-in is quarantined, the process
/// is not ready.
pub(super) fn update_troubles(event: &Event, troubles: &mut BTreeMap<String, String>) {
    match event {
        Event::Plugin(PluginEvent::PluginQuarantined {
            plugin,
            part,
            call,
            failures,
            ..
        }) => {
            let reason = format!("quarantined as {part}: {call} failed {failures} times in a row");
            troubles.insert(trouble_of(plugin, part), reason);
        }
        // The new component has not failed yet.
        Event::Plugin(PluginEvent::PluginSwapped { old, .. }) => {
            for part in PARTS {
                troubles.remove(&trouble_of(&old.name, part));
            }
        }
        Event::Plugin(PluginEvent::PluginReleased { plugin, part }) => {
            troubles.remove(&trouble_of(plugin, part));
        }
        _ => {}
    }
}

fn trouble_of(plugin: &str, part: &str) -> String {
    format!("plug-in {plugin} ({part})")
}

fn round_closed(closed: &RoundClosed, store: &mut Store) {
    store.add(metric::ROUNDS_CLOSED, &[], 1);
    #[expect(clippy::cast_precision_loss, reason = "rounds are far below 2^53")]
    store.set(metric::ROUND, &[], closed.round as f64);
    store.set(metric::ROUND_LOSS, &[], closed.loss);
    let durations = closed.durations;
    let phases = [
        ("gathering", durations.gathering_ms),
        ("aggregating", durations.aggregating_ms),
        ("publishing", durations.publishing_ms),
    ];
    for (phase, milliseconds) in phases {
        store.set(
            metric::ROUND_DURATION_SECONDS,
            &[("phase", phase)],
            milliseconds / 1e3,
        );
    }
}
