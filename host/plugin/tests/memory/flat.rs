//! Failed calls leave nothing behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fedhost_plugin::{
    Batch, CallError, Context, Engine, EventSink, Limits, Loader, Opening, Parameters, Plugin,
    Value,
};
use handmade::Handmade;

const FAILURES: usize = 10_000;
/// Before memory is looked at for the first time: allocators keep what they were once given.
const WARM_UP: usize = 2_000;
/// A leak of a kilobyte in each failed call would be more.
const GROWTH_MAX_KIB: u64 = 8 << 10;

/// Ways to fail: what ends an instance, and what it survives.
const ACTS: [&str; 6] = [
    "trap",
    "panic",
    "nan-scores",
    "error",
    "too-many-scores",
    "error-in-disguise",
];

#[test]
fn memory_is_flat_over_ten_thousand_failed_calls() {
    let no_listener: EventSink = Arc::new(|_| {});
    let limits = Limits {
        failures_in_a_row: u32::MAX,
        ..Limits::default()
    };
    let engine = Engine::new().unwrap();
    let loader =
        Loader::new(&engine, Arc::clone(&no_listener)).with_limits(Arc::new(move |_| limits));
    let home = tempfile::tempdir().unwrap();
    let good = load(&loader, &built("misbehaving"));
    let refused = home.path().join("refused.wasm");
    std::fs::write(
        &refused,
        Handmade::passing("refused")
            .at("describe", "unreachable")
            .component(),
    )
    .unwrap();

    let fail = |count: usize| {
        for turn in 0..count {
            if turn % 100 == 0 {
                assert!(loader.load(&refused).is_err());
            }
            score(&good, ACTS[turn % ACTS.len()], &no_listener).unwrap_err();
        }
    };
    fail(WARM_UP);
    let before = resident_kib();
    fail(FAILURES);
    let after = resident_kib();
    assert!(
        after <= before + GROWTH_MAX_KIB,
        "{before} KiB before, {after} KiB after {FAILURES} failures"
    );
    assert_eq!(
        score(&good, "none", &no_listener).unwrap(),
        [3.0],
        "and it still works"
    );
}

fn load(loader: &Loader, file: &Path) -> Plugin {
    loader
        .load(file)
        .unwrap_or_else(|refused| panic!("{refused}\nhint: run `make test-plugins`"))
}

/// Opens an instance, which is what follows each call that ended one.
fn score(plugin: &Plugin, act: &str, events: &EventSink) -> Result<Vec<f32>, CallError> {
    let act = Parameters::from([("act".to_owned(), Value::Text(act.to_owned()))]);
    let parameters = plugin.check_parameters(&act).unwrap();
    let columns = ["a".to_owned(), "b".to_owned()];
    let context = Context::new("test", Arc::clone(events));
    let mut detector = plugin.open_detector(Opening {
        columns: &columns,
        parameters: &parameters,
        seed: 0,
        context,
    })?;
    detector.score(&Batch::new(1, 2, vec![1.0, 2.0], None).unwrap())
}

fn built(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/test-plugins/{name}.wasm"))
}

/// Memory of this process that is in the machine's.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
