//! The plug-in `misbehaving-preprocessor`: breaks one law on request, and one always. It is for tests
//! only.
//!
//! [`act`] lists the laws; this file only exports the component.

pub mod act;

pub use act::Misbehaving;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(Misbehaving);
