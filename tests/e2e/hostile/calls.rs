//! Guests that break the rules of calls themselves, written by hand. The model behind them is
//! another plug-in.
//!
//! Where the answer of `transform` lies: at 16 whether it is one (0) or an error (1). Of an answer,
//! at 20 the number of rows, at 24 and 28 the values' place and count, at 32 whether there are
//! labels, at 36 and 40 theirs. Of an error, at 20 its kind, at 24 and 28 its text.

use std::fmt::Write as _;
use std::sync::LazyLock;

use handmade::Handmade;

use super::rows::{Played, manifest, play};
use super::scene;

/// The code of one act in `transform`, and the expected report.
struct Act {
    name: &'static str,
    code: &'static str,
}

/// Lists the acts, and makes of each a test.
macro_rules! acts {
    ($($name:ident: $code:literal => $kind:literal, $words:literal;)*) => {
        const ACTS: &[Act] = &[$(Act { name: stringify!($name), code: $code }),*];
        $(
            #[test]
            fn $name() {
                expect(stringify!($name), $kind, $words);
            }
        )*
    };
}

acts! {
    too_few_rows: "(i32.store (i32.const 20) (i32.const 0)) (call $two (i32.const 24) (i32.const 0) (i32.const 0))"
        => "invalid-output", "it returned 0 rows for 1";
    too_many_rows: "(i32.store (i32.const 20) (i32.const 1000000))"
        => "invalid-output", "it returned 1000000 rows for 1";
    too_few_values: "(i32.store (i32.const 28) (i32.const 1))"
        => "invalid-output", "1 rows of 2 columns need 2 values, but there are 1";
    infinite_values: "(f32.store (local.get $values) (f32.const inf))"
        => "invalid-output", "the value in row 0, column 0 is infinite";
    a_list_beyond_its_memory: "(call $two (i32.const 24) (i32.const 0x7ffffff0) (i32.const 2))"
        => "invalid-output", "it violated the component ABI: list pointer/length out of bounds";
    a_list_longer_than_its_memory: "(call $two (i32.const 24) (i32.const 1024) (i32.const 0x7fffffff))"
        => "invalid-output", "it violated the component ABI: list pointer/length out of bounds";
    a_list_as_long_as_can_be: "(call $two (i32.const 24) (i32.const 0) (i32.const -1))"
        => "invalid-output", "it violated the component ABI: list pointer/length out of bounds";
    a_list_between_two_numbers: "(call $two (i32.const 24) (i32.const 1025) (i32.const 2))"
        => "invalid-output", "it violated the component ABI: list pointer is not aligned";
    an_answer_beyond_its_memory: "(return (i32.const 0x7ffffff0))"
        => "invalid-output", "it violated the component ABI: pointer out of bounds";
    an_answer_between_two_numbers: "(return (i32.const 17))"
        => "invalid-output", "it violated the component ABI: return pointer not aligned";
    neither_an_answer_nor_an_error: "(i32.store (i32.const 16) (i32.const 7)) (return (i32.const 16))"
        => "invalid-output", "it violated the component ABI: invalid expected discriminant";
    an_error_of_no_kind: "(call $two (i32.const 16) (i32.const 1) (i32.const 99)) (return (i32.const 16))"
        => "invalid-output", "it violated the component ABI: unexpected discriminant: 99";
    labels_that_are_neither_there_nor_not: "(i32.store (i32.const 32) (i32.const 2))"
        => "invalid-output", "it violated the component ABI: invalid option discriminant";
    an_error_that_is_no_text:
        "(i32.store (i32.const 512) (i32.const 0xfffefdfc)) (call $two (i32.const 16) (i32.const 1) (i32.const 1))
         (call $two (i32.const 24) (i32.const 512) (i32.const 4)) (return (i32.const 16))"
        => "invalid-output", "it violated the component ABI: invalid utf-8";
    an_error_longer_than_its_memory:
        "(call $two (i32.const 16) (i32.const 1) (i32.const 1)) (call $two (i32.const 24) (i32.const 0) (i32.const -1))
         (return (i32.const 16))"
        => "invalid-output", "it violated the component ABI: string pointer/length out of bounds";
    a_log_line_that_is_no_text:
        "(i32.store (i32.const 512) (i32.const 0xfffefdfc)) (call $log (i32.const 1) (i32.const 512) (i32.const 4))"
        => "invalid-output", "it violated the component ABI: invalid utf-8";
    a_log_line_beyond_its_memory: "(call $log (i32.const 1) (i32.const 0x7ffffff0) (i32.const 64))"
        => "invalid-output", "it violated the component ABI: string pointer/length out of bounds";
    a_log_line_of_no_level: "(call $log (i32.const 99) (i32.const 256) (i32.const 4))"
        => "invalid-output", "it violated the component ABI: unexpected discriminant: 99";
    a_report_of_a_billion_figures:
        "(drop (call $progress (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 1000000000)))"
        => "invalid-output", "it violated the component ABI: list pointer/length out of bounds";
    a_bomb_of_tables:
        "(loop (br_if 0 (i32.ne (table.grow $table (ref.null func) (i32.const 4096)) (i32.const -1)))) unreachable"
        => "memory", "the limit is 100000";
    a_bomb_of_memory: "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable"
        => "memory", "hint: use smaller batches, or raise limits.memory_bytes";
    handles_that_are_never_given_back: "(loop (drop (call $new (i32.const 1))) (br 0))"
        => "invalid-output", "it violated the component ABI: cannot allocate another handle";
    a_handle_used_after_it_was_given_back:
        "(local.set $i (call $new (i32.const 1))) (call $drop (local.get $i)) (call $drop (local.get $i))"
        => "invalid-output", "it violated the component ABI: unknown handle";
    a_handle_that_never_was: "(call $drop (i32.const 12345))"
        => "invalid-output", "it violated the component ABI: unknown handle index 12345";
    a_call_of_the_host_from_inside_of_its_answer: "(global.set $to_call (i32.const 1))"
        => "trap", "called the host while the host was reading its result or passing arguments";
    a_call_of_nothing: "(call_indirect $table (i32.const 3))"
        => "trap", "uninitialized element";
    an_access_outside_of_its_memory: "(drop (i32.load (i32.const -8)))"
        => "trap", "out of bounds memory access";
}

