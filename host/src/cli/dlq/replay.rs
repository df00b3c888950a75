//! `fedhost dlq replay`.

use clap::Args;
use serde_json::json;

use super::{OfTopic, Scene, bound, ending_of};
use crate::cli::progress::{Progress, Unit};
use crate::cli::{Ending, Global, screen};
use crate::dead_letters::{
    self, Bound, DeadLetterTopic, Error, Filter, REPLAYS_MAX, ReplayRefusal, ReplaySummary,
    ScanProgress,
};
use fedhost_base::hint::with_hint;

/// Puts the originals of dead-letter records back on their topic, byte for byte, the oldest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedhost dlq replay config/demo.toml model_updates --dry-run
  fedhost dlq replay config/demo.toml model_updates --reason trap --rate 50/s
  fedhost dlq replay config/demo.toml model_updates --where line=3 --from 2026-03-01T12:00:00Z --to 2h

A record is replayed once: a stopped replay resumes where it was, and what a filter left out can be replayed later.
Records that arrive meanwhile are for the next replay. The dead-letter records themselves stay until they are purged.
A place is an offset (120), a partition and an offset (0:120), a time, or an age (36h, 7d): then the time of the failure counts.")]
pub(in crate::cli) struct Replay {
    #[command(flatten)]
    pub(super) of: OfTopic,
    /// Only records of this reason
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// Only records with this header; may be repeated, then all headers must be there
    #[arg(long = "where", value_name = "HEADER=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Only records at or after this place
    #[arg(long, value_name = "PLACE", value_parser = bound)]
    from: Option<Bound>,
    /// Only records before this place
    #[arg(long, value_name = "PLACE", value_parser = bound)]
    to: Option<Bound>,
    /// Records a second, such as 50/s; by default as fast as the topic takes them
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<f64>,
    /// The most records to replay
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Show what would be replayed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Forget what was replayed before, and begin at the oldest record
    #[arg(long)]
    again: bool,
    /// Replay also what was replayed three times already and failed each time
    #[arg(long)]
    force: bool,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write a header's name, =, and its value")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).trim();
    let rate: f64 = number
        .parse()
        .map_err(|_| "write records a second, such as 50/s")?;
    // Slower than one a day is a mistake, and more than this is no limit.
    let sensible = 1e-5..=1e9;
    if sensible.contains(&rate) {
        Ok(rate)
    } else {
        Err("write a number of records a second above 0".to_owned())
    }
}

impl Replay {
    pub(super) async fn run(&self, scene: &Scene, global: &Global) -> Ending {
        let topic = self.of.resolve(&scene.manifest);
        let progress = Progress::new(global, Unit::Records, 0);
        let mut done = 0;
        let outcome = self.replay(scene, &topic, &progress, &mut done).await;
        let account = match outcome {
            Ok(account) => account,
            Err(error @ Error::Bus(_)) if done > 0 && !self.dry_run => {
                let done = format!(
                    "{done} records were replayed; started again, the replay continues from there"
                );
                return Ending::Failed(miette::Report::from_err(error).wrap_err(done));
            }
            Err(error) => return ending_of(error),
        };
        if let Err(error) = self.print(&topic, &account, global) {
            return Ending::Failed(error);
        }
        if account.is_interrupted {
            Ending::Interrupted
        } else {
            Ending::Done
        }
    }

    async fn replay(
        &self,
        scene: &Scene,
        topic: &DeadLetterTopic,
        progress: &Progress,
        done: &mut u64,
    ) -> Result<ReplaySummary, Error> {
        let filter = Filter {
            reason: self.reason.clone(),
            headers: self.headers.clone(),
            from: self.from,
            to: self.to,
        };
        let Self {
            rate,
            limit,
            dry_run,
            again,
            force,
            ..
        } = *self;
        let replay = dead_letters::Replay {
            filter,
            rate,
            limit,
            dry_run,
            again,
            force,
        };
        let word = if dry_run {
            "to be replayed"
        } else {
            "replayed"
        };
        let shown = |account: &ReplaySummary, seen: ScanProgress| {
            *done = account.replayed;
            progress.set(
                &format!("{} {word}", account.replayed),
                seen.records,
                seen.of,
            );
        };
        replay
            .run(scene.bus_of(&topic.name)?, topic, &scene.stop, shown)
            .await
    }

    fn print(
        &self,
        topic: &DeadLetterTopic,
        account: &ReplaySummary,
        global: &Global,
    ) -> Result<(), miette::Report> {
        if global.json {
            let DeadLetterTopic { name, source } = topic;
            return screen::json(
                &json!({ "topic": name, "onto": source, "dry_run": self.dry_run, "account": account }),
            );
        }
        screen::result(&self.describe(topic, account));
        for (refusal, count) in &account.refused {
            screen::note(&why(*refusal, *count));
        }
        Ok(())
    }

    fn describe(&self, topic: &DeadLetterTopic, account: &ReplaySummary) -> String {
        let verb = match (self.dry_run, account.replayed) {
            (true, _) => "would be replayed",
            (false, 1) => "was replayed",
            (false, _) => "were replayed",
        };
        let records = if account.replayed == 1 {
            "record"
        } else {
            "records"
        };
        let mut text = format!(
            "{} {records} {verb} onto {}",
            account.replayed, topic.source
        );
        let reasons = account
            .reasons
            .iter()
            .map(|(reason, count)| format!("{} {count}", reason.escape_debug()));
        let reasons: Vec<String> = reasons.collect();
        if !reasons.is_empty() {
            text += &format!(": {}", reasons.join(", "));
        }
        for (count, words) in [
            (account.replayed_before, "replayed before"),
            (account.left_out, "left out by the filter"),
        ] {
            if count > 0 {
                text += &format!("; {count} {words}");
            }
        }
        text
    }
}

fn why(refusal: ReplayRefusal, count: u64) -> String {
    let records = super::counted(count);
    match refusal {
        ReplayRefusal::ReplayedTooOften => with_hint(
            format_args!(
                "{records} stayed: replayed {REPLAYS_MAX} times already, and failed each time"
            ),
            Some("look at them with `fedhost dlq show`; --force replays them once more"),
        ),
        ReplayRefusal::OfAnotherTopic => format!(
            "{records} stayed: their header {} does not name the topic that these dead-letter records belong to",
            dead_letters::headers::TOPIC
        ),
        ReplayRefusal::WithoutValue => with_hint(
            format_args!("{records} stayed: the value was too large to be kept"),
            Some("it may still lie at the place that `fedhost dlq show` names"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_above_nothing() {
        assert_eq!(
            (rate("50/s"), rate("0.5"), rate("7 /s")),
            (Ok(50.0), Ok(0.5), Ok(7.0))
        );
        for bad in ["", "0", "-1/s", "nan", "inf", "1e300", "fast", "5/m"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_header_may_hold_anything() {
        assert_eq!(header("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(header("a").is_err());
    }
}
