//! Everything about a run in numbers.

pub(super) mod nodes;
pub(super) mod plugins;
pub(super) mod rounds;
pub(super) mod trouble;