/// One component that can do all of them: act 1 is the first.
fn component() -> Vec<u8> {
    let mut code = String::new();
    for (number, act) in (1..).zip(ACTS) {
        writeln!(
            code,
            "(if (i32.eq (local.get $act) (i32.const {number})) (then {}))",
            act.code
        )
        .unwrap();
    }
    let guest = Handmade::passing("treacherous").at("transform", &code);
    let guest = guest.at(
        "module",
        "(table $table 4 funcref) (global $to_call (mut i32) (i32.const 0))",
    );
    let call =
        "(if (global.get $to_call) (then (call $log (i32.const 1) (i32.const 256) (i32.const 4))))";
    guest.at("forget", call).component()
}

static RUN: LazyLock<Played> = LazyLock::new(|| {
    let scene = scene(&["logistic-regression"], &[("treacherous", component())]);
    let acts: Vec<usize> = (1..=ACTS.len()).collect();
    let limits = "[plugins.treacherous.limits]\nmemory_bytes = 33554432";
    let manifest = manifest("treacherous", "plugin = \"logistic-regression\"", limits);
    play(&scene, &manifest, &acts, ACTS.len())
});

fn expect(name: &str, kind: &str, words: &str) {
    let failure = &RUN.failures[ACTS.iter().position(|act| act.name == name).unwrap()];
    assert_eq!(
        (failure.plugin.as_str(), failure.call.as_str()),
        ("treacherous", "preprocessor.transform")
    );
    failure.expect(kind, words);
}

#[test]
fn between_them_every_ordinary_row_is_prepared_and_scored() {
    RUN.expect_all_others_served(0);
}
