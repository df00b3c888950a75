//! The method: what was evaluated, how, and the command that repeats it.

use maud::{Markup, html};

use super::words::{listed, percent, protocol};
use crate::report::table::{Column, Unit, name, table, text};
use crate::report::words::{count, plural};
use fedhost_evaluate::{Card, DataCard, Document, FileCard, LabelUse};

/// Everything that is needed to do it again.
pub(super) fn method(document: &Document) -> Markup {
    html! {
        section {
            h2 { "How to check it" }
            p.aside { "This command does it again; the same files, components and seeds give the same figures, times aside." }
            pre.command tabindex="0" { code { (document.command) } }
            dl.facts { (rows(&document.data)) (procedure(document)) (circumstances(document)) }
            details { summary { (plural(document.data.file_list.len() as u64, "file")) " of rows" } (files(&document.data)) }
        }
    }
}

fn rows(data: &DataCard) -> Markup {
    html! {
        dt { "rows" }
        dd {
            (count(data.rows)) " in " (plural(data.files as u64, "file")) ", " (percent(data.anomalous))
            " anomalous as the column " code { (data.label) } " says; " (plural(data.missing, "cell")) " without a value"
        }
        dt { "columns" }
        dd { (data.columns) ": " @for (index, column) in data.column_names.iter().enumerate() { @if index > 0 { ", " } code { (column) } } }
        dt { "sha256 of the data" }
        dd {
            code { (data.sha256) }
            " – of a text that has for each file, in their order, a line of its sha256, a blank, and its size in bytes"
        }
    }
}

fn procedure(document: &Document) -> Markup {
    html! {
        dt { "protocol" }
        dd {
            code { (document.protocol) } ". " (protocol(document.protocol)) " In all " (count(document.training_rows))
            " rows to train on beforehand, " (count(document.scored_rows)) " to score."
        }
        dt { "seeds" } dd { (seeds(document)) }
        dt { "threshold" } dd { code { (document.threshold) } }
        dt { "smoothing" } dd { @if document.smooth_rows > 1 { (count(u64::from(document.smooth_rows))) " rows" } @else { "none" } }
        dt { "training" } dd { (plural(u64::from(document.epochs), "epoch")) "; " (labels(document.labels)) }
        dt { "rows a call" } dd { (count(document.rows_per_call as u64)) }
        @if let Some(card) = &document.preprocess { dt { "before every model" } dd { (preprocessor(card)) } }
        @if let Some(repeated) = &document.repeated_rows {
            dt { "rows twice" }
            dd { (count(repeated.repeated)) " of " (count(repeated.looked_at)) " scored rows are also among those trained on" }
        }
    }
}

fn seeds(document: &Document) -> String {
    let seeds = (0..document.repeat.clamp(1, 20))
        .map(|repeat| document.seed.wrapping_add(u64::from(repeat)).to_string());
    let first = listed(&seeds.collect::<Vec<_>>());
    if document.repeat > 20 {
        format!("{first}, and so on: {} in all", document.repeat)
    } else {
        first
    }
}

fn labels(labels: LabelUse) -> &'static str {
    match labels {
        LabelUse::WhereNeeded => "labels only for models that decline to learn without them",
        LabelUse::Always => "labels for every model",
        LabelUse::Never => "labels for none",
    }
}

fn preprocessor(card: &Card) -> Markup {
    html! {
        (card.plugin) " " (card.version) " " @if let Some(sha256) = &card.sha256 { code { (sha256) } }
        @for (parameter, value) in &card.parameters { ", " code { (parameter) " = " (value) } }
    }
}

fn circumstances(document: &Document) -> Markup {
    let machine: Vec<String> = document
        .machine
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    html! {
        dt { "fedhost" } dd { (document.version) }
        @if !machine.is_empty() { dt { "machine" } dd { (machine.join(", ")) } }
    }
}

fn files(data: &DataCard) -> Markup {
    const COLUMNS: &[Column<'_>] = &[
        Column("file", Unit::Text),
        Column("rows", Unit::Number),
        Column("anomalous", Unit::Number),
        Column("sha256", Unit::Text),
    ];
    let cells = |file: &FileCard| {
        vec![
            name(&file.name),
            text(count(file.rows)),
            text(count(file.anomalous)),
            html! { code { (file.sha256) } },
        ]
    };
    table(
        "Files in their order",
        COLUMNS,
        data.file_list.iter().map(cells),
    )
}
