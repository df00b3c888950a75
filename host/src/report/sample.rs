//! Run logs as real runs leave them, by seed.

use fedhost_base::event::{Event, PluginEvent, RunEvent, Stamped};
use fedhost_domain::event::{
    Durations, FederationEvent, GlobalEvaluation, NodeEvaluation, Participant, RoundClosed,
};
use fedhost_domain::model::{NodeId, PluginId, Sha256Hex};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::summary::RunSummary;

/// A run log in memory.
#[derive(Clone, Debug)]
pub(super) struct SampleLog {
    pub(super) name: String,
    pub(super) events: Vec<Stamped>,
}

impl SampleLog {
    pub(super) fn summary(&self) -> RunSummary {
        RunSummary::of(&self.name, self.events.iter().cloned().map(Ok))
    }
}

const START_MS: u64 = 1_767_261_600_000;

/// What kind of run to make up.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    pub(super) seed: u64,
    pub(super) nodes: u32,
    pub(super) rounds: u64,
    /// The last node is expected and never answers.
    pub(super) silent_node: bool,
    /// Held-out rows hold both classes.
    pub(super) scored: bool,
}

impl Sample {
    pub(super) fn new(nodes: u32, rounds: u64) -> Self {
        Self {
            seed: 7,
            nodes,
            rounds,
            silent_node: false,
            scored: true,
        }
    }

    pub(super) fn log(self, name: &str) -> SampleLog {
        let mut writer = Writer {
            sample: self,
            random: StdRng::seed_from_u64(self.seed),
            now_ms: START_MS,
            events: vec![],
        };
        writer.start(0);
        for round in 1..=self.rounds {
            writer.round(round);
        }
        let weights_sha256 = (self.rounds > 0).then(|| Sha256Hex::of(&self.rounds.to_le_bytes()));
        writer.say(
            5,
            Event::Run(RunEvent::RunFinished {
                round: self.rounds,
                outcome: "completed".into(),
                weights_sha256,
            }),
        );
        SampleLog {
            name: name.to_owned(),
            events: writer.events,
        }
    }
}

pub(super) fn plugin(name: &str) -> PluginId {
    PluginId {
        name: name.into(),
        version: "0.1.0".into(),
        sha256: Sha256Hex::of(name.as_bytes()),
    }
}

struct Writer {
    sample: Sample,
    random: StdRng,
    now_ms: u64,
    events: Vec<Stamped>,
}

impl Writer {
    fn say(&mut self, after_ms: u64, event: Event) {
        self.now_ms += after_ms;
        self.events.push(Stamped {
            time_ms: self.now_ms,
            event,
        });
    }

    fn start(&mut self, resumed_round: u64) {
        let plugins = vec![plugin("baseline-deviation"), plugin("logistic-regression")];
        for plugin in plugins.clone() {
            let file = format!("plugins/{}.wasm", plugin.name);
            self.say(
                80,
                Event::Plugin(PluginEvent::PluginLoaded {
                    plugin,
                    file,
                    compile_ms: 74,
                }),
            );
        }
        let manifest_sha256 = Sha256Hex::of(b"manifest");
        let (manifest, version) = ("demo.toml".into(), "0.1.0".into());
        self.say(
            3,
            Event::Run(RunEvent::RunStarted {
                manifest,
                manifest_sha256,
                version,
                resumed_round,
                plugins,
            }),
        );
    }

    fn round(&mut self, round: u64) {
        self.say(2, Event::Federation(FederationEvent::RoundOpened { round }));
        let opened_ms = self.now_ms;
        let (mut participants, mut missing, mut rejected) = (vec![], vec![], 0);
        for number in 1..=self.sample.nodes {
            let node = NodeId::fog(number);
            let silent = self.sample.silent_node && number == self.sample.nodes;
            if silent || self.random.random_bool(0.05) {
                missing.push(node);
            } else if self.random.random_bool(0.02) {
                rejected += 1;
                self.reject(round, &node);
                missing.push(node);
            } else {
                participants.push(self.participant(round, number, node));
            }
        }
        self.close(round, opened_ms, participants, missing, rejected);
        self.evaluate(round);
    }

    fn reject(&mut self, round: u64, node: &NodeId) {
        let (reason, detail) = [
            (
                "stale",
                "its base is 3 global models behind, at most 1 is allowed",
            ),
            ("norm", "its norm 912.4 is over the limit of 100"),
            ("checksum", "the payload was changed on its way"),
        ][self.random.random_range(0..3)];
        let event = Event::Federation(FederationEvent::UpdateRejected {
            round,
            node: Some(node.clone()),
            reason: reason.into(),
            detail: detail.into(),
        });
        self.say(10, event);
    }

    fn participant(&mut self, round: u64, number: u32, node: NodeId) -> Participant {
        let noise = self.random.random_range(-0.04..0.04);
        let participant = Participant {
            node,
            samples: self.random.random_range(180..240),
            staleness: u64::from(self.random.random_bool(0.04)),
            loss: 0.18 + 0.03 * f64::from(number % 5) + 0.45 * (-0.06 * round as f64).exp() + noise,
            norm: 1.0 + (round as f64).ln(),
            train_ms: Some(self.random.random_range(20..60)),
            metrics: vec![],
        };
        let after_ms = self.random.random_range(40..300);
        self.say(
            after_ms,
            Event::Federation(FederationEvent::UpdateAccepted {
                round,
                participant: participant.clone(),
            }),
        );
        participant
    }

    fn close(
        &mut self,
        round: u64,
        opened_ms: u64,
        participants: Vec<Participant>,
        missing: Vec<NodeId>,
        rejected: u64,
    ) {
        let samples: u64 = participants.iter().map(|part| part.samples).sum();
        let loss = participants
            .iter()
            .map(|part| part.loss * part.samples as f64)
            .sum::<f64>()
            / samples.max(1) as f64;
        let durations = Durations {
            gathering_ms: (self.now_ms - opened_ms) as f64,
            aggregating_ms: self.random.random_range(0.05..0.4),
            publishing_ms: self.random.random_range(2.0..14.0),
        };
        let closed = RoundClosed {
            round,
            closed_by: if missing.is_empty() {
                "complete"
            } else {
                "interval"
            }
            .into(),
            participants,
            missing,
            rejected,
            samples,
            loss,
            weights_sha256: Sha256Hex::of(&round.to_le_bytes()),
            norm: 1.0 + (round as f64).ln(),
            durations,
        };
        self.say(9, Event::Federation(FederationEvent::RoundClosed(closed)));
    }

    fn evaluate(&mut self, round: u64) {
        let before = Some(self.evaluation(round - 1));
        let after = self.evaluation(round);
        self.say(
            30,
            Event::Federation(FederationEvent::RoundEvaluated {
                round,
                before,
                after,
            }),
        );
    }

    fn evaluation(&mut self, round: u64) -> GlobalEvaluation {
        let learnt = |noise: f64| 0.93 - 0.36 * (-0.08 * round as f64).exp() + noise;
        let mut noisy = |width: f64| {
            self.sample
                .scored
                .then(|| learnt(self.random.random_range(-width..width)).min(1.0))
        };
        GlobalEvaluation {
            rows: 200 * u64::from(self.sample.nodes),
            anomalous: 20 * u64::from(self.sample.nodes),
            roc_auc: noisy(0.006),
            average_precision: noisy(0.01),
            nodes: (1..=self.sample.nodes - u32::from(self.sample.silent_node))
                .map(|number| NodeEvaluation {
                    node: NodeId::fog(number),
                    rows: 200,
                    anomalous: 20,
                    roc_auc: noisy(0.04),
                })
                .collect(),
        }
    }
}
