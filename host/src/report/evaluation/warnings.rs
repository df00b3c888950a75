//! What speaks against believing the answer.

use maud::{Markup, html};

use super::standing::Standing;
use super::words::{ending, finite, is_unfair, listed, percent};
use crate::report::words::{count, plural, score, short};
use fedhost_evaluate::figures::ThresholdFrom;
use fedhost_evaluate::{BaselineResult, Document, Figures};

/// A baseline this close to the best F1 makes it worthless.
const NEARLY: f64 = 0.05;
/// More false alarms than so many times what was promised, and the promise is broken.
const TIMES: f64 = 3.0;

/// A warning: what it is, and what follows.
struct Warning {
    head: String,
    text: String,
}

/// The list, or nothing when all is well.
pub(super) fn warnings(document: &Document, standings: &[Standing<'_>]) -> Markup {
    let all: Vec<Warning> = [
        failures(document, standings),
        preparing(document),
        cut_short(standings),
        labels_in_view(standings),
        trivial(document, standings),
        order(document, standings),
        lots(document, standings),
        repeated(document),
        guessing(standings),
        promise(standings),
    ]
    .into_iter()
    .flatten()
    .collect();
    html! {
        @if !all.is_empty() {
            section.warnings {
                h2 { "Before you believe it" }
                ul { @for warning in &all { li { strong { (warning.head) } " " (warning.text) } } }
            }
        }
    }
}

fn failures(document: &Document, standings: &[Standing<'_>]) -> Option<Warning> {
    let failed: Vec<&Standing<'_>> = standings
        .iter()
        .filter(|standing| !standing.is_believed())
        .collect();
    let told: Vec<String> = failed
        .iter()
        .map(|it| {
            format!(
                "{} {}",
                short(it.name(), 60),
                ending(it.result, &document.limits)
            )
        })
        .collect();
    let unfair = failed
        .iter()
        .filter(|standing| is_unfair(standing.result))
        .count();
    let what = match (failed.len(), unfair) {
        (_, 0) => "failed",
        (1, 1) => "does not play fair",
        (all, unfair) if all == unfair => "do not play fair",
        _ => "failed or do not play fair",
    };
    (!failed.is_empty()).then(|| Warning {
        head: format!("{} {what}.", plural(failed.len() as u64, "plug-in")),
        text: format!("{}.", told.join("; ")),
    })
}

fn preparing(document: &Document) -> Option<Warning> {
    let broken = document
        .preprocess_integrity
        .iter()
        .filter(|finding| finding.kept == Some(false));
    let broken: Vec<String> = broken
        .map(|finding| format!("{}: {}", finding.promise, finding.detail))
        .collect();
    (!broken.is_empty()).then(|| Warning {
        head: "The preprocessor does not play fair.".to_owned(),
        text: format!(
            "What it does is in the scores of every model behind it. Broken: {}.",
            broken.join("; ")
        ),
    })
}

fn cut_short(standings: &[Standing<'_>]) -> Option<Warning> {
    let cut = standings
        .iter()
        .filter(|standing| standing.result.cut_short);
    let cut: Vec<String> = cut
        .map(|standing| short(standing.name(), 60).to_string())
        .collect();
    (!cut.is_empty()).then(|| Warning {
        head: "A training was cut short.".to_owned(),
        text: format!(
            "The time of a call was nearly up, so how far {} came depends on the machine. Give fewer epochs, or more time.",
            cut.join(", ")
        ),
    })
}

fn labels_in_view(standings: &[Standing<'_>]) -> Option<Warning> {
    let any = standings.iter().any(|standing| {
        standing.result.figures.threshold.is_some()
            && standing.result.figures.threshold_from == ThresholdFrom::ScoredLabels
    });
    any.then(|| Warning {
        head: "The threshold was chosen with the labels in view.".to_owned(),
        text: "F1, precision, recall, false and missed alarms are those of the best threshold that anyone could have \
               chosen afterwards: in use they will be worse."
            .to_owned(),
    })
}

fn best_f1(standings: &[Standing<'_>]) -> Option<f64> {
    let f1 = |standing: &Standing<'_>| finite(standing.result.figures.f1);
    standings
        .iter()
        .filter(|standing| standing.is_believed())
        .filter_map(f1)
        .max_by(f64::total_cmp)
}

/// Baselines of these names whose F1 nearly is the best plug-in's, in words.
fn rivals(document: &Document, best: f64, names: &[(&str, &str)]) -> Vec<String> {
    let in_words = |baseline: &BaselineResult| {
        let (_, words) = names.iter().find(|(name, _)| *name == baseline.name)?;
        let f1 = finite(baseline.figures.f1).filter(|&f1| f1 > best - NEARLY)?;
        Some(format!("{words} has {}", score(f1)))
    };
    document.baselines.iter().filter_map(in_words).collect()
}

fn trivial(document: &Document, standings: &[Standing<'_>]) -> Option<Warning> {
    let best = best_f1(standings)?;
    let told = rivals(
        document,
        best,
        &[
            ("always", "flagging every row"),
            ("random", "drawing by lot"),
        ],
    );
    (!told.is_empty()).then(|| Warning {
        head: "F1 says little here.".to_owned(),
        text: format!(
            "The best plug-in has {}, but {}. Judge by ROC AUC, average precision, false and missed alarms.",
            score(best),
            listed(&told)
        ),
    })
}

/// Whether it would be enough to know the order of rows.
fn order(document: &Document, standings: &[Standing<'_>]) -> Option<Warning> {
    let best = best_f1(standings)?;
    let names = [
        ("repeat-last-label", "repeating the label of the row before"),
        (
            "row-position",
            "the number of a row in its file, cut where it is best,",
        ),
    ];
    let told = rivals(document, best, &names);
    (!told.is_empty()).then(|| Warning {
        head: "The order of rows gives anomalies away.".to_owned(),
        text: format!(
            "The best plug-in has an F1 of {}, but {}. No plug-in is told either; one that found out would look good.",
            score(best),
            listed(&told)
        ),
    })
}

/// The NAB score of lots, beside the best one.
fn lots(document: &Document, standings: &[Standing<'_>]) -> Option<Warning> {
    let nab = |figures: &Figures| finite(figures.nab.map(|nab| nab.scores.standard));
    let best = standings
        .iter()
        .filter(|it| it.is_believed())
        .filter_map(|it| nab(&it.result.figures));
    let best = best.max_by(f64::total_cmp)?;
    let random = nab(&document
        .baselines
        .iter()
        .find(|baseline| baseline.name == "random")?
        .figures)?;
    (random >= best).then(|| Warning {
        head: "The NAB score says little here.".to_owned(),
        text: format!(
            "Scores drawn by lot reach {random:.1}, the best plug-in {best:.1}: anomalies are so long that lots hit them early."
        ),
    })
}

fn repeated(document: &Document) -> Option<Warning> {
    let rows = document.repeated_rows.filter(|rows| rows.repeated > 0)?;
    Some(Warning {
        head: "Some scored rows were trained on.".to_owned(),
        text: format!(
            "{} of {} scored rows ({}) are also among the rows trained on, number for number; a model may know them by \
             heart.",
            count(rows.repeated),
            count(rows.looked_at),
            percent(rows.repeated as f64 / rows.looked_at.max(1) as f64)
        ),
    })
}

fn guessing(standings: &[Standing<'_>]) -> Option<Warning> {
    let best = standings.iter().find(|standing| standing.is_believed())?;
    let auc = best.roc_auc()?;
    let low = best.interval().map_or(auc, |(low, _)| low);
    (low <= 0.5).then(|| Warning {
        head: "This may be guessing.".to_owned(),
        text: "Scores that have nothing to do with the rows have a ROC AUC of 0.5, and that is not below the best \
               plug-in’s interval."
            .to_owned(),
    })
}

/// False alarms of the best plug-in at its threshold, beside what the threshold promised.
fn promise(standings: &[Standing<'_>]) -> Option<Warning> {
    let best = standings.iter().find(|standing| standing.is_believed())?;
    let figures = &best.result.figures;
    let alarms = figures
        .calibration
        .false_alarms
        .iter()
        .find(|alarms| Some(alarms.threshold) == figures.threshold)?;
    let nominal = alarms.level.nominal;
    (figures.threshold_from == ThresholdFrom::TrainingScores && alarms.observed > TIMES * nominal).then(|| Warning {
        head: "The threshold does not keep its promise.".to_owned(),
        text: format!(
            "It was set so that {} of normal rows raise an alarm; with {}, the best plug-in, {} do. The rows scored \
             differ from those trained on.",
            percent(nominal),
            short(best.name(), 60),
            percent(alarms.observed)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::super::standing::standings;
    use super::*;

    fn told(sample: Sample) -> String {
        let document = sample.document();
        warnings(&document, &standings(&document))
            .into_string()
            .replace('\u{a0}', " ")
    }

    #[test]
    fn nothing_is_said_when_all_is_well() {
        assert_eq!(told(Sample::new(3, 4)), "");
    }

    #[test]
    fn each_reason_to_doubt_is_named() {
        let cases = [
            (
                Sample {
                    labels_in_view: true,
                    ..Sample::new(3, 4)
                },
                "chosen with the labels in view",
            ),
            (
                Sample {
                    always_f1: 0.78,
                    ..Sample::new(3, 4)
                },
                "flagging every row has 0.780",
            ),
            (
                Sample {
                    position_f1: 0.9,
                    ..Sample::new(3, 4)
                },
                "The order of rows gives anomalies away",
            ),
            (
                Sample {
                    random_nab: 61.0,
                    ..Sample::new(3, 4)
                },
                "drawn by lot reach 61.0, the best plug-in 60.0",
            ),
            (
                Sample {
                    repeated: 7,
                    ..Sample::new(3, 4)
                },
                "7 of 1\u{202f}000 scored rows (0.7 %)",
            ),
            (
                Sample {
                    failing: 1,
                    ..Sample::new(3, 4)
                },
                "plugin-3 crashed",
            ),
            (
                Sample {
                    unfair: true,
                    ..Sample::new(3, 4)
                },
                "plugin-1 does not play fair",
            ),
            (
                Sample {
                    half_width: 0.45,
                    ..Sample::new(3, 4)
                },
                "This may be guessing",
            ),
            (
                Sample {
                    observed: 0.2,
                    ..Sample::new(3, 4)
                },
                "0.1 % of normal rows raise an alarm; with plugin-1",
            ),
        ];
        for (sample, expected) in cases {
            let told = told(sample);
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }
}
