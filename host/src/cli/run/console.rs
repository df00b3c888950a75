//! What people see of a run: a table of rounds, notices between its lines, and on a terminal a line
//! that moves.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use fedhost_base::event::{Event, PluginEvent, RunEvent, Stamped};
use fedhost_domain::event::{FederationEvent, GlobalEvaluation};

use crate::cli::progress::Spinner;
use crate::cli::table::{Row, heading};
use crate::cli::words::{Weight, describe};
use crate::cli::{Global, LogFormat, screen};
use crate::run_log::RunLog;
use fedhost_base::announce::Listener;
use fedhost_base::hint::explain;

/// Rounds that wait for their evaluation while evaluations arrive, before they are shown without.
const AWAITED_MAX: usize = 3;
/// A round that is not evaluated within this time is shown without, and so are those after it until
/// an evaluation arrives: its nodes send none.
const EVALUATED_WITHIN_MS: u64 = 2_000;
/// Warnings of one kind that are shown before the rest is only counted.
const SHOWN_OF_A_KIND: u64 = 5;

/// Shows events to people.
pub(super) struct Console {
    shown: Option<Weight>,
    spinner: Spinner,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In order.
    awaited: VecDeque<Row>,
    answered: u64,
    round: u64,
    heading_shown: bool,
    first: Option<GlobalEvaluation>,
    last: Option<GlobalEvaluation>,
    /// When the oldest awaited round was closed.
    waiting_since_ms: u64,
    /// Whether nodes send no evaluations, as far as it shows.
    is_silent: bool,
    rounds: u64,
    rejected: u64,
    skipped: u64,
    started_ms: u64,
    ended_ms: u64,
    outcome: Option<(u64, String, Option<String>)>,
    last_loss: Option<f64>,
}

impl Console {
    pub(super) fn new(global: &Global) -> Self {
        let shown = match (global.log_format, global.quiet, global.verbose > 0) {
            (LogFormat::Json, ..) => None,
            (_, true, _) => Some(Weight::Warning),
            (_, _, true) => Some(Weight::Detail),
            _ => Some(Weight::Notice),
        };
        Self {
            shown,
            spinner: Spinner::new(global, "starting"),
            state: Mutex::default(),
        }
    }

    /// Takes the moving line off the screen, and shows what is still to be shown.
    pub(super) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.show_rounds(&mut state, 0);
        self.spinner.finish();
    }

    /// What the run has come to.
    pub(super) fn summary(&self, run_log: &Path) -> String {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .summary(run_log)
    }

    /// Shows those rounds that are evaluated, and the oldest others beyond `awaited`.
    fn show_rounds(&self, state: &mut State, awaited: usize) {
        while let Some(row) = state.awaited.pop_front_if(|row| row.after.is_some()) {
            self.show_round(state, &row);
        }
        while state.awaited.len() > awaited {
            let Some(row) = state.awaited.pop_front() else {
                return;
            };
            self.show_round(state, &row);
        }
    }

    fn show_round(&self, state: &mut State, row: &Row) {
        if self.shown < Some(Weight::Notice) {
            return;
        }
        if !std::mem::replace(&mut state.heading_shown, true) {
            screen::note(&heading());
        }
        screen::note(&row.line());
    }

    fn show(&self, state: &mut State, event: &Event) {
        let Some((weight, text)) = describe(event) else {
            return;
        };
        if self.shown < Some(weight) {
            return;
        }
        match state.times_of(event) {
            times if times <= SHOWN_OF_A_KIND => screen::note(&text),
            times if times == SHOWN_OF_A_KIND + 1 => {
                screen::note("further warnings of this kind are only counted")
            }
            _ => {}
        }
    }

    fn show_moving(&self, state: &State) {
        if state.round == 0 {
            return;
        }
        let nodes = if state.answered == 1 {
            "node has"
        } else {
            "nodes have"
        };
        self.spinner
            .set(|| format!("round {}: {} {nodes} answered", state.round, state.answered));
    }
}

impl Listener for Console {
    fn on_event(&self, event: &Stamped) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended_ms = event.time_ms;
        let waited_ms = event.time_ms.saturating_sub(state.waiting_since_ms);
        if !state.awaited.is_empty() && waited_ms > EVALUATED_WITHIN_MS {
            state.is_silent = true;
        }
        match &event.event {
            Event::Run(RunEvent::RunStarted { .. }) => state.started_ms = event.time_ms,
            Event::Federation(FederationEvent::RoundOpened { round }) => {
                (state.round, state.answered) = (*round, 0)
            }
            Event::Federation(FederationEvent::UpdateAccepted { .. }) => state.answered += 1,
            Event::Federation(FederationEvent::UpdateRejected { .. }) => state.rejected += 1,
            Event::Run(RunEvent::RecordSkipped { .. }) => state.skipped += 1,
            Event::Federation(FederationEvent::RoundClosed(closed)) => {
                state.rounds += 1;
                state.last_loss = Some(closed.loss);
                state.awaited.push_back(Row {
                    closed: closed.clone(),
                    before: None,
                    after: None,
                });
                if state.awaited.len() == 1 {
                    state.waiting_since_ms = event.time_ms;
                }
                let awaited = if state.is_silent { 0 } else { AWAITED_MAX };
                self.show_rounds(&mut state, awaited);
            }
            Event::Federation(FederationEvent::RoundEvaluated {
                round,
                before,
                after,
            }) => {
                state.evaluated(*round, before.as_ref(), after);
                self.show_rounds(&mut state, AWAITED_MAX);
            }
            Event::Run(RunEvent::RunFinished {
                round,
                outcome,
                weights_sha256,
            }) => {
                let sha256 = weights_sha256.as_ref().map(ToString::to_string);
                state.outcome = Some((*round, outcome.clone(), sha256));
            }
            _ => {}
        }
        if state.is_silent {
            self.show_rounds(&mut state, 0);
        }
        self.show(&mut state, &event.event);
        self.show_moving(&state);
    }
}

