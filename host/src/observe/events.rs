//! What facts mean as figures, and for whether the process is ready.

use std::collections::BTreeMap;

use fedhost_domain::event::{Event, RoundClosed};

use super::store::Store;
use fedhost_base::figure;

/// As what a plug-in can be left alone.
const PARTS: [&str; 3] = ["preprocessor", "trainer", "detector"];

/// Labels come from the manifest, from components and from fixed lists of codes, never from what a
/// stranger may send.
pub(super) fn count(event: &Event, store: &mut Store) {
    match event {
        Event::RoundClosed(closed) => round_closed(closed, store),
        Event::UpdateAccepted { .. } => store.add(figure::UPDATES_ACCEPTED, &[], 1),
        Event::UpdateRejected { reason, .. } => {
            store.add(figure::UPDATES_REJECTED, &[("reason", reason)], 1)
        }
        Event::RecordSkipped { source, reason, .. } => {
            store.add(
                figure::RECORDS_SKIPPED,
                &[("source", source), ("reason", reason)],
                1,
            );
        }
        Event::NodeTrained { node, samples, .. } => {
            let labels = [("node", node.as_str())];
            store.add(figure::TRAININGS, &labels, 1);
            store.add(figure::SAMPLES, &labels, *samples);
        }
        Event::PluginFailed { plugin, kind, .. } => {
            store.add(
                figure::PLUGIN_FAILURES,
                &[("plugin", plugin), ("kind", kind)],
                1,
            );
        }
        Event::PluginQuarantined { plugin, part, .. } => {
            let labels = [("plugin", plugin.as_str()), ("part", part.as_str())];
            store.add(figure::PLUGIN_QUARANTINES, &labels, 1);
            store.set(figure::PLUGIN_QUARANTINED, &labels, 1.0);
        }
        Event::PluginSwapped {
            node, part, old, ..
        } => {
            store.add(
                figure::PLUGIN_SWAPS,
                &[("node", node.as_str()), ("part", part)],
                1,
            );
            for part in PARTS {
                store.set(
                    figure::PLUGIN_QUARANTINED,
                    &[("plugin", &old.name), ("part", part)],
                    0.0,
                );
            }
        }
        Event::PluginReleased { plugin, part } => {
            store.set(
                figure::PLUGIN_QUARANTINED,
                &[("plugin", plugin), ("part", part)],
                0.0,
            );
        }
        Event::ConnectionLost { part, .. } => {
            store.add(figure::CONNECTIONS_LOST, &[("part", part)], 1)
        }
        Event::RoleRestarted { role, .. } => store.add(figure::ROLE_RESTARTS, &[("role", role)], 1),
        _ => {}
    }
}

/// A plug-in that is left alone keeps the process from being ready.
pub(super) fn judge(event: &Event, troubles: &mut BTreeMap<String, String>) {
    match event {
        Event::PluginQuarantined {
            plugin,
            part,
            call,
            failures,
            ..
        } => {
            let reason =
                format!("it is left alone as {part}: {call} failed {failures} times in a row");
            troubles.insert(trouble_of(plugin, part), reason);
        }
        // Another component has a clean record.
        Event::PluginSwapped { old, .. } => {
            for part in PARTS {
                troubles.remove(&trouble_of(&old.name, part));
            }
        }
        Event::PluginReleased { plugin, part } => drop(troubles.remove(&trouble_of(plugin, part))),
        _ => {}
    }
}

fn trouble_of(plugin: &str, part: &str) -> String {
    format!("plug-in {plugin} ({part})")
}

fn round_closed(closed: &RoundClosed, store: &mut Store) {
    store.add(figure::ROUNDS_CLOSED, &[], 1);
    #[expect(clippy::cast_precision_loss, reason = "rounds are far below 2^53")]
    store.set(figure::ROUND, &[], closed.round as f64);
    store.set(figure::ROUND_LOSS, &[], closed.loss);
    let durations = closed.durations;
    let phases = [
        ("gathering", durations.gathering_ms),
        ("aggregating", durations.aggregating_ms),
        ("publishing", durations.publishing_ms),
    ];
    for (phase, milliseconds) in phases {
        store.set(
            figure::ROUND_DURATION_SECONDS,
            &[("phase", phase)],
            milliseconds / 1e3,
        );
    }
}
