//! The SDK for plug-ins of fedhost.
//!
//! A plug-in is a WebAssembly component that scores rows of numbers, is trained on them, or
//! transforms them. It has no files, no network, no clock and no random source except a seed. It gets
//! rows and returns numbers, by the laws of `wit/plugin.wit`. This crate does the conversion between
//! WIT and Rust:
//!
//! 1. implement [`Preprocessor`], or [`Model`] with [`Trainer`] and [`Detector`], in plain Rust;
//! 2. test it natively with `cargo test`, through a [`Session`] as the host would drive it;
//! 3. export it with one macro; 4. `fedhost plugin build .` makes and installs the component.
//!
//! A complete plug-in, in a crate whose `Cargo.toml` says `crate-type = ["cdylib", "rlib"]`:
//!
//! ```
//! use fedhost_guest::{Batch, Descriptor, Detector, Model, Parameters, Result, Running, Setting, Weights};
//! use fedhost_guest::{running, state};
//!
//! /// Declared once: for `describe`, for the check of what a manifest gives, and for reading it.
//! const LIMIT: Setting<f64> = Setting::number("limit", "score above which a row is not learnt from", 4.0, 1.0..=100.0);
//!
//! /// Scores a row by how far its first column lies from its mean so far, in standard deviations.
//! struct Surprise {
//!     seen: Running,
//!     limit: f64,
//! }
//!
//! impl Model for Surprise {
//!     fn describe() -> Descriptor {
//!         Descriptor::new("surprise", "0.1.0", "Distance of the first column from its mean so far.").with(&LIMIT)
//!     }
//!     fn open(_columns: &[String], parameters: &Parameters, _seed: u64) -> Result<Self> {
//!         Ok(Self { seen: Running::default(), limit: parameters.get(&LIMIT) })
//!     }
//!     fn save(&self) -> Result<Weights> {
//!         Ok(Weights::default().with_f64("seen", &running::flatten(&[self.seen])))
//!     }
//!     fn load(&mut self, model: Weights) -> Result<()> {
//!         let [seen] = model.tensors([("seen", &[running::FIELDS as u32, state::PARTS])])?;
//!         self.seen = running::unflatten(&state::f64s(seen)?)?.into_iter().next().unwrap_or_default();
//!         Ok(())
//!     }
//! }
//!
//! impl Detector for Surprise {
//!     fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
//!         let columns = batch.columns();
//!         let mut score = |value: f64| {
//!             let score = self.seen.standardise(value).unwrap_or(0.0).abs();
//!             if score <= self.limit {
//!                 self.seen.push(value);
//!             }
//!             score as f32
//!         };
//!         let firsts = batch.values.iter().step_by(columns);
//!         Ok(firsts.map(|&value| if value.is_finite() { score(f64::from(value)) } else { 0.0 }).collect())
//!     }
//! }
//!
//! // In the component only; natively there is nothing to export to.
//! #[cfg(target_family = "wasm")]
//! fedhost_guest::export_detector!(Surprise);
//!
//! // As the host drives it:
//! use fedhost_guest::Session;
//! let mut session: Session<Surprise> = Session::open_model(&["pressure".into()], vec![], 0)?;
//! let scores = session.score(Batch::new(1, vec![1.0, 3.0, 2.0, 9.0]))?;
//! assert_eq!(scores[2], 0.0);
//! assert!(scores[3] > 4.0);
//! # Ok::<_, fedhost_guest::Error>(())
//! ```
//!
//! A panic ends the instance, and its message is written to the host's log. Return an [`Error`] for
//! invalid input instead: it does not change the instance.

mod adam;
mod descriptor;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod export;
pub mod host;
pub mod kernels;
mod macros;
mod parameters;
mod plugin;
mod random;
pub mod running;
mod scales;
mod session;
pub mod state;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod training;
mod types;
mod weights;
pub mod window;

pub use adam::Adam;
pub use descriptor::{Descriptor, Kind, ParameterSpec, Setting};
pub use parameters::Parameters;
pub use plugin::{Detector, Model, Preprocessor, Progress, Report, Signal, Trainer};
pub use random::Random;
pub use running::Running;
pub use scales::Scales;
pub use session::Session;
pub use types::{Batch, Error, Metric, Parameter, TensorSpec, Value, Weights};
pub use window::Window;

/// The result of a fallible call of a plug-in.
pub type Result<T, E = Error> = std::result::Result<T, E>;
