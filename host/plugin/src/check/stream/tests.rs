//! A component has nothing that differs between two instances, so what is not deterministic is
//! shown here without one.

use std::cell::Cell;

use super::*;

/// Adds to every value how many streams there were before it.
struct Unsteady {
    before: f32,
    rows: f32,
}

impl Stream for Unsteady {
    fn feed(&mut self, rows: &Batch) -> Result<Vec<f32>, CallError> {
        self.rows += rows.rows() as f32;
        Ok(rows
            .values()
            .iter()
            .map(|value| value + self.before)
            .collect())
    }
    fn save(&mut self) -> Result<Weights, CallError> {
        let tensor = TensorSpec {
            name: "rows".into(),
            shape: vec![1],
        };
        Ok(Weights::new(vec![tensor], vec![self.rows]).unwrap())
    }
    fn restore(&mut self, state: &Weights) -> Result<(), CallError> {
        self.rows = state.data().iter().sum();
        Ok(())
    }
}

fn stage<'a>(opened: &'a Cell<f32>, step: f32) -> Stage<'a> {
    let open = move || -> Result<Box<dyn Stream>, CallError> {
        opened.set(opened.get() + step);
        Ok(Box::new(Unsteady {
            before: opened.get(),
            rows: 0.0,
        }))
    };
    Stage {
        columns: 2,
        output: Output::Rows,
        open: Box::new(open),
    }
}

#[test]
fn streams_that_differ_are_told_apart_to_the_value() {
    let opened = Cell::new(0.0);
    let fault = determinism(&stage(&opened, 1.0)).unwrap_err();
    assert!(fault.came.starts_with("row 0, column 0: "), "{fault:?}");
    assert_eq!(determinism(&stage(&opened, 0.0)), Ok(()));
}

#[test]
fn a_state_that_is_not_the_whole_state_is_found() {
    let opened = Cell::new(0.0);
    assert!(
        save_restore(&stage(&opened, 1.0))
            .unwrap_err()
            .expected
            .contains("same bits")
    );
    assert_eq!(save_restore(&stage(&opened, 0.0)), Ok(()));
}