impl State {
    fn evaluated(
        &mut self,
        round: u64,
        before: Option<&GlobalEvaluation>,
        after: &GlobalEvaluation,
    ) {
        self.is_silent = false;
        if let Some(row) = self
            .awaited
            .iter_mut()
            .find(|row| row.closed.round == round)
        {
            (row.before, row.after) = (before.cloned(), Some(after.clone()));
        }
        self.first
            .get_or_insert_with(|| before.unwrap_or(after).clone());
        self.last = Some(after.clone());
    }

    /// How often something of this kind has been shown, this time included; only warnings that come
    /// in floods count.
    fn times_of(&self, event: &Event) -> u64 {
        match event {
            Event::Federation(FederationEvent::UpdateRejected { .. }) => self.rejected,
            Event::Run(RunEvent::RecordSkipped { .. }) => self.skipped,
            _ => 0,
        }
    }

    fn summary(&self, run_log: &Path) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            writeln!(text, "{name:<15} {value}").ok();
        };
        if let Some((round, outcome, _)) = &self.outcome {
            line("outcome", outcome);
            line(
                "global model",
                &format!("of round {round}, {} made in this run", self.rounds),
            );
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds are far below 2^53"
        )]
        let seconds = self.ended_ms.saturating_sub(self.started_ms) as f64 / 1e3;
        line("duration", &format!("{seconds:.1} s"));
        if let Some(loss) = self.last_loss {
            line("training loss", &format!("{loss:.4}"));
        }
        let auc =
            |evaluation: &Option<GlobalEvaluation>| evaluation.as_ref().and_then(|one| one.roc_auc);
        if let (Some(first), Some(last)) = (auc(&self.first), auc(&self.last)) {
            let rows = self.last.as_ref().map_or(0, |evaluation| evaluation.rows);
            line(
                "ROC AUC",
                &format!("{first:.4} -> {last:.4} on {rows} held-out rows"),
            );
        }
        if self.rejected + self.skipped > 0 {
            line(
                "not used",
                &format!(
                    "{} updates rejected, {} records skipped",
                    self.rejected, self.skipped
                ),
            );
        }
        if let Some((_, _, Some(sha256))) = &self.outcome {
            line("weights sha256", sha256);
        }
        line("run log", &run_log.display().to_string());
        line("pictures", &format!("fedhost report {}", run_log.display()));
        text
    }
}

/// Writes every event into the run log, but for the stream of training progress.
pub(super) struct Recorder(Mutex<RunLog>);

impl Recorder {
    pub(super) fn new(log: RunLog) -> Self {
        Self(Mutex::new(log))
    }
}

impl Listener for Recorder {
    fn on_event(&self, event: &Stamped) {
        if matches!(
            event.event,
            Event::Plugin(PluginEvent::PluginProgress { .. })
        ) {
            return;
        }
        let appended = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(event);
        if let Err(error) = appended {
            screen::note(&format!("warning: {}", explain(&error)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_domain::event::{Durations, RoundClosed};
    use fedhost_domain::model::Sha256Hex;

    fn console() -> Console {
        Console::new(&Global {
            json: false,
            log_format: LogFormat::Json,
            verbose: 0,
            quiet: true,
        })
    }

    fn at(time_ms: u64, event: FederationEvent) -> Stamped {
        Stamped {
            time_ms,
            event: event.into(),
        }
    }

    fn closed(round: u64) -> FederationEvent {
        FederationEvent::RoundClosed(RoundClosed {
            round,
            participants: Vec::new(),
            missing: Vec::new(),
            rejected: 0,
            closed_by: "interval".into(),
            samples: 1,
            loss: 0.5,
            weights_sha256: Sha256Hex::of(b"weights"),
            norm: 1.0,
            durations: Durations::default(),
        })
    }

    fn evaluated(round: u64) -> FederationEvent {
        FederationEvent::RoundEvaluated {
            round,
            before: None,
            after: GlobalEvaluation {
                rows: 1,
                anomalous: 0,
                roc_auc: None,
                average_precision: None,
                nodes: Vec::new(),
            },
        }
    }

    fn awaited(console: &Console) -> usize {
        console.state.lock().unwrap().awaited.len()
    }

    #[test]
    fn rounds_of_nodes_that_send_no_evaluations_are_shown_when_closed() {
        let console = console();
        console.on_event(&at(0, closed(1)));
        assert_eq!(awaited(&console), 1, "an evaluation may still come");
        console.on_event(&at(2_500, FederationEvent::RoundOpened { round: 2 }));
        assert_eq!(awaited(&console), 0);
        for round in 2..5 {
            console.on_event(&at(30_000 * round, closed(round)));
            assert_eq!(awaited(&console), 0, "round {round}");
        }
        console.on_event(&at(150_100, evaluated(4)));
        console.on_event(&at(150_200, closed(5)));
        assert_eq!(awaited(&console), 1, "evaluations arrive again");
    }

    #[test]
    fn quick_rounds_wait_for_their_evaluations_in_order() {
        let console = console();
        for round in 1..=3 {
            console.on_event(&at(round, closed(round)));
        }
        assert_eq!(awaited(&console), 3);
        console.on_event(&at(5, evaluated(2)));
        assert_eq!(awaited(&console), 3, "round 1 comes first");
        console.on_event(&at(6, evaluated(1)));
        assert_eq!(awaited(&console), 1);
    }
}
