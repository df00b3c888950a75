use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn begun(offsets: &[u64]) -> Ledger {
    let mut ledger = Ledger::default();
    for &offset in offsets {
        ledger.begin(offset).unwrap();
    }
    ledger
}

#[test]
fn nothing_is_safe_before_the_first_record() {
    assert_eq!(Ledger::default().safe(), None);
}

#[test]
fn an_offset_waits_for_all_work_below_it() {
    let mut ledger = begun(&[5, 6, 7]);
    ledger.finish(6).unwrap();
    ledger.finish(7).unwrap();
    assert_eq!((ledger.safe(), ledger.unfinished()), (Some(5), 1));
    ledger.finish(5).unwrap();
    assert_eq!((ledger.safe(), ledger.unfinished()), (Some(8), 0));
}

#[test]
fn offsets_that_never_come_hold_nothing_up() {
    let mut ledger = begun(&[5, 9, 40]);
    ledger.finish(5).unwrap();
    assert_eq!(ledger.safe(), Some(9));
    ledger.finish(9).unwrap();
    ledger.finish(40).unwrap();
    assert_eq!(ledger.safe(), Some(41));
}

#[test]
fn a_record_is_begun_once_and_in_order() {
    let mut ledger = begun(&[5, 9]);
    for offset in [0, 5, 7, 9] {
        assert_eq!(
            ledger.begin(offset),
            Err(Error::OutOfOrder { offset, next: 10 })
        );
    }
}

#[test]
fn the_largest_number_is_no_offset() {
    let mut ledger = Ledger::default();
    assert_eq!(
        ledger.begin(u64::MAX),
        Err(Error::Last { offset: u64::MAX })
    );
    assert_eq!(ledger, Ledger::default());
    ledger.begin(u64::MAX - 1).unwrap();
    ledger.finish(u64::MAX - 1).unwrap();
    assert_eq!(ledger.safe(), Some(u64::MAX));
}

#[test]
fn only_work_that_was_begun_is_finished_and_once() {
    let mut ledger = begun(&[5, 9]);
    ledger.finish(9).unwrap();
    for offset in [4, 7, 9, 10] {
        assert_eq!(ledger.finish(offset), Err(Error::Unknown { offset }));
    }
}

#[test]
fn records_read_again_after_a_rewind_must_be_finished_again() {
    let mut ledger = begun(&[5, 6, 7, 8]);
    ledger.finish(7).unwrap();
    ledger.rewind(6).unwrap();
    ledger.finish(5).unwrap();
    assert_eq!((ledger.safe(), ledger.unfinished()), (Some(6), 0));
    ledger.begin(6).unwrap();
    ledger.begin(7).unwrap();
    ledger.finish(6).unwrap();
    assert_eq!(ledger.safe(), Some(7));
}

#[test]
fn what_may_be_committed_is_not_rewound() {
    let mut ledger = begun(&[5, 6]);
    ledger.finish(5).unwrap();
    assert_eq!(ledger.rewind(5), Err(Error::Settled { to: 5, safe: 6 }));
    ledger.rewind(6).unwrap();
    assert_eq!(ledger.safe(), Some(6));
}

#[derive(Clone, Debug)]
enum Step {
    /// At this distance from the next offset, less 2: some are refused.
    Begin(u64),
    FinishOne(prop::sample::Index),
    FinishAny(u64),
    Rewind(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u64..6).prop_map(Step::Begin),
        6 => any::<prop::sample::Index>().prop_map(Step::FinishOne),
        1 => (0_u64..80).prop_map(Step::FinishAny),
        1 => (0_u64..80).prop_map(Step::Rewind),
    ]
}

/// Every record ever begun and not rewound over, with whether it is finished.
#[derive(Default)]
struct Model {
    records: BTreeMap<u64, bool>,
    next: u64,
}

impl Model {
    fn unfinished(&self) -> Vec<u64> {
        self.records
            .iter()
            .filter(|(_, finished)| !**finished)
            .map(|(&offset, _)| offset)
            .collect()
    }

    /// Whether the ledger should take the step; if so, the model takes it.
    fn take(&mut self, ledger: &mut Ledger, step: &Step) -> (bool, Result<(), Error>) {
        match *step {
            Step::Begin(distance) => {
                let offset = (self.next + distance).saturating_sub(2);
                let legal = offset >= self.next;
                if legal {
                    self.records.insert(offset, false);
                    self.next = offset + 1;
                }
                (legal, ledger.begin(offset))
            }
            Step::FinishOne(index) => match self.unfinished()[..] {
                [] => (true, Ok(())),
                ref offsets => self.finish(ledger, *index.get(offsets)),
            },
            Step::FinishAny(offset) => self.finish(ledger, offset),
            Step::Rewind(to) => {
                let legal = ledger.safe().is_none_or(|safe| to >= safe);
                if legal {
                    self.records.retain(|&offset, _| offset < to);
                    self.next = self.next.min(to);
                }
                (legal, ledger.rewind(to))
            }
        }
    }

    fn finish(&mut self, ledger: &mut Ledger, offset: u64) -> (bool, Result<(), Error>) {
        let legal = self.records.get(&offset) == Some(&false);
        if legal {
            self.records.insert(offset, true);
        }
        (legal, ledger.finish(offset))
    }
}

proptest! {
    #[test]
    fn the_safe_offset_never_moves_back_nor_past_unfinished_work(steps in prop::collection::vec(step(), 1..120)) {
        let (mut ledger, mut model) = (Ledger::default(), Model::default());
        ledger.begin(0).unwrap();
        model.records.insert(0, false);
        model.next = 1;
        for step in &steps {
            let before = ledger.clone();
            let (legal, result) = model.take(&mut ledger, step);
            prop_assert_eq!(result.is_ok(), legal, "{:?}: {:?}", step, result);
            prop_assert!(legal || ledger == before, "a refused step changes nothing");
            let unfinished = model.unfinished();
            prop_assert_eq!(ledger.unfinished(), unfinished.len());
            prop_assert!(ledger.safe() >= before.safe());
            prop_assert_eq!(ledger.safe(), Some(unfinished.first().copied().unwrap_or(model.next)));
        }
    }
}
