//! An instance as the host drives it: every argument is checked before the plug-in sees it.
//!
//! The exported glue runs on this, and so can a native test: a plug-in that passes through a
//! [`Session`] behaves the same in a component.

use crate::{
    Batch, Detector, Error, Model, Parameter, Parameters, Preprocessor, Progress, Report, Result,
    Signal, Trainer, Weights,
};

/// A plug-in's instance and the number of columns it was opened with.
#[derive(Debug)]
pub struct Session<T> {
    columns: usize,
    plugin: T,
}

impl<T: Preprocessor> Session<T> {
    /// Opens a preprocessor for one source.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for no or repeated columns, [`Error::InvalidParameter`], or the
    /// plug-in's own.
    pub fn open_preprocessor(columns: &[String], parameters: Vec<Parameter>) -> Result<Self> {
        check_columns(columns)?;
        let parameters = Parameters::check(&T::describe().parameters, parameters)?;
        Ok(Self {
            columns: columns.len(),
            plugin: T::open(columns, &parameters)?,
        })
    }

    /// See [`Preprocessor::output_columns`].
    pub fn output_columns(&self) -> Vec<String> {
        self.plugin.output_columns()
    }

    /// See [`Preprocessor::fit`].
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a malformed batch, or the plug-in's own.
    pub fn fit(&mut self, batch: Batch) -> Result<()> {
        batch.check(self.columns)?;
        self.plugin.fit(batch)
    }

    /// See [`Preprocessor::transform`].
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a malformed batch, or the plug-in's own.
    pub fn transform(&mut self, batch: Batch) -> Result<Batch> {
        batch.check(self.columns)?;
        self.plugin.transform(batch)
    }

    /// See [`Preprocessor::save`].
    ///
    /// # Errors
    /// The plug-in's own.
    pub fn save_state(&self) -> Result<Weights> {
        self.plugin.save()
    }

    /// See [`Preprocessor::restore`].
    ///
    /// # Errors
    /// The plug-in's own.
    pub fn restore(&mut self, state: Weights) -> Result<()> {
        self.plugin.restore(state)
    }
}

impl<T: Model> Session<T> {
    /// Opens a trainer or a detector.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for no or repeated columns, [`Error::InvalidParameter`], or the
    /// plug-in's own.
    pub fn open_model(columns: &[String], parameters: Vec<Parameter>, seed: u64) -> Result<Self> {
        check_columns(columns)?;
        let parameters = Parameters::check(&T::describe().parameters, parameters)?;
        Ok(Self {
            columns: columns.len(),
            plugin: T::open(columns, &parameters, seed)?,
        })
    }

    /// See [`Model::save`].
    ///
    /// # Errors
    /// The plug-in's own.
    pub fn save(&self) -> Result<Weights> {
        self.plugin.save()
    }

    /// See [`Model::load`].
    ///
    /// # Errors
    /// The plug-in's own.
    pub fn load(&mut self, model: Weights) -> Result<()> {
        self.plugin.load(model)
    }
}

impl<T: Trainer> Session<T> {
    /// See [`Trainer::train`].
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a malformed batch or no epochs, or the plug-in's own.
    pub fn train(
        &mut self,
        batch: Batch,
        epochs: u32,
        progress: &mut dyn FnMut(Progress) -> Signal,
    ) -> Result<Report> {
        batch.check(self.columns)?;
        if epochs == 0 {
            return Err(Error::InvalidInput(
                "0 epochs were asked for, at least 1 is needed".into(),
            ));
        }
        self.plugin.train(batch, epochs, progress)
    }
}

impl<T: Detector> Session<T> {
    /// See [`Detector::score`].
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a malformed batch, or the plug-in's own.
    pub fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
        batch.check(self.columns)?;
        self.plugin.score(batch)
    }
}

fn check_columns(columns: &[String]) -> Result<()> {
    if columns.is_empty() {
        return Err(Error::InvalidInput("there are no columns".into()));
    }
    let mut names = std::collections::BTreeSet::new();
    match columns.iter().find(|&name| !names.insert(name)) {
        Some(name) => Err(Error::InvalidInput(format!(
            "there are two columns {name:?}"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Descriptor;

    /// Gives out what it is given.
    struct Echo;

    impl Model for Echo {
        fn describe() -> Descriptor {
            Descriptor::new("echo", "0.1.0", "Scores a row by its first column.")
        }
        fn open(_columns: &[String], _parameters: &Parameters, _seed: u64) -> Result<Self> {
            Ok(Self)
        }
        fn save(&self) -> Result<Weights> {
            Ok(Weights::default())
        }
        fn load(&mut self, _model: Weights) -> Result<()> {
            Ok(())
        }
    }

    impl Trainer for Echo {
        fn train(
            &mut self,
            batch: Batch,
            _: u32,
            _: &mut dyn FnMut(Progress) -> Signal,
        ) -> Result<Report> {
            Ok(Report {
                samples: u64::from(batch.rows),
                loss: 0.0,
                metrics: Vec::new(),
            })
        }
    }

    impl Detector for Echo {
        fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
            Ok(batch
                .values
                .iter()
                .copied()
                .step_by(batch.columns())
                .collect())
        }
    }

    fn open(columns: &[&str], parameters: Vec<Parameter>) -> Result<Session<Echo>> {
        let columns: Vec<String> = columns.iter().map(|&name| name.into()).collect();
        Session::open_model(&columns, parameters, 0)
    }

    #[test]
    fn a_plug_in_never_sees_bad_columns_or_parameters() {
        let unknown = vec![Parameter {
            name: "rate".into(),
            value: crate::Value::Boolean(true),
        }];
        let cases = [
            (open(&[], vec![]), "invalid input: there are no columns"),
            (
                open(&["a", "b", "a"], vec![]),
                "invalid input: there are two columns \"a\"",
            ),
            (
                open(&["a"], unknown),
                "invalid parameter: there is no \"rate\", known: none",
            ),
        ];
        for (opened, complaint) in cases {
            assert_eq!(
                opened.err().map(|error| error.to_string()).as_deref(),
                Some(complaint)
            );
        }
    }

    #[test]
    fn a_plug_in_never_sees_a_malformed_batch_or_no_epochs() {
        let mut session = open(&["a", "b"], vec![]).unwrap();
        let (good, bad) = (
            Batch::new(2, vec![1.0, 2.0, 3.0, 4.0]),
            Batch::new(3, vec![1.0, 2.0, 3.0]),
        );
        let mut train =
            |batch: &Batch, epochs| session.train(batch.clone(), epochs, &mut |_| Signal::Proceed);
        assert_eq!(train(&good, 1).map(|report| report.samples), Ok(2));
        assert!(matches!(train(&good, 0), Err(Error::InvalidInput(_))));
        assert!(matches!(train(&bad, 1), Err(Error::InvalidInput(_))));
        assert!(matches!(session.score(bad), Err(Error::InvalidInput(_))));
        assert_eq!(session.score(good), Ok(vec![1.0, 3.0]));
    }
}
