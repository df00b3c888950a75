//! The plug-in `{{name}}`: how far a row lies from the rows before it.
//!
//! A detector needs no training: it scores each row, and learns from it afterwards. Put your own
//! algorithm in the place of this one; `Detector` and `Model` in `fedhost_guest` say what the host
//! relies on.

use fedhost_guest::{
    Batch, Descriptor, Detector, Model, Parameters, Result, Running, Setting, Weights, running, state,
};

/// Declared once: for `describe`, for the check of what a manifest gives, and for reading it.
const LIMIT: Setting<f64> = Setting::number("limit", "score above which a row is not learnt from", 6.0, 1.0..=100.0);

/// One source's columns so far.
#[derive(Debug)]
pub struct Plugin {
    columns: Vec<Running>,
    limit: f64,
}

impl Plugin {
    /// The largest distance of a value from its column's mean, in standard deviations. A missing
    /// value says nothing.
    fn score_row(&self, row: &[f32]) -> f64 {
        let known = row.iter().zip(&self.columns).filter(|(value, _)| value.is_finite());
        let distances = known.filter_map(|(&value, column)| column.standardise(f64::from(value)));
        distances.map(f64::abs).fold(0.0, f64::max).min(1e6)
    }

    fn learn(&mut self, row: &[f32]) {
        for (&value, column) in row.iter().zip(&mut self.columns).filter(|(value, _)| value.is_finite()) {
            column.push(f64::from(value));
        }
    }
}

impl Model for Plugin {
    fn describe() -> Descriptor {
        let summary = "Largest distance of a value from its column's mean so far, in standard deviations.";
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary).with(&LIMIT)
    }

    fn open(columns: &[String], parameters: &Parameters, _seed: u64) -> Result<Self> {
        Ok(Self { columns: vec![Running::default(); columns.len()], limit: parameters.get(&LIMIT) })
    }

    /// Everything that later scores depend on, exactly.
    fn save(&self) -> Result<Weights> {
        Ok(Weights::default().with_f64("columns", &running::flatten(&self.columns)))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let values = (self.columns.len() * running::FIELDS) as u32;
        let [columns] = model.tensors([("columns", &[values, state::PARTS])])?;
        self.columns = running::unflatten(&state::f64s(columns)?)?;
        Ok(())
    }
}

impl Detector for Plugin {
    fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
        let mut scores = Vec::with_capacity(batch.rows as usize);
        for row in batch.values.chunks_exact(self.columns.len()) {
            let score = self.score_row(row);
            if score <= self.limit {
                self.learn(row);
            }
            scores.push(score as f32);
        }
        Ok(scores)
    }
}

// In the component only: natively there is nothing to export to.
#[cfg(target_family = "wasm")]
fedhost_guest::export_detector!(Plugin);

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_guest::Session;

    #[test]
    fn a_row_unlike_those_before_it_stands_out() {
        let mut session: Session<Plugin> = Session::open_model(&["pressure".into()], vec![], 0).unwrap();
        let scores = session.score(Batch::new(1, vec![1.0, 1.2, 0.8, 1.0, 1.1, 9.0])).unwrap();
        assert!(scores[5] > 10.0 * scores[4].max(0.1), "{scores:?}");
    }
}
