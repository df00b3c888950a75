//! What the sandbox costs: at its boundary, and in the algorithms of the catalogue.

#[path = "plugins/boundary.rs"]
mod boundary;
#[path = "plugins/catalogue.rs"]
mod catalogue;
#[path = "plugins/loading.rs"]
mod loading;
#[path = "plugins/rows.rs"]
mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fedhost_plugin::{Context, Engine, EventSink, Loader, Opening, Parameters, Plugin};

use crate::measure::Document;

const SEED: u64 = 7;

pub(crate) fn figures(document: &mut Document) {
    let engine = Engine::new().unwrap();
    document.extend(loading::figures(&engine));
    document.extend(boundary::figures(&engine));
    catalogue::figures(&engine, document);
}

/// As a run has them, interruption and limits included.
fn loader(engine: &Engine) -> Loader {
    Loader::new(engine, no_listener())
}

fn no_listener() -> EventSink {
    Arc::new(|_| {})
}

fn built(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/{name}.wasm"))
}

/// Opens with the defaults of all parameters.
fn open<T>(plugin: &Plugin, columns: usize, open: impl FnOnce(Opening<'_>) -> T) -> T {
    let parameters = plugin.check_parameters(&Parameters::new()).unwrap();
    let context = Context::new("bench", no_listener());
    open(Opening {
        columns: &rows::names(columns),
        parameters: &parameters,
        seed: SEED,
        context,
    })
}
