//! Evaluations as they come out, made up.

use std::collections::BTreeMap;

use fedhost_domain::metrics::{
    Confusion, Curves, DetectionDelay, FalseAlarms, Interval, Intervals, LEVELS, Nab, Point,
    Probabilities, Profiles, ReliabilityBin, Trace,
};
use fedhost_domain::model::Sha256Hex;
use fedhost_domain::protocol::Protocol;

use fedhost_dataset::Counting;
use fedhost_evaluate::figures::ThresholdFrom;
use fedhost_evaluate::{
    BaselineResult, Card, DataCard, DataWarning, Document, Figures, FileCard, FileResult,
    FileTrace, IntegrityResult, LabelUse, PluginResult, Repeat, RepeatedRows, Said, Status,
};
use fedhost_plugin::{ComponentVerdict, Inspection, Limits};

/// What kind of evaluation to make up.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) plugins: usize,
    pub(super) files: usize,
    /// The last ones crashed.
    pub(super) failing: usize,
    /// The first one breaks a promise.
    pub(super) unfair: bool,
    /// Scored rows are all normal.
    pub(super) one_class: bool,
    pub(super) labels_in_view: bool,
    /// Of the intervals.
    pub(super) half_width: f64,
    pub(super) always_f1: f64,
    /// F1 of the number of a row.
    pub(super) position_f1: f64,
    /// NAB score of random scores.
    pub(super) random_nab: f64,
    /// Scored rows that were trained on.
    pub(super) repeated: u64,
    /// False alarms where 0.1 % are promised.
    pub(super) observed: f64,
    pub(super) seeds: u32,
    /// Reasons to doubt the results that lie in the rows.
    pub(super) warnings: Vec<DataWarning>,
    /// Columns that count rows.
    pub(super) counting: Vec<Counting>,
    /// Stands in every place whose text is untrusted.
    pub(super) text: String,
}

impl Sample {
    pub(super) fn new(plugins: usize, files: usize) -> Self {
        Self {
            plugins,
            files,
            failing: 0,
            unfair: false,
            one_class: false,
            labels_in_view: false,
            half_width: 0.05,
            always_f1: 0.3,
            position_f1: 0.4,
            random_nab: 5.0,
            repeated: 0,
            observed: 0.001,
            seeds: 1,
            warnings: Vec::new(),
            counting: Vec::new(),
            text: String::new(),
        }
    }

    pub(super) fn document(&self) -> Document {
        Document {
            data: self.data(),
            protocol: Protocol::Prefix { rows: 400 },
            seed: 7,
            repeat: self.seeds,
            threshold: "quantile:0.999".to_owned(),
            smooth_rows: 1,
            epochs: 20,
            labels: LabelUse::WhereNeeded,
            rows_per_call: 1000,
            training_rows: 400 * self.files as u64,
            scored_rows: 1000 * self.files as u64,
            scored_anomalous: if self.one_class {
                0
            } else {
                300 * self.files as u64
            },
            warnings: self.warnings.clone(),
            repeated_rows: Some(RepeatedRows {
                looked_at: 1000,
                repeated: self.repeated,
            }),
            preprocess: None,
            preprocess_integrity: Vec::new(),
            limits: Limits::default(),
            results: (1..=self.plugins)
                .map(|number| self.result(number))
                .collect(),
            baselines: self.baselines(),
            command: format!("fedhost evaluate --plugin 'ewma' {}", self.text),
            version: "0.1.0".to_owned(),
            machine: BTreeMap::from([("cores".to_owned(), "2".to_owned())]),
        }
    }

    fn baselines(&self) -> Vec<BaselineResult> {
        let figures = self.figures(0.5);
        let nab = figures.nab.map(|nab| Nab {
            scores: Profiles {
                standard: self.random_nab,
                ..nab.scores
            },
            ..nab
        });
        let of = |name, f1| BaselineResult {
            name,
            figures: Figures {
                f1: Some(f1),
                nab,
                ..figures.clone()
            },
        };
        vec![
            of("always", self.always_f1),
            of("random", 0.2),
            of("row-position", self.position_f1),
        ]
    }

