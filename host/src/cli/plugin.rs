//! The commands of `fedhost plugin` that are for authors.

pub(super) mod check;
mod parameters;
