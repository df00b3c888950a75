//! What judging a plug-in costs beside the plug-in's own work, and a whole benchmark from files to
//! figures.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use fedhost_base::clock::Stopwatch;
use fedhost_dataset::{Corpus, ReadOptions, Sources, Storage};
use fedhost_domain::protocol::Protocol;
use fedhost_evaluate::{Candidate, Document, Evaluation, LabelUse, Options, Subject, Threshold};
use fedhost_plugin::{Engine, EventSink, Limits, Loader, Parameters};
use tokio_util::sync::CancellationToken;

use crate::measure::{self, Figure, median};

const REPETITIONS: usize = 5;
const FILES: usize = 4;
const ROWS_PER_FILE: usize = 50_000;
const COLUMNS: usize = 8;

/// Microseconds a row in Python, to fit and to score, as `scripts/quality`'s data came with them:
/// scikit-learn's isolation forest, and River's half-space trees one row at a time.
const PEERS: [(&str, f64, f64); 2] = [
    ("isolation-forest", 23.0, 7.3),
    ("half-space-trees", 21.0, 15.8),
];

pub(crate) fn figures(document: &mut measure::Document) {
    overhead(document);
    document.extend(skab());
}

/// Wall time of everything between open files and the document, beside the time spent inside the
/// plug-in.
fn overhead(document: &mut measure::Document) {
    let home = tempfile::tempdir().unwrap();
    for file in 0..FILES {
        std::fs::write(home.path().join(format!("{file}.csv")), made_up(file)).unwrap();
    }
    let corpus = corpus(&[format!("{}/*.csv", home.path().display())], &[]);
    let options = options(Protocol::Split { fraction: 0.5 });
    for plugin in [
        "pca-t2q",
        "autoencoder",
        "ewma",
        "half-space-trees",
        "isolation-forest",
    ] {
        let measured: Vec<(f64, f64)> = (0..REPETITIONS)
            .map(|_| judge(&corpus, &options, &[plugin]))
            .collect();
        let [wall, inside] = [|it: &(f64, f64)| it.0, |it: &(f64, f64)| it.1]
            .map(|of| median(measured.iter().map(of).collect()));
        document.add(Figure::beside(
            &format!("evaluate_200k_rows_{plugin}"),
            1e3 * wall,
            "ms",
            "time inside the plug-in",
            1e3 * inside,
        ));
    }
}

/// The Skoltech Anomaly Benchmark in `SKAB_DIR`, beside what the same rows take in Python; nothing
/// without it.
fn skab() -> Vec<Figure> {
    let Some(folder) = std::env::var_os("SKAB_DIR") else {
        return Vec::new();
    };
    let folder = Path::new(&folder).display();
    let patterns = ["valve1", "valve2", "other"].map(|part| format!("{folder}/{part}/*.csv"));
    let options = options(Protocol::Prefix { rows: 400 });
    let mut rows = (0, 0);
    let times = (0..REPETITIONS).map(|_| {
        let watch = Stopwatch::start();
        let corpus = corpus(&patterns, &["datetime", "changepoint"]);
        let document = run(&corpus, &options, &PEERS.map(|(plugin, ..)| plugin));
        rows = (document.training_rows, document.scored_rows);
        watch.elapsed().as_secs_f64()
    });
    let time = median(times.collect());
    let (fitted, scored) = (rows.0 as f64, rows.1 as f64);
    let python: f64 = PEERS
        .iter()
        .map(|(_, fit, score)| 1e-6 * (fit * fitted + score * scored))
        .sum();
    vec![Figure::beside(
        "evaluate_skab_2_detectors",
        time,
        "s",
        "the same in scikit-learn and River, as stated",
        python,
    )]
}

/// Wall time, and the plug-ins' own, in seconds.
fn judge(corpus: &Corpus, options: &Options, plugins: &[&str]) -> (f64, f64) {
    let watch = Stopwatch::start();
    let document = run(corpus, options, plugins);
    let wall = watch.elapsed().as_secs_f64();
    (
        wall,
        document
            .results
            .iter()
            .map(|result| result.busy_seconds)
            .sum(),
    )
}

fn run(corpus: &Corpus, options: &Options, plugins: &[&str]) -> Document {
    let candidates: Vec<Candidate> = plugins.iter().map(|name| candidate(name)).collect();
    let (machine, cancel) = (BTreeMap::new(), CancellationToken::new());
    let evaluation = Evaluation {
        corpus,
        options,
        label: "anomaly",
        preprocess: None,
        limits: Limits::default(),
        command: "",
        machine: &machine,
        cancel: &cancel,
    };
    evaluation
        .run(&candidates, &|_, _| ControlFlow::Continue(()))
        .unwrap()
        .document
}

fn candidate(name: &str) -> Candidate {
    let no_listener: EventSink = Arc::new(|_| {});
    let limits = Limits {
        call_deadline_ms: 600_000,
        ..Limits::default()
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/{name}.wasm"));
    let loader =
        Loader::new(&Engine::new().unwrap(), no_listener).with_limits(Arc::new(move |_| limits));
    let plugin = loader.load(&file).unwrap();
    let parameters = plugin.check_parameters(&Parameters::new()).unwrap();
    Candidate {
        file,
        inspection: None,
        subject: Ok(Subject {
            plugin: Arc::new(plugin),
            parameters,
        }),
    }
}

fn corpus(patterns: &[String], ignore: &[&str]) -> Corpus {
    let ignore = ignore.iter().map(|&name| name.to_owned()).collect();
    let options = ReadOptions {
        label: Some("anomaly".to_owned()),
        ignore,
        ..ReadOptions::default()
    };
    let sources = Sources::labelled(patterns);
    Corpus::open(&Storage::default(), &sources, &options, |_| {
        ControlFlow::Continue(())
    })
    .unwrap()
}

fn options(protocol: Protocol) -> Options {
    Options {
        protocol,
        seed: 0,
        repeat: 1,
        threshold: Threshold::Quantile(0.99),
        smooth_rows: 1,
        epochs: 5,
        labels: LabelUse::WhereNeeded,
        rows_per_call: 1000,
    }
}

/// A machine that runs evenly, and now and then does not.
fn made_up(seed: usize) -> String {
    let mut csv = (0..COLUMNS)
        .map(|column| format!("c{column},"))
        .collect::<String>()
        + "anomaly\n";
    let mut state = seed as u64 + 1;
    for row in 0..ROWS_PER_FILE {
        let is_anomalous = row % 1000 > 940;
        for column in 0..COLUMNS {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 40) as f32 / (1 << 24) as f32;
            let shift = if is_anomalous && column % 3 == 0 {
                1.5
            } else {
                0.0
            };
            write!(csv, "{:.4},", noise + shift + column as f32).unwrap();
        }
        writeln!(csv, "{}", u8::from(is_anomalous)).unwrap();
    }
    csv
}
