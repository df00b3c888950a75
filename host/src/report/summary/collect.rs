//! From events to numbers, one event after the other.

use std::collections::{BTreeMap, BTreeSet};

use fedhost_base::event::{BusEvent, Damage, Event, PluginEvent, RunEvent, Stamped};
use fedhost_domain::event::{FederationEvent, RoundClosed};
use fedhost_domain::model::{NodeId, PluginId, Sha256Hex};

use super::nodes::Nodes;
use super::tally::Counter;
use super::{
    Change, OpenRound, PluginFailure, RejectedUpdates, Round, RoundEvaluation, RunManifest,
    RunSummary, SensorRows, SkippedRecords, UsedPlugin,
};
use crate::run_log::BadLine;

/// What is known half-way through a log. Rounds are kept by number, so that a line written twice
/// counts once.
#[derive(Default)]
pub(super) struct Collector {
    summary: RunSummary,
    /// When the current start began.
    session_ms: Option<u64>,
    open: Option<OpenRound>,
    closed: BTreeMap<u64, (u64, RoundClosed)>,
    refused: BTreeMap<u64, BTreeSet<NodeId>>,
    extensions: BTreeMap<u64, u64>,
    evaluations: BTreeMap<u64, RoundEvaluation>,
    sensors: BTreeMap<(NodeId, String), (u64, u64)>,
    nodes: Nodes,
    rejections: Counter<RejectedUpdates>,
    failures: Counter<PluginFailure>,
    skipped: Counter<SkippedRecords>,
    warnings: Counter<String>,
    restarts: Counter<String>,
    bad_lines: Counter<String>,
}

impl Collector {
    /// Adds the next line of the log.
    pub(super) fn add(&mut self, line: Result<Stamped, BadLine>) {
        match line {
            Ok(event) => {
                self.clock(&event);
                self.apply(&event);
            }
            Err(BadLine { line, fault }) => {
                self.bad_lines
                    .add(fault.to_string(), format!("line {line}"));
            }
        }
    }

    /// Time between a stop and the next start is not the run's.
    fn clock(&mut self, event: &Stamped) {
        let summary = &mut self.summary;
        let previous = summary.last_ms.unwrap_or(event.time_ms);
        if matches!(event.event, Event::Run(RunEvent::RunStarted { .. }))
            || self.session_ms.is_none()
        {
            self.session_ms = Some(event.time_ms);
        } else {
            summary.active_ms = summary
                .active_ms
                .saturating_add(event.time_ms.saturating_sub(previous));
        }
        summary.first_ms = summary.first_ms.or(Some(event.time_ms));
        summary.last_ms = Some(event.time_ms.max(previous));
    }

