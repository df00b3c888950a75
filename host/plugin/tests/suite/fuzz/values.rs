//! Values of every type that crosses the boundary, in both directions.
//!
//! On the way out a guest hands over words that the test has drawn, as if they were its answer:
//! places and lengths in and out of its memory, kinds that do not exist, texts that are none.

use std::collections::HashSet;
use std::sync::LazyLock;

use fedhost_domain::model::{TensorSpec, Weights};
use fedhost_plugin::{Batch, CallError, Plugin};
use handmade::Handmade;
use proptest::collection::vec;
use proptest::prelude::*;

use super::harness::{is_told_in_words, load, names, preprocessor, row};

/// Words of an answer; the longest has seven.
const WORDS: usize = 24;

/// Answers as the row says: its first word names the call, the others are the answer.
static PARROT: LazyLock<Plugin> = LazyLock::new(|| {
    let say = "
        (memory.copy (i32.const 512) (local.get $values) (i32.const 96))
        (global.set $said (i32.load (i32.const 512)))
        (if (i32.eq (global.get $said) (i32.const 0)) (then (return (i32.const 516))))
        (if (i32.eq (global.get $said) (i32.const 1))
          (then (call $log (i32.load (i32.const 516)) (i32.load (i32.const 520)) (i32.load (i32.const 524)))))
        (if (i32.eq (global.get $said) (i32.const 2))
          (then (drop (call $progress
            (i32.load (i32.const 516)) (i32.load (i32.const 520)) (i32.load (i32.const 524)) (i32.load (i32.const 528))))))";
    let guest = Handmade::passing("parrot")
        .at("module", "(global $said (mut i32) (i32.const -1))")
        .at("transform", say);
    let guest = guest.at(
        "save",
        "(if (i32.ge_s (global.get $said) (i32.const 0)) (then (return (i32.const 516))))",
    );
    let guest = guest
        .at("fit", "(memory.copy (i32.const 512) (local.get $values) (i32.const 96)) (global.set $said (i32.const 9))");
    let guest = guest.at(
        "output-columns",
        "(if (i32.eq (global.get $said) (i32.const 9)) (then (return (i32.const 516))))",
    );
    load(&guest.component()).unwrap()
});

/// Gives back what it was given.
static KEEPER: LazyLock<Plugin> = LazyLock::new(|| {
    let guest = Handmade::passing("keeper").at("module", "(global $kept (mut i32) (i32.const 0))");
    let keep = "(call $two (i32.const 600) (local.get $tensors) (local.get $count))
                (call $two (i32.const 608) (local.get $values) (local.get $length))
                (global.set $kept (i32.const 1)) (global.set $bottom (global.get $top))";
    let give = "(if (global.get $kept) (then (memory.copy (i32.const 20) (i32.const 600) (i32.const 16))))";
    load(&guest.at("restore", keep).at("save", give).component()).unwrap()
});

/// Small numbers and kinds; places among the drawn words themselves, near the end of memory and
/// beyond it; anything.
fn word() -> impl Strategy<Value = u32> {
    prop_oneof![
        6 => 0_u32..6,
        4 => (128_u32..152).prop_map(|word| word * 4),
        1 => 512_u32..608,
        1 => 131_000_u32..131_100,
        1 => Just(u32::MAX),
        1 => any::<u32>(),
    ]
}

