//! `fedhost doctor`.

use clap::Args;
use serde::Serialize;

use super::{Ending, Global, ManifestArgs, screen};
use crate::app;
use fedhost_bus::checkup::{Finding, Outcome};

/// Looks at everything that a run would need: plug-ins, directories, and the way to the brokers;
/// says what is wrong and what to do.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost doctor config/demo.toml
  fedhost doctor config/kafka.toml --set kafka.bootstrap_servers='[\"broker-1:9093\"]'

Writes no record and moves no offset. Exit code 1 when something would keep a run from working.")]
pub(super) struct Doctor {
    #[command(flatten)]
    manifest: ManifestArgs,
}

/// How many findings there are of each kind.
#[derive(Debug, Default, Serialize)]
struct Tally {
    ok: usize,
    warnings: usize,
    failed: usize,
    unknown: usize,
}

#[derive(Serialize)]
struct Document<'a> {
    findings: &'a [Finding],
    #[serde(flatten)]
    tally: &'a Tally,
}

impl Doctor {
    pub(super) fn execute(&self, global: &Global) -> Ending {
        let manifest = match self.manifest.load() {
            Ok(manifest) => manifest,
            Err(error) => return Ending::Refused(error),
        };
        let mut findings = Vec::new();
        app::doctor::examine(&manifest, &mut |finding| {
            let is_shown = !global.quiet || finding.outcome != Outcome::Ok;
            if is_shown && !global.json {
                screen::result(&describe(&finding));
            }
            findings.push(finding);
        });
        let tally = Tally::of(&findings);
        if global.json {
            if let Err(error) = screen::json(&Document {
                findings: &findings,
                tally: &tally,
            }) {
                return Ending::Failed(error);
            }
        } else if !global.quiet {
            screen::result(&tally.describe());
        }
        match tally.failed {
            0 => Ending::Done,
            failed => Ending::Failed(miette::miette!(
                "{failed} of {} checks failed",
                findings.len()
            )),
        }
    }
}

impl Tally {
    fn of(findings: &[Finding]) -> Self {
        findings.iter().fold(Self::default(), |mut tally, finding| {
            match finding.outcome {
                Outcome::Ok => tally.ok += 1,
                Outcome::Warning => tally.warnings += 1,
                Outcome::Failed => tally.failed += 1,
                Outcome::Unknown => tally.unknown += 1,
            }
            tally
        })
    }

    fn describe(&self) -> String {
        let Self {
            ok,
            warnings,
            failed,
            unknown,
        } = self;
        format!("{ok} ok, {warnings} warnings, {failed} failed, {unknown} unknown")
    }
}

fn describe(
    Finding {
        subject,
        outcome,
        detail,
        hint,
    }: &Finding,
) -> String {
    let outcome = match outcome {
        Outcome::Ok => "ok",
        Outcome::Warning => "warning",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
    };
    let hint = hint
        .as_ref()
        .map_or_else(String::new, |hint| format!("\n{:<9}hint: {hint}", ""));
    format!("{outcome:<8} {subject}: {detail}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_and_its_remedy_another() {
        let finding = Finding::failed("broker 1", "nothing listens", "start it");
        assert_eq!(
            describe(&finding),
            "failed   broker 1: nothing listens\n         hint: start it"
        );
        assert_eq!(
            describe(&Finding::ok("topics", "fine")),
            "ok       topics: fine"
        );
    }
}
