//! Curves of all thresholds, and quality against cost.

use fedhost_domain::metrics::{Curves, Point};
use maud::{Markup, html};

use super::calibration::false_alarms;
use super::head::anomalous;
use super::standing::Standing;
use super::words::{finite, per_row, percent};
use crate::report::chart::plane::{Axis, Line, Plane, Reference, Spot, plane};
use crate::report::chart::{Drawing, figure};
use crate::report::words::{score, short};
use fedhost_evaluate::{Document, Figures};

const NAME_CHARS: usize = 32;

/// The pictures.
pub(super) fn curves(document: &Document, standings: &[Standing<'_>]) -> Markup {
    html! {
        section.pictures {
            (figure("ROC curves", roc(standings), [
                "For every threshold, the share of anomalous rows that are flagged against the share of normal rows that are. \
                 The further to the upper left, the better.",
                "No plug-in has scored rows of both classes.",
            ]))
            (figure("Precision and recall", precision_recall(document, standings), [
                "For every threshold, the share of flagged rows that are anomalous against the share of anomalous rows that \
                 are flagged. The further to the upper right, the better.",
                "No plug-in has scored rows of both classes.",
            ]))
            (figure("Quality against cost", cost(standings), [
                "ROC AUC, with its 95 % interval, against the time that scoring takes, on a logarithmic scale. The further to \
                 the upper left, the better.",
                "No plug-in has both a ROC AUC and a measured time.",
            ]))
            (figure("False alarms, promised and observed", false_alarms(standings), [
                "A threshold above a share of the normal rows trained on promises a rate of false alarms. Above the dotted \
                 line there are more than promised. A rate of 0 lies on the lower edge.",
                "No plug-in scored rows to train on, from which a threshold could have been set.",
            ]))
        }
    }
}

fn roc(standings: &[Standing<'_>]) -> Option<Drawing> {
    let lines = lines(standings, |figures| figures.roc_auc, |curves| &curves.roc);
    let reference = Reference {
        name: "guessing".to_owned(),
        from: (0.0, 0.0),
        to: (1.0, 1.0),
    };
    picture(
        "ROC curves",
        Axis::share("share of normal rows flagged")?,
        Axis::share("share of anomalies flagged")?,
        reference,
        lines,
    )
}

fn precision_recall(document: &Document, standings: &[Standing<'_>]) -> Option<Drawing> {
    let lines = lines(
        standings,
        |figures| figures.average_precision,
        |curves| &curves.precision_recall,
    );
    let base = anomalous(document).unwrap_or(document.data.anomalous);
    let name = format!("flagging all: {}", percent(base));
    let reference = Reference {
        name,
        from: (0.0, base),
        to: (1.0, base),
    };
    picture(
        "Precision and recall",
        Axis::share("recall")?,
        Axis::share("precision")?,
        reference,
        lines,
    )
}

/// One line for each plug-in that has a curve, with the figure that sums it up.
fn lines(
    standings: &[Standing<'_>],
    area: fn(&Figures) -> Option<f64>,
    curve: fn(&Curves) -> &Vec<Point>,
) -> Vec<Line> {
    let line = |standing: &Standing<'_>| {
        let figures = &standing.result.figures;
        let points = curve(figures.curves.as_ref()?)
            .iter()
            .map(|point| (point.x, point.y))
            .collect();
        let doubt = if standing.is_believed() {
            ""
        } else {
            ", not to be trusted"
        };
        let name = format!(
            "{} {}{doubt}",
            short(standing.name(), NAME_CHARS),
            score(finite(area(figures))?)
        );
        Some(Line {
            sign: standing.sign,
            name,
            points,
        })
    };
    standings.iter().filter_map(line).collect()
}

/// The picture of some lines, with a label for readers who cannot see it; `None` without lines.
pub(super) fn picture(
    title: &str,
    x: Axis,
    y: Axis,
    reference: Reference,
    lines: Vec<Line>,
) -> Option<Drawing> {
    let label = lines.iter().fold(title.to_owned(), |label, line| {
        format!("{label}; {}", line.name)
    });
    let has_lines = !lines.is_empty();
    has_lines.then(|| {
        plane(&Plane {
            label,
            x,
            y,
            reference: Some(reference),
            lines,
            spots: Vec::new(),
        })
    })
}

fn cost(standings: &[Standing<'_>]) -> Option<Drawing> {
    let spot = |standing: &Standing<'_>| {
        let us = 1e6 / finite(standing.result.rows_per_second).filter(|&rate| rate > 0.0)?;
        Some(Spot {
            sign: standing.sign,
            name: standing.name().to_owned(),
            at: (us, standing.roc_auc()?),
            interval: standing.interval(),
        })
    };
    let spots: Vec<Spot> = standings
        .iter()
        .filter(|it| it.is_believed())
        .filter_map(spot)
        .collect();
    let ends = |spot: &Spot| {
        spot.interval
            .map_or([spot.at.1; 2], |(low, high)| [low, high])
    };
    let x = Axis::powers(
        "time to score a row",
        spots.iter().map(|spot| spot.at.0),
        per_row,
    )?;
    let y = Axis::scores(
        "ROC AUC",
        spots.iter().flat_map(ends).collect::<Vec<_>>().into_iter(),
    )?;
    let label = spots
        .iter()
        .fold("Quality against cost".to_owned(), |label, spot| {
            format!(
                "{label}; {} {} at {} a row",
                spot.name,
                score(spot.at.1),
                per_row(spot.at.0)
            )
        });
    Some(plane(&Plane {
        label,
        x,
        y,
        reference: None,
        lines: Vec::new(),
        spots,
    }))
}
