//! `fedhost evaluate`.

mod candidates;
mod progress;
mod table;

use miette::IntoDiagnostic as _;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use fedhost_domain::protocol::Protocol;
use tokio_util::sync::CancellationToken;

use super::reading::ReadingArgs;
use super::{Ending, Global, run, screen};
use crate::report;
use candidates::Candidates;
use fedhost_dataset::{Corpus, Sources, Storage};
use fedhost_evaluate::{
    self as evaluate, Document, Evaluation, Options, Outcome, Threshold, figures,
};

const EXAMPLES: &str = "\
Examples:
  fedhost evaluate --plugin isolation-forest --plugin pca-t2q --data pump.csv --label anomaly --ignore timestamp
      which of two plug-ins finds more, on rows of one's own
  fedhost evaluate --plugin ./downloaded.wasm --data 'runs/*.csv' --delimiter ';' --label anomaly \\
      --protocol prefix:400 --report out.html --scores out.csv
      a model from elsewhere, trained on the first 400 rows of each file, with a report

Protocols:
  prefix:ROWS              each file has a model of its own, trained on its first rows, which scores the rest
  split:FRACTION           one model is trained on the first share of every file, and scores the rest of each
  by-file:FRACTION         one model is trained on the first files of each folder, in name order, and scores the others
  stratified:FRACTION      rows are shuffled; one model is trained on a share of either class, and scores the rest
  prequential:DELAY_ROWS   each row is scored first, and learnt from once that many further rows are scored
  shuffled-prequential:DELAY_ROWS   the same with all rows shuffled, for rows that have no order

Formats, by extension: .csv .tsv .txt .jsonl .ndjson (each also .gz) .parquet .npy .npz

Exit code 1 when a plug-in failed or failed an integrity check; the others are still evaluated.";

/// Evaluates plug-ins on labelled rows: what they find, what they miss, what they cost, and whether
/// they pass the integrity checks. Each runs alone in its own sandbox, on the same rows in the same order, and sees
/// no label of a row before it has scored it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Evaluate {
    /// A plug-in of the folder, such as `ewma` or `ewma@^0.1`, or a component's file; may be
    /// repeated
    #[arg(long = "plugin", required = true, value_name = "NAME|FILE")]
    plugins: Vec<String>,
    /// A preprocessor for the rows of every model
    #[arg(long, value_name = "NAME|FILE")]
    preprocess: Option<String>,
    /// The folder of components
    #[arg(long, default_value = "plugins", value_name = "DIR")]
    plugins_dir: PathBuf,
    /// Rows; may be repeated
    #[arg(long = "data", required = true, value_name = "FILE|GLOB")]
    data: Vec<String>,
    /// Rows to train on, with or without labels; all rows of --data are then scored. May be repeated
    #[arg(long, value_name = "FILE|GLOB", conflicts_with = "protocol")]
    train: Vec<String>,
    /// Files with one label a row, matched with those of --data in the order of their names; may be
    /// repeated. With --label, their column of labels
    #[arg(long, value_name = "FILE|GLOB")]
    labels_from: Vec<String>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Set a parameter of a plug-in; may be repeated
    #[arg(long = "parameters", num_args = 1.., value_name = "NAME.KEY=VALUE")]
    parameters: Vec<String>,
    /// Which rows are trained on, and which are scored [default: split:0.7]
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<Protocol>,
    /// Everything random follows from it
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Repeat the evaluation N times, each with the next seed
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    repeat: u32,
    /// The score from which a row is flagged: quantile:Q of the scores of normal rows to train on,
    /// value:X, or best-f1, which is chosen with the labels in view [default: quantile:0.99;
    /// best-f1 where nothing is trained on beforehand]
    #[arg(long, value_name = "THRESHOLD")]
    threshold: Option<Threshold>,
    /// Average each score over this many rows: the row and those before it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), value_name = "ROWS")]
    smooth: u32,
    /// How often a model goes over the rows to train on
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    epochs: u32,
    /// Which models see the labels of rows to train on
    #[arg(long, value_enum, default_value_t = LabelChoice::WhereNeeded, value_name = "WHO")]
    labels: LabelChoice,
    /// Rows that a plug-in is given at once
    #[arg(long, default_value_t = 1000, value_parser = rows, value_name = "ROWS")]
    batch: usize,
    /// Set a limit of all plug-ins, as in `[plugins.limits]` of a manifest; may be repeated
    #[arg(long = "limits", num_args = 1.., value_name = "KEY=VALUE")]
    limits: Vec<String>,
    /// Count the work of plug-ins too, in units that are the same on every machine; slows them down
    /// a little
    #[arg(long)]
    fuel: bool,
    /// Write a page with pictures
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Write every score: file, row, label, then one column a plug-in; of the first seed
    #[arg(long, value_name = "FILE.csv")]
    scores: Option<PathBuf>,
    /// Write the table of figures, as CSV or as Markdown
    #[arg(long, value_name = "FILE.csv|FILE.md")]
    table: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LabelChoice {
    /// Those that decline to learn without
    WhereNeeded,
    /// All of them
    Always,
    /// None
    Never,
}

