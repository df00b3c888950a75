//! A model that breaks its promises while it scores. The preprocessor in front of it is another
//! plug-in.

use std::sync::LazyLock;

use handmade::Handmade;
use misbehaving::act::{CHOICES, GOOD_CALLS};

use super::rows::{Played, manifest, play};
use super::{failures, scene};

/// Lists the acts that end a call in failure, and makes of each a test.
macro_rules! acts {
    ($($name:ident: $act:literal => $kind:literal, $words:literal;)*) => {
        const FAILING: &[&str] = &[$($act),*];
        $(
            #[test]
            fn $name() {
                expect($act, $kind, $words);
            }
        )*
    };
}

acts! {
    an_endless_loop: "spin-in-score" => "deadline", "stopped at the limit of 5000 ms";
    a_trap: "trap" => "trap", "wasm `unreachable` instruction executed in ";
    a_panic: "panic" => "trap", "asked to panic, and panicking";
    a_panic_with_a_huge_message: "panic-at-length" => "trap", "xxxx…";
    an_error_of_its_own: "error" => "refused", "asked to fail, and failing";
    an_error_that_would_forge_a_log_and_clear_a_screen:
        "error-in-disguise" => "refused", "[2Jall is well ERROR plug-in other failed";
    an_error_of_eight_megabytes: "error-at-length" => "refused", "xxxx…";
    a_memory_bomb: "allocate" => "memory", "the limit is 67108864";
    a_stack_bomb: "recurse" => "trap", "call stack exhausted, at 262144 bytes";
    a_huge_list_of_scores: "huge-output" => "output-too-large", "raise limits.output_bytes";
    too_many_scores: "too-many-scores" => "invalid-output", "it returned 2 scores for 1 rows";
    too_few_scores: "too-few-scores" => "invalid-output", "it returned 0 scores for 1 rows";
    scores_that_are_no_numbers: "nan-scores" => "invalid-output", "its score of row 0 is NaN";
    scores_that_are_infinite: "infinite-scores" => "invalid-output", "its score of row 0 is inf";
}

/// Acts that only make a noise.
const LOUD: [&str; 2] = ["log-flood", "huge-log-line"];

const LIMITS: &str = "[plugins.misbehaving.limits]\ncall_deadline_ms = 5000\noutput_bytes = 12582912\nstack_bytes = 262144";

static RUN: LazyLock<Played> = LazyLock::new(|| {
    let number = |act: &&str| CHOICES.iter().position(|choice| choice == act).unwrap();
    let acts: Vec<usize> = LOUD.iter().chain(FAILING).map(number).collect();
    let scene = scene(
        &["misbehaving"],
        &[("passing", Handmade::passing("passing").component())],
    );
    play(
        &scene,
        &manifest("passing", &model("as-the-rows-say"), LIMITS),
        &acts,
        FAILING.len(),
    )
});

fn model(act: &str) -> String {
    format!("plugin = \"misbehaving\"\nparameters = {{ act = \"{act}\" }}")
}

fn expect(act: &str, kind: &str, words: &str) {
    let failure = &RUN.failures[FAILING.iter().position(|failing| *failing == act).unwrap()];
    assert_eq!(
        (failure.plugin.as_str(), failure.call.as_str()),
        ("misbehaving", "detector.score")
    );
    failure.expect(kind, words);
}

#[test]
fn between_them_every_ordinary_row_is_prepared_and_scored() {
    RUN.expect_all_others_served(LOUD.len());
}

#[test]
fn a_flood_of_log_lines() {
    let flood = RUN
        .lines
        .iter()
        .filter(|(_, message)| message.ends_with("of a flood"))
        .count();
    assert_eq!(flood, 1_000);
    let end = (
        "warning".to_owned(),
        "999000 more log lines were dropped after the first 1000".to_owned(),
    );
    assert!(RUN.lines.contains(&end));
}

#[test]
fn a_huge_log_line() {
    assert!(
        RUN.lines
            .iter()
            .any(|(_, message)| message.len() == 4_096 && message.ends_with('…'))
    );
    assert!(RUN.lines.iter().all(|(_, message)| message.len() <= 4_096));
}

#[test]
fn a_plug_in_that_behaves_for_a_thousand_calls_and_then_turns() {
    let scene = scene(
        &["misbehaving"],
        &[("passing", Handmade::passing("passing").component())],
    );
    // Given rows enough for it to turn twice, on an instance each
    let ordinary = vec![0; GOOD_CALLS as usize + 10];
    let outcome = play(
        &scene,
        &manifest("passing", &model("trap-after-1000-calls"), ""),
        &ordinary,
        1,
    );
    // Then each time it costs one row, and the next one is scored by a new instance
    outcome.failures[0].expect("trap", "wasm `unreachable` instruction executed");
    let rows: Vec<u64> = outcome.unscored();
    assert_eq!(rows.len(), failures(&scene).len());
    assert!(
        rows.windows(2)
            .all(|pair| pair[1] - pair[0] == u64::from(GOOD_CALLS) + 1),
        "{rows:?}"
    );
}
