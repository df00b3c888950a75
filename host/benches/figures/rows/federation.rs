//! A sensor, a fog node and an aggregator on one bus, as a run has them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use fedhost::role::engine::plugins::{Configured, Lineup, Plugins};
use fedhost::role::federation::{FederationTopics, Wire};
use fedhost::role::{Context, DeadLetters, StartedSignal, aggregator, fog_node, sensor};
use fedhost_base::announce::Announcer;
use fedhost_base::observer::NoObserver;
use fedhost_bus::{Bus, Start};
use fedhost_domain::fog::schedule::{self, RowsPerRound, WhenBehind};
use fedhost_domain::model::NodeId;
use fedhost_domain::reading::Fields;
use fedhost_domain::round::{Expected, Rules};
use fedhost_plugin::{Engine, Loader, Parameters};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) const READINGS: &str = "sensor-data-node-1";
pub(super) const PREDICTIONS: &str = "predictions";
const GLOBAL: &str = "global";
const UPDATES: &str = "updates";
const EVALUATIONS: &str = "evaluations";
/// All of them.
pub(super) const TOPICS: [&str; 5] = [READINGS, PREDICTIONS, GLOBAL, UPDATES, EVALUATIONS];

/// Labelled rows between two trainings: no more than a figure gives the node to learn from.
const ROWS_PER_ROUND: u64 = 400;
const WINDOW_ROWS: usize = 2_000;

/// Settings of the roles.
pub(super) struct Federation {
    bus: Arc<dyn Bus>,
    /// Of the sensor; without it there is none, and others write readings.
    rows: Option<u64>,
    lineup: Lineup,
}

/// The roles at work.
pub(super) struct Running {
    roles: JoinSet<Result<(), fedhost::role::Error>>,
    stop: CancellationToken,
}

impl Federation {
    pub(super) fn new(bus: &Arc<dyn Bus>, rows: Option<u64>) -> Self {
        let engine = Engine::new().unwrap();
        let configured = |name: &str| {
            let file =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/{name}.wasm"));
            let plugin = Loader::new(&engine, Arc::new(|_| {}))
                .load(&file)
                .expect("run `make plugins` first");
            Configured {
                parameters: plugin.check_parameters(&Parameters::new()).unwrap(),
                plugin: Arc::new(plugin),
            }
        };
        Self {
            bus: Arc::clone(bus),
            rows,
            lineup: Lineup {
                preprocess: Some(configured("standard-scaler")),
                model: configured("logistic-regression"),
            },
        }
    }

    pub(super) async fn start(&self) -> Running {
        let stop = CancellationToken::new();
        let mut roles = JoinSet::new();
        roles.spawn(self.aggregator(&stop).run());
        roles.spawn(self.fog_node(&stop).run());
        if let Some(rows) = self.rows {
            roles.spawn(self.sensor(rows, &stop).run());
        }
        Running { roles, stop }
    }

    fn context(&self, stop: &CancellationToken) -> Context {
        Context {
            bus: Arc::clone(&self.bus),
            announcer: Announcer::default(),
            observer: Arc::new(NoObserver),
            stop: stop.clone(),
            started: StartedSignal::default(),
        }
    }

    fn sensor(&self, rows: u64, stop: &CancellationToken) -> sensor::Service {
        let simulated = sensor::SimulatedRows {
            seed: 1,
            anomaly_rate: 0.1,
            hold_out: 0.2,
            rows: Some(rows),
        };
        sensor::Service {
            context: self.context(stop),
            role: "sensor-1-pump".to_owned(),
            config: sensor::SensorConfig {
                name: "pump".to_owned(),
                node: 1,
                rate_hz: 0.0,
                rows: sensor::RowSource::Simulated(simulated),
            },
            topic: READINGS.into(),
        }
    }

    fn fog_node(&self, stop: &CancellationToken) -> fog_node::Service {
        fog_node::Service {
            training_nodes: Arc::new(fog_node::TrainingNodes::new([1].into(), 0)),
            context: self.context(stop),
            number: 1,
            topics: topics(),
            readings: fog_node::Readings {
                topic: READINGS.into(),
                start: Start::Earliest,
                batch_rows: 500,
                fields: fields(),
                columns: Vec::new(),
                sensors: BTreeSet::new(),
            },
            global_models: fog_node::GlobalModels {
                group: "fog-node-1.models".to_owned(),
                is_keeper: true,
            },
            plugins: Arc::new(Plugins {
                node: NodeId::fog(1),
                lineup: self.lineup.clone(),
                seed: 0,
                batch_rows: 500,
                announcer: Announcer::default(),
                cancel: stop.child_token(),
            }),
            lineup: watch::channel(self.lineup.clone()).1,
            training: fog_node::Training {
                has_labels: true,
                schedule: schedule::Config {
                    rows_per_round: RowsPerRound::Rows(ROWS_PER_ROUND),
                    backlog_rows: WINDOW_ROWS as u64,
                    when_behind: WhenBehind::Skip,
                    rounds: None,
                    retry_after_ms: 60_000,
                },
                epochs: 1,
                window_rows: WINDOW_ROWS,
                held_out_rows: 500,
            },
            dead_letters: DeadLetters::default(),
        }
    }

    fn aggregator(&self, stop: &CancellationToken) -> aggregator::Service {
        aggregator::Service {
            context: self.context(stop),
            topics: topics(),
            rules: rules(&self.lineup.model),
            plugin: watch::channel(self.lineup.model.plugin.id().clone()).1,
            rounds_logged: 0,
            dead_letters: DeadLetters::default(),
        }
    }
}

impl Running {
    /// Stops all roles, and waits for them.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.roles.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

pub(super) fn fields() -> Fields {
    Fields {
        labels: vec!["anomaly".to_owned()],
        ..Fields::default()
    }
}

fn topics() -> Arc<FederationTopics> {
    Arc::new(FederationTopics {
        global_model: GLOBAL.into(),
        model_updates: UPDATES.into(),
        predictions: PREDICTIONS.into(),
        evaluations: EVALUATIONS.into(),
        wire: Wire::default(),
        dead_letter_suffix: ".dlq".into(),
    })
}

fn rules(model: &Configured) -> Rules {
    Rules {
        expected: Expected::Listed([NodeId::fog(1)].into()),
        min_nodes: 1,
        round_interval_ms: 60_000,
        max_staleness_rounds: 1,
        max_update_age_ms: 60_000,
        plugin: model.plugin.id().name.clone(),
        max_weight: 1e4,
        max_norm: 1e6,
        max_samples: 1_000_000,
        max_nodes: 1_024,
        rounds: None,
    }
}
