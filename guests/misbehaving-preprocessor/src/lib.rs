//! The plug-in `misbehaving-preprocessor`: breaks one promise, on request, and one always. It is
//! never installed.
//!
//! What it can do is listed in [`act`]; this file only makes a component of it.

pub mod act;

pub use act::Misbehaving;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(Misbehaving);
