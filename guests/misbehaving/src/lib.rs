//! The plug-in `misbehaving`: breaks one law on request. It is for tests of hosts only.
//!
//! [`act`] lists the laws; this file only exports the component.

pub mod act;
pub mod cheat;
pub mod model;

pub use model::Misbehaving;

#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(Misbehaving);
