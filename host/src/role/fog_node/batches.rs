//! A batch of readings on its way through a node: handled by the worker, published with its
//! offsets.

use std::collections::BTreeSet;

use bytes::Bytes;
use fedhost_bus::{Record, Write};
use fedhost_domain::fog::schedule::Input;

use super::pipeline::Processing;
use super::snapshot::Snapshot;
use super::worker::Worked;
use super::{Node, writes};
use crate::role::Error;
use crate::role::halt::{self, DeadLetterHalt};

impl Node {
    pub(super) async fn take_readings(&mut self, records: Vec<Record>) -> Result<(), Error> {
        let worked = self.worker.process(records).await?;
        self.settle(worked).await
    }

    /// Continues with the batch that has waited, now that its plug-in may be tried again or is
    /// another one.
    pub(super) async fn resume(&mut self) -> Result<(), Error> {
        match self.worker.resume().await? {
            Some(worked) => self.settle(worked).await,
            None => Ok(()),
        }
    }

    async fn settle(&mut self, worked: Worked) -> Result<(), Error> {
        let (records, processing) = match worked {
            Worked::Done(records, processing) => (records, processing),
            Worked::Held(failures) => {
                let plugins = self.worker.plugins();
                failures
                    .iter()
                    .for_each(|failure| plugins.announce(failure));
                return Ok(());
            }
            Worked::Stopped => return Ok(()),
        };
        let labelled = processing.labelled;
        self.snapshots.count(records.len() as u64);
        self.publish(&records, processing).await?;
        if labelled > 0 {
            self.learn(Input::Rows(labelled));
        }
        self.evaluate();
        self.note_ended_sensors();
        Ok(())
    }

    async fn publish(&mut self, records: &[Record], processing: Processing) -> Result<(), Error> {
        let (mut write, halt) = self.results(records, &processing)?;
        write.offsets.extend(self.models.progress());
        let offsets = self.intake.publish();
        if !offsets.is_empty() {
            write.offsets.extend(offsets);
            self.add_published(&mut write)?;
        }
        if self.snapshots.is_due() {
            self.add_snapshot(&mut write).await?;
        }
        halt::write(&self.service.context, &self.role, write, halt).await
    }

    /// Predictions and dead-letter records, and whether the latter are too many.
    fn results(
        &mut self,
        records: &[Record],
        processing: &Processing,
    ) -> Result<(Write, Option<DeadLetterHalt>), Error> {
        let plugins = self.worker.plugins();
        for failure in &processing.failures {
            plugins.announce(failure);
        }
        let is_new = |record: &Record| self.intake.is_new(record);
        let write = writes::results(
            &self.service,
            plugins.model_id(),
            records,
            processing,
            is_new,
        )
        .map_err(|error| self.defect(&error))?;
        let refused: BTreeSet<usize> = processing
            .refused
            .iter()
            .map(|refused| refused.record)
            .collect();
        let new = records
            .iter()
            .enumerate()
            .filter(|(_, record)| is_new(record));
        let halt = self
            .watch
            .count(new.map(|(index, _)| !refused.contains(&index)));
        Ok((write, halt))
    }

    pub(super) fn add_published(&self, write: &mut Write) -> Result<(), Error> {
        let published = self.intake.published_positions();
        let bytes = serde_json::to_vec(&published).map_err(|error| self.defect(&error))?;
        let name = self.service.published_state();
        write.state.push((name, Some(Bytes::from(bytes))));
        Ok(())
    }

    pub(super) async fn add_snapshot(&mut self, write: &mut Write) -> Result<(), Error> {
        let positions = self.intake.read_positions();
        let snapshot = self
            .worker
            .lend(move |pipeline| Snapshot::take(pipeline, positions))
            .await?;
        self.snapshots.reset();
        match snapshot {
            Ok(snapshot) => {
                let bytes = serde_json::to_vec(&snapshot).map_err(|error| self.defect(&error))?;
                let state = (self.service.snapshot_state(), Some(Bytes::from(bytes)));
                write.state.push(state);
            }
            // The earlier snapshot stays; more rows are read again after a restart.
            Err(error) => self.worker.plugins().announce(&error),
        }
        Ok(())
    }
}
