//! Where a range of dead-letter records begins or ends: at an offset or at a time.

use jiff::{SpanRelativeTo, Timestamp};

use super::DeadLetter;

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// An offset, in all partitions or in one; then the other partitions are left out.
    Offset {
        /// Which partition.
        partition: Option<u32>,
        /// Which offset.
        offset: u64,
    },
    /// When a dead-letter record failed, in milliseconds since the Unix epoch.
    Time(u64),
}

/// A text that is no place among dead-letter records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error(
    "write an offset such as 120, a partition and an offset such as 0:120, a time such as 2026-03-01T12:00:00Z, or an age such as 36h or 7d"
)]
pub struct BadBound;

impl Bound {
    /// Reads `120`, `0:120`, a time of RFC 3339, or an age, counted back from `now_ms`.
    ///
    /// # Errors
    /// It is none of them.
    pub fn parse(text: &str, now_ms: u64) -> Result<Self, BadBound> {
        if let Ok(offset) = text.parse() {
            return Ok(Self::Offset {
                partition: None,
                offset,
            });
        }
        if let Some(bound) = partition_and_offset(text) {
            return Ok(bound);
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return time
                .as_millisecond()
                .try_into()
                .map(Self::Time)
                .map_err(|_| BadBound);
        }
        let age = text.parse::<jiff::Span>().map_err(|_| BadBound)?;
        let age = age
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| BadBound)?;
        let age_ms = u64::try_from(age.as_millis()).map_err(|_| BadBound)?;
        now_ms.checked_sub(age_ms).map(Self::Time).ok_or(BadBound)
    }

    /// The partition that it names.
    #[must_use]
    pub fn partition(self) -> Option<u32> {
        match self {
            Self::Offset { partition, .. } => partition,
            Self::Time(_) => None,
        }
    }

    /// The offset that it names, if it is not a time.
    #[must_use]
    pub fn offset(self) -> Option<u64> {
        match self {
            Self::Offset { offset, .. } => Some(offset),
            Self::Time(_) => None,
        }
    }

    /// Whether it lies after the dead-letter record, which is in a partition that it covers.
    #[must_use]
    pub fn is_after(self, dead_letter: &DeadLetter) -> bool {
        match self {
            Self::Offset { offset, .. } => dead_letter.0.position.offset < offset,
            Self::Time(time_ms) => dead_letter.failed_ms() < time_ms,
        }
    }
}

fn partition_and_offset(text: &str) -> Option<Bound> {
    let (partition, offset) = text.split_once(':')?;
    Some(Bound::Offset {
        partition: Some(partition.parse().ok()?),
        offset: offset.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_an_offset_a_place_a_time_or_an_age() {
        let now_ms = 1_640_995_200_000 + 86_400_000;
        for (text, bound) in [
            (
                "120",
                Bound::Offset {
                    partition: None,
                    offset: 120,
                },
            ),
            (
                "3:120",
                Bound::Offset {
                    partition: Some(3),
                    offset: 120,
                },
            ),
            ("2022-01-01T00:00:00Z", Bound::Time(1_640_995_200_000)),
            ("2022-01-01T01:00:00+01:00", Bound::Time(1_640_995_200_000)),
            ("24h", Bound::Time(1_640_995_200_000)),
            ("1d", Bound::Time(1_640_995_200_000)),
        ] {
            assert_eq!(Bound::parse(text, now_ms), Ok(bound), "{text}");
        }
        for text in [
            "",
            "-1",
            "x:3",
            "3:",
            "yesterday",
            "2022-01-01",
            "-5h",
            "1969-01-01T00:00:00Z",
        ] {
            assert_eq!(Bound::parse(text, now_ms), Err(BadBound), "{text}");
        }
    }
}
