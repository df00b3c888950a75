//! The command line: one file a command.

mod build;
mod check;
mod columns;
mod compile;
mod completions;
mod dlq;
mod doctor;
mod evaluate;
mod inspect;
mod library_log;
mod list;
mod on_bus;
mod plugin;
mod progress;
mod reading;
mod report;
mod run;
mod screen;
mod table;
mod topics;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use fedhost_base::hint::explain_report;

/// Runs federated learning and anomaly detection on streams of sensor readings, with models as
/// sandboxed WebAssembly plug-ins.
#[derive(Debug, Parser)]
#[command(name = "fedhost", version, propagate_version = true, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Start here:
  fedhost plugin build guests/baseline-deviation guests/logistic-regression
                                       build the plug-ins that the demo needs
  fedhost run config/demo.toml         two simulated machines learn together
  fedhost report data/demo/aggregation_log.jsonl
                                       pictures of what happened

Exit codes: 0 done; 1 it ran and failed; 2 bad usage, manifest or input; 130 interrupted.";

#[derive(Clone, Debug, Args)]
struct Global {
    /// Print the result as JSON on stdout: one document, or one line an event for `run`
    #[arg(long, global = true)]
    json: bool,
    /// How progress is written on stderr
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,
    /// Show more: what plug-ins log, every update, every training, and the log of the Kafka client;
    /// -vv also shows the debug lines of the libraries underneath
    #[arg(short, long, global = true, conflicts_with = "quiet", action = ArgAction::Count)]
    verbose: u8,
    /// Show only what went wrong
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every role of a manifest in this process, or the roles named
    Run(run::Run),
    /// Report everything that is wrong with a manifest, without starting anything
    Check(check::Check),
    /// Check everything that a run needs, brokers included, and report what is wrong and how to fix
    /// it
    Doctor(doctor::Doctor),
    /// Start, build, check, try, list and inspect plug-ins
    #[command(subcommand)]
    Plugin(Plugin),
    /// Evaluate plug-ins on labelled rows, each in a sandbox of its own, with a report
    Evaluate(Box<evaluate::Evaluate>),
    /// List, show, replay and purge dead-letter records: records that could not be used
    #[command(subcommand)]
    Dlq(dlq::Dlq),
    /// Make, list and describe the topics of a manifest, and show how far behind their readers are
    #[command(subcommand)]
    Topics(topics::Topics),
    /// Turn run logs into one HTML page with pictures and tables
    Report(report::Report),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Compile the component on stdin; this program runs it as a child process
    #[command(name = fedhost_plugin::compiler::COMMAND, hide = true)]
    Compile(compile::Compile),
}

#[derive(Debug, Subcommand)]
enum Plugin {
    /// List the plug-ins of a directory, and the files that are refused with the reason
    List(list::List),
    /// Show what a component is, what it imports, and whether this host would run it
    Inspect(inspect::Inspect),
    /// Build plug-ins from source into components and install them
    Build(build::Build),
    /// Start a plug-in: a folder that builds, passes its own test, and has sample rows to score
    New(plugin::new::New),
    /// Check that a component keeps the promises of its interface, and say what its author has to fix
    Check(plugin::check::Check),
    /// Run a component over the rows of a CSV file
    Try(plugin::try_out::Try),
}

/// Layers over a manifest.
#[derive(Debug, Args)]
struct ManifestArgs {
    /// The manifest, a TOML file such as config/demo.toml
    manifest: PathBuf,
    /// Set a value of the manifest; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

impl ManifestArgs {
    fn load(&self) -> Result<fedhost_manifest::Loaded, miette::Report> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the command line is where the environment comes in"
        )]
        let environment = std::env::vars_os();
        // A value that is no UTF-8 cannot be meant for a manifest.
        let environment = environment.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Ok(fedhost_manifest::load(
            &self.manifest,
            environment,
            &self.sets,
        )?)
    }
}

/// How a command ended.
#[derive(Debug)]
pub enum Ending {
    /// It did what it was asked to.
    Done,
    /// It could not begin: bad usage, manifest or input.
    Refused(miette::Report),
    /// It began, and failed.
    Failed(miette::Report),
    /// It was interrupted, and stopped cleanly.
    Interrupted,
}

impl Ending {
    /// As the shell sees it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed(_) => 1,
            Self::Refused(_) => 2,
            Self::Interrupted => 130,
        })
    }
}

impl From<Result<(), miette::Report>> for Ending {
    fn from(result: Result<(), miette::Report>) -> Self {
        result.map_or_else(Self::Refused, |()| Self::Done)
    }
}

/// Carries out the command.
#[must_use]
pub fn execute(cli: Cli) -> Ending {
    let Cli { global, command } = cli;
    library_log::start(&global);
    match command {
        Command::Run(run) => run.execute(&global),
        Command::Check(check) => check.execute(&global).into(),
        Command::Doctor(doctor) => doctor.execute(&global),
        Command::Plugin(Plugin::List(list)) => list.execute(&global).into(),
        Command::Plugin(Plugin::Inspect(inspect)) => inspect.execute(&global),
        Command::Plugin(Plugin::Build(build)) => build.execute(&global),
        Command::Plugin(Plugin::New(new)) => new.execute(&global),
        Command::Plugin(Plugin::Check(check)) => check.execute(&global),
        Command::Plugin(Plugin::Try(try_out)) => try_out.execute(&global),
        Command::Evaluate(evaluate) => evaluate.execute(&global),
        Command::Dlq(dlq) => dlq.execute(&global),
        Command::Topics(topics) => topics.execute(&global),
        Command::Report(report) => report.execute(&global).into(),
        Command::Completions(completions) => completions.execute(),
        Command::Compile(compile) => compile.execute(),
    }
}

/// Prints on stderr what went wrong.
pub fn print_error(error: &miette::Report) {
    screen::note(&format!("error: {}", explain_report(error)));
}