fn rows(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|&rows| rows > 0)
        .ok_or_else(|| "a whole number above 0 is needed".to_owned())
}

impl Evaluate {
    pub(super) fn execute(&self, global: &Global) -> Ending {
        let cancel = CancellationToken::new();
        if let Err(error) = listen(&cancel) {
            return Ending::Refused(error);
        }
        let prepared = self.prepare(global, &cancel);
        let (candidates, corpus, options) = match prepared {
            Ok(prepared) => prepared,
            Err(_) if cancel.is_cancelled() => return Ending::Interrupted,
            Err(error) => return Ending::Refused(error),
        };
        match self.judge(global, &candidates, &corpus, &options, &cancel) {
            _ if cancel.is_cancelled() => Ending::Interrupted,
            Ok(document) => verdict(&document),
            Err(error) => Ending::Failed(error),
        }
    }

    /// Everything that can be wrong before a plug-in sees a row.
    fn prepare(
        &self,
        global: &Global,
        cancel: &CancellationToken,
    ) -> Result<(Candidates, Corpus, Options), miette::Report> {
        let options = self.options()?;
        self.outputs().try_for_each(check_writable)?;
        let candidates = Candidates::load(self)?;
        let sources = Sources {
            data: self.data.clone(),
            labels_from: self.labels_from.clone(),
            training: self.train.clone(),
        };
        let reading = self.reading.options();
        let corpus = progress::reading(
            global,
            |watch| Corpus::open(&Storage::default(), &sources, &reading, watch),
            cancel,
        )?;
        options.check(&corpus)?;
        Ok((candidates, corpus, options))
    }

    fn options(&self) -> Result<Options, miette::Report> {
        let protocol = self.protocol();
        let is_prequential = !protocol.trains_before_scoring();
        let threshold = match self.threshold {
            Some(Threshold::Quantile(_)) if is_prequential => miette::bail!(
                help = "choose value:X or best-f1",
                "--threshold quantile takes the scores of rows to train on, and {} has none before it scores",
                protocol
            ),
            Some(threshold) => threshold,
            None if is_prequential => Threshold::BestF1,
            None => Threshold::Quantile(0.99),
        };
        if self.smooth > 1 && !protocol.is_time_ordered() {
            return Err(figures::Error::Shuffled { rows: self.smooth }.into());
        }
        Ok(Options {
            protocol,
            seed: self.seed,
            repeat: self.repeat,
            threshold,
            smooth_rows: self.smooth,
            epochs: self.epochs,
            labels: self.labels.into(),
            rows_per_call: self.batch,
        })
    }

    /// Which rows are trained on: those of --train, if there are any.
    fn protocol(&self) -> Protocol {
        const SPLIT: Protocol = Protocol::Split { fraction: 0.7 };
        if self.train.is_empty() {
            self.protocol.unwrap_or(SPLIT)
        } else {
            Protocol::Given
        }
    }

    /// Files to write.
    fn outputs(&self) -> impl Iterator<Item = &Path> {
        [&self.report, &self.scores, &self.table]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
    }

