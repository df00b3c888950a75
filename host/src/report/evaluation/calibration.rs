//! Whether scores mean what they promise.

use fedhost_domain::metrics::LEVELS;
use maud::{Markup, html};

use super::curves::picture;
use super::standing::Standing;
use super::words::percent;
use crate::report::chart::Drawing;
use crate::report::chart::plane::{Axis, Line, Reference};
use crate::report::table::{Column, Unit, table, text};
use crate::report::words::{NONE, score, short};

const NAME_CHARS: usize = 32;

/// Tables of promised and observed rates, and scores as probabilities.
pub(super) fn calibration(standings: &[Standing<'_>]) -> Markup {
    html! {
        section.calibration {
            h2 { "Calibration" }
            (rates(standings))
            @match reliability(standings) {
                Some(Drawing { legend, picture }) => {
                    figure.bars {
                        h3 { "Scores as probabilities" }
                        (legend)
                        (picture)
                        figcaption {
                            "How often rows of about the same score are anomalous. On the dotted line scores are \
                             probabilities; above it anomalies are more frequent than the score says."
                        }
                    }
                }
                None => p.none { "No plug-in’s scores all lie within 0 and 1, so none is to be taken as a probability." }
            }
        }
    }
}

/// A line a plug-in, on logarithmic axes.
pub(super) fn false_alarms(standings: &[Standing<'_>]) -> Option<Drawing> {
    let line = |standing: &Standing<'_>| {
        let mut points: Vec<(f64, f64)> = standing
            .result
            .figures
            .calibration
            .false_alarms
            .iter()
            .map(|alarms| (alarms.level.nominal, alarms.observed))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        (!points.is_empty()).then(|| Line {
            sign: standing.sign,
            name: short(standing.name(), NAME_CHARS),
            points,
        })
    };
    let lines: Vec<Line> = standings.iter().filter_map(line).collect();
    let least = LEVELS.iter().map(|level| level.nominal).fold(1.0, f64::min);
    let x = Axis::powers(
        "promised",
        LEVELS.iter().map(|level| level.nominal),
        percent,
    )?;
    // Up to all rows, and low enough that a rate below the least promise differs from 0.
    let observed = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|&(_, observed)| observed);
    let rates: Vec<f64> = observed.chain([least / 10.0, 0.99]).collect();
    let y = Axis::powers("observed", rates.into_iter(), percent)?;
    let reference = Reference {
        name: "as promised".to_owned(),
        from: (least, least),
        to: (0.1, 0.1),
    };
    picture(
        "False alarms, promised and observed; the table has the numbers",
        x,
        y,
        reference,
        lines,
    )
}

fn reliability(standings: &[Standing<'_>]) -> Option<Drawing> {
    let line = |standing: &Standing<'_>| {
        let probabilities = standing.result.figures.calibration.probabilities.as_ref()?;
        Some(Line {
            sign: standing.sign,
            name: short(standing.name(), NAME_CHARS),
            points: probabilities
                .bins
                .iter()
                .map(|bin| (bin.mean_score, bin.anomalous))
                .collect(),
        })
    };
    let lines = standings.iter().filter_map(line).collect();
    let reference = Reference {
        name: "as a probability".to_owned(),
        from: (0.0, 0.0),
        to: (1.0, 1.0),
    };
    picture(
        "Scores as probabilities",
        Axis::share("mean score")?,
        Axis::share("share of anomalies")?,
        reference,
        lines,
    )
}

fn rates(standings: &[Standing<'_>]) -> Markup {
    let promises = LEVELS.map(|level| format!("{} promised", percent(level.nominal)));
    let mut columns = vec![Column("plug-in", Unit::Text)];
    columns.extend(promises.iter().map(|promise| Column(promise, Unit::Number)));
    columns.extend([
        Column("Brier score", Unit::Number),
        Column("calibration error", Unit::Number),
    ]);
    let known: Vec<&Standing<'_>> = standings
        .iter()
        .filter(|standing| {
            let calibration = &standing.result.figures.calibration;
            !calibration.false_alarms.is_empty() || calibration.probabilities.is_some()
        })
        .collect();
    html! {
        @if known.is_empty() { p.none { "No plug-in scored rows to train on, from which a threshold could have been set." } }
        @else {
            (table("False alarms observed at each promised rate; scores taken as probabilities", &columns, known.iter().map(|it| cells(it))))
        }
    }
}

fn cells(standing: &Standing<'_>) -> Vec<Markup> {
    let calibration = &standing.result.figures.calibration;
    let observed = LEVELS.map(|level| {
        let alarms = calibration
            .false_alarms
            .iter()
            .find(|alarms| alarms.level == level)?;
        let times = alarms.observed / level.nominal;
        Some(html! {
            (percent(alarms.observed))
            @if times >= 1.5 { small { (format!("{times:.0} times as many")) } }
        })
    });
    let probabilities = calibration.probabilities.as_ref();
    let forecast = [
        probabilities.map(|it| it.brier),
        probabilities.map(|it| it.calibration_error),
    ];
    std::iter::once(standing.title())
        .chain(
            observed
                .into_iter()
                .map(|cell| cell.unwrap_or_else(|| text(NONE))),
        )
        .chain(
            forecast
                .into_iter()
                .map(|figure| text(figure.map_or_else(|| NONE.to_owned(), score))),
        )
        .collect()
}
