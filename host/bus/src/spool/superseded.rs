//! Whether the work behind a write was done by another process meanwhile.
//!
//! A spool may wait until its group is given to another process, which reads the same
//! records and continues. What it has done shows in the group's offsets.

use super::entry::Move;

/// Whether another process has taken every partition of `moves` at least as far, and one of them
/// further than the writer knew of. `stored` gives a group's stored offset.
///
/// A write that moves no offset (a timer's work), or that goes back on purpose, is never taken for
/// done: it would be lost.
pub(super) fn done(moves: &[Move], stored: impl Fn(&Move) -> Option<u64>) -> bool {
    let mut further = false;
    moves.iter().all(|step| {
        let Some(stored) = stored(step) else {
            return false;
        };
        further |= stored > step.from;
        step.from <= step.to.next && step.to.next <= stored
    }) && further
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupOffset;

    fn step(partition: u32, from: u64, next: u64) -> Move {
        Move {
            from,
            to: GroupOffset {
                group: "g".into(),
                topic: "t".into(),
                partition,
                next,
                epoch: None,
            },
            topic_id: None,
        }
    }

    #[test]
    fn work_is_done_when_another_process_came_at_least_as_far() {
        let stored = |step: &Move| {
            [Some(10), Some(20), None]
                .get(step.to.partition as usize)
                .copied()
                .flatten()
        };
        let cases = [
            (vec![step(0, 5, 7)], true),
            (vec![step(0, 5, 10)], true),
            (vec![step(0, 5, 11)], false),
            // Two partitions, of which one did not move
            (vec![step(0, 5, 7), step(1, 20, 20)], true),
            (vec![step(0, 5, 7), step(1, 15, 21)], false),
            // Nothing moved since this one wrote: it is the work of a timer
            (vec![step(0, 10, 10)], false),
            (vec![step(0, 9, 9)], true),
            // Going back is on purpose
            (vec![step(0, 8, 7)], false),
            (vec![step(2, 0, 1)], false),
            (vec![], false),
        ];
        for (moves, expected) in cases {
            assert_eq!(done(&moves, stored), expected, "{moves:?}");
        }
    }
}
