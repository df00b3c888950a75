//! Components that have been cut, flipped, shuffled and written over.

use std::path::Path;
use std::sync::LazyLock;

use handmade::Handmade;
use proptest::prelude::*;
use proptest::sample::Index;

use super::harness::{is_told_in_words, load, names, open, preprocessor, row};

/// A small component, most of which is code, and one that a compiler made.
static GOOD: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let built = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/test-plugins/standard-scaler.wasm");
    let built =
        std::fs::read(built).unwrap_or_else(|why| panic!("{why}\nhint: run `make test-plugins`"));
    [Handmade::passing("small").component(), built]
});

/// Something that happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Write(Index, Vec<u8>),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = || proptest::collection::vec(any::<u8>(), 1..16);
    prop_oneof![
        6 => (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, 1 << bit)),
        4 => (any::<Index>(), bytes()).prop_map(|(at, bytes)| Damage::Write(at, bytes)),
        2 => (any::<Index>(), bytes()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        2 => (any::<Index>(), 1_usize..64).prop_map(|(at, length)| Damage::Remove(at, length)),
        2 => (any::<Index>(), 1_usize..64).prop_map(|(at, length)| Damage::Repeat(at, length)),
        1 => any::<Index>().prop_map(Damage::Cut),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let stretch = |at: &Index, wanted: usize| {
            let from = at.index(length);
            from..(from + wanted).min(length)
        };
        match self {
            Self::Flip(at, bit) => bytes[at.index(length)] ^= bit,
            Self::Write(at, new) => {
                let stretch = stretch(at, new.len());
                let fits = stretch.len();
                bytes[stretch].copy_from_slice(&new[..fits]);
            }
            Self::Insert(at, new) => {
                drop(bytes.splice(at.index(length)..at.index(length), new.iter().copied()))
            }
            Self::Remove(at, wanted) => drop(bytes.drain(stretch(at, *wanted))),
            Self::Repeat(at, wanted) => {
                let stretch = stretch(at, *wanted);
                let again = bytes[stretch.clone()].to_vec();
                bytes.splice(stretch.start..stretch.start, again);
            }
            Self::Cut(at) => bytes.truncate(at.index(length)),
        }
    }
}

/// Refused with a reason; or accepted, and then every call of it ends.
fn is_contained(component: &[u8]) {
    let plugin = match load(component) {
        Ok(plugin) => plugin,
        Err(refused) => return assert!(is_told_in_words(&refused.to_string()), "{refused:?}"),
    };
    let columns = names(2);
    if let Ok(mut opened) = preprocessor(&plugin, &columns) {
        let _ = opened.transform(&row(vec![1.0, 2.0]));
        let _ = opened.save();
    }
    if let Ok(mut trainer) = open(&plugin, &columns, |opening| plugin.open_trainer(opening)) {
        let _ = trainer.train(&row(vec![1.0, 2.0]), 1);
    }
    if let Ok(mut detector) = open(&plugin, &columns, |opening| plugin.open_detector(opening)) {
        let _ = detector.score(&row(vec![1.0, 2.0]));
    }
}

proptest! {
    #[test]
    fn a_damaged_component_is_refused_in_words_or_contained(
        which in prop_oneof![7 => Just(0_usize), 1 => Just(1)],
        damages in proptest::collection::vec(proptest::collection::vec(damage(), 1..4), 4),
    ) {
        let good = &GOOD[which];
        for damages in damages {
            let mut bytes = good.clone();
            damages.iter().for_each(|damage| damage.apply(&mut bytes));
            is_contained(&bytes);
        }
    }

    #[test]
    fn bytes_that_only_begin_as_a_component_are_refused_in_words(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        is_contained(&bytes);
        is_contained(&[b"\0asm\x0d\0\x01\0".to_vec(), bytes].concat());
    }
}
