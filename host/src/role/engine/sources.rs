//! The sources' preprocessors, within bounds: other programs decide how many sources there are, and
//! each open preprocessor is an instance with a memory of its own.
//!
//! Of the sources that sent rows most recently the preprocessor is open. Of the others its state is
//! kept, from which it is opened again when rows come.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fedhost_domain::model::Weights;
use fedhost_plugin::{CallError, Kind, Preprocessor, Refusal};

use super::plugins::Plugins;

/// Preprocessors that are open at a time.
const OPEN_MAX: usize = 64;
/// Sources whose state is kept.
const SOURCES_MAX: usize = 10_000;
/// Bytes of all states together.
const STATES_MAX_BYTES: usize = 256 << 20;

/// Open preprocessors, and states to open them again from.
#[derive(Default)]
pub(super) struct Sources {
    open: HashMap<Arc<str>, Open>,
    /// States of preprocessors: of those that are not open, the newest; of the others, the one to
    /// begin again from after a failed call.
    checkpoints: HashMap<Arc<str>, Weights>,
    /// Bytes of all checkpoints.
    bytes: usize,
    uses: u64,
}

struct Open {
    preprocessor: Preprocessor,
    /// When it was used, counted in uses.
    used: u64,
}

impl Sources {
    /// Takes a source's preprocessor out, to be put back after the call.
    pub(super) fn take(&mut self, source: &str) -> Option<Preprocessor> {
        Some(self.open.remove(source)?.preprocessor)
    }

    /// Puts a source's preprocessor back. If too many are open, the one that was not used for the
    /// longest time is saved and closed. Returns why that one cannot be saved; its source begins
    /// again from its checkpoint.
    #[must_use]
    pub(super) fn put(
        &mut self,
        source: &Arc<str>,
        preprocessor: Preprocessor,
    ) -> Option<CallError> {
        self.uses += 1;
        let used = self.uses;
        let open = Open { preprocessor, used };
        self.open.insert(Arc::clone(source), open);
        if self.open.len() <= OPEN_MAX {
            return None;
        }
        let (oldest, _) = self.open.iter().min_by_key(|(_, open)| open.used)?;
        let oldest = Arc::clone(oldest);
        match self.take(&oldest)?.save() {
            Ok(state) => {
                self.set_checkpoint(oldest, state);
                None
            }
            Err(failure) => Some(failure),
        }
    }

    /// The state from which a source's preprocessor is to be opened.
    pub(super) fn checkpoint(&self, source: &str) -> Option<&Weights> {
        self.checkpoints.get(source)
    }

    /// # Errors
    /// No further source can be kept.
    pub(super) fn check_room(&self, plugins: &Plugins, source: &str) -> Result<(), CallError> {
        let unsaved = self
            .open
            .keys()
            .filter(|open| !self.checkpoints.contains_key(*open));
        let sources = self.checkpoints.len() + unsaved.count();
        if sources < SOURCES_MAX && self.bytes < STATES_MAX_BYTES {
            return Ok(());
        }
        Err(CallError {
            plugin: plugins
                .preprocessor_id()
                .map_or_else(String::new, |id| id.name.clone()),
            call: "open",
            kind: Kind::Refused(Refusal::InvalidInput),
            detail: format!(
                "source {source:?} is one too many: the states of {sources} sources are kept, with {} bytes; \
                 at most {SOURCES_MAX} sources or {STATES_MAX_BYTES} bytes are",
                self.bytes
            ),
        })
    }

    /// Drops what is kept of a source.
    pub(super) fn remove(&mut self, source: &str) {
        self.open.remove(source);
        if let Some(state) = self.checkpoints.remove(source) {
            self.bytes = self.bytes.saturating_sub(bytes_of(&state));
        }
    }

    /// States of all sources, which also become their checkpoints.
    ///
    /// # Errors
    /// A component failed.
    pub(super) fn save(&mut self) -> Result<BTreeMap<String, Weights>, CallError> {
        let mut saved = Vec::with_capacity(self.open.len());
        for (source, open) in &mut self.open {
            saved.push((Arc::clone(source), open.preprocessor.save()?));
        }
        for (source, state) in saved {
            self.set_checkpoint(source, state);
        }
        let states = self.checkpoints.iter();
        Ok(states
            .map(|(source, state)| (source.to_string(), state.clone()))
            .collect())
    }