/// As numbers of a row; what would be infinite is another word.
fn numbers(words: &[u32]) -> Vec<f32> {
    let number = |word: &u32| {
        Some(f32::from_bits(*word))
            .filter(|number| !number.is_infinite())
            .unwrap_or(0.0)
    };
    words.iter().map(number).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check<T>(answer: Result<T, CallError>, is_as_promised: impl FnOnce(&T) -> bool) {
    match answer {
        Ok(answer) => assert!(is_as_promised(&answer)),
        Err(error) => assert!(is_told_in_words(&error.to_string()), "{error:?}"),
    }
}

fn are_weights(weights: &Weights) -> bool {
    let expected: usize = weights
        .tensors()
        .iter()
        .map(|spec| {
            spec.shape
                .iter()
                .map(|&extent| extent as usize)
                .product::<usize>()
        })
        .sum();
    expected == weights.data().len() && weights.data().iter().all(|value| value.is_finite())
}

fn is_new_instance_fine() -> bool {
    let mut parrot = preprocessor(&PARROT, &names(WORDS)).unwrap();
    // A word that is no call.
    let plain = row(vec![f32::from_bits(77); WORDS]);
    bits(parrot.transform(&plain).unwrap().values()) == bits(plain.values())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_guest_hands_over_is_as_promised_or_refused_in_words(words in vec(word(), WORDS)) {
        let said = row(numbers(&words));
        let mut parrot = preprocessor(&PARROT, &names(WORDS)).unwrap();
        check(parrot.transform(&said), |output| {
            (output.rows(), output.columns()) == (1, WORDS) && output.values().len() == WORDS
                && !output.values().iter().any(|value| value.is_infinite())
        });
        check(parrot.save(), are_weights);
        let mut parrot = preprocessor(&PARROT, &names(WORDS)).unwrap();
        check(parrot.fit(&said), |()| true);
        let columns = parrot.output_columns();
        prop_assert!(!columns.is_empty() && columns.iter().collect::<HashSet<_>>().len() == columns.len());
        prop_assert!(is_new_instance_fine());
    }

    #[test]
    fn rows_come_back_bit_for_bit(words in vec(any::<u32>(), 0..60), labels in any::<bool>()) {
        let values = numbers(&words[..words.len() / 3 * 3]);
        let rows = values.len() / 3;
        let labels = labels.then(|| vec![1.0; rows]);
        let batch = Batch::new(rows, 3, values, labels.clone()).unwrap();
        let output = preprocessor(&KEEPER, &names(3)).unwrap().transform(&batch).unwrap();
        prop_assert_eq!(bits(output.values()), bits(batch.values()));
        prop_assert_eq!(output.labels(), labels.as_deref());
    }

    #[test]
    fn columns_come_back_letter_for_letter_or_are_refused(columns in vec(".{0,12}", 1..6)) {
        check(preprocessor(&KEEPER, &columns), |opened| opened.output_columns() == columns);
    }

    #[test]
    fn weights_come_back_bit_for_bit(tensors in vec(("[a-zé]{1,9}", vec(0_u32..4, 0..4)), 1..5), value in -1e30_f32..1e30) {
        let tensors: Vec<TensorSpec> = tensors.into_iter().map(|(name, shape)| TensorSpec { name, shape }).collect();
        let length = tensors.iter().map(|spec| spec.shape.iter().product::<u32>()).sum::<u32>();
        let data = (0..length).map(|index| value / (index + 1) as f32).collect();
        // Two tensors of one name are none.
        let Ok(weights) = Weights::new(tensors, data) else { return Ok(()) };
        let mut keeper = preprocessor(&KEEPER, &names(1)).unwrap();
        keeper.restore(&weights).unwrap();
        prop_assert_eq!(keeper.save().unwrap(), weights);
    }
}

proptest! {
    #[test]
    fn whatever_a_guest_says_of_itself_is_a_description_or_refused_in_words(words in vec(word(), WORDS), all in any::<bool>()) {
        let bytes: String = words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect();
        // The whole card, or one parameter of a good one.
        let code = if all { "(return (i32.const 512))" } else { "(call $two (i32.const 88) (i32.const 512) (i32.const 1))" };
        let guest = Handmade::passing("parrot").at("module", &format!("(data (i32.const 512) \"{bytes}\")"));
        match load(&guest.at("describe", code).component()) {
            Ok(plugin) => prop_assert!(all || plugin.descriptor().parameters.len() == 1),
            Err(refused) => prop_assert!(is_told_in_words(&refused.to_string()), "{:?}", refused),
        }
    }
}