    fn data(&self) -> DataCard {
        DataCard {
            files: self.files,
            rows: 1400 * self.files as u64,
            columns: 2,
            anomalous: 0.3,
            sha256: Sha256Hex::of(b"data").to_string(),
            column_names: vec![format!("pressure{}", self.text), "flow".to_owned()],
            label: format!("anomaly{}", self.text),
            missing: 3,
            counting: self.counting.clone(),
            merging: Vec::new(),
            file_list: (0..self.files).map(|file| self.file_card(file)).collect(),
        }
    }

    fn file_card(&self, file: usize) -> FileCard {
        FileCard {
            name: self.file_name(file),
            rows: 1400,
            anomalous: 300,
            sha256: Sha256Hex::of(b"file").to_string(),
        }
    }

    fn file_name(&self, file: usize) -> String {
        format!("pumps/{file}.csv{}", self.text)
    }

    fn name(&self, number: usize) -> String {
        format!("plugin-{number}{}", self.text)
    }

    fn result(&self, number: usize) -> PluginResult {
        let failed = number > self.plugins - self.failing;
        let unfair = self.unfair && number == 1;
        let status = match (failed, unfair) {
            (true, _) => Status::Trap,
            (_, true) => Status::InvalidOutput,
            _ => Status::Ok,
        };
        let auc = 0.9 - 0.01 * (number - 1) as f64;
        let figures = if failed {
            Figures::none()
        } else {
            self.figures(auc)
        };
        let files = if failed { 0 } else { self.files };
        PluginResult {
            card: self.card(number),
            status,
            scored_rows: figures.rows,
            repeats: self.repeats(auc),
            spread: if self.seeds > 1 {
                BTreeMap::from([("roc_auc", 0.004)])
            } else {
                BTreeMap::new()
            },
            figures,
            fit_seconds: 0.1,
            score_seconds: 0.02 * number as f64,
            preprocess_seconds: 0.0,
            busy_seconds: 0.2,
            cut_short: false,
            rows_per_second: (!failed).then_some(50_000.0 / number as f64),
            peak_memory_bytes: 2_097_152,
            calls: 12,
            fuel: None,
            error: (status != Status::Ok).then(|| format!("it went wrong{}", self.text)),
            labelled: false,
            constant_training_score: None,
            integrity: if failed {
                Vec::new()
            } else {
                self.findings(unfair)
            },
            files: (0..files).map(|file| self.file_result(file, auc)).collect(),
            traces: (0..files.min(6)).map(|file| self.trace(file)).collect(),
            component: Some(self.component(number)),
            said: Said {
                lines: 30,
                first: vec![format!("info: hello{}", self.text)],
                progress_reports: 2,
            },
        }
    }

    fn card(&self, number: usize) -> Card {
        Card {
            plugin: self.name(number),
            version: "0.1.0".to_owned(),
            sha256: Some(Sha256Hex::of(b"component")),
            file: format!("plugins/{}.wasm", self.name(number)),
            parameters: BTreeMap::from([(
                format!("alpha{}", self.text),
                serde_json::json!(self.text),
            )]),
        }
    }

    fn repeats(&self, auc: f64) -> Vec<Repeat> {
        (0..self.seeds)
            .map(|seed| Repeat {
                seed: u64::from(seed),
                figures: BTreeMap::from([("roc_auc", auc)]),
            })
            .collect()
    }

    fn findings(&self, unfair: bool) -> Vec<IntegrityResult> {
        let finding = |check, promise, kept| IntegrityResult {
            check,
            promise,
            kept,
            detail: format!("seen{}", self.text),
        };
        vec![
            finding(
                "repeatable",
                "the same rows have the same scores",
                Some(true),
            ),
            finding(
                "later-rows",
                "a score does not depend on later rows",
                Some(!unfair),
            ),
            finding(
                "last-label",
                "scores do not repeat the label seen last",
                None,
            ),
        ]
    }

    fn component(&self, number: usize) -> Inspection {
        Inspection {
            file: self.name(number),
            size_bytes: 120_000,
            sha256: Sha256Hex::of(b"component"),
            imports: vec![format!("fedhost:plugin/host@0.1.0{}", self.text)],
            exports: vec!["fedhost:plugin/detection@0.1.0".to_owned()],
            abilities: None,
            descriptor: None,
            initial_memory_bytes: None,
            producers: Vec::new(),
            licence: Some(format!("MIT{}", self.text)),
            verdict: ComponentVerdict::Accepted,
        }
    }

