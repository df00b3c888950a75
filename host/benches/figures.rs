//! `make bench`: every figure beside its baseline, measured in the same run, interleaved, as
//! medians.
//!
//! Machines are noisy and differ, so a ratio says more than a time; both go to `target/bench.json`.
//! Criterion measures one thing after the other; figures whose ratio counts have to alternate,
//! hence the small harness in `figures/measure.rs`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and stops when it cannot continue"
)]

#[path = "figures/dataset.rs"]
mod dataset;
#[path = "figures/envelope.rs"]
mod envelope;
#[path = "figures/evaluate.rs"]
mod evaluate;
#[path = "figures/fedavg.rs"]
mod fedavg;
#[path = "figures/kafka.rs"]
mod kafka;
#[path = "figures/log.rs"]
mod log;
#[path = "figures/measure.rs"]
mod measure;
#[path = "figures/plugins.rs"]
mod plugins;
#[path = "figures/round.rs"]
mod round;

type Measure = fn() -> Vec<measure::Figure>;

/// Groups of figures by name, in the order in which they are measured.
const GROUPS: [(&str, Measure); 8] = [
    ("fedavg", fedavg::figures),
    ("envelope", envelope::figures),
    ("log", log::figures),
    ("dataset", dataset::figures),
    ("plugins", plugins::figures),
    ("evaluate", evaluate::figures),
    ("round", round::figures),
    ("kafka", kafka::figures),
];

/// All groups, or those named: `cargo bench --bench figures -- kafka`.
fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let mut figures = Vec::new();
    for (_, measure) in GROUPS.into_iter().filter(|(name, _)| is_asked(name)) {
        let measured = measure();
        measured.iter().for_each(|figure| println!("{figure}"));
        figures.extend(measured);
    }
    measure::write_json(&figures);
}
