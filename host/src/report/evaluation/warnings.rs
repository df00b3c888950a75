//! Warnings on the page of an evaluation: reasons to doubt its results.

use maud::{Markup, html};

use super::standing::Standing;
use super::words::{ending, finite, is_unfair, listed, percent};
use crate::report::words::{count, plural, score, short};
use fedhost_evaluate::figures::ThresholdFrom;
use fedhost_evaluate::{BaselineResult, DataWarning, Document, Figures};

/// A baseline this close to the best F1 makes it worthless.
const NEARLY: f64 = 0.05;
/// The threshold has failed if there are more false alarms than this multiple of the promised ones.
const TIMES: f64 = 3.0;

/// A warning: what it is, and what follows.
struct Warning {
    head: String,
    text: String,
}

/// Returns the list of warnings; nothing if there is none.
pub(super) fn warnings(document: &Document, standings: &[Standing<'_>]) -> Markup {
    let all: Vec<Warning> = [
        failures(document, standings),
        preparing(document),
        cut_short(standings),
        labels_in_view(standings),
        trivial(document, standings),
        order(document, standings),
        random_nab(document, standings),
        repeated(document),
        guessing(standings),
        promise(standings),
    ]
    .into_iter()
    .flatten()
    .chain(document.warnings.iter().map(of_rows))
    .collect();
    html! {
        @if !all.is_empty() {
            section.warnings {
                h2 { "Reasons for caution" }
                ul { @for warning in &all { li { strong { (warning.head) } " " (warning.text) } } }
            }
        }
    }
}

/// A reason that lies in the rows.
fn of_rows(warning: &DataWarning) -> Warning {
    let head = match warning.code {
        "one-class" => "The scored rows are all of one kind.",
        "counting-column" => "A column reveals the place of a row.",
        "merged-values" => "A column loses its differences.",
        "constant-training-scores" => "All training scores are the same.",
        _ => "The rows are unusual.",
    };
    Warning {
        head: head.to_owned(),
        text: format!("{}. Remedy: {}.", warning.message, warning.help),
    }
}

fn failures(document: &Document, standings: &[Standing<'_>]) -> Option<Warning> {
    let failed: Vec<&Standing<'_>> = standings
        .iter()
        .filter(|standing| !standing.is_believed())
        .collect();
    let reasons: Vec<String> = failed
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
        (all, unfair) if all == unfair => "failed an integrity check",
        _ => "failed, or failed an integrity check",
    };
    (!failed.is_empty()).then(|| Warning {
        head: format!("{} {what}.", plural(failed.len() as u64, "plug-in")),
        text: format!("{}.", reasons.join("; ")),
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
        head: "The preprocessor failed an integrity check (label leakage or look-ahead)."
            .to_owned(),
        text: format!(
            "This affects the scores of every model. Broken promises: {}.",
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
            "A training call of {} reached its time limit, so the result depends on the machine. Use fewer epochs, or a longer time limit.",
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
        head: "The threshold was chosen with the labels of the scored rows.".to_owned(),
        text: "F1, precision, recall, false and missed alarms are those of the best possible threshold. In use they \
               will be worse."
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

/// Describes the baselines of these names whose F1 is close to that of the best plug-in, or above.
fn rivals(document: &Document, best: f64, names: &[(&str, &str)]) -> Vec<String> {
    let describe = |baseline: &BaselineResult| {
        let (_, words) = names.iter().find(|(name, _)| *name == baseline.name)?;
        let f1 = finite(baseline.figures.f1).filter(|&f1| f1 > best - NEARLY)?;
        Some(format!("{words} has {}", score(f1)))
    };
    document.baselines.iter().filter_map(describe).collect()
}

fn trivial(document: &Document, standings: &[Standing<'_>]) -> Option<Warning> {
    let best = best_f1(standings)?;
    let rivals = rivals(
        document,
        best,
        &[
            ("always", "flagging every row"),
            ("random", "flagging rows at random"),
        ],
    );
    if rivals.is_empty() {
        return None;
    }
    Some(Warning {
        head: "F1 does not separate models here.".to_owned(),
        text: format!(
            "The best plug-in has {}, but {}. Compare ROC AUC, average precision, false and missed alarms.",
            score(best),
            listed(&rivals)
        ),
    })
}

/// Warns if the order of rows is enough to find anomalies.
fn order(document: &Document, standings: &[Standing<'_>]) -> Option<Warning> {
    let best = best_f1(standings)?;
    let names = [
        ("repeat-last-label", "repeating the label of the row before"),
        (
            "row-position",
            "the number of a row in its file, cut where it is best,",
        ),
    ];
    let rivals = rivals(document, best, &names);
    if rivals.is_empty() {
        return None;
    }
    Some(Warning {
        head: "The order of rows reveals anomalies.".to_owned(),
        text: format!(
            "The best plug-in has an F1 of {}, but {}. {}",
            score(best),
            listed(&rivals),
            if document.data.counting.is_empty() {
                "Plug-ins get neither; one that derives it would score high."
            } else {
                "A column that counts rows gives the latter to every plug-in."
            }
        ),
    })
}

/// Warns if random scores reach the NAB score of the best plug-in.
fn random_nab(document: &Document, standings: &[Standing<'_>]) -> Option<Warning> {
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
        head: "The NAB score does not separate models here.".to_owned(),
        text: format!(
            "Random scores reach {random:.1}, the best plug-in {best:.1}: anomalies are long, so random alarms hit them early."
        ),
    })
}

fn repeated(document: &Document) -> Option<Warning> {
    let rows = document.repeated_rows.filter(|rows| rows.repeated > 0)?;
    Some(Warning {
        head: "Some scored rows were trained on.".to_owned(),
        text: format!(
            "{} of {} scored rows ({}) are identical to rows trained on; a model may have memorised them.",
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
        head: "The best result may be chance.".to_owned(),
        text: "Random scores have a ROC AUC of 0.5, and that is not below the best plug-in’s interval."
            .to_owned(),
    })
}

/// Warns if the best plug-in has more false alarms than its threshold promised.
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
        head: "There are more false alarms than the threshold allows.".to_owned(),
        text: format!(
            "It was set so that {} of normal rows raise an alarm; with {}, the best plug-in, {} do. The scored rows \
             differ from the training rows.",
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

    fn texts(sample: Sample) -> String {
        let document = sample.document();
        warnings(&document, &standings(&document))
            .into_string()
            .replace('\u{a0}', " ")
    }

    #[test]
    fn a_sound_evaluation_has_no_warnings() {
        assert_eq!(texts(Sample::new(3, 4)), "");
    }

    #[test]
    fn each_reason_for_caution_has_a_warning() {
        let cases = [
            (
                Sample {
                    labels_in_view: true,
                    ..Sample::new(3, 4)
                },
                "chosen with the labels of the scored rows",
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
                "The order of rows reveals anomalies",
            ),
            (
                Sample {
                    random_nab: 61.0,
                    ..Sample::new(3, 4)
                },
                "Random scores reach 61.0, the best plug-in 60.0",
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
                "plugin-1 failed an integrity check",
            ),
            (
                Sample {
                    half_width: 0.45,
                    ..Sample::new(3, 4)
                },
                "The best result may be chance",
            ),
            (
                Sample {
                    observed: 0.2,
                    ..Sample::new(3, 4)
                },
                "0.1 % of normal rows raise an alarm; with plugin-1",
            ),
            (
                Sample {
                    warnings: vec![DataWarning {
                        code: "counting-column",
                        message: "column t counts".to_owned(),
                        help: "--ignore t".to_owned(),
                    }],
                    ..Sample::new(3, 4)
                },
                "column t counts. Remedy: --ignore t.",
            ),
        ];
        for (sample, expected) in cases {
            let texts = texts(sample);
            assert!(texts.contains(expected), "{expected}: {texts}");
        }
    }
}
