//! The plug-in `{{name}}`: how far a row lies from what is normal.
//!
//! A model is trained on each node, travels as weights, and scores with the mean of what the nodes
//! have learnt. Put your own algorithm in the place of this one; `Trainer`, `Detector` and `Model`
//! in `fedhost_guest` say what the host relies on.

use fedhost_guest::{
    Batch, Descriptor, Detector, Metric, Model, Parameters, Progress, Report, Result, Setting, Signal, Trainer,
    Weights,
};

/// Declared once: for `describe`, for the check of what a manifest gives, and for reading it.
const RATE: Setting<f64> =
    Setting::number("learning_rate", "share of the way to the rows' means that an epoch goes", 0.5, 1e-3..=1.0);

/// Where each column's normal values lie, and how far they usually are from there. A mean of
/// several such is one, too.
#[derive(Debug)]
pub struct Plugin {
    centre: Vec<f32>,
    spread: Vec<f32>,
    rate: f64,
}

impl Plugin {
    fn shape(&self) -> [u32; 1] {
        [self.centre.len() as u32]
    }

    /// Mean distance of the values from their centres, in spreads. A missing value does not count.
    fn score_row(&self, row: &[f32]) -> f64 {
        let columns = self.centre.iter().zip(&self.spread);
        let known = row.iter().zip(columns).filter(|(value, _)| value.is_finite());
        let distances = known.map(|(value, (centre, spread))| distance(*value, *centre) / f64::from(*spread).max(1e-6));
        let (sum, count) = distances.fold((0.0, 0), |(sum, count), distance| (sum + distance.min(1e6), count + 1));
        if count == 0 { 0.0 } else { sum / f64::from(count) }
    }

    /// Moves every column towards the rows' mean and mean distance.
    fn learn(&mut self, rows: &[&[f32]]) {
        let rate = self.rate;
        for (column, (centre, spread)) in self.centre.iter_mut().zip(&mut self.spread).enumerate() {
            let values = || rows.iter().filter_map(|row| row.get(column).copied()).filter(|value| value.is_finite());
            if let Some(mean) = mean(values().map(f64::from)) {
                *centre = towards(*centre, mean, rate);
                let away = mean_or_zero(values().map(|value| distance(value, *centre)));
                *spread = towards(*spread, away, rate);
            }
        }
    }
}

fn distance(value: f32, centre: f32) -> f64 {
    (f64::from(value) - f64::from(centre)).abs()
}

fn towards(from: f32, to: f64, rate: f64) -> f32 {
    (f64::from(from) + rate * (to - f64::from(from))) as f32
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn mean_or_zero(values: impl Iterator<Item = f64>) -> f64 {
    mean(values).unwrap_or(0.0)
}

impl Model for Plugin {
    fn describe() -> Descriptor {
        let summary = "Mean distance of a row's values from their normal ones, in usual distances.";
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary).with(&RATE)
    }

    fn open(columns: &[String], parameters: &Parameters, _seed: u64) -> Result<Self> {
        let (centre, spread) = (vec![0.0; columns.len()], vec![1.0; columns.len()]);
        Ok(Self { centre, spread, rate: parameters.get(&RATE) })
    }

    /// Names and shapes follow from the columns alone, so that nodes' models can be averaged.
    fn save(&self) -> Result<Weights> {
        let shape = self.shape();
        Ok(Weights::default().with("centre", &shape, &self.centre).with("spread", &shape, &self.spread))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let shape = self.shape();
        let [centre, spread] = model.tensors([("centre", &shape), ("spread", &shape)])?;
        (self.centre, self.spread) = (centre.to_vec(), spread.to_vec());
        Ok(())
    }
}

impl Trainer for Plugin {
    /// Learns from the rows that are not labelled anomalous; without labels, from all.
    fn train(&mut self, batch: Batch, epochs: u32, progress: &mut dyn FnMut(Progress) -> Signal) -> Result<Report> {
        let normal = |row: usize| batch.labels.as_ref().is_none_or(|labels| labels[row] < 0.5);
        let rows = batch.values.chunks_exact(self.centre.len()).enumerate();
        let rows: Vec<&[f32]> = rows.filter(|(row, _)| normal(*row)).map(|(_, values)| values).collect();
        let mut loss = 0.0;
        for epoch in 1..=epochs {
            self.learn(&rows);
            loss = mean_or_zero(rows.iter().map(|row| self.score_row(row)));
            let metrics = vec![Metric::new("loss", loss)];
            if progress(Progress { epoch, epochs, metrics }) == Signal::Stop {
                break;
            }
        }
        Ok(Report { samples: rows.len() as u64, loss, metrics: Vec::new() })
    }
}

impl Detector for Plugin {
    fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
        Ok(batch.values.chunks_exact(self.centre.len()).map(|row| self.score_row(row) as f32).collect())
    }
}

// In the component only: natively there is nothing to export to.
#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(Plugin);

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_guest::Session;

    #[test]
    fn after_training_a_row_unlike_the_normal_ones_stands_out() {
        let mut session: Session<Plugin> = Session::open_model(&["pressure".into()], vec![], 0).unwrap();
        let rows = Batch::new(1, vec![1.0, 1.2, 0.8, 1.0, 9.0]).with_labels(vec![0.0, 0.0, 0.0, 0.0, 1.0]);
        let report = session.train(rows, 20, &mut |_| Signal::Proceed).unwrap();
        assert_eq!(report.samples, 4);
        let scores = session.score(Batch::new(1, vec![1.1, 9.0])).unwrap();
        assert!(scores[1] > 10.0 * scores[0], "{scores:?}");
    }
}
