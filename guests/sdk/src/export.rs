//! From the generated bindings to the traits, compiled for components only.
//!
//! One adapter per interface, each a thin shell around a [`Session`]; it is generic over the
//! plug-in, so every plug-in carries only what it uses.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Once;

use crate::host::Level;
use crate::{
    Batch, Descriptor, Detector, Parameter, ParameterSpec, Preprocessor, Progress, Report, Result,
    Session, Signal, Trainer, Weights,
};
use bindings::exports::fedhost::plugin::{detection, metadata, preprocessing, training};
use bindings::fedhost::plugin::host;

/// Generated from `wit/plugin.wit`, for all interfaces at once.
#[expect(
    missing_docs,
    reason = "generated; the documentation is in the WIT file"
)]
pub mod bindings;

/// Forwards to the host.
pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Debug => host::Level::Debug,
        Level::Info => host::Level::Info,
        Level::Warning => host::Level::Warning,
        Level::Error => host::Level::Error,
    };
    host::log(level, message);
}

fn progress(progress: Progress) -> Signal {
    match host::progress(progress.epoch, progress.epochs, &progress.metrics) {
        host::Signal::Proceed => Signal::Proceed,
        host::Signal::Stop => Signal::Stop,
    }
}

/// Without it a panic is a bare `unreachable` to the host.
fn report_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())))
    });
}

/// Exports a [`Preprocessor`].
#[derive(Debug)]
pub struct PreprocessorPlugin<T>(PhantomData<T>);
/// Exports a [`Trainer`] and a [`Detector`].
#[derive(Debug)]
pub struct ModelPlugin<T, D>(PhantomData<(T, D)>);
/// Exports a [`Detector`] that needs no training.
#[derive(Debug)]
pub struct DetectorPlugin<D>(PhantomData<D>);

/// A resource: the generated traits lend `&self`, and a component has one thread.
#[derive(Debug)]
pub struct Resource<T>(RefCell<Session<T>>);

impl<T> Resource<T> {
    fn new(session: Result<Session<T>>) -> Result<Self> {
        Ok(Self(RefCell::new(session?)))
    }
}

impl<T: Preprocessor> metadata::Guest for PreprocessorPlugin<T> {
    fn describe() -> metadata::Descriptor {
        describe(T::describe)
    }
}

impl<T: Trainer, D: Detector> metadata::Guest for ModelPlugin<T, D> {
    fn describe() -> metadata::Descriptor {
        describe(T::describe)
    }
}

impl<D: Detector> metadata::Guest for DetectorPlugin<D> {
    fn describe() -> metadata::Descriptor {
        describe(D::describe)
    }
}

fn describe(descriptor: fn() -> Descriptor) -> metadata::Descriptor {
    report_panics();
    let Descriptor {
        name,
        version,
        summary,
        parameters,
    } = descriptor();
    let parameters = parameters.into_iter().map(parameter_spec).collect();
    metadata::Descriptor {
        name,
        version,
        summary,
        parameters,
    }
}

fn parameter_spec(spec: ParameterSpec) -> metadata::ParameterSpec {
    let ParameterSpec {
        name,
        summary,
        default,
        minimum,
        maximum,
        choices,
    } = spec;
    metadata::ParameterSpec {
        name,
        summary,
        default,
        minimum,
        maximum,
        choices,
    }
}

impl<T: Preprocessor> preprocessing::Guest for PreprocessorPlugin<T> {
    type Preprocessor = Resource<T>;
}

impl<T: Preprocessor> preprocessing::GuestPreprocessor for Resource<T> {
    fn open(
        columns: Vec<String>,
        parameters: Vec<Parameter>,
    ) -> Result<preprocessing::Preprocessor> {
        report_panics();
        Self::new(Session::open_preprocessor(&columns, parameters))
            .map(preprocessing::Preprocessor::new)
    }
    fn output_columns(&self) -> Vec<String> {
        self.0.borrow().output_columns()
    }
    fn fit(&self, input: Batch) -> Result<()> {
        self.0.borrow_mut().fit(input)
    }
    fn transform(&self, input: Batch) -> Result<Batch> {
        self.0.borrow_mut().transform(input)
    }
    fn save(&self) -> Result<Weights> {
        self.0.borrow().save_state()
    }
    fn restore(&self, state: Weights) -> Result<()> {
        self.0.borrow_mut().restore(state)
    }
}

impl<T: Trainer, D: Detector> training::Guest for ModelPlugin<T, D> {
    type Trainer = Resource<T>;
}

impl<T: Trainer> training::GuestTrainer for Resource<T> {
    fn open(
        columns: Vec<String>,
        parameters: Vec<Parameter>,
        seed: u64,
    ) -> Result<training::Trainer> {
        report_panics();
        Self::new(Session::open_model(&columns, parameters, seed)).map(training::Trainer::new)
    }
    fn save(&self) -> Result<Weights> {
        self.0.borrow().save()
    }
    fn load(&self, model: Weights) -> Result<()> {
        self.0.borrow_mut().load(model)
    }
    fn train(&self, input: Batch, epochs: u32) -> Result<training::Report> {
        let Report {
            samples,
            loss,
            metrics,
        } = self.0.borrow_mut().train(input, epochs, &mut progress)?;
        Ok(training::Report {
            samples,
            loss,
            metrics,
        })
    }
}

impl<T: Trainer, D: Detector> detection::Guest for ModelPlugin<T, D> {
    type Detector = Resource<D>;
}

impl<D: Detector> detection::Guest for DetectorPlugin<D> {
    type Detector = Resource<D>;
}

impl<D: Detector> detection::GuestDetector for Resource<D> {
    fn open(
        columns: Vec<String>,
        parameters: Vec<Parameter>,
        seed: u64,
    ) -> Result<detection::Detector> {
        report_panics();
        Self::new(Session::open_model(&columns, parameters, seed)).map(detection::Detector::new)
    }
    fn load(&self, model: Weights) -> Result<()> {
        self.0.borrow_mut().load(model)
    }
    fn save(&self) -> Result<Weights> {
        self.0.borrow().save()
    }
    fn score(&self, input: Batch) -> Result<Vec<f32>> {
        self.0.borrow_mut().score(input)
    }
}

/// For each world, the custom section that describes the component's exports; `build.rs` makes it.
pub mod worlds {
    pub const PREPROCESSOR: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/preprocessor-plugin"));
    pub const MODEL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/model-plugin"));
    pub const DETECTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/detector-plugin"));

    /// A static in a link section has to be the bytes themselves, not a reference to them.
    pub const fn section<const N: usize>(world: &[u8]) -> [u8; N] {
        match world.first_chunk() {
            Some(bytes) => *bytes,
            None => [0; N],
        }
    }
}
