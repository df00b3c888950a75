//! A run in which every other row selects the next law to break, and the rows between are ordinary.

use std::fmt::Write as _;

use fedhost_bus::Record;
use fedhost_e2e::{Scene, predictions, read_topic, wait_until};
use serde_json::Value;

use super::{Failure, failures};

/// Rows that the model learns from before anything else happens.
const LEARNT: usize = 200;

/// What a run has left behind.
pub(super) struct Played {
    /// One for each act that fails, in the order of the acts.
    pub(super) failures: Vec<Failure>,
    /// What plug-ins have said: level and message.
    pub(super) lines: Vec<(String, String)>,
    predictions: Vec<Value>,
    /// Offset and reason.
    dead_letters: Vec<(u64, String)>,
    /// How many ordinary rows there were.
    ordinary: usize,
}

/// Rows whose first column is 0, and then each of these acts' numbers, followed by an ordinary row.
fn csv(acts: &[usize]) -> String {
    let mut text = "act,other,anomaly\n".to_owned();
    for row in 0..LEARNT {
        writeln!(text, "0,{}.5,{}", row % 7, u8::from(row % 10 == 0)).unwrap();
    }
    for act in acts {
        write!(text, "{act},1.5,\n0,1.5,\n").unwrap();
    }
    // When the last act is played once more, all before it has been dealt with.
    writeln!(text, "{},1.5,", acts.last().unwrap()).unwrap();
    text
}

/// One row a call, each tried once.
pub(super) fn manifest(preprocessor: &str, model: &str, limits: &str) -> String {
    format!(
        "[bus]\ndirectory = \"data\"\n[plugins]\ndirectory = \"components\"\nwatch_ms = 0\n{limits}\n\
         [preprocess]\nplugin = \"{preprocessor}\"\n[model]\n{model}\n\
         [training]\nrows_per_round = 50\nwindow_rows = 50\nbatch_rows = 1\nwhen_behind = \"wait\"\n\
         [dead_letters]\nretries = 0\ncap_share = 1\n\
         [[sensor]]\nname = \"pump\"\nnode = 1\nkind = \"csv\"\nfiles = [\"rows.csv\"]\nlabel = \"anomaly\"\n\
         [[fog_node]]\nid = 1\n"
    )
}

/// Plays the acts until one more has failed than `failing`, which the last one does when it is
/// played once more.
pub(super) fn play(scene: &Scene, manifest: &str, acts: &[usize], failing: usize) -> Played {
    scene.write("rows.csv", csv(acts));
    scene.write("run.toml", manifest);
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_until("every act was played", || {
        scene.path("data/aggregation_log.jsonl").exists() && failures(scene).len() > failing
    });
    let (code, _) = run.interrupt();
    assert_eq!(code, Some(130), "the process outlives them all");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |event: Value| (text(&event["level"]), text(&event["message"]));
    let dead_letters = read_topic(&scene.path("data"), "sensor-data-node-1.dlq");
    Played {
        failures: failures(scene).into_iter().take(failing).collect(),
        lines: scene
            .events_named("plugin_logged")
            .into_iter()
            .map(line)
            .collect(),
        predictions: predictions(&scene.path("data")),
        dead_letters: dead_letters.iter().map(dead_letter).collect(),
        ordinary: LEARNT + acts.len(),
    }
}

fn dead_letter(record: &Record) -> (u64, String) {
    let header = |name: &str| String::from_utf8(record.header(name).unwrap().to_vec()).unwrap();
    (
        header("__connect.errors.offset").parse().unwrap(),
        header("__fedhost.reason"),
    )
}

impl Played {
    /// Every ordinary row has its score, but for those at the start that no model was there for;
    /// every other one that has none is kept with the reason.
    pub(super) fn expect_all_others_served(&self, acts_that_go_well: usize) {
        let served = self.ordinary + acts_that_go_well;
        let scored = self
            .predictions
            .iter()
            .filter(|message| message["data"]["score"].is_number())
            .count();
        assert_eq!(self.predictions.len(), served);
        assert!(scored >= served - LEARNT, "{scored} of {served}");
        let kinds = self.failures.iter().map(|failure| &failure.kind);
        let reasons = self
            .dead_letters
            .iter()
            .map(|(_, reason)| reason)
            .take(self.failures.len());
        assert!(kinds.eq(reasons), "{:?}", self.dead_letters);
    }

    /// Offsets of the dead-lettered rows.
    pub(super) fn unscored(&self) -> Vec<u64> {
        self.dead_letters
            .iter()
            .map(|(offset, _)| *offset)
            .collect()
    }
}
