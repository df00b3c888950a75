//! Invalid files in the plug-in directory: one run finds all of them beside two valid ones.

use std::sync::LazyLock;

use fedhost_e2e::{Scene, plugins, simulated, wait_until};
use handmade::{Handmade, binary, crowded};

use super::{Failure, failures, scene};

/// A file, and its expected report.
struct Case {
    name: &'static str,
    file: fn() -> Vec<u8>,
}

/// Lists the files, and makes of each a test.
macro_rules! files {
    ($($name:ident: $file:expr => $kind:literal, $words:literal;)*) => {
        const CASES: &[Case] = &[$(Case { name: stringify!($name), file: || $file }),*];
        $(
            #[test]
            fn $name() {
                failure(stringify!($name)).expect($kind, $words);
            }
        )*
    };
}

files! {
    text: b"#!/bin/sh\nrm -rf /\n".to_vec() => "refused", "it is no WebAssembly file";
    nothing_at_all: Vec::new() => "refused", "it is no WebAssembly file";
    a_core_module: guest().module() => "refused", "it is a core module, not a component";
    a_truncated_file: good()[..good().len() / 2].to_vec() => "refused", "it is damaged";
    a_bit_flipped_file: flipped() => "refused", "it is ";
    a_component_of_another_trade: binary("(component)") => "refused", "no plug-in for this host: it imports nothing";
    imports_it_may_not_have: importing("wasi:filesystem/types@0.2.0")
        => "refused", "it imports wasi:filesystem/types@0.2.0, but this host offers only fedhost:plugin/host";
    an_import_of_ours_that_is_not_for_it: importing("fedhost:plugin/detection@0.1.0")
        => "refused", "it imports fedhost:plugin/detection@0.1.0";
    a_newer_interface: guest().speaking("@0.1.0", "@0.2.0").component()
        => "refused", "fedhost:plugin/preprocessing@0.2.0, this host supports fedhost:plugin 0.1";
    another_type_under_the_same_name: guest().speaking("summary: string,", "summary: list<u8>,").component()
        => "refused", "hint: build it again with this host's wit folder";
    a_proposal_that_is_off: guest().with("(memory $memory (export \"memory\") 2)", "(memory $memory (export \"memory\") 2) (memory 1)").component()
        => "refused", "it is not valid";
    an_endless_loop_in_its_instantiation: starting("(loop (br 0))") => "refused", "stopped at the limit of 500 ms";
    a_trap_in_its_instantiation: starting("unreachable") => "refused", "wasm `unreachable` instruction executed";
    a_memory_larger_than_it_may_have: guest().with("(export \"memory\") 2", "(export \"memory\") 65536").component()
        => "refused", "the limit is 67108864";
    a_table_larger_than_it_may_have: guest().at("module", "(table 100000000 funcref)").component()
        => "refused", "raise limits.table_elements";
    more_instances_than_it_may_have: crowded(&guest().component(), 500) => "refused", "raise limits.instances";
    data_outside_of_its_memory: guest().at("module", "(data (i32.const 0x7fffffff) \"x\")").component()
        => "refused", "failed in instantiate (trap)";
    data_that_is_mostly_nothing: guest().at("module", &padding(9 << 20)).component()
        => "refused", "it is larger than the limit of 8388608 bytes";
    memory_filled_from_a_few_bytes: describing("(memory.fill (i32.const 0) (i32.const 1) (i32.const -1))")
        => "refused", "out of bounds memory access";
    a_function_that_wears_out_the_compiler: monstrous() => "refused", "compiling it needed more than 536870912 bytes of memory";
    an_endless_loop_in_its_description: describing("(loop (br 0))") => "refused", "failed in metadata.describe (deadline)";
    a_flood_of_words_from_its_description: describing(SHOUTING) => "refused", "failed in metadata.describe (deadline)";
    a_name_that_is_a_path: Handmade::passing("../../etc/passwd").component() => "refused", "its name \"../../etc/passwd\" is not";
    a_name_that_is_no_text: describing("(i32.store (i32.const 256) (i32.const -1))") => "refused", "invalid utf-8";
    a_version_that_is_none: guest().with("\"0.1.0\")", "\"newer\")").component() => "refused", "its version \"newer\" is not";
    a_million_parameters: describing("(call $two (i32.const 88) (i32.const 0) (i32.const 1000000))")
        => "refused", "failed in metadata.describe";
    a_parameter_without_a_name: describing("(call $two (i32.const 88) (i32.const 600) (i32.const 1))")
        => "refused", "lower-case letters";
}