    fn judge(
        &self,
        global: &Global,
        candidates: &Candidates,
        corpus: &Corpus,
        options: &Options,
        cancel: &CancellationToken,
    ) -> Result<Document, miette::Report> {
        let (command, machine) = (command(), machine());
        let label = match &self.reading.label {
            Some(label) => label.clone(),
            None => self.labels_from.join(", "),
        };
        let evaluation = Evaluation {
            corpus,
            options,
            label: &label,
            preprocess: candidates.preprocess.as_ref(),
            limits: candidates.limits,
            command: &command,
            machine: &machine,
            cancel,
        };
        let progress = progress::rows(global, &evaluation, candidates.all.len())?;
        let outcome = evaluation.run(&candidates.all, &|plugin, step| {
            progress::step(&progress, plugin, step);
            ControlFlow::Continue(())
        })?;
        drop(progress);
        if !cancel.is_cancelled() {
            self.write_files(global, &evaluation, &outcome)?;
        }
        if global.json {
            screen::json(&outcome.document)?;
        } else {
            screen::result(&table::text(&outcome.document));
        }
        Ok(outcome.document)
    }

    fn write_files(
        &self,
        global: &Global,
        evaluation: &Evaluation<'_>,
        outcome: &Outcome,
    ) -> Result<(), miette::Report> {
        let document = &outcome.document;
        if let Some(file) = &self.scores {
            write(file, |out| outcome.scores.write(evaluation, out))?;
        }
        if let Some(file) = &self.table {
            let is_markdown = file.extension().is_some_and(|extension| extension == "md");
            write(file, |out| match is_markdown {
                true => Ok(table::markdown(document, out).into_diagnostic()?),
                false => Ok(table::csv(document, out).into_diagnostic()?),
            })?;
        }
        if let Some(file) = &self.report {
            write(file, |out| {
                out.write_all(report::evaluation::render(document).as_bytes())
                    .into_diagnostic()
            })?;
        }
        for file in self.outputs().filter(|_| !global.quiet) {
            screen::note(&format!("written: {}", file.display()));
        }
        Ok(())
    }
}

/// As it was given, for a POSIX shell.
fn command() -> String {
    let arguments = std::env::args().skip(1);
    let words: Vec<String> = std::iter::once("fedhost".to_owned())
        .chain(arguments.map(|word| quoted(&word)))
        .collect();
    words.join(" ")
}

fn machine() -> BTreeMap<String, String> {
    let cores = std::thread::available_parallelism()
        .map_or_else(|_| "unknown".to_owned(), |cores| cores.to_string());
    let known = [
        ("os", std::env::consts::OS),
        ("architecture", std::env::consts::ARCH),
        ("cores", cores.as_str()),
    ];
    known
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@^".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Says before everything else is done that the end of it would be lost. What is there already
/// stays as it is.
fn check_writable(file: &Path) -> Result<(), miette::Report> {
    let is_new = !file.exists();
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .map_err(|error| unwritable(file, &error))?;
    if is_new {
        std::fs::remove_file(file).map_err(|error| unwritable(file, &error))?;
    }
    Ok(())
}

fn unwritable(file: &Path, reason: &dyn std::fmt::Display) -> miette::Report {
    miette::miette!(
        help = "choose another place",
        "{} cannot be written: {reason}",
        file.display()
    )
}

fn write(
    file: &Path,
    fill: impl FnOnce(&mut dyn std::io::Write) -> Result<(), miette::Report>,
) -> Result<(), miette::Report> {
    use std::io::Write as _;
    let mut out = std::io::BufWriter::new(
        std::fs::File::create(file).map_err(|error| unwritable(file, &error))?,
    );
    fill(&mut out)
        .and_then(|()| out.flush().into_diagnostic())
        .map_err(|error| unwritable(file, &format_args!("{error:#}")))
}

/// Plug-ins that failed, or failed an integrity check, one a line.
fn verdict(document: &Document) -> Ending {
    let failed = document
        .results
        .iter()
        .filter(|result| result.status != evaluate::Status::Ok);
    let failed: Vec<String> = failed.map(table::complaint).collect();
    if failed.is_empty() {
        Ending::Done
    } else {
        Ending::Failed(miette::miette!(failed.join("\n")))
    }
}

/// A thread that waits for Ctrl-C.
fn listen(cancel: &CancellationToken) -> Result<(), miette::Report> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .into_diagnostic()?;
    let cancel = cancel.clone();
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || runtime.block_on(run::listen_for_ctrl_c(cancel)))
        .into_diagnostic()?;
    Ok(())
}

impl From<LabelChoice> for evaluate::LabelUse {
    fn from(labels: LabelChoice) -> Self {
        match labels {
            LabelChoice::WhereNeeded => Self::WhereNeeded,
            LabelChoice::Always => Self::Always,
            LabelChoice::Never => Self::Never,
        }
    }
}
