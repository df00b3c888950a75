//! Native tests of the laws in `wit/plugin.wit`, for the test suite of a plug-in.
//!
//! The macros [`test_detector_laws`](crate::test_detector_laws) and
//! [`test_preprocessor_laws`](crate::test_preprocessor_laws) make property tests of random rows. A
//! crate that uses them has `proptest` among its dev-dependencies.

#![expect(clippy::expect_used, reason = "a law that is broken fails the test")]

use crate::{Batch, Detector, Preprocessor, Result, Session, Weights};

/// Columns of the rows that the tests use.
pub const COLUMNS: usize = 3;

/// A session that turns rows into numbers: scores of a detector, values of a preprocessor.
pub trait Instance {
    /// The numbers for these rows.
    ///
    /// # Errors
    /// The plug-in's own.
    fn run(&mut self, batch: Batch) -> Result<Vec<f32>>;

    /// The state that later results depend on.
    ///
    /// # Errors
    /// The plug-in's own.
    fn saved(&self) -> Result<Weights>;

    /// Loads a saved state.
    ///
    /// # Errors
    /// The plug-in's own.
    fn load_saved(&mut self, state: Weights) -> Result<()>;
}

/// A detector as an [`Instance`].
#[derive(Debug)]
pub struct Scoring<D>(pub Session<D>);

impl<D: Detector> Instance for Scoring<D> {
    fn run(&mut self, batch: Batch) -> Result<Vec<f32>> {
        self.0.score(batch)
    }

    fn saved(&self) -> Result<Weights> {
        self.0.save()
    }

    fn load_saved(&mut self, state: Weights) -> Result<()> {
        self.0.load(state)
    }
}

/// A preprocessor as an [`Instance`].
#[derive(Debug)]
pub struct Transforming<P>(pub Session<P>);

impl<P: Preprocessor> Instance for Transforming<P> {
    fn run(&mut self, batch: Batch) -> Result<Vec<f32>> {
        self.0.transform(batch).map(|output| output.values)
    }

    fn saved(&self) -> Result<Weights> {
        self.0.save_state()
    }

    fn load_saved(&mut self, state: Weights) -> Result<()> {
        self.0.restore(state)
    }
}

/// Asserts that the results do not depend on where the rows are cut into batches.
///
/// # Panics
/// They do, or a call fails.
pub fn assert_independent_of_batches<I: Instance>(
    open: impl Fn() -> I,
    values: &[f32],
    cut: usize,
) {
    let (head, tail) = values.split_at(COLUMNS * cut);
    let mut whole = open();
    let mut parts = open();
    let expected = run(&mut whole, values);
    let found = [run(&mut parts, head), run(&mut parts, tail)].concat();
    assert_eq!(found, expected, "batches are cut after {cut} rows");
}

/// Asserts that an instance with a restored state has the same state and gives the same results as
/// the instance that saved it.
///
/// # Panics
/// It does not, or a call fails.
pub fn assert_restored_continues<I: Instance>(open: impl Fn() -> I, values: &[f32], cut: usize) {
    let (head, tail) = values.split_at(COLUMNS * cut);
    let mut first = open();
    let mut restored = open();
    run(&mut first, head);
    let state = first.saved().expect("the state is saved");
    restored
        .load_saved(state.clone())
        .expect("a saved state is restored");
    assert_eq!(restored.saved(), Ok(state), "after {cut} rows");
    assert_eq!(
        run(&mut restored, tail),
        run(&mut first, tail),
        "restored after {cut} rows"
    );
}

fn run(instance: &mut impl Instance, values: &[f32]) -> Vec<f32> {
    instance
        .run(Batch::new(COLUMNS, values.to_vec()))
        .expect("the rows are accepted")
}

/// Makes property tests of a detector: scores do not depend on where batches are cut, and a restored
/// instance continues exactly. Each argument is a function of a random seed (`u64`) that opens a
/// [`Session`] with [`COLUMNS`] columns.
#[macro_export]
macro_rules! test_detector_laws {
    ($($open:expr),+ $(,)?) => {
        $crate::__test_laws!($crate::testing::Scoring, $($open),+);
    };
}

/// Makes property tests of a preprocessor: rows do not depend on where batches are cut, and a
/// restored instance continues exactly. Each argument is a function of a random seed (`u64`) that
/// opens a [`Session`] with [`COLUMNS`] columns.
#[macro_export]
macro_rules! test_preprocessor_laws {
    ($($open:expr),+ $(,)?) => {
        $crate::__test_laws!($crate::testing::Transforming, $($open),+);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __test_laws {
    ($instance:path, $($open:expr),+) => {
        /// Rows of three columns with missing, infinite and repeated values.
        fn rows_with_gaps() -> impl ::proptest::strategy::Strategy<Value = Vec<f32>> {
            use ::proptest::strategy::{Just, Strategy as _};
            let value = ::proptest::prop_oneof![
                16 => -1e6_f32..1e6,
                2 => Just(f32::NAN),
                2 => Just(5.0),
                1 => Just(f32::INFINITY),
                1 => Just(f32::NEG_INFINITY),
            ];
            let row = ::proptest::collection::vec(value, $crate::testing::COLUMNS);
            ::proptest::collection::vec(row, 1..60).prop_map(|rows| rows.concat())
        }

        ::proptest::proptest! {
            #[test]
            fn results_do_not_depend_on_batches(
                values in rows_with_gaps(),
                cut in ::proptest::prelude::any::<::proptest::sample::Index>(),
                seed in ::proptest::prelude::any::<u64>(),
            ) {
                let cut = cut.index(values.len() / $crate::testing::COLUMNS);
                $($crate::testing::assert_independent_of_batches(
                    || $instance(($open)(seed)), &values, cut,
                );)+
            }

            #[test]
            fn a_restored_instance_continues_exactly(
                values in rows_with_gaps(),
                cut in ::proptest::prelude::any::<::proptest::sample::Index>(),
                seed in ::proptest::prelude::any::<u64>(),
            ) {
                let cut = cut.index(values.len() / $crate::testing::COLUMNS);
                $($crate::testing::assert_restored_continues(
                    || $instance(($open)(seed)), &values, cut,
                );)+
            }
        }
    };
}
