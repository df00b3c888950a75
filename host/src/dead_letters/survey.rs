//! How many dead-letter records a topic has, and why they are there.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{Error, Filter, Reader, ScanProgress};
use fedhost_bus::Bus;

/// Dead-letter records read at a time.
const BATCH: usize = 512;
/// Reasons counted separately: untrusted records may hold any number of them.
const REASONS_MAX: usize = 100;
/// Stands for all further reasons.
const OTHER: &str = "other";

/// What a dead-letter topic holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// How many there are.
    pub records: u64,
    /// When the newest failure was, in milliseconds since the Unix epoch.
    pub newest_ms: Option<u64>,
    /// How many there are for each reason.
    pub reasons: BTreeMap<String, u64>,
}

/// Counts the dead-letter records that are there now; reports to `progress` how far it has come.
/// The memory it takes does not depend on how many there are.
///
/// # Errors
/// There is no such topic, or the bus refused.
pub async fn survey(
    bus: &Arc<dyn Bus>,
    topic: &str,
    mut progress: impl FnMut(ScanProgress),
) -> Result<Survey, Error> {
    let mut reader = Reader::browse(bus, topic, &Filter::default()).await?;
    let mut survey = Survey::default();
    loop {
        let dead_letters = reader.next(BATCH).await?;
        if dead_letters.is_empty() {
            return Ok(survey);
        }
        for dead_letter in &dead_letters {
            survey.records += 1;
            survey.newest_ms = survey.newest_ms.max(Some(dead_letter.failed_ms()));
            count(&mut survey.reasons, &dead_letter.reason());
        }
        progress(reader.seen());
    }
}

/// One more of that reason.
pub(super) fn count(reasons: &mut BTreeMap<String, u64>, reason: &str) {
    let name = if reasons.len() < REASONS_MAX || reasons.contains_key(reason) {
        reason
    } else {
        OTHER
    };
    *reasons.entry(name.to_owned()).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_reasons_does_not_fill_the_memory() {
        let mut reasons = BTreeMap::new();
        for number in 0..10_000 {
            count(&mut reasons, &number.to_string());
        }
        count(&mut reasons, "7");
        assert_eq!(
            (reasons.len(), reasons["7"], reasons[OTHER]),
            (101, 2, 9_900)
        );
    }
}