    fn apply(&mut self, stamped: &Stamped) {
        let time_ms = stamped.time_ms;
        match &stamped.event {
            Event::Run(RunEvent::RunStarted {
                manifest,
                manifest_sha256,
                version,
                plugins,
                ..
            }) => {
                self.started(manifest, manifest_sha256, version, plugins);
            }
            Event::Run(RunEvent::RunFinished {
                outcome,
                weights_sha256,
                ..
            }) => self.finished(outcome, weights_sha256.as_ref()),
            Event::Federation(FederationEvent::RoundOpened { round }) => self.opened(*round),
            Event::Federation(FederationEvent::RoundFailed {
                round,
                answered,
                min_nodes,
            }) => self.extended(*round, *answered, *min_nodes),
            Event::Federation(FederationEvent::RoundClosed(closed)) => self.closed(time_ms, closed),
            Event::Federation(FederationEvent::RoundEvaluated {
                round,
                before,
                after,
            }) => {
                after
                    .nodes
                    .iter()
                    .for_each(|scored| self.nodes.seen(&scored.node, time_ms));
                let evaluation = RoundEvaluation {
                    round: *round,
                    before: before.clone(),
                    after: after.clone(),
                };
                self.evaluations.insert(*round, evaluation);
            }
            Event::Federation(FederationEvent::UpdateAccepted { participant, .. }) => {
                self.nodes.seen(&participant.node, time_ms)
            }
            Event::Federation(FederationEvent::UpdateRejected {
                round,
                node,
                reason,
                detail,
            }) => {
                self.rejected(time_ms, *round, node.as_ref(), reason, detail);
            }
            Event::Federation(FederationEvent::NodeTrained { node, .. }) => {
                self.nodes.seen(node, time_ms)
            }
            Event::Federation(FederationEvent::NodeResumed { node, .. }) => {
                self.nodes.resumed(node, time_ms)
            }
            Event::Federation(FederationEvent::TrainingSkipped { node, rows }) => {
                self.nodes.skipped_training(node, *rows, time_ms)
            }
            Event::Run(RunEvent::SensorFinished {
                node,
                sensor,
                rows,
                skipped,
            }) => {
                self.sensors
                    .insert((node.clone(), sensor.clone()), (*rows, *skipped));
            }
            Event::Run(RunEvent::RecordSkipped {
                source,
                reason,
                detail,
                ..
            }) => {
                self.skipped.add(
                    SkippedRecords {
                        source: source.clone(),
                        reason: reason.clone(),
                    },
                    detail,
                );
            }
            Event::Bus(BusEvent::LogDamaged(damage)) => self.damaged(damage),
            Event::Plugin(PluginEvent::PluginLoaded {
                plugin,
                file,
                compile_ms,
            }) => self.loaded(plugin, file, *compile_ms),
            Event::Plugin(PluginEvent::PluginFailed {
                plugin,
                call,
                kind,
                detail,
            }) => {
                let failure = PluginFailure {
                    plugin: plugin.clone(),
                    call: call.clone(),
                    kind: kind.clone(),
                };
                self.failures.add(failure, detail);
            }
            Event::Plugin(PluginEvent::PluginSwapped { new, .. }) => drop(self.plugin(new)),
            Event::Plugin(PluginEvent::PluginQuarantined {
                plugin,
                part,
                detail,
                ..
            }) => {
                self.warnings
                    .add(format!("{plugin} as {part}, quarantined"), detail);
            }
            Event::Run(RunEvent::Warned { part, detail }) => {
                self.warnings.add(part.clone(), detail)
            }
            Event::Run(RunEvent::RoleRestarted { role, reason }) => {
                self.restarts.add(role.clone(), reason)
            }
            Event::Bus(BusEvent::ConnectionLost { .. })
            | Event::Bus(BusEvent::ConnectionRestored { .. })
            | Event::Bus(BusEvent::StandingBy { .. })
            | Event::Bus(BusEvent::PartitionStalled { .. })
            | Event::Bus(BusEvent::RecordsExpired { .. })
            | Event::Bus(BusEvent::TopicDiffers { .. })
            | Event::Plugin(PluginEvent::PluginLogged { .. })
            | Event::Federation(FederationEvent::NodeRefused { .. })
            | Event::Plugin(PluginEvent::PluginReleased { .. })
            | Event::Run(RunEvent::Listening { .. })
            | Event::Plugin(PluginEvent::PluginProgress { .. }) => {}
        }
    }

    fn started(&mut self, file: &str, sha256: &Sha256Hex, version: &str, plugins: &[PluginId]) {
        self.summary.starts += 1;
        self.summary.outcome = None;
        self.summary.manifest = Some(RunManifest {
            file: file.to_owned(),
            sha256: sha256.clone(),
            version: version.to_owned(),
        });
        for plugin in plugins {
            self.plugin(plugin);
        }
    }

    fn finished(&mut self, outcome: &str, weights_sha256: Option<&Sha256Hex>) {
        self.summary.outcome = Some(outcome.to_owned());
        if let Some(weights) = weights_sha256 {
            self.summary.weights_sha256 = Some(weights.clone());
        }
    }

    fn opened(&mut self, round: u64) {
        let extensions = self.extensions.get(&round).copied().unwrap_or(0);
        self.open = Some(OpenRound {
            round,
            extensions,
            answered: None,
            min_nodes: None,
        });
    }

    fn extended(&mut self, round: u64, answered: u64, min_nodes: u64) {
        let extensions = self.extensions.entry(round).or_default();
        *extensions += 1;
        self.open = Some(OpenRound {
            round,
            extensions: *extensions,
            answered: Some(answered),
            min_nodes: Some(min_nodes),
        });
    }

    fn closed(&mut self, time_ms: u64, closed: &RoundClosed) {
        self.open = self.open.filter(|open| open.round > closed.round);
        self.summary.weights_sha256 = Some(closed.weights_sha256.clone());
        self.closed.insert(closed.round, (time_ms, closed.clone()));
    }

