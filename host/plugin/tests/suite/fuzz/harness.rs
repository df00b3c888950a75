//! Loads components from memory, and drives what is accepted.

use std::sync::{Arc, LazyLock};

use fedhost_plugin::{
    Batch, CallError, Context, Engine, Limits, Loader, Opening, Parameters, Plugin, Preprocessor,
    Refused,
};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().unwrap());

/// Enough for an honest guest of these tests. What spins is stopped by counting: a busy machine
/// changes nothing.
const LIMITS: Limits = Limits {
    memory_bytes: 16 << 20,
    table_elements: 1_000,
    tables: 8,
    instances: 32,
    stack_bytes: 64 << 10,
    call_deadline_ms: 60_000,
    fuel_per_call: Some(5_000_000),
    output_bytes: 1 << 20,
    log_lines_per_call: 10,
    log_line_bytes: 100,
    log_bytes_per_minute: 100_000,
    output_columns: 100,
    component_bytes: 1 << 20,
    compile_ms: 60_000,
    compile_memory_bytes: 2 << 30,
    failures_in_a_row: u32::MAX,
    quarantine_first_ms: 1,
    quarantine_longest_ms: 1,
};

pub(crate) fn load(component: &[u8]) -> Result<Plugin, Refused> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("fuzzed.wasm");
    std::fs::write(&file, component).unwrap();
    Loader::new(&ENGINE, Arc::new(|_| {}))
        .with_limits(Arc::new(|_| LIMITS))
        .load(&file)
}

/// Opens with the defaults of all parameters.
pub(crate) fn open<T>(
    plugin: &Plugin,
    columns: &[String],
    open: impl FnOnce(Opening<'_>) -> T,
) -> T {
    let parameters = plugin.check_parameters(&Parameters::new()).unwrap();
    open(Opening {
        columns,
        parameters: &parameters,
        seed: 0,
        context: Context::new("fuzz", Arc::new(|_| {})),
    })
}

pub(crate) fn preprocessor(plugin: &Plugin, columns: &[String]) -> Result<Preprocessor, CallError> {
    open(plugin, columns, |opening| plugin.open_preprocessor(opening))
}

pub(crate) fn names(columns: usize) -> Vec<String> {
    (0..columns).map(|column| format!("c{column}")).collect()
}

/// One row.
pub(crate) fn row(values: Vec<f32>) -> Batch {
    Batch::new(1, values.len(), values, None).unwrap()
}

/// Words for people: some, not without end, and nothing in them that a terminal could take for a
/// command.
pub(crate) fn is_told_in_words(story: &str) -> bool {
    (1..10_000).contains(&story.len())
        && story
            .chars()
            .all(|character| character == '\n' || !character.is_control())
}
