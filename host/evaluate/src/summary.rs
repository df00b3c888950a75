//! Sums up what plug-ins have come to.

use std::collections::BTreeMap;
use std::fmt;

use super::document::{Card, Document, PluginResult, Repeat, Status};
use super::figures::Figures;
use super::integrity::IntegrityResult;
use super::run::{Attempt, Candidate};
use super::subject::Subject;
use super::trial::Stop;
use fedhost_base::hint::explain;
use fedhost_plugin::Inspection;

impl Card {
    pub(super) fn of(subject: &Subject) -> Self {
        let plugin = &subject.plugin;
        let parameters = subject.parameters.iter().map(|one| {
            (
                one.name.clone(),
                serde_json::to_value(&one.value).unwrap_or_default(),
            )
        });
        Self {
            plugin: plugin.id().name.clone(),
            version: plugin.id().version.clone(),
            sha256: Some(plugin.id().sha256.clone()),
            file: plugin.file().display().to_string(),
            parameters: parameters.collect(),
        }
    }

    /// Of a component that is not run: what can be seen from outside.
    fn of_refused(candidate: &Candidate) -> Self {
        let inspection: Option<&Inspection> = candidate.inspection.as_ref();
        Self {
            plugin: candidate
                .file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            version: String::new(),
            sha256: inspection.map(|inspection| inspection.sha256.clone()),
            file: candidate.file.display().to_string(),
            parameters: BTreeMap::new(),
        }
    }
}

impl PluginResult {
    pub(super) fn new(candidate: &Candidate) -> Self {
        let card = candidate
            .subject
            .as_ref()
            .map_or_else(|_| Card::of_refused(candidate), Card::of);
        Self {
            card,
            status: Status::Ok,
            figures: Figures::none(),
            scored_rows: 0,
            fit_seconds: 0.0,
            score_seconds: 0.0,
            preprocess_seconds: 0.0,
            busy_seconds: 0.0,
            rows_per_second: None,
            peak_memory_bytes: 0,
            calls: 0,
            fuel: None,
            error: None,
            labelled: false,
            constant_training_score: None,
            cut_short: false,
            integrity: Vec::new(),
            repeats: Vec::new(),
            spread: BTreeMap::new(),
            files: Vec::new(),
            traces: Vec::new(),
            component: candidate.inspection.clone(),
            said: Default::default(),
        }
    }

    pub(super) fn ended(&mut self, status: Status, error: String) {
        (self.status, self.error) = (status, Some(error));
    }

    pub(super) fn stopped(&mut self, stop: &Stop) {
        let status = match stop {
            Stop::Call(error) => Status::from(error),
            Stop::Interrupted => Status::Interrupted,
            Stop::Data(_) | Stop::Plan(_) | Stop::Batch(_) | Stop::Scores(_) => Status::Refused,
        };
        let text = match stop {
            Stop::Scores(error) => explain(error),
            stop => stop.to_string(),
        };
        self.ended(status, text);
    }

    /// Takes over figures and costs of all seeds; `complete` says whether the first one came to its
    /// end.
    pub(super) fn summarise(&mut self, attempts: &[Attempt], complete: bool) {
        self.costs(attempts);
        if !complete {
            self.integrity.clear();
            return;
        }
        let of_seeds = || {
            attempts
                .iter()
                .filter_map(|attempt| Some((attempt.seed, attempt.figures.as_ref()?)))
        };
        self.figures = of_seeds()
            .next()
            .map_or_else(Figures::none, |(_, figures)| figures.clone());
        self.repeats = of_seeds()
            .map(|(seed, figures)| Repeat {
                seed,
                figures: by_name(figures),
            })
            .collect();
        if self.repeats.len() > 1 {
            self.mean_of_repeats();
        }
        let broken = broken(&self.integrity, "it");
        if !broken.is_empty() && self.status == Status::Ok {
            self.ended(Status::InvalidOutput, broken);
        }
    }

    /// What a preprocessor does that is not fair is in the scores of every model behind it.
    pub(super) fn suspect(&mut self, preparing: &[IntegrityResult]) {
        let broken = broken(preparing, "the preprocessor");
        if !broken.is_empty() && self.status == Status::Ok {
            self.ended(Status::InvalidOutput, broken);
        }
    }

