//! `make bench`: every figure beside its baseline, measured in the same run, interleaved, as
//! medians.
//!
//! Machines are noisy and differ, so a ratio says more than a time; both go to `target/bench.json`,
//! which is written after every figure. Criterion measures one thing after the other; figures whose
//! ratio counts have to alternate, hence the small harness in `figures/measure.rs`.

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
#[path = "figures/rows.rs"]
mod rows;

use std::process::ExitCode;

use clap::Parser as _;
use fedhost::cli::{Cli, Ending};
use measure::Document;

type Measure = fn(&mut Document);

/// Groups of figures by name, in the order in which they are measured.
const GROUPS: [(&str, Measure); 9] = [
    ("fedavg", fedavg::figures),
    ("envelope", envelope::figures),
    ("log", log::figures),
    ("dataset", dataset::figures),
    ("rows", rows::figures),
    ("plugins", plugins::figures),
    ("evaluate", evaluate::figures),
    ("round", round::figures),
    ("kafka", kafka::figures),
];

/// All groups, or those named: `cargo bench --bench figures -- kafka`.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // A run compiles plug-ins in a child process of its own program, which is this one.
    if arguments
        .first()
        .is_some_and(|argument| argument == fedhost_plugin::compiler::COMMAND)
    {
        let ending = fedhost::cli::execute(Cli::parse());
        if let Ending::Refused(error) | Ending::Failed(error) = &ending {
            fedhost::cli::print_error(error);
        }
        return ending.exit_code();
    }
    let is_asked = |name: &str| {
        let mut asked = arguments
            .iter()
            .filter(|argument| !argument.starts_with('-'));
        asked.clone().next().is_none() || asked.any(|asked| asked == name)
    };
    let groups = GROUPS.into_iter().filter(|(name, _)| is_asked(name));
    Document::default().measure(groups)
}