    /// States of all sources, or why one cannot be saved. A preprocessor that has failed would have
    /// begun again from its checkpoint.
    pub(super) fn states(&mut self) -> Vec<(Arc<str>, Result<Weights, CallError>)> {
        let mut states = Vec::new();
        for (source, open) in &mut self.open {
            states.push((Arc::clone(source), open.preprocessor.save()));
        }
        for (source, state) in &self.checkpoints {
            if !self.open.contains_key(source) {
                states.push((Arc::clone(source), Ok(state.clone())));
            }
        }
        states
    }

    /// A source as it was saved. Returns the failure of [`Self::put`].
    #[must_use]
    pub(super) fn restore(
        &mut self,
        source: Arc<str>,
        preprocessor: Preprocessor,
        state: Weights,
    ) -> Option<CallError> {
        self.set_checkpoint(Arc::clone(&source), state);
        self.put(&source, preprocessor)
    }

    fn set_checkpoint(&mut self, source: Arc<str>, state: Weights) {
        self.bytes += bytes_of(&state);
        if let Some(old) = self.checkpoints.insert(source, state) {
            self.bytes = self.bytes.saturating_sub(bytes_of(&old));
        }
    }
}

fn bytes_of(state: &Weights) -> usize {
    size_of_val(state.data())
}

#[cfg(test)]
mod tests {
    use fedhost_base::announce::Announcer;
    use fedhost_domain::model::{NodeId, TensorSpec};
    use fedhost_plugin::{Engine, Loader, Parameters};
    use handmade::Handmade;
    use tokio_util::sync::CancellationToken;

    use super::super::plugins::{Configured, Lineup};
    use super::*;

    /// A preprocessor that returns its rows, and a state of one number.
    fn plugins() -> Plugins {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("passing.wasm");
        std::fs::write(&file, Handmade::passing("passing").component()).unwrap();
        let plugin = Loader::new(&Engine::new().unwrap(), Arc::new(|_| {}))
            .load(&file)
            .unwrap();
        let configured = Configured {
            parameters: plugin.check_parameters(&Parameters::new()).unwrap(),
            plugin: Arc::new(plugin),
        };
        Plugins {
            node: NodeId::fog(1),
            lineup: Lineup {
                preprocess: Some(configured.clone()),
                model: configured,
            },
            seed: 0,
            batch_rows: 10,
            announcer: Announcer::default(),
            cancel: CancellationToken::new(),
        }
    }

    fn state(values: usize) -> Weights {
        let spec = TensorSpec {
            name: "state".to_owned(),
            shape: vec![u32::try_from(values).unwrap()],
        };
        Weights::new(vec![spec], vec![0.0; values]).unwrap()
    }

    #[test]
    fn no_more_preprocessors_are_open_than_allowed() {
        let (plugins, mut sources) = (plugins(), Sources::default());
        let columns = ["x".to_owned()];
        for number in 0..OPEN_MAX + 2 {
            let source: Arc<str> = format!("pump-{number}").into();
            let preprocessor = plugins.open_preprocessor(&source, &columns, None).unwrap();
            let failure = sources.put(&source, preprocessor);
            assert!(failure.is_none(), "{failure:?}");
        }
        assert_eq!(sources.open.len(), OPEN_MAX);
        assert!(sources.take("pump-0").is_none());
        assert!(
            sources.checkpoint("pump-0").is_some(),
            "it can be opened again"
        );
        assert!(sources.take("pump-2").is_some());
        assert!(sources.checkpoint("pump-2").is_none());
    }

    #[test]
    fn states_have_a_bound_in_number_and_in_bytes() {
        let (plugins, mut sources) = (plugins(), Sources::default());
        for number in 0..SOURCES_MAX {
            sources.check_room(&plugins, "next").unwrap();
            sources.set_checkpoint(number.to_string().into(), state(1));
        }
        let error = sources.check_room(&plugins, "next").unwrap_err();
        assert!(
            error.detail.contains("\"next\" is one too many"),
            "{error:?}"
        );
        sources.remove("7");
        sources.check_room(&plugins, "next").unwrap();
        sources.set_checkpoint("8".into(), state(STATES_MAX_BYTES / 4));
        assert!(sources.check_room(&plugins, "next").is_err());
        sources.remove("8");
        sources.check_room(&plugins, "next").unwrap();
        assert_eq!(sources.bytes, 4 * (SOURCES_MAX - 2));
    }
}
