//! Takes other components into use when the lineup changes, and stores where each began.

use std::collections::BTreeMap;
use std::sync::Arc;

use fedhost_base::event::{Event, PluginEvent};
use fedhost_bus::Write;

use super::Node;
use super::worker::Held;
use crate::role::Error;
use crate::role::engine::{Stage, Swapped};

impl Node {
    /// Takes the components into use that are wanted now, and stores where each began.
    pub(super) async fn take_lineup(&mut self) -> Result<(), Error> {
        let wanted = self.service.lineup.borrow_and_update().clone();
        if self.worker.is_stopped() {
            return Ok(());
        }
        let before = Arc::clone(self.worker.plugins());
        let swaps = self
            .worker
            .lend(move |pipeline| pipeline.engine.swap(wanted))
            .await?;
        let is_swapped = !Arc::ptr_eq(&before, self.worker.plugins());
        for swapped in swaps {
            self.announce_swap(swapped);
        }
        // A batch that has waited for the old component need not wait any longer.
        self.resume().await?;
        if !is_swapped || !self.is_settled() {
            return Ok(());
        }
        // Earlier rows were handled by the old component: after a restart they must not be handled
        // by the new one.
        let mut write = Write {
            offsets: self.models.progress(),
            ..Write::default()
        };
        self.add_snapshot(&mut write).await?;
        self.service.context.write(&self.role, write).await
    }

    fn announce_swap(&self, swapped: Swapped) {
        self.service.context.announcer.announce(match swapped {
            Swapped::Taken {
                stage,
                old,
                new,
                state,
            } => Event::Plugin(PluginEvent::PluginSwapped {
                node: self.service.id(),
                part: part_of(stage).to_owned(),
                old,
                new,
                topic: self.service.readings.topic.to_string(),
                first_offsets: self.first_offsets(stage),
                state,
            }),
            Swapped::Refused { new, reason } => Event::Plugin(PluginEvent::PluginFailed {
                plugin: new.name.clone(),
                call: "swap".to_owned(),
                kind: "refused".to_owned(),
                detail: format!(
                    "{} does not take {new} into use: {reason}",
                    self.service.id()
                ),
            }),
        });
    }

    /// By partition, what comes next; a batch that waits comes before what is read next.
    fn first_offsets(&self, stage: Stage) -> BTreeMap<u32, u64> {
        let mut offsets = self.intake.positions();
        let Some(Held { records, batch }) = self.worker.held() else {
            return offsets;
        };
        let waiting: Vec<usize> = if stage == Stage::Preprocess {
            batch.to_preprocess().collect()
        } else {
            batch.to_score().collect()
        };
        for position in waiting
            .into_iter()
            .filter_map(|index| records.get(index))
            .map(|record| &record.position)
        {
            offsets
                .entry(position.partition)
                .and_modify(|next| *next = position.offset.min(*next));
        }
        offsets
    }
}

/// The part of the lineup that does a stage.
fn part_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Preprocess => "preprocess",
        Stage::Score => "model",
    }
}
