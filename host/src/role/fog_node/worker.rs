//! Has the node's pipeline, and lends it to a guest thread for each piece of work.

use std::sync::Arc;

use fedhost_bus::Record;
use fedhost_plugin::CallError;

use super::pipeline::{Batch, Pipeline, Processed, Processing};
use crate::role::Error;
use crate::role::engine::plugins::Plugins;
use crate::role::engine::{RetryPolicy, Stopped};

/// The pipeline, and the batch that it could not finish.
pub(super) struct Worker {
    role: String,
    /// Those that the pipeline uses; kept here so that they are known while a guest thread has it.
    plugins: Arc<Plugins>,
    /// `None` while a guest thread has it, and once a batch was dropped because the node is to
    /// stop.
    pipeline: Option<Pipeline>,
    /// A batch that waits for a plug-in that has an open circuit breaker. No other one is read
    /// meanwhile, and no snapshot taken: what readers have passed is not what this node has
    /// handled.
    held: Option<Held>,
    retry: RetryPolicy,
}

/// A batch, and how far it has come.
pub(super) struct Held {
    pub(super) records: Arc<Vec<Record>>,
    pub(super) batch: Batch,
}

/// What became of a batch.
pub(super) enum Worked {
    /// It is finished.
    Done(Arc<Vec<Record>>, Processing),
    /// It is held. These calls failed.
    Held(Vec<CallError>),
    /// The node is to stop. A part of the batch was taken, which is not published.
    Stopped,
}

impl Worker {
    pub(super) fn new(role: &str, pipeline: Pipeline, retry: RetryPolicy) -> Self {
        Self {
            role: role.to_owned(),
            plugins: Arc::clone(pipeline.engine.plugins()),
            pipeline: Some(pipeline),
            held: None,
            retry,
        }
    }

    pub(super) fn plugins(&self) -> &Arc<Plugins> {
        &self.plugins
    }

    pub(super) fn pipeline(&self) -> Option<&Pipeline> {
        self.pipeline.as_ref()
    }

    pub(super) fn pipeline_mut(&mut self) -> Option<&mut Pipeline> {
        self.pipeline.as_mut()
    }

    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Whether it has dropped a batch because the node is to stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.pipeline.is_none()
    }

    /// Handles records on a guest thread.
    ///
    /// # Errors
    /// A defect of this program.
    pub(super) async fn process(&mut self, records: Vec<Record>) -> Result<Worked, Error> {
        let records = Arc::new(records);
        let shared = Arc::clone(&records);
        let retry = self.retry.clone();
        let processed = self
            .lend(move |pipeline| pipeline.process(&shared, &retry))
            .await?;
        Ok(self.keep(records, processed))
    }

    /// Continues with the batch that is held, if there is one.
    ///
    /// # Errors
    /// A defect of this program.
    pub(super) async fn resume(&mut self) -> Result<Option<Worked>, Error> {
        let Some(Held { records, batch }) = self.held.take() else {
            return Ok(None);
        };
        let retry = self.retry.clone();
        let processed = self
            .lend(move |pipeline| pipeline.resume(batch, &retry))
            .await?;
        Ok(Some(self.keep(records, processed)))
    }

    fn keep(&mut self, records: Arc<Vec<Record>>, processed: Result<Processed, Stopped>) -> Worked {
        match processed {
            Ok(Processed::Done(processing)) => Worked::Done(records, processing),
            Ok(Processed::Paused(mut batch)) => {
                let failures = batch.take_failures();
                self.held = Some(Held { records, batch });
                Worked::Held(failures)
            }
            Err(Stopped) => {
                self.pipeline = None;
                Worked::Stopped
            }
        }
    }

    /// Lends the pipeline to a guest thread.
    ///
    /// # Errors
    /// A defect of this program.
    pub(super) async fn lend<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Pipeline) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let Some(mut pipeline) = self.pipeline.take() else {
            return Err(super::defect(&self.role, &"its pipeline is lost"));
        };
        let worked = tokio::task::spawn_blocking(move || {
            let result = work(&mut pipeline);
            (pipeline, result)
        });
        let (pipeline, result) = worked
            .await
            .map_err(|error| super::defect(&self.role, &error))?;
        self.plugins = Arc::clone(pipeline.engine.plugins());
        self.pipeline = Some(pipeline);
        Ok(result)
    }
}