    fn mean_of_repeats(&mut self) {
        for (name, figure) in named(&mut self.figures) {
            let all: Vec<f64> = self
                .repeats
                .iter()
                .filter_map(|it| it.figures.get(name).copied())
                .collect();
            let (mean, deviation) = moments(&all);
            *figure = mean;
            self.spread
                .extend(deviation.map(|deviation| (name, deviation)));
        }
    }

    /// Means over the seeds of times; calls and work of the first seed; the most memory ever.
    fn costs(&mut self, attempts: &[Attempt]) {
        let seeds = attempts.len().max(1) as f64;
        let mean = |seconds: fn(&Attempt) -> f64| attempts.iter().map(seconds).sum::<f64>() / seeds;
        self.fit_seconds = mean(|attempt| attempt.cost.fit.busy.as_secs_f64());
        self.score_seconds = mean(|attempt| attempt.cost.score.busy.as_secs_f64());
        self.busy_seconds = mean(|attempt| attempt.cost.busy().as_secs_f64());
        self.rows_per_second = Some(self.scored_rows as f64 / self.score_seconds)
            .filter(|rate| rate.is_finite() && *rate > 0.0);
        self.preprocess_seconds = mean(|attempt| attempt.cost.prepare.busy.as_secs_f64());
        self.peak_memory_bytes = attempts
            .iter()
            .map(|it| it.cost.peak_memory_bytes())
            .max()
            .unwrap_or(0);
        if let Some(first) = attempts.first() {
            self.calls = first.cost.calls();
            self.fuel = Some(first.cost.fuel()).filter(|&fuel| fuel > 0);
        }
    }
}

/// One line a promise that is broken; empty when none is.
fn broken(findings: &[IntegrityResult], who: &str) -> String {
    let broken = findings
        .iter()
        .filter(|finding| finding.kept == Some(false));
    let lines = broken.map(|it| {
        format!(
            "{who} breaks a promise ({}: {}): {}",
            it.check, it.promise, it.detail
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The figures that are given for each seed and each file.
fn named(figures: &mut Figures) -> [(&'static str, &mut Option<f64>); 7] {
    let Figures {
        roc_auc,
        average_precision,
        f1,
        precision,
        recall,
        far,
        mar,
        ..
    } = figures;
    [
        ("roc_auc", roc_auc),
        ("average_precision", average_precision),
        ("f1", f1),
        ("precision", precision),
        ("recall", recall),
        ("far", far),
        ("mar", mar),
    ]
}

pub(super) fn by_name(figures: &Figures) -> BTreeMap<&'static str, f64> {
    named(&mut figures.clone())
        .into_iter()
        .filter_map(|(name, figure)| Some((name, (*figure)?)))
        .collect()
}

/// Mean, and standard deviation of at least two.
fn moments(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let count = values.len() as f64;
    if values.is_empty() {
        return (None, None);
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (
        Some(mean),
        (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
    )
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ok => "ok",
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::OutputTooLarge => "output-too-large",
            Self::InvalidOutput => "invalid-output",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        })
    }
}

impl Document {
    /// Results from the best ROC AUC to the worst; those that cannot be believed last.
    #[must_use]
    pub fn ranked(&self) -> Vec<&PluginResult> {
        let mut ranked: Vec<&PluginResult> = self.results.iter().collect();
        let place = |result: &PluginResult| {
            let auc = result.figures.roc_auc.unwrap_or(f64::NEG_INFINITY);
            (result.status == Status::Ok, auc)
        };
        ranked.sort_by(|left, right| {
            let ((left_ok, left_auc), (right_ok, right_auc)) = (place(left), place(right));
            right_ok.cmp(&left_ok).then(right_auc.total_cmp(&left_auc))
        });
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_takes_two() {
        assert_eq!(moments(&[]), (None, None));
        assert_eq!(moments(&[2.0]), (Some(2.0), None));
        assert_eq!(moments(&[1.0, 3.0]), (Some(2.0), Some(2.0_f64.sqrt())));
    }
}
