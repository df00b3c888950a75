//! `fedhost run`.

mod console;
mod json_lines;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use miette::{IntoDiagnostic as _, WrapErr as _};
use tokio_util::sync::CancellationToken;

use super::{Ending, Global, LogFormat, ManifestArgs, screen};
use crate::app::{self, Options, Outcome, Prepared};
use crate::observe::Observed;
use crate::run_log::RunLog;
use console::Console;
use fedhost_base::announce::{Announcer, Listener};
use fedhost_manifest::{Loaded, RoleKind};
use json_lines::JsonLines;

/// Runs every role of a manifest in this process, or the roles named, until its rounds are done or
/// you press Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost run config/demo.toml
  fedhost run config/demo.toml --rounds 3 --set model.local_epochs=2
  fedhost run config/demo.toml --role sensor --node 1 --for 10s

What was learnt is stored in bus.directory: started again, the run resumes where it stopped. Ctrl-C stops it cleanly; a
second Ctrl-C stops it at once. Nothing that was acknowledged is lost either way.")]
pub(super) struct Run {
    #[command(flatten)]
    manifest: ManifestArgs,
    /// Run only this role here; may be repeated
    #[arg(long = "role", value_parser = role_kinds())]
    roles: Vec<RoleKind>,
    /// Run only this fog node, and the sensors that feed it; may be repeated
    #[arg(long = "node", value_name = "ID")]
    nodes: Vec<u32>,
    /// Stop after this many global models, counted from the beginning of the federation
    #[arg(long, value_name = "N")]
    rounds: Option<u64>,
    /// Stop after this time, such as 30s, 10m or 2h
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
}

fn role_kinds() -> impl TypedValueParser<Value = RoleKind> {
    let values = RoleKind::ALL.map(|kind| PossibleValue::new(kind.word()).help(kind.summary()));
    PossibleValuesParser::new(values).try_map(|word| word.parse::<RoleKind>())
}

fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "write a time such as 30s, 10m or 2h".to_owned())?;
    Duration::try_from(span).map_err(|_| "a time cannot be negative".to_owned())
}

impl Run {
    pub(super) fn execute(self, global: &Global) -> Ending {
        let loaded = match self.manifest.load() {
            Ok(loaded) => loaded,
            Err(error) => return Ending::Refused(error),
        };
        let runtime = match tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => {
                return Ending::Refused(
                    miette::Report::from_err(error).wrap_err("no threads can be started"),
                );
            }
        };
        let ending = runtime.block_on(self.run(loaded, global));
        // A guest that is still in a call is stopped by its deadline; the program does not wait for it.
        runtime.shutdown_background();
        ending
    }

    fn options(&self) -> Options {
        let name = self
            .manifest
            .manifest
            .file_name()
            .unwrap_or(self.manifest.manifest.as_os_str());
        Options {
            manifest_name: name.to_string_lossy().into_owned(),
            roles: self.roles.iter().copied().collect(),
            nodes: self.nodes.iter().copied().collect(),
            rounds: self.rounds,
            duration: self.duration,
        }
    }

    async fn run(self, loaded: Loaded, global: &Global) -> Ending {
        let options = self.options();
        let path = app::run_log_path(&loaded);
        let console = Arc::new(Console::new(global));
        let prepared = async {
            let observed = Observed::new();
            let announcer = announcer(global, &console, &path, &observed)?;
            Prepared::new(loaded, options, announcer, &observed).await
        };
        let interrupt = CancellationToken::new();
        tokio::spawn(listen_for_ctrl_c(interrupt.clone()));
        // Nothing has begun yet that would have to be ended.
        let prepared = tokio::select! {
            prepared = prepared => prepared,
            () = interrupt.cancelled() => return Ending::Interrupted,
        };
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Ending::Refused(error),
        };
        let outcome = prepared.run(interrupt).await;
        console.finish();
        if !global.json {
            screen::result(&console.summary(&path));
        }
        match outcome {
            Ok(Outcome::Completed | Outcome::TimeLimit) => Ending::Done,
            Ok(Outcome::Interrupted) => Ending::Interrupted,
            Err(error) => Ending::Failed(error.into()),
        }
    }
}

fn announcer(
    global: &Global,
    console: &Arc<Console>,
    path: &std::path::Path,
    observed: &Observed,
) -> Result<Announcer, miette::Report> {
    let log = RunLog::open(path)?;
    let mut listeners: Vec<Box<dyn Listener>> = vec![
        Box::new(console::Recorder::new(log)),
        Box::new(Arc::clone(console)),
        Box::new(observed.clone()),
    ];
    if global.json {
        listeners.push(Box::new(JsonLines::on_stdout()));
    }
    if global.log_format == LogFormat::Json {
        listeners.push(Box::new(JsonLines::on_stderr()));
    }
    Ok(Announcer::new(listeners))
}

/// The first Ctrl-C, or SIGTERM, asks for a clean stop; the second does not wait for it.
pub(super) async fn listen_for_ctrl_c(interrupt: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())
        .into_diagnostic()
        .wrap_err("SIGTERM")
        .ok();
    let mut asked = async || match &mut terminated {
        Some(terminated) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        },
        None => drop(tokio::signal::ctrl_c().await),
    };
    asked().await;
    screen::note(
        "stopping: the batch in hand is finished first; press Ctrl-C again to stop at once",
    );
    interrupt.cancel();
    asked().await;
    std::process::exit(130);
}
