//! The plug-in `{{name}}`: beside every column, how much it has changed since the row before.
//!
//! A preprocessor sees one source's rows in order, and gives each of them other columns. Put your
//! own in the place of this one; `Preprocessor` in `fedhost_guest` says what the host relies on.

use fedhost_guest::{Batch, Descriptor, Parameters, Preprocessor, Result, Setting, Weights};

/// Declared once: for `describe`, for the check of what a manifest gives, and for reading it.
const KEEP: Setting<bool> = Setting::flag("keep", "whether the columns themselves come out, too", true);

/// One source's last values.
#[derive(Debug)]
pub struct Plugin {
    names: Vec<String>,
    last: Vec<Option<f32>>,
    keep: bool,
}

impl Plugin {
    fn shape(&self) -> [u32; 1] {
        [self.last.len() as u32]
    }
}

/// The value as it counts, and its change. A missing value counts as the one before it.
fn step(last: &mut Option<f32>, value: f32) -> (f32, f32) {
    let value = if value.is_finite() { value } else { last.unwrap_or(0.0) };
    let change = (value - last.unwrap_or(value)).clamp(f32::MIN, f32::MAX);
    *last = Some(value);
    (value, change)
}

impl Preprocessor for Plugin {
    fn describe() -> Descriptor {
        let summary = "Beside every column, how much it has changed since the row before.";
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary).with(&KEEP)
    }

    fn open(columns: &[String], parameters: &Parameters) -> Result<Self> {
        Ok(Self { names: columns.to_vec(), last: vec![None; columns.len()], keep: parameters.get(&KEEP) })
    }

    fn output_columns(&self) -> Vec<String> {
        let kept = self.names.iter().filter(|_| self.keep).cloned();
        kept.chain(self.names.iter().map(|name| format!("{name}_change"))).collect()
    }

    fn transform(&mut self, batch: Batch) -> Result<Batch> {
        let mut values = Vec::with_capacity(2 * batch.values.len());
        for row in batch.values.chunks_exact(self.names.len()) {
            let steps: Vec<(f32, f32)> = row.iter().zip(&mut self.last).map(|(&value, last)| step(last, value)).collect();
            values.extend(steps.iter().filter(|_| self.keep).map(|(value, _)| value));
            values.extend(steps.iter().map(|(_, change)| change));
        }
        Ok(Batch { values, ..batch })
    }

    /// Everything that later rows depend on.
    fn save(&self) -> Result<Weights> {
        let known: Vec<f32> = self.last.iter().map(|last| f32::from(u8::from(last.is_some()))).collect();
        let last: Vec<f32> = self.last.iter().map(|last| last.unwrap_or(0.0)).collect();
        Ok(Weights::default().with("known", &self.shape(), &known).with("last", &self.shape(), &last))
    }

    fn restore(&mut self, state: Weights) -> Result<()> {
        let shape = self.shape();
        let [known, last] = state.tensors([("known", &shape), ("last", &shape)])?;
        self.last = known.iter().zip(last).map(|(&known, &last)| (known == 1.0).then_some(last)).collect();
        Ok(())
    }
}

// In the component only: natively there is nothing to export to.
#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(Plugin);

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_guest::Session;

    #[test]
    fn a_change_is_since_the_row_before_and_a_missing_value_is_none() {
        let mut session: Session<Plugin> = Session::open_preprocessor(&["flow".into()], vec![]).unwrap();
        let out = session.transform(Batch::new(1, vec![5.0, 7.0, f32::NAN, 6.0])).unwrap();
        assert_eq!(session.output_columns(), ["flow", "flow_change"]);
        assert_eq!(out.values, [5.0, 0.0, 7.0, 2.0, 7.0, 0.0, 6.0, -1.0]);
    }
}