/// Says something for as long as it is let.
const SHOUTING: &str = "(loop (call $log (i32.const 3) (i32.const 256) (i32.const 4)) (br 0))";

fn guest() -> Handmade {
    Handmade::passing("handmade")
}

fn describing(code: &str) -> Vec<u8> {
    guest().at("describe", code).component()
}

fn starting(code: &str) -> Vec<u8> {
    guest()
        .at("module", &format!("(func $start {code}) (start $start)"))
        .component()
}

fn good() -> Vec<u8> {
    std::fs::read(plugins().join("standard-scaler.wasm")).unwrap()
}

/// In the middle of its code.
fn flipped() -> Vec<u8> {
    let mut bytes = good();
    let at = bytes.len() / 4;
    bytes[at..at + 8].iter_mut().for_each(|byte| *byte ^= 0x80);
    bytes
}

fn importing(name: &str) -> Vec<u8> {
    binary(&format!(
        "(component (import \"fedhost:plugin/host@0.1.0\" (instance)) (import \"{name}\" (instance)))"
    ))
}

/// Zeros, which cost nothing to send.
fn padding(bytes: usize) -> String {
    format!("(data \"{}\")", "\\00".repeat(bytes))
}

fn monstrous() -> Vec<u8> {
    let block = "(local.set $x (i32.add (i32.mul (local.get $x) (local.get $x)) (i32.load (local.get $x))))";
    let body = block.repeat(400_000);
    guest()
        .at("module", &format!("(func (param $x i32) {body})"))
        .component()
}

static RUN: LazyLock<Scene> = LazyLock::new(|| {
    let files: Vec<(&str, Vec<u8>)> = CASES
        .iter()
        .map(|case| (case.name, (case.file)()))
        .collect();
    let scene = scene(&["baseline-deviation", "logistic-regression"], &files);
    let limits = "\n[plugins.limits]\ncomponent_bytes = 8388608\ncompile_memory_bytes = 536870912\n\
                  call_deadline_ms = 500\n\n[preprocess]";
    let manifest = simulated(600, 2)
        .replace(&plugins().display().to_string(), "components")
        .replace("[preprocess]", limits);
    scene.write("learning.toml", &manifest);
    // The files that the manifest does not name are loaded while a run works, so it has to last.
    let lasting = manifest
        .replace("rounds = 2\n", "")
        .replace("rate_hz = 0\nrows = 600", "rate_hz = 20\nrows = 1000000");
    scene.write("run.toml", lasting);
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_until("every file was refused", || {
        scene.path("data/aggregation_log.jsonl").exists() && failures(&scene).len() >= CASES.len()
    });
    assert_eq!(run.interrupt().0, Some(130));
    scene
});

#[test]
fn files_that_the_manifest_does_not_name_do_not_delay_the_start() {
    let events = RUN.events();
    let position = |name: &str| events.iter().position(|event| event["event"] == name);
    assert!(
        position("run_started") < position("plugin_failed"),
        "{events:?}"
    );
}

fn failure(name: &str) -> Failure {
    let failure = failures(&RUN)
        .into_iter()
        .find(|failure| failure.plugin == name);
    assert!(failure.is_some(), "{name} was taken");
    let failure = failure.unwrap();
    assert_eq!(failure.call, "load");
    failure
}

#[test]
fn beside_all_of_them_the_others_learn_together() {
    let run = RUN
        .fedhost(&[
            "run",
            "learning.toml",
            "--json",
            "--set",
            "bus.directory=learnt",
        ])
        .expect_code(0);
    let closed = run.stdout.matches("\"event\":\"round_closed\"").count();
    assert_eq!(closed, 2);
    assert_eq!(failures(&RUN).len(), CASES.len());
}
