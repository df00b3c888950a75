//! A batch of readings on its way through a node: handled on a guest thread, held while a plug-in
//! that it needs has an open circuit breaker, published with its offsets.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::fog::schedule::Input;

use super::pipeline::{Batch, Processed, Processing};
use super::snapshot::Snapshot;
use super::{Node, offsets_of, writes};
use crate::role::engine::Stopped;
use crate::role::{Error, halt};
use fedhost_bus::{Record, Write};

/// A batch, and how far it has come.
pub(super) struct Held {
    pub(super) records: Arc<Vec<Record>>,
    pub(super) batch: Batch,
}

impl Node {
    pub(super) async fn take_readings(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let records = Arc::new(records);
        let shared = Arc::clone(&records);
        let retry = self.retry.clone();
        let processed = self
            .on_guest_thread(move |pipeline| pipeline.process(&shared, &retry))
            .await?;
        self.settle(records, processed).await
    }

    /// Continues with the batch that has waited, now that its plug-in may be tried again or is
    /// another one.
    pub(super) async fn resume(&mut self) -> Result<(), Error> {
        let Some(Held { records, batch }) = self.held.take() else {
            return Ok(());
        };
        let retry = self.retry.clone();
        let processed = self
            .on_guest_thread(move |pipeline| pipeline.resume(batch, &retry))
            .await?;
        self.settle(records, processed).await
    }

    async fn settle(
        &mut self,
        records: Arc<Vec<Record>>,
        processed: Result<Processed, Stopped>,
    ) -> Result<(), Error> {
        let outcome = match processed {
            Ok(Processed::Done(outcome)) => outcome,
            Ok(Processed::Paused(mut batch)) => {
                batch
                    .take_failures()
                    .iter()
                    .for_each(|failure| self.service.plugins.announce(failure));
                self.held = Some(Held { records, batch });
                return Ok(());
            }
            Err(Stopped) => {
                // It has taken a part of the batch, which is not published.
                self.pipeline = None;
                return Ok(());
            }
        };
        let labelled = outcome.labelled;
        self.rows_since_snapshot += records.len() as u64;
        self.publish(&records, outcome).await?;
        if labelled > 0 {
            self.tell(Input::Rows(labelled));
        }
        self.evaluate();
        self.note_ended_sensors();
        Ok(())
    }

    async fn publish(&mut self, records: &[Record], outcome: Processing) -> Result<(), Error> {
        for failure in &outcome.failures {
            self.service.plugins.announce(failure);
        }
        let is_new = |record: &Record| {
            self.published
                .get(&record.position.partition)
                .is_none_or(|&next| record.position.offset >= next)
        };
        let mut write = writes::results(&self.service, records, &outcome, is_new)
            .map_err(|error| self.defect(&error))?;
        let refused: BTreeSet<usize> = outcome
            .refused
            .iter()
            .map(|refused| refused.record)
            .collect();
        let new = records
            .iter()
            .enumerate()
            .filter(|(_, record)| is_new(record));
        let verdict = self
            .watch
            .count(new.map(|(index, _)| !refused.contains(&index)));
        write.offsets.extend(self.models.progress());
        for (partition, next) in offsets_of(self.readings.as_ref()) {
            let published = self.published.entry(partition).or_default();
            if next > *published {
                *published = next;
                write.offsets.push(writes::offset(
                    &self.role,
                    &self.service.readings,
                    partition,
                    next,
                ));
            }
        }
        if self.rows_since_snapshot >= self.service.window_rows.max(1_000) as u64 {
            self.add_snapshot(&mut write).await?;
        }
        halt::write(&self.service.context, &self.role, write, verdict).await
    }

    pub(super) async fn add_snapshot(&mut self, write: &mut Write) -> Result<(), Error> {
        let offsets = offsets_of(self.readings.as_ref());
        let snapshot = self
            .on_guest_thread(move |pipeline| Snapshot::take(pipeline, offsets))
            .await?;
        self.rows_since_snapshot = 0;
        match snapshot {
            Ok(snapshot) => {
                let bytes = serde_json::to_vec(&snapshot).map_err(|error| self.defect(&error))?;
                write
                    .state
                    .push((self.service.snapshot_state(), Some(Bytes::from(bytes))));
            }
            // The earlier snapshot stays; more rows are read again after a restart.
            Err(error) => self.service.plugins.announce(&error),
        }
        Ok(())
    }
}