    fn file_result(&self, file: usize, auc: f64) -> FileResult {
        let figures = [
            ("roc_auc", auc),
            ("average_precision", 0.7),
            ("f1", 0.6),
            ("far", 0.1),
            ("mar", 0.2),
        ];
        FileResult {
            name: self.file_name(file),
            rows: 1000,
            anomalous: 300,
            figures: if self.one_class {
                BTreeMap::new()
            } else {
                BTreeMap::from(figures)
            },
            delay_rows: Some(3.0),
        }
    }

    fn trace(&self, file: usize) -> FileTrace {
        let points = (0..800_u64)
            .map(|row| (row, ((row % 37) as f32).sin()))
            .collect();
        FileTrace {
            name: self.file_name(file),
            first_row: 400,
            trace: Trace {
                rows: 800,
                points,
                anomalous: vec![(150, 450)],
            },
        }
    }

    fn figures(&self, auc: f64) -> Figures {
        let rows = 1000 * self.files as u64;
        if self.one_class {
            return Figures {
                rows,
                far: Some(0.1),
                threshold: Some(1.5),
                ..Figures::none()
            };
        }
        let some = |value: f64| Some(value);
        Figures {
            rows,
            anomalous_rows: 300 * self.files as u64,
            roc_auc: some(auc),
            average_precision: some(auc - 0.1),
            f1: some(0.8),
            precision: some(0.8),
            recall: some(0.8),
            far: some(0.1),
            mar: some(0.2),
            threshold: Some(1.5),
            threshold_from: if self.labels_in_view {
                ThresholdFrom::ScoredLabels
            } else {
                ThresholdFrom::TrainingScores
            },
            confusion: Some(confusion()),
            detection_delay: Some(DetectionDelay {
                windows: 4,
                detected: 3,
                mean_rows: Some(2.0),
                median_rows: Some(2.0),
            }),
            nab: Some(Nab {
                scores: Profiles {
                    standard: 60.0,
                    low_fp: 50.0,
                    low_fn: 70.0,
                },
                thresholds: Profiles {
                    standard: Some(1.0),
                    low_fp: Some(1.0),
                    low_fn: Some(1.0),
                },
                windows: 4,
            }),
            calibration: self.calibration(),
            intervals: Intervals {
                roc_auc: Some(Interval {
                    low: auc - self.half_width,
                    high: (auc + self.half_width).min(1.0),
                }),
                ..Intervals::default()
            },
            curves: Some(curves(auc)),
        }
    }

    fn calibration(&self) -> fedhost_evaluate::figures::Calibration {
        let alarms = |(index, level): (usize, _)| FalseAlarms {
            level,
            threshold: 0.5 * (index + 1) as f32,
            observed: if index == 2 {
                self.observed
            } else {
                level.nominal
            },
        };
        fedhost_evaluate::figures::Calibration {
            false_alarms: LEVELS.into_iter().enumerate().map(alarms).collect(),
            probabilities: Some(Probabilities {
                brier: 0.1,
                calibration_error: 0.05,
                bins: vec![
                    ReliabilityBin {
                        mean_score: 0.1,
                        anomalous: 0.0,
                        rows: 10,
                    },
                    ReliabilityBin {
                        mean_score: 0.9,
                        anomalous: 1.0,
                        rows: 5,
                    },
                ],
            }),
        }
    }
}

fn confusion() -> Confusion {
    let mut confusion = Confusion::default();
    for row in 0..100_u32 {
        confusion.add_row(row % 3 == 0, row % 4 == 0);
    }
    confusion
}

/// As many points as there ever are.
fn curves(auc: f64) -> Curves {
    let steps = || (0..=480).map(|step| f64::from(step) / 480.0);
    let power = (1.0 - auc) / auc;
    Curves {
        roc: steps()
            .map(|x| Point {
                x,
                y: x.powf(power),
            })
            .collect(),
        precision_recall: steps()
            .map(|x| Point {
                x,
                y: 1.0 - 0.6 * x,
            })
            .collect(),
    }
}
