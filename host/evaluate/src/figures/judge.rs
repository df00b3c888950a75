//! Figures of rows in time order, at a threshold that is known by then.

use fedhost_domain::metrics::{
    Confusion, DelayMeter, FalseAlarmMeter, ProbabilityMeter, QuantileLevel,
};

use super::walk::Step;
use super::{Calibration, Figures};

/// Takes all scored rows in their order.
#[derive(Debug)]
pub(super) struct Judge {
    threshold: Option<f32>,
    confusion: Confusion,
    /// `None` without a threshold, or when the order is not time.
    delay: Option<DelayMeter>,
    alarms: FalseAlarmMeter,
    probabilities: ProbabilityMeter,
}

impl Judge {
    /// With quantiles of the training scores.
    pub(super) fn new(
        threshold: Option<f32>,
        levels: Vec<(QuantileLevel, f32)>,
        is_time: bool,
    ) -> Self {
        Self {
            threshold,
            confusion: Confusion::default(),
            delay: threshold.filter(|_| is_time).map(DelayMeter::new),
            alarms: FalseAlarmMeter::new(levels),
            probabilities: ProbabilityMeter::default(),
        }
    }

    /// Takes the next row; says whether it is flagged, if that can be said.
    pub(super) fn add(&mut self, step: &Step) -> Option<bool> {
        let (score, label) = (step.row.score, step.row.label);
        self.alarms.add(score, label);
        self.probabilities.add(score, label);
        if let Some(delay) = &mut self.delay {
            if step.begins {
                delay.end_series();
            }
            delay.push(score, label);
        }
        let flagged = score >= self.threshold?;
        self.confusion.add_row(flagged, label);
        Some(flagged)
    }

    /// What these rows support; all other figures are left out.
    pub(super) fn figures(self) -> Figures {
        let confusion = self.confusion;
        let (normals, anomalies) = (confusion.normals(), confusion.anomalies());
        let of = |rows: u64, figure: fn(&Confusion) -> f64| (rows > 0).then(|| figure(&confusion));
        Figures {
            f1: of(normals.min(anomalies), Confusion::f1),
            precision: of(normals.min(anomalies), Confusion::precision),
            recall: of(anomalies, Confusion::recall),
            far: of(normals, Confusion::far),
            mar: of(anomalies, Confusion::mar),
            confusion: self.threshold.map(|_| confusion),
            detection_delay: self.delay.and_then(DelayMeter::finish),
            calibration: Calibration {
                false_alarms: self.alarms.finish(),
                probabilities: self.probabilities.finish(),
            },
            ..Figures::default()
        }
    }
}
