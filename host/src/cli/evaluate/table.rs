//! The table of figures: for people, and as CSV.

use std::fmt::Write as _;
use std::io;

use fedhost_evaluate::figures::ThresholdFrom;
use fedhost_evaluate::{Document, Figures, PluginResult, RepeatedRows, Status};

/// Heads of the columns of figures, and how wide they are.
const HEADS: [(&str, usize); 10] = [
    ("ROC AUC", 15),
    ("AP", 6),
    ("F1", 6),
    ("prec", 6),
    ("recall", 6),
    ("FAR", 6),
    ("MAR", 6),
    ("delay", 7),
    ("rows/s", 9),
    ("MiB", 6),
];

/// For people: the best first, then those that failed, then what needs no model.
pub(super) fn text(document: &Document) -> String {
    let width = document
        .results
        .iter()
        .map(|result| result.card.plugin.len())
        .max()
        .unwrap_or(0)
        .max(17);
    let mut out = lead(document);
    let heads: Vec<String> = HEADS
        .iter()
        .map(|(head, width)| format!("{head:>width$}"))
        .collect();
    writeln!(out, "\n{:<width$}  {}", "", heads.join(" ")).ok();
    for result in document.ranked() {
        writeln!(out, "{:<width$}  {}", result.card.plugin, line(result)).ok();
    }
    for baseline in &document.baselines {
        writeln!(
            out,
            "{:<width$}  {}",
            baseline.name,
            cells(&quality(&baseline.figures))
        )
        .ok();
    }
    for result in document.results.iter().filter(|result| result.cut_short) {
        let plugin = &result.card.plugin;
        writeln!(out, "\n{plugin}: a training was cut short by its deadline, so its figures depend on this machine")
            .ok();
        writeln!(
            out,
            "hint: fewer --epochs, or --limits call_deadline_ms=600000"
        )
        .ok();
    }
    for result in document
        .results
        .iter()
        .filter(|result| result.status != Status::Ok)
    {
        writeln!(out, "\n{}", complaint(result)).ok();
    }
    out
}

fn lead(document: &Document) -> String {
    let data = &document.data;
    let mut out = format!(
        "{} rows of {} files, {} columns, {:.1} % anomalous; {}, {} rows scored; threshold {}\n",
        data.rows,
        data.files,
        data.columns,
        100.0 * data.anomalous,
        document.protocol,
        document.scored_rows,
        document.threshold,
    );
    if document
        .results
        .iter()
        .any(|result| result.figures.threshold_from == ThresholdFrom::ScoredLabels)
    {
        out +=
            "the threshold was chosen with the labels in view: F1, FAR and MAR are upper bounds\n";
    }
    for warning in &document.warnings {
        writeln!(out, "warning: {}\nhint: {}", warning.message, warning.help).ok();
    }
    if let Some(rows) = document.repeated_rows.filter(|rows| rows.repeated > 0) {
        let RepeatedRows {
            repeated,
            looked_at,
        } = rows;
        writeln!(out, "{repeated} of {looked_at} scored rows are also among those trained on, number for number in 32 bits").ok();
    }
    out
}

fn line(result: &PluginResult) -> String {
    if result.figures.roc_auc.is_none() && result.status != Status::Ok {
        return result.status.to_string();
    }
    let mut all = quality(&result.figures);
    all.extend(costs(result));
    let mark = if result.status == Status::Ok {
        String::new()
    } else {
        format!("  {}", result.status)
    };
    cells(&all) + &mark
}

fn costs(result: &PluginResult) -> [String; 2] {
    let rows_per_second = result
        .rows_per_second
        .map_or_else(dash, |rows| format!("{rows:.0}"));
    [
        rows_per_second,
        format!(
            "{:.1}",
            result.peak_memory_bytes as f64 / f64::from(1 << 20)
        ),
    ]
}

fn quality(figures: &Figures) -> Vec<String> {
    let number = |figure: Option<f64>| figure.map_or_else(dash, |figure| format!("{figure:.3}"));
    let interval = figures.intervals.roc_auc.as_ref();
    let roc_auc = match (figures.roc_auc, interval) {
        (Some(auc), Some(interval)) => {
            format!("{auc:.3} ±{:.3}", (interval.high - interval.low) / 2.0)
        }
        (auc, _) => number(auc),
    };
    let delay = figures
        .detection_delay
        .as_ref()
        .and_then(|delay| delay.mean_rows);
    vec![
        roc_auc,
        number(figures.average_precision),
        number(figures.f1),
        number(figures.precision),
        number(figures.recall),
        number(figures.far),
        number(figures.mar),
        delay.map_or_else(dash, |rows| format!("{rows:.1}")),
    ]
}

