//! Finds built components, loads them and opens instances.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use fedhost_base::event::{Event, PluginEvent};
use fedhost_plugin::{
    Batch, Context, Detector, Engine, EventSink, Limits, Loader, Opening, Parameters, Plugin,
    Trainer, Value,
};

/// One engine for the whole process, as in production.
pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().unwrap());

/// The component of that name, built by `make plugins`.
pub(crate) fn component(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|directory| directory.join("Cargo.lock").is_file())
        .unwrap();
    let asked = std::env::var_os("FEDHOST_TEST_PLUGINS").map(PathBuf::from);
    let built =
        ["target/test-plugins", "target/catalogue", "plugins"].map(|place| workspace.join(place));
    let places: Vec<PathBuf> = asked.into_iter().chain(built).collect();
    let file = places
        .iter()
        .map(|place| place.join(format!("{name}.wasm")))
        .find(|file| file.is_file());
    file.unwrap_or_else(|| panic!("{name}.wasm is in none of {places:?}\nhint: run `make plugins`"))
}

/// Receives every event.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Recorder {
    pub(crate) fn sink(&self) -> EventSink {
        let heard = Arc::clone(&self.0);
        Arc::new(move |event| heard.lock().unwrap().push(event))
    }

    pub(crate) fn heard(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    /// Log lines, as `level: message`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |event| match event {
            Event::Plugin(PluginEvent::PluginLogged { level, message, .. }) => {
                Some(format!("{level}: {message}"))
            }
            _ => None,
        };
        self.heard().into_iter().filter_map(line).collect()
    }

    /// Progress reports delivered.
    pub(crate) fn reports(&self) -> usize {
        self.heard()
            .iter()
            .filter(|event| matches!(event, Event::Plugin(PluginEvent::PluginProgress { .. })))
            .count()
    }
}

/// A loader that compiles each component once for all tests.
pub(crate) fn loader(limits: Limits, recorder: &Recorder) -> Loader {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache");
    Loader::new(&ENGINE, recorder.sink())
        .with_limits(Arc::new(move |_| limits))
        .with_cache(&cache)
}

pub(crate) fn plugin(name: &str, limits: Limits) -> Plugin {
    loader(limits, &Recorder::default())
        .load(&component(name))
        .unwrap()
}

/// An instance of the misbehaving plug-in, and what it says.
pub(crate) struct Scene {
    pub(crate) recorder: Recorder,
    pub(crate) plugin: Plugin,
    act: String,
    pub(crate) context: Context,
}

impl Scene {
    pub(crate) fn new(act: &str, limits: Limits) -> Self {
        let recorder = Recorder::default();
        let context = Context::new("test", recorder.sink());
        Self {
            plugin: plugin("misbehaving", limits),
            act: act.to_owned(),
            context,
            recorder,
        }
    }

    pub(crate) fn trainer(&self) -> Trainer {
        self.open(|opening| self.plugin.open_trainer(opening))
            .unwrap()
    }

    pub(crate) fn detector(&self) -> Detector {
        self.open(|opening| self.plugin.open_detector(opening))
            .unwrap()
    }

    pub(crate) fn open<T>(&self, open: impl FnOnce(Opening<'_>) -> T) -> T {
        let act = Parameters::from([("act".to_owned(), Value::Text(self.act.clone()))]);
        opening(&self.plugin, &columns(2), &act, self.context.clone(), open)
    }
}

/// Opens with parameters that are checked on the way.
pub(crate) fn opening<T>(
    plugin: &Plugin,
    columns: &[String],
    parameters: &Parameters,
    context: Context,
    open: impl FnOnce(Opening<'_>) -> T,
) -> T {
    let parameters = plugin.check_parameters(parameters).unwrap();
    open(Opening {
        columns,
        parameters: &parameters,
        seed: 7,
        context,
    })
}

pub(crate) fn columns(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("column-{index}")).collect()
}

/// Rows of two columns.
pub(crate) fn pairs(rows: &[[f32; 2]]) -> Batch {
    Batch::new(rows.len(), 2, rows.concat(), None).unwrap()
}