    fn rejected(
        &mut self,
        time_ms: u64,
        round: u64,
        node: Option<&NodeId>,
        reason: &str,
        detail: &str,
    ) {
        self.rejections.add(
            RejectedUpdates {
                node: node.cloned(),
                reason: reason.to_owned(),
            },
            detail,
        );
        self.summary.rejected += 1;
        if let Some(node) = node {
            self.refused.entry(round).or_default().insert(node.clone());
            self.nodes.rejected(node, time_ms);
        }
    }

    /// Damage is announced at every start; it is the same damage.
    fn damaged(&mut self, damage: &Damage) {
        if !self.summary.damage.contains(damage) {
            self.summary.damage.push(damage.clone());
        }
    }

    fn loaded(&mut self, id: &PluginId, file: &str, compile_ms: u64) {
        if let Some(plugin) = self.plugin(id) {
            plugin.file = Some(file.to_owned());
            plugin.compile_ms = Some(compile_ms);
        }
    }

    /// The entry of a component. The digest is part of its identity: a swapped one keeps its name.
    fn plugin(&mut self, id: &PluginId) -> Option<&mut UsedPlugin> {
        let since_round = self.open.map(|open| open.round);
        let plugins = &mut self.summary.plugins;
        if plugins.iter().all(|plugin| plugin.id != *id) {
            plugins.push(UsedPlugin {
                id: id.clone(),
                file: None,
                compile_ms: None,
                since_round,
            });
        }
        plugins.iter_mut().find(|plugin| plugin.id == *id)
    }

    /// A log may have more kinds of lines than a report can list.
    fn warn_of_uncounted(&mut self) {
        let uncounted = self.rejections.uncounted()
            + self.failures.uncounted()
            + self.skipped.uncounted()
            + self.warnings.uncounted()
            + self.restarts.uncounted()
            + self.bad_lines.uncounted();
        if uncounted > 0 {
            let detail = format!("{uncounted} lines of further kinds are not listed");
            self.warnings.add_always("report".to_owned(), detail);
        }
    }

    /// The numbers of the log that is called `name`.
    pub(super) fn finish(mut self, name: &str) -> RunSummary {
        self.warn_of_uncounted();
        let rounds: Vec<Round> = std::mem::take(&mut self.closed)
            .into_values()
            .map(|(closed_ms, closed)| Round {
                closed_ms,
                refused: self
                    .refused
                    .remove(&closed.round)
                    .unwrap_or_default()
                    .into_iter()
                    .collect(),
                extensions: self.extensions.remove(&closed.round).unwrap_or(0),
                closed,
            })
            .collect();
        let evaluations: Vec<RoundEvaluation> = self.evaluations.into_values().collect();
        RunSummary {
            log: name.to_owned(),
            name: name.to_owned(),
            bad_lines: self.bad_lines.into_tallies(),
            samples: rounds
                .iter()
                .fold(0, |sum, round| sum.saturating_add(round.closed.samples)),
            loss: rounds
                .last()
                .map(|round| round.closed.loss)
                .filter(|loss| loss.is_finite()),
            roc_auc: roc_auc(&evaluations),
            open_round: self.open,
            nodes: self.nodes.finish(&rounds),
            rounds,
            evaluations,
            rejections: self.rejections.into_tallies(),
            plugin_failures: self.failures.into_tallies(),
            skipped_records: self.skipped.into_tallies(),
            warnings: self.warnings.into_tallies(),
            restarts: self.restarts.into_tallies(),
            sensors: (self.sensors.into_iter())
                .map(|((node, sensor), (rows, skipped))| SensorRows {
                    node,
                    sensor,
                    rows,
                    skipped,
                })
                .collect(),
            ..self.summary
        }
    }
}

/// From the oldest model that has a score to the newest.
fn roc_auc(evaluations: &[RoundEvaluation]) -> Option<Change> {
    let before = evaluations
        .first()
        .and_then(|first| first.before.as_ref())
        .and_then(|before| before.roc_auc);
    let after = || {
        evaluations
            .iter()
            .filter_map(|evaluation| evaluation.after.roc_auc)
    };
    Some(Change {
        first: before.or_else(|| after().next())?,
        last: after().next_back()?,
    })
}
