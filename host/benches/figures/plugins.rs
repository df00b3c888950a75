//! Calls across the sandbox's boundary: one row, and a thousand.

use std::path::Path;
use std::sync::Arc;

use fedhost::plugin::{Batch, Context, Engine, Loader, Opening, Parameters};

use crate::measure::{Figure, median_of};

const COLUMNS: usize = 16;
/// Calls timed together, so that the clock does not show.
const CALLS: usize = 1_000;

pub(crate) fn figures() -> Vec<Figure> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/logistic-regression.wasm");
    let nobody: fedhost::plugin::EventSink = Arc::new(|_| {});
    let loader = Loader::new(&Engine::new().unwrap(), Arc::clone(&nobody));
    let plugin = loader.load(&file).expect("run `make plugins` first");
    let columns: Vec<String> = (0..COLUMNS).map(|column| format!("c{column}")).collect();
    let parameters = plugin.check_parameters(&Parameters::new()).unwrap();
    let opening = || Opening {
        columns: &columns,
        parameters: &parameters,
        seed: 1,
        context: Context::new("bench", Arc::clone(&nobody)),
    };
    let mut detector = plugin.open_detector(opening()).unwrap();
    detector.load(&plugin.open_trainer(opening()).unwrap().save().unwrap()).unwrap();
    let mut score = |rows: usize| {
        let batch = Batch::new(rows, COLUMNS, vec![0.5; rows * COLUMNS], None).unwrap();
        let seconds = median_of(|| {
            for _ in 0..CALLS {
                detector.score(&batch).unwrap();
            }
        });
        seconds / CALLS as f64
    };
    let (one, thousand) = (score(1), score(1_000));
    vec![
        Figure::alone("plugin_score_1_row", one * 1e6, "us"),
        Figure::alone("plugin_score_1000_rows", thousand * 1e6, "us"),
        Figure::alone("plugin_open_instance", median_of(|| drop(plugin.open_detector(opening()).unwrap())) * 1e6, "us"),
    ]
}
