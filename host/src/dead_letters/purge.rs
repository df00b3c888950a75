//! Deletes the oldest dead-letter records permanently.

use std::sync::Arc;

use serde::Serialize;

use super::marks::{self, chunks_of};
use super::{Bound, Error, Filter, Reader, ScanProgress, describe};
use fedhost_bus::{Bus, Write};

/// Dead-letter records read at a time.
const BATCH: usize = 512;

/// What is to be deleted of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// Which partition.
    pub partition: u32,
    /// The oldest dead-letter record.
    pub from: u64,
    /// The oldest dead-letter record that stays.
    pub before: u64,
}

/// What lies before `before` of what is there now, or everything. Deletes nothing. A time deletes,
/// in each partition, all dead-letter records up to the first that failed at that time or later.
///
/// # Errors
/// There is no such topic or partition, or the bus refused.
pub async fn plan_purge(
    bus: &Arc<dyn Bus>,
    topic: &str,
    before: Option<Bound>,
    progress: impl FnMut(ScanProgress),
) -> Result<Vec<Cut>, Error> {
    let offsets = describe(bus.as_ref(), topic).await?.offsets;
    let mut cuts: Vec<Cut> = (0..)
        .zip(&offsets)
        .map(|(partition, offsets)| Cut {
            partition,
            from: offsets.start,
            before: offsets.end,
        })
        .collect();
    match before {
        None => {}
        Some(Bound::Offset { partition, offset }) => {
            if let Some(named) = partition {
                cuts.retain(|cut| cut.partition == named);
                if cuts.is_empty() {
                    return Err(Error::NoPartition {
                        topic: topic.to_owned(),
                        partition: named,
                        partitions: offsets.len(),
                    });
                }
            }
            cuts.iter_mut()
                .for_each(|cut| cut.before = cut.before.min(offset));
        }
        Some(Bound::Time(_)) => keep_since(bus, topic, before, &mut cuts, progress).await?,
    }
    cuts.retain(|cut| cut.from < cut.before);
    Ok(cuts)
}

/// Ends each cut at the first dead-letter record that is not before the time.
async fn keep_since(
    bus: &Arc<dyn Bus>,
    topic: &str,
    before: Option<Bound>,
    cuts: &mut [Cut],
    mut progress: impl FnMut(ScanProgress),
) -> Result<(), Error> {
    let older = Filter {
        to: before,
        ..Filter::default()
    };
    let mut reader = Reader::browse(bus, topic, &Filter::default()).await?;
    loop {
        let dead_letters = reader.next(BATCH).await?;
        if dead_letters.is_empty() {
            return Ok(());
        }
        for dead_letter in dead_letters
            .iter()
            .filter(|dead_letter| !older.admits(dead_letter))
        {
            let position = &dead_letter.0.position;
            if let Some(cut) = cuts
                .iter_mut()
                .find(|cut| cut.partition == position.partition)
            {
                cut.before = cut.before.min(position.offset);
                reader.close(cut.partition);
            }
        }
        progress(reader.seen());
    }
}

/// Deletes what was planned, and what was remembered about having replayed it.
///
/// # Errors
/// The bus refused; the cuts before that one were made.
pub async fn delete(bus: &dyn Bus, topic: &str, cuts: &[Cut]) -> Result<(), Error> {
    for cut in cuts {
        bus.delete_records(topic, cut.partition, cut.before).await?;
        let gone =
            chunks_of(cut.from..cut.before).filter(|&number| marks::end_of(number) <= cut.before);
        let state: Vec<_> = gone
            .map(|number| (marks::state_name(topic, cut.partition, number), None))
            .collect();
        if !state.is_empty() {
            bus.write(Write {
                state,
                ..Write::default()
            })
            .await?;
        }
    }
    Ok(())
}
