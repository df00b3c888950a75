//! How far a partition's offset may be committed while its records are finished out of order.
//!
//! A committed offset says that nothing below it needs to be read again. So the ledger must never
//! name an offset with unfinished work below it, and never take back one it has named.

use std::collections::BTreeSet;

/// A step that would make the ledger lie.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Records must be begun in the order in which they lie in the partition.
    #[error(
        "offset {offset} was begun where {next} or a later one was due\nhint: rewind before reading records again"
    )]
    OutOfOrder {
        /// The offset.
        offset: u64,
        /// The lowest that may be begun.
        next: u64,
    },
    /// No offset follows this one, so it could never be committed.
    #[error(
        "offset {offset} is the last there can be\nhint: check how the bus numbers its records"
    )]
    Last {
        /// The offset.
        offset: u64,
    },
    /// It was not begun, is finished already, or was given up by a rewind.
    #[error("offset {offset} is not in work\nhint: finish every record once, after it was begun")]
    Unknown {
        /// The offset.
        offset: u64,
    },
    /// Offsets below the safe one may be committed already.
    #[error(
        "cannot rewind to offset {to}: everything below {safe} is finished\nhint: rewind to {safe} or later"
    )]
    Settled {
        /// Where to.
        to: u64,
        /// The lowest offset that may be rewound to.
        safe: u64,
    },
}

/// The records of one partition that are in work. Offsets may have gaps, as compacted and
/// transactional topics do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    unfinished: BTreeSet<u64>,
    /// The lowest offset that may be begun; `None` before the first.
    next: Option<u64>,
}

impl Ledger {
    /// Notes that work on a record began.
    ///
    /// # Errors
    /// `offset` is not above all that were begun since the last rewind, or is the largest number.
    pub fn begin(&mut self, offset: u64) -> Result<(), Error> {
        if let Some(next) = self.next.filter(|&next| offset < next) {
            return Err(Error::OutOfOrder { offset, next });
        }
        self.next = Some(offset.checked_add(1).ok_or(Error::Last { offset })?);
        self.unfinished.insert(offset);
        Ok(())
    }

    /// Notes that a record's effects are durable, in any order.
    ///
    /// # Errors
    /// `offset` is not in work.
    pub fn finish(&mut self, offset: u64) -> Result<(), Error> {
        if self.unfinished.remove(&offset) {
            Ok(())
        } else {
            Err(Error::Unknown { offset })
        }
    }

    /// The next offset to commit: all that was begun below it is finished. `None` before the first
    /// record.
    #[must_use]
    pub fn safe(&self) -> Option<u64> {
        self.unfinished.first().copied().or(self.next)
    }

    /// Records in work.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.unfinished.len()
    }

    /// Gives up all records from `to` on, in work or finished, because they will be read again.
    /// Earlier ones stay in work; a `to` above all that were begun changes nothing.
    ///
    /// # Errors
    /// `to` is below the safe offset, which may be committed already.
    pub fn rewind(&mut self, to: u64) -> Result<(), Error> {
        if let Some(safe) = self.safe().filter(|&safe| to < safe) {
            return Err(Error::Settled { to, safe });
        }
        self.unfinished.split_off(&to);
        self.next = self.next.map(|next| next.min(to));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
