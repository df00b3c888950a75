//! File by file: whether a figure is carried by all of them or by a few.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::standing::Standing;
use crate::report::chart::dots::{Row, dots, median};
use crate::report::table::{Column, Unit, name, table, text};
use crate::report::words::{NONE, count, or_none, plural, score};
use fedhost_evaluate::{Document, FileResult};

/// More files than this, and tables leave out the rest.
const FILES: usize = 200;

/// The picture, and tables to open.
pub(super) fn files(document: &Document, standings: &[Standing<'_>]) -> Markup {
    let scored: Vec<&Standing<'_>> = standings
        .iter()
        .filter(|it| !it.result.files.is_empty())
        .collect();
    let most = scored
        .iter()
        .map(|standing| standing.result.files.len())
        .max()
        .unwrap_or(0);
    html! {
        section.files {
            h2 { "File by file" }
            @if most == 0 {
                p.none {
                    @if document.protocol.is_time_ordered() { "No plug-in has scored a file to its end." }
                    @else { "Rows of all files were shuffled, so that files have no figures of their own." }
                }
            } @else if most == 1 {
                p.none { "One file was scored: its figures are those of the ranking." }
            } @else {
                (picture(&scored))
                details { summary { "ROC AUC of each file, the hardest first" } (matrix(&scored)) }
                @for standing in &scored {
                    details { summary { (standing.title()) ", " (plural(standing.result.files.len() as u64, "file")) } (own(standing)) }
                }
            }
        }
    }
}

fn picture(standings: &[&Standing<'_>]) -> Markup {
    let row = |standing: &&Standing<'_>| {
        let dots = standing
            .result
            .files
            .iter()
            .filter_map(|file| Some((file.name.clone(), auc(file)?)));
        Row {
            sign: standing.sign,
            name: standing.name().to_owned(),
            dots: dots.collect(),
        }
    };
    let mut rows: Vec<Row> = standings
        .iter()
        .map(row)
        .filter(|row| !row.dots.is_empty())
        .collect();
    let middle = |row: &Row| median(row.dots.iter().map(|&(_, auc)| auc)).unwrap_or(0.0);
    rows.sort_by(|a, b| middle(b).total_cmp(&middle(a)));
    let label = rows.iter().fold(
        "ROC AUC of each file by itself; medians".to_owned(),
        |label, row| format!("{label}; {} {}", row.name, score(middle(row))),
    );
    html! {
        @match dots(&label, "ROC AUC of a file", &rows) {
            Some(drawing) => {
                figure.bars {
                    (drawing)
                    figcaption {
                        "A dot a file that has rows of both classes; the upright stroke is the median, the dotted line what \
                         guessing reaches. Sorted by the median."
                    }
                }
            }
            None => p.none { "No file has rows of both classes." }
        }
    }
}

fn auc(file: &FileResult) -> Option<f64> {
    file.figures
        .get("roc_auc")
        .copied()
        .filter(|auc| auc.is_finite())
}

/// Files by plug-ins.
fn matrix(standings: &[&Standing<'_>]) -> Markup {
    let mut files: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for (index, standing) in standings.iter().enumerate() {
        for file in &standing.result.files {
            let cells = files
                .entry(file.name.as_str())
                .or_insert_with(|| vec![None; standings.len()]);
            if let Some(cell) = cells.get_mut(index) {
                *cell = auc(file);
            }
        }
    }
    let mut files: Vec<(&str, Vec<Option<f64>>)> = files.into_iter().collect();
    let hardness =
        |cells: &[Option<f64>]| median(cells.iter().copied().flatten()).unwrap_or(f64::INFINITY);
    files.sort_by(|a, b| hardness(&a.1).total_cmp(&hardness(&b.1)));
    let mut columns = vec![Column("file", Unit::Text)];
    columns.extend(
        standings
            .iter()
            .map(|standing| Column(standing.name(), Unit::Number)),
    );
    let rows = files.iter().take(FILES).map(|(file, cells)| {
        std::iter::once(name(file))
            .chain(cells.iter().map(|cell| text(or_none(*cell, score))))
            .collect()
    });
    let caption = left_out(
        "ROC AUC of each file by itself; without one, where all rows are of one class",
        files.len(),
    );
    table(&caption, &columns, rows)
}

/// All figures of a plug-in's files.
fn own(standing: &Standing<'_>) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("file", Unit::Text),
        Column("rows", Unit::Number),
        Column("anomalous", Unit::Number),
        Column("ROC AUC", Unit::Number),
        Column("AP", Unit::Number),
        Column("F1", Unit::Number),
        Column("precision", Unit::Number),
        Column("recall", Unit::Number),
        Column("FAR", Unit::Number),
        Column("MAR", Unit::Number),
        Column("delay", Unit::Of("rows")),
    ];
    let mut files: Vec<&FileResult> = standing.result.files.iter().collect();
    files.sort_by(|a, b| {
        auc(a)
            .unwrap_or(f64::INFINITY)
            .total_cmp(&auc(b).unwrap_or(f64::INFINITY))
    });
    let caption = left_out(
        "At the threshold of all files; the hardest first",
        files.len(),
    );
    table(&caption, COLUMNS, files.into_iter().take(FILES).map(cells))
}

fn cells(file: &FileResult) -> Vec<Markup> {
    let figures = [
        "roc_auc",
        "average_precision",
        "f1",
        "precision",
        "recall",
        "far",
        "mar",
    ];
    let mut cells = vec![
        name(&file.name),
        text(count(file.rows)),
        text(count(file.anomalous)),
    ];
    cells.extend(figures.map(|figure| {
        text(
            file.figures
                .get(figure)
                .map_or_else(|| NONE.to_owned(), |it| score(*it)),
        )
    }));
    cells.push(text(or_none(
        file.delay_rows.filter(|it| it.is_finite()),
        |rows| format!("{rows:.1}"),
    )));
    cells
}

fn left_out(caption: &str, files: usize) -> String {
    match files.saturating_sub(FILES) {
        0 => caption.to_owned(),
        more => format!("{caption}; {more} files are left out, the JSON document has them"),
    }
}
