//! The same federation without faults, on the embedded log.

use std::collections::BTreeMap;
use std::rc::Rc;

use fedhost_e2e::{Scene, read_topic};
use serde_json::Value;

use crate::manifest::{self, Load};

/// What the rounds end in when nothing goes wrong.
pub(crate) struct Baseline {
    /// By round, the identity of the global model.
    pub(crate) sha256: BTreeMap<u64, String>,
    /// By round, the global model as it travels.
    pub(crate) payloads: BTreeMap<u64, String>,
}

/// One for each number of rows: the pace makes no difference.
#[derive(Default)]
pub(crate) struct Baselines(BTreeMap<u64, Rc<Baseline>>);

impl Baselines {
    pub(crate) fn of(&mut self, load: Load) -> Rc<Baseline> {
        Rc::clone(
            self.0
                .entry(load.rows)
                .or_insert_with(|| Rc::new(Baseline::make(load))),
        )
    }
}

impl Baseline {
    fn make(load: Load) -> Self {
        let scene = Scene::new();
        scene.write("run.toml", manifest::embedded(load));
        scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let rounds = scene.events_named("round_closed");
        let models = read_topic(&scene.path("data"), "global_model");
        let models = models
            .iter()
            .map(|record| serde_json::from_slice::<Value>(&record.value).unwrap());
        Self {
            sha256: rounds
                .iter()
                .map(|round| {
                    (
                        round["round"].as_u64().unwrap(),
                        text(&round["weights_sha256"]),
                    )
                })
                .collect(),
            payloads: models
                .map(|model| {
                    (
                        model["metadata"]["round_number"].as_u64().unwrap(),
                        text(&model["payload"]),
                    )
                })
                .collect(),
        }
    }
}
