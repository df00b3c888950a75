//! `make bench`: every figure beside its baseline, measured in the same run, interleaved, as medians.
//!
//! Machines are noisy and differ, so a ratio says more than a time; both go to `target/bench.json`. Criterion measures one
//! thing after the other; figures whose ratio counts have to alternate, hence the small harness in `figures/measure.rs`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark prints, and stops when it cannot go on"
)]

#[path = "figures/envelope.rs"]
mod envelope;
#[path = "figures/fedavg.rs"]
mod fedavg;
#[path = "figures/log.rs"]
mod log;
#[path = "figures/measure.rs"]
mod measure;
#[path = "figures/plugins.rs"]
mod plugins;
#[path = "figures/round.rs"]
mod round;

fn main() {
    let figures =
        [fedavg::figures(), envelope::figures(), log::figures(), plugins::figures(), round::figures()].concat();
    for figure in &figures {
        println!("{figure}");
    }
    measure::write_json(&figures);
}
