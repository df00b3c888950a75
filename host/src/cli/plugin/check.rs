//! `fedhost plugin check`.

use fedhost_base::hint::explain;
use std::path::{Path, PathBuf};

use clap::Args;
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use serde_json::json;

use super::super::progress::Spinner;
use super::super::{Ending, Global, screen};
use super::parameters;
use fedhost_plugin::check::{CheckResult, Setup, check};
use fedhost_plugin::{Loader, Parameters, Plugin, Refused};

/// Check that components keep the promises of their interface: determinism, saved states, batch
/// cuts, shapes, missing values, constant columns, few rows. Prints for each broken promise what
/// was done, what came, what was expected, and how to fix it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fedhost plugin check plugins/my-model.wasm\n  fedhost plugin check plugins --json\n  fedhost plugin check plugins/my-model.wasm --parameter window_rows=50 --column pressure --limit memory_bytes=16777216\n\nExit code 1 when a promise is broken, or a component is refused."
)]
pub(in crate::cli) struct Check {
    /// Components, or directories of components
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Set a parameter of the plug-in; may be repeated
    #[arg(long = "parameter", value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    /// Name a column of the rows; may be repeated [default: c0 to c3]
    #[arg(long = "column", value_name = "NAME")]
    columns: Vec<String>,
    /// Set a limit, as in `[plugins.limits]` of a manifest; may be repeated
    #[arg(long = "limit", value_name = "KEY=VALUE")]
    limits: Vec<String>,
    /// Seed of trainers and detectors
    #[arg(long, default_value_t = 7, value_name = "N")]
    seed: u64,
}

/// The result for one file.
struct Outcome {
    file: PathBuf,
    checked: Result<(Plugin, Vec<CheckResult>), Refused>,
}

impl Check {
    pub(in crate::cli) fn execute(&self, global: &Global) -> Ending {
        let prepared = self.files().and_then(|files| {
            Ok((
                files,
                parameters::parse(&self.parameters)?,
                parameters::loader(&self.limits)?,
            ))
        });
        let (files, given, loader) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Ending::Refused(error),
        };
        let mut outcomes = Vec::with_capacity(files.len());
        for file in files {
            match self.one(global, &loader, file, &given) {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => return Ending::Refused(error),
            }
        }
        if global.json
            && let Err(error) =
                screen::json(&outcomes.iter().map(Outcome::document).collect::<Vec<_>>())
        {
            return Ending::Failed(error);
        }
        verdict(&outcomes)
    }

    fn files(&self) -> Result<Vec<PathBuf>, miette::Report> {
        let mut files = Vec::new();
        for path in &self.paths {
            if path.is_dir() {
                files.extend(components(path)?);
            } else {
                // A missing file is bad input; a file that is no component is a failed check.
                path.metadata()
                    .into_diagnostic()
                    .wrap_err_with(|| format!("cannot read {}", path.display()))?;
                files.push(path.clone());
            }
        }
        Ok(files)
    }

    fn one(
        &self,
        global: &Global,
        loader: &Loader,
        file: PathBuf,
        given: &Parameters,
    ) -> Result<Outcome, miette::Report> {
        let plugin = match loader.load(&file) {
            Ok(plugin) => plugin,
            Err(refused) => {
                if !global.json {
                    screen::result(&format!(
                        "{}\n  FAIL  it is refused: {}",
                        file.display(),
                        explain(&refused.reason)
                    ));
                }
                return Ok(Outcome {
                    file,
                    checked: Err(refused),
                });
            }
        };
        let setup = Setup {
            columns: self.columns(),
            parameters: parameters::complete(&plugin, given)?,
            given: given.keys().cloned().collect(),
            seed: self.seed,
        };
        if !global.json {
            screen::result(&format!("{} ({})", plugin.id(), file.display()));
        }
        let spinner = Spinner::new(global, &format!("checking {}", plugin.id()));
        let mut checked = 0;
        let results = check(&plugin, &setup, &mut |result| {
            print(global, result);
            checked += 1;
            spinner.set(|| format!("checking {}: {checked} promises checked", plugin.id()));
        });
        spinner.finish();
        Ok(Outcome {
            file,
            checked: Ok((plugin, results)),
        })
    }

    fn columns(&self) -> Vec<String> {
        if self.columns.is_empty() {
            (0..4).map(|column| format!("c{column}")).collect()
        } else {
            self.columns.clone()
        }
    }
}

fn components(directory: &Path) -> Result<Vec<PathBuf>, miette::Report> {
    let pattern = directory.join("*.wasm");
    let pattern = pattern
        .to_str()
        .ok_or_else(|| miette!("{} is no UTF-8", directory.display()))?;
    let files: Vec<PathBuf> = glob::glob(pattern)
        .into_diagnostic()?
        .filter_map(Result::ok)
        .collect();
    if files.is_empty() {
        miette::bail!(
            help = format!(
                "`fedhost plugin build DIR --out {0}` makes one",
                directory.display()
            ),
            "there is no component in {0}",
            directory.display()
        )
    }
    Ok(files)
}

/// Prints a result: one line for a kept promise, a paragraph for a broken one.
fn print(global: &Global, result: &CheckResult) {
    let CheckResult {
        check,
        promise,
        fault,
    } = result;
    match fault {
        _ if global.json => {}
        None if global.quiet => {}
        None => screen::result(&format!("  ok    {check}: {promise}")),
        Some(fault) => screen::result(&format!(
            "  FAIL  {check}: {promise}\n        done      {}\n        came      {}\n        expected  {}\n        fix       {}",
            fault.done,
            fault.came.replace('\n', "\n                  "),
            fault.expected,
            fault.remedy
        )),
    }
}

impl Outcome {
    fn document(&self) -> serde_json::Value {
        match &self.checked {
            Ok((plugin, results)) => json!({
                "file": self.file, "plugin": plugin.id(), "refused": null, "failed": broken(results), "checks": results,
            }),
            Err(refused) => json!({
                "file": self.file, "plugin": null, "refused": explain(&refused.reason), "failed": 0, "checks": [],
            }),
        }
    }
}

fn broken(results: &[CheckResult]) -> usize {
    results
        .iter()
        .filter(|result| result.fault.is_some())
        .count()
}

fn verdict(outcomes: &[Outcome]) -> Ending {
    let faulty: Vec<String> = outcomes.iter().filter_map(Outcome::complaint).collect();
    if faulty.is_empty() {
        Ending::Done
    } else {
        Ending::Failed(miette::miette!(faulty.join("\n")))
    }
}

impl Outcome {
    fn complaint(&self) -> Option<String> {
        match &self.checked {
            Ok((_, results)) => match broken(results) {
                0 => None,
                broken => Some(format!(
                    "{} breaks {broken} of {} promises",
                    self.file.display(),
                    results.len()
                )),
            },
            Err(refused) => Some(explain(refused)),
        }
    }
}
