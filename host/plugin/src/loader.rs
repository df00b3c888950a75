//! Loads a plug-in from a file: reads, scans, compiles and links it, and calls `describe`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fedhost_base::event::{Event, PluginEvent, RunEvent};
use fedhost_base::hint::explain;
use fedhost_domain::model::{PluginId, Sha256Hex};
use wasmtime::component::{Component, InstancePre};

use super::cache::{Cache, deserialize};
use super::compiler::Compiler;
use super::component::Plugin;
use super::context::{Context, EventSink};
use super::descriptor::Descriptor;
use super::engine::{Engine, EngineProfile};
use super::exports::{Abilities, Exports};
use super::host::Budgets;
use super::limits::{Limits, size};
use super::quarantine::PluginQuarantine;
use super::refusal::{Reason, Refused};
use super::regular;
use super::sandbox::{Sandbox, StoreData};
use super::scan::Scan;
use super::signature::Trust;
use super::text::plain;

/// The part of the host in warnings about compiled code.
const CACHE: &str = "plug-in cache";
/// Bytes of an engine's message that are passed on.
const MESSAGE_MAX_BYTES: usize = 1000;

/// Returns the limits of the plug-in with a name.
pub type LimitsFor = Arc<dyn Fn(&str) -> Limits + Send + Sync>;

/// Called with a component's file before it is compiled, which may take many seconds.
pub type OnCompile = Arc<dyn Fn(&Path) + Send + Sync>;

/// Turns files into plug-ins. Blocks while it compiles, so call it through [`super::worker::run`].
pub struct Loader {
    engine: Engine,
    cache: Option<Cache>,
    compiler: Compiler,
    trust: Trust,
    limits_for: LimitsFor,
    events: EventSink,
    on_compile: OnCompile,
    /// One component is compiled at a time: each may take `limits.compile_memory_bytes`.
    turn: Mutex<()>,
}

impl Loader {
    /// Creates a loader with default limits, no cache, no signatures, and no child process for
    /// compiling.
    #[must_use]
    pub fn new(engine: &Engine, events: EventSink) -> Self {
        Self {
            engine: engine.clone(),
            cache: None,
            compiler: Compiler::Here,
            trust: Trust::default(),
            limits_for: Arc::new(|_| Limits::default()),
            events,
            on_compile: Arc::new(|_| {}),
            turn: Mutex::new(()),
        }
    }

    /// Calls `on_compile` before each component that is not in the cache is compiled.
    #[must_use]
    pub fn announcing_compilation(self, on_compile: OnCompile) -> Self {
        Self { on_compile, ..self }
    }

    /// Sets the limits by plug-in name. Until a component has described itself, the limits for the
    /// stem of its file name apply.
    #[must_use]
    pub fn with_limits(self, limits_for: LimitsFor) -> Self {
        Self { limits_for, ..self }
    }

    /// Caches compiled code in `directory`, which is created if it is missing. A directory that
    /// other users can write is not used; a warning is announced, and starts are slower.
    #[must_use]
    pub fn with_cache(mut self, directory: &Path) -> Self {
        match Cache::open(directory) {
            Ok(cache) => self.cache = Some(cache),
            Err(error) => self.warn(
                CACHE,
                &format!(
                    "the directory for compiled code, {}, {}",
                    directory.display(),
                    explain(&error)
                ),
            ),
        }
        self
    }

    /// Compiles in child processes of `program`, which must be the running program (see
    /// [`this_program`](super::this_program)), so that an untrusted component cannot exhaust this
    /// process while it is compiled.
    #[must_use]
    pub fn compiled_by(self, program: PathBuf) -> Self {
        Self {
            compiler: Compiler::Child(program),
            ..self
        }
    }

    /// Accepts only components whose signatures `trust` accepts.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// Loads a plug-in, and announces a refusal. The code that starts to use the plug-in announces
    /// [`Plugin::loaded`].
    ///
    /// # Errors
    /// The reason of the refusal.
    pub fn load(&self, file: &Path) -> Result<Plugin, Refused> {
        self.examine(file).inspect_err(|refused| {
            (self.events)(Event::Plugin(PluginEvent::PluginFailed {
                plugin: stem(file),
                call: "load".to_owned(),
                kind: "refused".to_owned(),
                detail: explain(refused),
            }));
        })
    }

    /// Loads a plug-in without announcing an event.
    pub(super) fn examine(&self, file: &Path) -> Result<Plugin, Refused> {
        let refused = |reason| Refused {
            file: file.to_owned(),
            reason,
        };
        let bytes = self.read(file).map_err(refused)?;
        self.accept(file, &bytes).map_err(refused)
    }

    /// Loads the plug-in whose bytes were read from `file`.
    pub(super) fn accept(&self, file: &Path, bytes: &[u8]) -> Result<Plugin, Reason> {
        let signed = self.trust.check(file, bytes)?;
        self.plugin(file, bytes, signed)
    }

    /// Reads a component's metadata, in the same bounds as it is compiled.
    pub(super) fn scan(&self, file: &Path, bytes: &[u8]) -> Result<Scan, Reason> {
        self.compiler.scan(bytes, &(self.limits_for)(&stem(file)))
    }

    /// Reads a file, unless it is too large.
    pub(super) fn read(&self, file: &Path) -> Result<Vec<u8>, Reason> {
        read(file, (self.limits_for)(&stem(file)).component_bytes)
    }

