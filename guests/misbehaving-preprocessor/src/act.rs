//! A trivial preprocessor that breaks one law on request.
//!
//! Without a request it returns its rows, with 0 for a missing value, and counts them. Its
//! `describe` always returns the number of its calls, which breaks a law.

use std::sync::atomic::{AtomicU32, Ordering};

use fedhost_guest::{Batch, Descriptor, Parameters, Preprocessor, Result, Setting, Weights, state};

/// The law to break.
pub const ACT: Setting<&str> = Setting::choice("act", "the law to break", "none", &CHOICES);

/// The values of `act`.
pub const CHOICES: [&str; 11] = [
    "none",
    // While transforming.
    "looks-around",
    "looks-at-labels",
    "too-few-rows",
    "wants-two-rows",
    "divides-by-range",
    "remembers-nan",
    // Between fitting, saving and restoring.
    "fit-does-nothing",
    "forgets",
    "takes-anything",
    "renames",
];

/// A preprocessor and the law it breaks.
#[derive(Debug)]
pub struct Misbehaving {
    act: String,
    columns: Vec<String>,
    rows: u64,
    sum: f32,
}

impl Preprocessor for Misbehaving {
    fn describe() -> Descriptor {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let asked = ASKED.fetch_add(1, Ordering::Relaxed) + 1;
        let summary = format!("Breaks one law on request; called {asked} times.");
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), &summary).with(&ACT)
    }

    fn open(columns: &[String], parameters: &Parameters) -> Result<Self> {
        Ok(Self {
            act: parameters.get(&ACT).to_owned(),
            columns: columns.to_vec(),
            rows: 0,
            sum: 0.0,
        })
    }

    fn output_columns(&self) -> Vec<String> {
        let renamed = self.act == "renames" && self.sum != 0.0;
        self.columns
            .iter()
            .map(|name| {
                if renamed {
                    format!("{name}-fitted")
                } else {
                    name.clone()
                }
            })
            .collect()
    }

    fn fit(&mut self, batch: Batch) -> Result<()> {
        if self.act == "fit-does-nothing" {
            return Ok(());
        }
        self.transform(batch).map(drop)
    }

    fn transform(&mut self, mut batch: Batch) -> Result<Batch> {
        let lone = self.act == "wants-two-rows" && batch.rows == 1;
        self.rows += u64::from(batch.rows);
        self.sum += batch.values.iter().sum::<f32>();
        let shift = self.shift(&batch);
        for value in &mut batch.values {
            *value = if value.is_finite() {
                *value + shift
            } else {
                0.0
            };
        }
        if lone || self.act == "remembers-nan" && self.sum.is_nan() {
            batch.values.fill(f32::NAN);
        }
        if self.act == "too-few-rows" && batch.rows > 0 {
            batch.rows -= 1;
            batch
                .values
                .truncate(batch.rows as usize * self.columns.len());
        }
        Ok(batch)
    }

    fn save(&self) -> Result<Weights> {
        Ok(Weights::default().with_u64("rows", &[self.rows]))
    }

    fn restore(&mut self, state: Weights) -> Result<()> {
        if self.act == "takes-anything" {
            return Ok(());
        }
        let [rows] = state.tensors([("rows", &[1, state::PARTS])])?;
        self.rows = state::u64s(rows)?.into_iter().sum();
        Ok(())
    }
}

impl Misbehaving {
    /// Added to every value.
    fn shift(&self, batch: &Batch) -> f32 {
        match self.act.as_str() {
            "looks-around" => batch.values.iter().sum::<f32>() / batch.values.len().max(1) as f32,
            "looks-at-labels" => batch.labels.iter().flatten().sum(),
            "divides-by-range" => {
                let first = batch
                    .values
                    .chunks_exact(self.columns.len())
                    .next()
                    .unwrap_or_default();
                let away = batch
                    .values
                    .iter()
                    .zip(first.iter().cycle())
                    .map(|(value, first)| (value - first).abs());
                let range: f32 = away.filter(|away| away.is_finite()).sum();
                if batch.rows > 1 { 0.0 / range } else { 0.0 }
            }
            "forgets" => self.sum,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_guest::{Parameter, Session, Value};

    fn open(act: &str) -> Session<Misbehaving> {
        let parameters = vec![Parameter {
            name: "act".into(),
            value: Value::Text(act.into()),
        }];
        Session::open_preprocessor(&["a".into(), "b".into()], parameters).unwrap()
    }

    #[test]
    fn without_a_law_to_break_it_returns_its_rows() {
        let batch = Batch::new(2, vec![1.0, f32::NAN, 3.0, 4.0]);
        assert_eq!(
            open("none").transform(batch).unwrap().values,
            [1.0, 0.0, 3.0, 4.0]
        );
    }

    #[test]
    fn every_description_is_different() {
        assert_ne!(Misbehaving::describe(), Misbehaving::describe());
    }

    #[test]
    fn every_act_breaks_its_law() {
        let batch = || Batch::new(2, vec![1.0, 2.0, 3.0, 4.0]).with_labels(vec![0.0, 1.0]);
        assert_eq!(
            open("looks-at-labels").transform(batch()).unwrap().values[0],
            2.0
        );
        assert_eq!(open("too-few-rows").transform(batch()).unwrap().rows, 1);
        let mut renaming = open("renames");
        renaming.fit(batch()).unwrap();
        assert_eq!(renaming.output_columns()[0], "a-fitted");
    }
}