fn dash() -> String {
    "-".to_owned()
}

fn cells(cells: &[String]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .zip(HEADS)
        .map(|(cell, (_, width))| format!("{cell:>width$}"))
        .collect();
    cells.join(" ")
}

/// Why a plug-in has no figures, or none that can be trusted.
pub(super) fn complaint(result: &PluginResult) -> String {
    let reason = result.error.as_deref().unwrap_or("no reason is known");
    format!("{} ({}): {reason}", result.card.plugin, result.status)
}

/// For a README: the figures of those that came to the end, and of what needs no model.
pub(super) fn markdown(document: &Document, out: &mut dyn io::Write) -> io::Result<()> {
    let heads: Vec<&str> = HEADS.iter().map(|(head, _)| *head).collect();
    writeln!(
        out,
        "| | {} |\n|---|{}",
        heads.join(" | "),
        "---|".repeat(heads.len())
    )?;
    for result in document.ranked() {
        let (costs, quality) = (costs(result), quality(&result.figures));
        let mark = if result.status == Status::Ok {
            String::new()
        } else {
            format!(" ({})", result.status)
        };
        writeln!(
            out,
            "| `{}`{mark} | {} | {} |",
            result.card.plugin,
            quality.join(" | "),
            costs.join(" | ")
        )?;
    }
    for baseline in &document.baselines {
        writeln!(
            out,
            "| {} | {} | | |",
            baseline.name,
            quality(&baseline.figures).join(" | ")
        )?;
    }
    writeln!(out, "\n`{}`", document.command)
}

/// One line a plug-in and one a baseline.
pub(super) fn csv(document: &Document, out: &mut dyn io::Write) -> Result<(), csv::Error> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record([
        "plugin",
        "version",
        "sha256",
        "status",
        "roc_auc",
        "average_precision",
        "f1",
        "precision",
        "recall",
        "far",
        "mar",
        "threshold",
        "nab_standard",
        "nab_low_fp",
        "nab_low_fn",
        "delay_rows",
        "fit_seconds",
        "score_seconds",
        "rows_per_second",
        "peak_memory_bytes",
        "calls",
        "error",
    ])?;
    for result in &document.results {
        let card = &result.card;
        let mut record = vec![
            card.plugin.clone(),
            card.version.clone(),
            card.sha256
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            result.status.to_string(),
        ];
        record.extend(figures(&result.figures));
        record.extend([
            result.fit_seconds.to_string(),
            result.score_seconds.to_string(),
            optional(result.rows_per_second),
            result.peak_memory_bytes.to_string(),
            result.calls.to_string(),
            result.error.clone().unwrap_or_default(),
        ]);
        out.write_record(record)?;
    }
    for baseline in &document.baselines {
        let mut record = vec![
            baseline.name.to_owned(),
            String::new(),
            String::new(),
            "baseline".to_owned(),
        ];
        record.extend(figures(&baseline.figures));
        record.extend(std::iter::repeat_n(String::new(), 6));
        out.write_record(record)?;
    }
    out.flush()?;
    Ok(())
}

fn figures(figures: &Figures) -> [String; 12] {
    let nab = figures.nab.as_ref();
    [
        optional(figures.roc_auc),
        optional(figures.average_precision),
        optional(figures.f1),
        optional(figures.precision),
        optional(figures.recall),
        optional(figures.far),
        optional(figures.mar),
        optional(figures.threshold),
        optional(nab.map(|nab| nab.scores.standard)),
        optional(nab.map(|nab| nab.scores.low_fp)),
        optional(nab.map(|nab| nab.scores.low_fn)),
        optional(
            figures
                .detection_delay
                .as_ref()
                .and_then(|delay| delay.mean_rows),
        ),
    ]
}

fn optional<T: ToString>(figure: Option<T>) -> String {
    figure.map(|figure| figure.to_string()).unwrap_or_default()
}
