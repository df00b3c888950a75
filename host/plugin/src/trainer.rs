//! An open trainer, which trains a model on local rows.

use fedhost_domain::model::{Metric, TensorSpec, Weights};

use super::batch::Batch;
use super::bindings::training;
use super::component::{Opening, Plugin};
use super::conversion::{lend, take};
use super::failure::{CallError, Kind, Refusal};
use super::guest::Guest;
use super::host::metrics;
use super::sandbox::Usage;

/// One instance. Calls block: make them through [`super::worker::run`].
pub struct Trainer {
    guest: Guest<training::Guest>,
    /// The tensors of the first model that was loaded or saved; all others must have the same.
    tensors: Option<Vec<TensorSpec>>,
}

/// The checked report of a training call.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Rows it trained on, at most those of the batch: the weight of the model in the mean.
    pub samples: u64,
    /// The loss; finite.
    pub loss: f64,
    /// At most 64 finite metrics.
    pub metrics: Vec<Metric>,
}

impl Trainer {
    pub(super) fn open(plugin: &Plugin, opening: Opening<'_>) -> Result<Self, CallError> {
        const CALL: &str = "trainer.open";
        let indices = plugin
            .exports
            .training
            .as_ref()
            .ok_or_else(|| plugin.lacks(CALL, "training"))?;
        let seed = opening.seed;
        let guest = Guest::open(
            plugin,
            opening,
            CALL,
            |store, instance| indices.load(store, instance),
            |exports, store, columns, parameters| {
                exports
                    .trainer()
                    .call_open(store, columns, parameters, seed)
            },
        )?;
        Ok(Self {
            guest,
            tensors: None,
        })
    }

    /// Returns the current model; right after opening, the initial one.
    ///
    /// # Errors
    /// The plug-in declines, fails, or returns numbers that are not finite or tensors of another
    /// shape than before.
    pub fn save(&mut self) -> Result<Weights, CallError> {
        const CALL: &str = "trainer.save";
        let Self { guest, tensors } = self;
        guest.call(
            CALL,
            |exports, store, session| exports.trainer().call_save(store, session),
            |model| {
                let model = take(model)?;
                same_shape(tensors, &model)?;
                Ok(model)
            },
        )
    }

    /// Loads a model, such as the global one.
    ///
    /// # Errors
    /// The model has other tensors than before, or the plug-in declines or fails.
    pub fn load(&mut self, model: &Weights) -> Result<(), CallError> {
        const CALL: &str = "trainer.load";
        if self.tensors.is_some() {
            self.check_shape(CALL, model)?;
        }
        self.guest.call(
            CALL,
            |exports, store, session| {
                lend(model, |model| {
                    exports.trainer().call_load(store, session, model)
                })
            },
            Ok,
        )?;
        // Not earlier: a model that the guest has declined must not set the expected shape.
        self.check_shape(CALL, model)
    }

    /// Trains for `epochs` epochs, or fewer if it is asked to stop.
    ///
    /// # Errors
    /// The plug-in declines, fails, or reports a loss that is not finite or more samples than rows.
    pub fn train(&mut self, input: &Batch, epochs: u32) -> Result<Report, CallError> {
        const CALL: &str = "trainer.train";
        self.guest.check_columns(CALL, input)?;
        self.guest.call(
            CALL,
            |exports, store, session| {
                exports
                    .trainer()
                    .call_train(store, session, input.as_param(), epochs)
            },
            |report| check_report(report, input.rows()),
        )
    }

    /// Returns what it has used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.guest.usage()
    }

    /// Whether a failed call has ended it, so that a new one has to be opened.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.guest.is_dead()
    }

    fn check_shape(&mut self, call: &'static str, model: &Weights) -> Result<(), CallError> {
        let kind = Kind::Refused(Refusal::InvalidState);
        same_shape(&mut self.tensors, model)
            .map_err(|mismatch| self.guest.error(call, kind, mismatch))
    }
}

/// Checks that a model has the same tensors as the first one.
fn same_shape(tensors: &mut Option<Vec<TensorSpec>>, model: &Weights) -> Result<(), String> {
    let expected = tensors.get_or_insert_with(|| model.tensors().to_vec());
    model
        .expect_tensors(expected)
        .map_err(|mismatch| mismatch.to_string())
}

fn check_report(report: training::Report, rows: usize) -> Result<Report, String> {
    // A mean over nodes must not overflow.
    if !report.loss.is_finite() || report.loss.abs() > f64::from(f32::MAX) {
        return Err(format!("it reported a loss of {:e}", report.loss));
    }
    if !usize::try_from(report.samples).is_ok_and(|samples| samples <= rows) {
        return Err(format!(
            "it reported {} samples for {rows} rows",
            report.samples
        ));
    }
    Ok(Report {
        samples: report.samples,
        loss: report.loss,
        metrics: metrics(report.metrics),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bindings::types;
    use super::*;

    proptest! {
        #[test]
        fn an_accepted_report_can_be_averaged(samples in 0_u64..20, bits in any::<u64>(), rows in 0_usize..20, count in 0_usize..100) {
            let loss = f64::from_bits(bits);
            let metric = |_| types::Metric { name: "loss\u{1b}".into(), value: loss };
            let report = training::Report { samples, loss, metrics: (0..count).map(metric).collect() };
            match check_report(report, rows) {
                Ok(report) => {
                    prop_assert!(report.loss.is_finite() && report.samples <= rows as u64 && report.metrics.len() <= 64);
                    prop_assert!(report.metrics.iter().all(|metric| metric.name == "loss" && metric.value.is_finite()));
                }
                Err(error) => prop_assert!(!loss.is_finite() || loss.abs() > f64::from(f32::MAX) || samples > rows as u64, "{}", error),
            }
        }
    }
}
