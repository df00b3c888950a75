//! Calls across the boundary: opening an instance, a call that does nothing, a thousand rows, and
//! rows that are only copied, once each way.

use std::hint::black_box;

use fedhost_plugin::{Batch, Engine};
use handmade::Handmade;

use super::{built, loader, open};
use crate::measure::{Figure, interleaved, median_of};

const COLUMNS: usize = 16;
/// Calls timed together, so that the clock does not show.
const CALLS: usize = 1_000;
/// 4 MiB of numbers.
const COPIED_ROWS: usize = 65_536;

pub(crate) fn figures(engine: &Engine) -> Vec<Figure> {
    let plugin = loader(engine).load(&built("logistic-regression")).unwrap();
    let detector = || open(&plugin, COLUMNS, |opening| plugin.open_detector(opening)).unwrap();
    let mut scoring = detector();
    let mut score = |rows: usize| {
        let batch = Batch::new(rows, COLUMNS, vec![0.5; rows * COLUMNS], None).unwrap();
        let seconds = median_of(|| {
            for _ in 0..CALLS {
                scoring.score(&batch).unwrap();
            }
        });
        seconds / CALLS as f64 * 1e6
    };
    let mut figures = vec![
        Figure::alone("plugin_call_empty", score(0), "us"),
        Figure::alone("plugin_score_1_row", score(1), "us"),
        Figure::alone("plugin_score_1000_rows", score(1_000), "us"),
    ];
    let opened = median_of(|| (0..CALLS).for_each(|_| drop(black_box(detector()))));
    figures.push(Figure::alone(
        "plugin_open_instance",
        opened / CALLS as f64 * 1e6,
        "us",
    ));
    figures.push(copied(engine));
    figures
}

/// In and out again, by a guest that touches nothing, beside copying the same numbers twice.
fn copied(engine: &Engine) -> Figure {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("passing.wasm");
    std::fs::write(&file, Handmade::passing("passing").component()).unwrap();
    let plugin = loader(engine).load(&file).unwrap();
    let mut passing = open(&plugin, COLUMNS, |opening| {
        plugin.open_preprocessor(opening)
    })
    .unwrap();
    let batch = Batch::new(COPIED_ROWS, COLUMNS, vec![0.5; COPIED_ROWS * COLUMNS], None).unwrap();
    let [passed, copied] = interleaved([
        Box::new(|| drop(black_box(passing.transform(&batch).unwrap()))),
        Box::new(|| {
            let there = black_box(batch.values().to_vec());
            drop(black_box(there.clone()));
        }),
    ]);
    Figure::beside(
        "plugin_copy_4MiB_each_way",
        passed * 1e3,
        "ms",
        "copying them twice",
        copied * 1e3,
    )
}
