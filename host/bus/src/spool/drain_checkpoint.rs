//! How far a spool has come, as it is kept on the other side, together with what it wrote there.

use bytes::{Buf, BufMut, Bytes};

const VERSION: u8 = 2;

/// All writes below `next`, counted by their offsets in the spool's log, have arrived, if they are
/// of this generation or lie before one that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DrainCheckpoint {
    /// Which log it speaks of.
    pub(super) home: u128,
    pub(super) generation: u128,
    pub(super) next: u64,
}

impl DrainCheckpoint {
    /// The name under which it is kept.
    pub(super) fn state_name(spool: &str) -> String {
        format!("spool/{spool}")
    }

    pub(super) fn encode(&self) -> Bytes {
        let mut value = vec![VERSION];
        value.put_u128_le(self.home);
        value.put_u128_le(self.generation);
        value.put_u64_le(self.next);
        value.into()
    }

    /// `None` for what another version wrote: nothing is taken for granted then.
    pub(super) fn decode(mut value: &[u8]) -> Option<Self> {
        let known = value.try_get_u8().ok()? == VERSION;
        let (home, generation) = (value.try_get_u128_le().ok()?, value.try_get_u128_le().ok()?);
        let checkpoint = Self {
            home,
            generation,
            next: value.try_get_u64_le().ok()?,
        };
        known.then_some(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_comes_back_as_it_was() {
        let checkpoint = DrainCheckpoint {
            home: 5,
            generation: u128::MAX - 3,
            next: 7,
        };
        assert_eq!(
            DrainCheckpoint::decode(&checkpoint.encode()),
            Some(checkpoint)
        );
        assert_eq!(DrainCheckpoint::decode(&[1; 41]), None);
        assert_eq!(DrainCheckpoint::decode(b""), None);
    }
}
