//! `fedhost plugin try`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use fedhost_domain::metrics::Ranking;
use miette::{IntoDiagnostic as _, WrapErr as _};
use serde_json::json;

use super::super::reading::ReadingArgs;
use super::super::{Ending, Global, screen};
use super::parameters;
use super::table::Table;
use fedhost_base::event::{Event, PluginEvent};
use fedhost_plugin::{Batch, Context, EventSink, Opening, Parameter, Plugin};

/// Runs a component over the rows of a file, and writes what comes out as CSV. A model is first
/// trained on the same rows: this shows that a plug-in works, not how good it is.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fedhost plugin try plugins/my-model.wasm my-model/sample.csv\n  fedhost plugin try plugins/ewma.wasm pump.csv --delimiter ';' --ignore datetime --label anomaly"
)]
pub(in crate::cli) struct Try {
    /// The component
    component: PathBuf,
    /// The rows. Without --label, a column called anomaly or label says which are anomalous
    data: PathBuf,
    #[command(flatten)]
    reading: ReadingArgs,
    /// Set a parameter of the plug-in; may be repeated
    #[arg(long = "parameter", value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    /// How often a model goes over the rows
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    epochs: u32,
    /// Seed of trainers and detectors
    #[arg(long, default_value_t = 7, value_name = "N")]
    seed: u64,
}

/// What came out, row by row.
struct Output {
    columns: Vec<String>,
    values: Vec<f32>,
    /// For scores, what they are worth on labelled rows.
    roc_auc: Option<f64>,
}

impl Try {
    pub(in crate::cli) fn execute(&self, global: &Global) -> Ending {
        let prepared = self.prepare();
        let (plugin, parameters, table) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Ending::Refused(error),
        };
        match self
            .run(&plugin, &parameters, &table)
            .and_then(|output| show(global, &plugin, &table, &output))
        {
            Ok(()) => Ending::Done,
            Err(error) => Ending::Failed(error),
        }
    }

    fn prepare(&self) -> Result<(Plugin, Vec<Parameter>, Table), miette::Report> {
        let given = parameters::parse(&self.parameters)?;
        let table = Table::read(&self.data, self.reading.options())?;
        let plugin = parameters::loader(&[])?.load(&self.component)?;
        let parameters = parameters::complete(&plugin, &given)?;
        Ok((plugin, parameters, table))
    }

    fn run(
        &self,
        plugin: &Plugin,
        parameters: &[Parameter],
        table: &Table,
    ) -> Result<Output, miette::Report> {
        let opening = || Opening {
            columns: &table.columns,
            parameters,
            seed: self.seed,
            context: heard(),
        };
        let rows = batch(table, None)?;
        let can = plugin.abilities();
        if can.preprocessing {
            let mut preprocessor = plugin.open_preprocessor(opening())?;
            let columns = preprocessor.output_columns().to_vec();
            let values = preprocessor.transform(&rows)?.into_parts().0;
            return Ok(Output {
                columns,
                values,
                roc_auc: None,
            });
        }
        let mut detector = plugin.open_detector(opening())?;
        if can.training {
            let mut trainer = plugin.open_trainer(opening())?;
            let report = trainer.train(&batch(table, table.label_values())?, self.epochs)?;
            screen::note(&format!(
                "trained on {} of {} rows, loss {:.4}",
                report.samples, table.rows, report.loss
            ));
            detector.load(&trainer.save()?)?;
        }
        let values = detector.score(&rows)?;
        let roc_auc = table.labels.as_ref().and_then(|labels| {
            Ranking::new(&values, labels)
                .ok()
                .map(|ranking| ranking.roc_auc())
        });
        Ok(Output {
            columns: vec!["score".to_owned()],
            values,
            roc_auc,
        })
    }
}

/// What the plug-in logs goes to the screen.
fn heard() -> Context {
    let events: EventSink = Arc::new(|event| {
        if let Event::Plugin(PluginEvent::PluginLogged { level, message, .. }) = event {
            screen::note(&format!("the plug-in says ({level}): {message}"));
        }
    });
    Context::new("try", events)
}

fn batch(table: &Table, labels: Option<Vec<f32>>) -> Result<Batch, miette::Report> {
    Batch::new(
        table.rows,
        table.columns.len(),
        table.values.clone(),
        labels,
    )
    .into_diagnostic()
    .wrap_err("the rows are no batch")
}

fn show(
    global: &Global,
    plugin: &Plugin,
    table: &Table,
    output: &Output,
) -> Result<(), miette::Report> {
    let auc = output
        .roc_auc
        .map(|auc| format!("; area under the ROC curve {auc:.4}"))
        .unwrap_or_default();
    screen::note(&format!(
        "{} gave {} columns for {} rows{auc}",
        plugin.id(),
        output.columns.len(),
        table.rows
    ));
    if global.json {
        let document = json!({
            "plugin": plugin.id(), "rows": table.rows, "columns": output.columns, "values": output.values,
            "roc_auc": output.roc_auc,
        });
        return screen::json(&document);
    }
    screen::result(&lines(output)?);
    Ok(())
}

/// One line a row, as CSV: names of columns are quoted where they have to be.
fn lines(output: &Output) -> Result<String, miette::Report> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = std::iter::once("row").chain(output.columns.iter().map(String::as_str));
    writer.write_record(head).into_diagnostic()?;
    let rows = output.values.chunks(output.columns.len().max(1));
    for (row, values) in rows.enumerate() {
        let cells = std::iter::once(row.to_string()).chain(values.iter().map(f32::to_string));
        writer.write_record(cells).into_diagnostic()?;
    }
    let bytes = writer.into_inner().into_diagnostic()?;
    String::from_utf8(bytes).into_diagnostic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_commas_are_quoted() {
        let output = Output {
            columns: vec!["a,b".to_owned(), "c".to_owned()],
            values: vec![1.0, 2.5, 3.0, 4.0],
            roc_auc: None,
        };
        assert_eq!(lines(&output).unwrap(), "row,\"a,b\",c\n0,1,2.5\n1,3,4\n");
    }
}
