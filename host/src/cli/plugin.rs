//! The commands of `fedhost plugin` that are for authors.

pub(super) mod check;
pub(super) mod new;
pub(super) mod parameters;
mod table;
pub(super) mod try_out;