    fn plugin(&self, file: &Path, bytes: &[u8], signed: bool) -> Result<Plugin, Reason> {
        let started = fedhost_base::clock::now();
        let sha256 = Sha256Hex::of(bytes);
        let provisional = (self.limits_for)(&stem(file));
        let mut linked = self.link(file, bytes, &sha256, &provisional)?;
        let descriptor = self.describe(file, &linked, provisional)?;
        let limits = (self.limits_for)(&descriptor.name);
        check_size(bytes.len(), limits.component_bytes)?;
        if EngineProfile::of(&limits) != EngineProfile::of(&provisional) {
            linked = self.link(file, bytes, &sha256, &limits)?;
        }
        let id = PluginId {
            name: descriptor.name.clone(),
            version: descriptor.version.to_string(),
            sha256,
        };
        let quarantine = Arc::new(PluginQuarantine::new(
            Arc::from(id.name.as_str()),
            limits.quarantine(),
        ));
        let Linked {
            engine,
            pre,
            exports,
            cached,
        } = linked;
        let file = PathBuf::from(file);
        let load_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Plugin {
            id,
            descriptor,
            limits,
            file,
            cached,
            signed,
            load_ms,
            engine,
            pre,
            exports,
            quarantine,
            budgets: Arc::new(Budgets::new(&limits)),
        })
    }

    /// Compiles a component for the engine of its limits, and resolves its imports and exports.
    fn link(
        &self,
        file: &Path,
        bytes: &[u8],
        sha256: &Sha256Hex,
        limits: &Limits,
    ) -> Result<Linked, Reason> {
        let engine = self.engine.suited_to(limits)?;
        let (component, cached) = self.compiled(&engine, file, bytes, sha256, limits)?;
        let pre = engine
            .linker()
            .instantiate_pre(&component)
            .map_err(|error| interface(&error))?;
        let exports = Exports::find(&pre).map_err(|error| interface(&error))?;
        if exports.abilities() == Abilities::default() {
            return Err(Reason::Idle);
        }
        Ok(Linked {
            engine,
            pre,
            exports,
            cached,
        })
    }

    /// Returns the compiled component, and whether it was in the cache. What is in the cache was
    /// scanned before it was compiled.
    fn compiled(
        &self,
        engine: &Engine,
        file: &Path,
        bytes: &[u8],
        sha256: &Sha256Hex,
        limits: &Limits,
    ) -> Result<(Component, bool), Reason> {
        let wasm = engine.wasm();
        let entry = self.cache.as_ref().map(|cache| cache.entry(wasm, sha256));
        match entry.as_ref().map(|entry| entry.load(wasm)) {
            Some(Ok(Some(component))) => return Ok((component, true)),
            Some(Err(damage)) => self.warn(
                CACHE,
                &format!("the cached code of component {sha256} is compiled again: {damage}"),
            ),
            Some(Ok(None)) | None => {}
        }
        let code = {
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            (self.on_compile)(file);
            self.compiler.compile(engine, bytes, limits)?
        };
        let component = deserialize(wasm, &code).map_err(|error| interface(&error))?;
        if let Some(Err(error)) = entry.map(|entry| entry.write(&code)) {
            self.warn(
                CACHE,
                &format!("the code of component {sha256} cannot be cached: {error}"),
            );
        }
        Ok((component, false))
    }

    /// Creates one instance: checks all types, and calls `describe`.
    fn describe(&self, file: &Path, linked: &Linked, limits: Limits) -> Result<Descriptor, Reason> {
        let Linked {
            engine,
            pre,
            exports,
            ..
        } = linked;
        let context = Context::new("load", Arc::clone(&self.events));
        let budgets = Arc::new(Budgets::new(&limits));
        let mut sandbox = Sandbox::new(engine, stem(file).into(), limits, budgets, context);
        let instance = sandbox.call("instantiate", |store| pre.instantiate(store))?;
        let metadata = sandbox.call("link", |store| {
            let metadata = exports.metadata.load(&mut *store, &instance);
            Ok(metadata
                .and_then(|metadata| exports.check_types(store, &instance).map(|()| metadata)))
        })?;
        let metadata = metadata.map_err(|error| interface(&error))?;
        Ok(Descriptor::new(
            sandbox.call("metadata.describe", |store| metadata.call_describe(store))?,
        )?)
    }

    /// Announces a warning about a part of the host.
    pub(super) fn warn(&self, part: &str, detail: &str) {
        (self.events)(Event::Run(RunEvent::Warned {
            part: part.to_owned(),
            detail: detail.to_owned(),
        }));
    }
}

/// A compiled component with resolved imports and exports.
struct Linked {
    engine: Engine,
    pre: InstancePre<StoreData>,
    exports: Exports,
    cached: bool,
}

/// Reads a file, unless it is too large. The limit also holds if the file grows meanwhile.
fn read(file: &Path, max: u64) -> Result<Vec<u8>, Reason> {
    let unreadable = |error: std::io::Error| Reason::Unreadable(error.to_string());
    let opened = regular::open(file).map_err(unreadable)?;
    let mut bytes = Vec::new();
    opened
        .take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    check_size(bytes.len(), max)?;
    Ok(bytes)
}

fn check_size(bytes: usize, max: u64) -> Result<(), Reason> {
    if size(max) < bytes {
        Err(Reason::TooLarge { max })
    } else {
        Ok(())
    }
}

fn interface(error: &wasmtime::Error) -> Reason {
    Reason::Interface(plain(&format!("{error:#}"), MESSAGE_MAX_BYTES))
}

/// Returns the file's name without its extension.
pub(super) fn stem(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
