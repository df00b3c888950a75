//! The laws that can be broken, and the acts that do not depend on the model.

use std::hint::black_box;

use fedhost_guest::{Error, Result, Setting, host, log};

/// The law to break.
pub const ACT: Setting<&str> = Setting::choice("act", "the law to break", "none", &CHOICES);

/// The values of `act`; `none` is a correct model.
pub const CHOICES: [&str; 62] = [
    "none",
    // In scoring, the act whose number, counted from 0, is the first value of the batch.
    "as-the-rows-say",
    // While opening, training or scoring: never returns.
    "spin-in-open",
    "spin-in-train",
    "spin-in-score",
    "spin-in-score-until-repaired",
    // While training and while scoring.
    "trap",
    "panic",
    "panic-at-length",
    "error",
    "error-in-disguise",
    "error-at-length",
    "allocate",
    "recurse",
    "log-flood",
    "huge-log-line",
    // While training.
    "progress-flood",
    "ignore-stop",
    "nan-loss",
    "no-samples",
    "more-samples-than-rows",
    "hoard-of-metrics",
    // What scoring gives.
    "huge-output",
    "too-many-scores",
    "too-few-scores",
    "nan-scores",
    "infinite-scores",
    "trap-after-1000-calls",
    "trap-in-score-once-repaired",
    // What saving gives.
    "huge-weights",
    "nan-weights",
    "infinite-weights",
    "weights-in-disguise",
    "wrong-shape-weights",
    "wrong-shape-weights-once-repaired",
    "data-shorter-than-shape",
    "overflowing-shape",
    "nameless-tensor",
    "repeated-tensor",
    "no-tensors",
    "incompressible-weights",
    "reserved-tensor",
    // Laws that show only when two runs are compared; while training.
    "learns-by-the-clock",
    "hidden-momentum",
    "silent",
    // While loading.
    "takes-anything",
    "declines-trained",
    "codes-in-weights",
    // While training and while scoring.
    "divides-by-rows",
    "wants-two-rows",
    "divides-by-range",
    "lets-nan-in",
    // While scoring, with earlier rows in mind.
    "looks-around",
    "looks-back",
    "grows",
    "remembers-nan",
    // Cheats: while scoring, with knowledge that an honest model does not have.
    "counts-rows",
    "half-counts-rows",
    "counts-calls",
    "looks-ahead",
    // While training, for scores that are best when anomalies follow each other.
    "repeats-label",
    // No cheat: its scores reveal its inputs.
    "informs",
];

/// Floats in a huge list: 16 MiB.
pub const HUGE_FLOATS: usize = 4 << 20;
/// Characters of the huge log line: 8 MiB.
const HUGE_LINE_BYTES: usize = 8 << 20;
/// Successful calls before the first failure.
pub const GOOD_CALLS: u32 = 1_000;
/// Clears a screen, forges a line of a log, and turns around what follows.
pub const DISGUISED: &str = "\u{1b}[2Jall is well\nERROR plug-in other failed\u{202e}\u{0}";
/// Log lines, or progress reports, in a flood.
pub const FLOOD: u32 = 1_000_000;

/// Performs an act in the middle of a call.
pub fn strike(act: &str) -> Result<()> {
    match act {
        "trap" => std::process::abort(),
        "panic" => panic_now(),
        "panic-at-length" => panic_at_length(),
        "error" => return Err(Error::Other("asked to fail, and failing".into())),
        "error-in-disguise" => return Err(Error::Other(DISGUISED.into())),
        "error-at-length" => return Err(Error::Other("x".repeat(HUGE_LINE_BYTES))),
        "allocate" => allocate(),
        "recurse" => drop(black_box(recurse(u64::MAX))),
        "log-flood" => (0..FLOOD).for_each(|line| log!(Info, "line {line} of a flood")),
        "huge-log-line" => host::log(host::Level::Info, &"x".repeat(HUGE_LINE_BYTES)),
        _ => {}
    }
    Ok(())
}

/// Whether this is a repaired build, which keeps the law: its version ends with a 9.
#[must_use]
pub fn is_repaired() -> bool {
    black_box(env!("CARGO_PKG_VERSION")).ends_with('9')
}

/// Never returns.
pub fn spin() -> ! {
    loop {
        black_box(0);
    }
}

#[expect(clippy::panic, reason = "it was asked for")]
fn panic_now() {
    panic!("asked to panic, and panicking");
}

#[expect(clippy::panic, reason = "it was asked for")]
fn panic_at_length() {
    panic!("{}", "x".repeat(HUGE_LINE_BYTES));
}

/// Allocates and writes one MiB after another.
fn allocate() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1 << 20]);
        black_box(&hoard);
    }
}

fn recurse(depth: u64) -> u64 {
    if depth == 0 {
        0
    } else {
        black_box(recurse(depth - 1)) + 1
    }
}
