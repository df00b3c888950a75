//! The common part of preprocessor, trainer and detector: a sandbox with one open session. It is
//! dead after the first call that did not return.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Instance, ResourceAny};

use super::batch::Batch;
use super::bindings::types;
use super::component::{Opening, Plugin};
use super::context::EventSink;
use super::failure::{CallError, Kind, Refusal, refusal};
use super::quarantine::PluginQuarantine;
use super::sandbox::{Sandbox, StoreData, Usage};

/// A trap or a result; the result may be the guest's own error.
pub(super) type Reply<T> = wasmtime::Result<Result<T, types::Error>>;

/// An instance of a component with the exports `E`.
pub(super) struct Guest<E> {
    plugin: Arc<str>,
    columns: usize,
    live: Option<Live<E>>,
    usage: Usage,
    quarantine: Arc<PluginQuarantine>,
    events: EventSink,
}

struct Live<E> {
    sandbox: Sandbox,
    exports: E,
    session: ResourceAny,
}

impl<E> Guest<E> {
    /// Instantiates the component and opens its session, both under one deadline.
    pub(super) fn open(
        plugin: &Plugin,
        opening: Opening<'_>,
        call: &'static str,
        load: impl FnOnce(&mut Store<StoreData>, &Instance) -> wasmtime::Result<E>,
        open: impl FnOnce(
            &E,
            &mut Store<StoreData>,
            &[&str],
            &[types::Parameter<'_>],
        ) -> Reply<ResourceAny>,
    ) -> Result<Self, CallError> {
        let columns: Vec<&str> = opening.columns.iter().map(String::as_str).collect();
        let parameters: Vec<types::Parameter<'_>> = opening
            .parameters
            .iter()
            .map(|it| types::Parameter {
                name: &it.name,
                value: it.value.as_param(),
            })
            .collect();
        plugin.quarantine.admit(call)?;
        let events = Arc::clone(&opening.context.events);
        let mut sandbox = plugin.sandbox(opening.context);
        let opened = sandbox.call(call, |store| {
            let instance = plugin.pre.instantiate(&mut *store)?;
            let exports = load(store, &instance)?;
            let session = open(&exports, store, &columns, &parameters)?;
            Ok(session.map(|session| (exports, session)))
        });
        plugin.quarantine.record(call, &opened, &events);
        let name = Arc::from(plugin.id().name.as_str());
        let (usage, quarantine) = (sandbox.usage(), Arc::clone(&plugin.quarantine));
        let mut guest = Self {
            plugin: name,
            columns: columns.len(),
            live: None,
            usage,
            quarantine,
            events,
        };
        let (exports, session) = opened?.map_err(|error| guest.declined(call, &error))?;
        guest.live = Some(Live {
            sandbox,
            exports,
            session,
        });
        Ok(guest)
    }

    /// Calls the guest, unless it is quarantined, and converts its result with `verify`. After a
    /// call that did not return, the guest's memory is freed and every further call is refused.
    pub(super) fn call<T, U>(
        &mut self,
        call: &'static str,
        enter: impl FnOnce(&E, &mut Store<StoreData>, ResourceAny) -> Reply<T>,
        verify: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<U, CallError> {
        let Some(Live {
            sandbox,
            exports,
            session,
        }) = self.live.as_mut()
        else {
            let detail = "an earlier call ended this instance\nhint: open a new one from the last saved state";
            return Err(self.error(call, Kind::Dead, detail));
        };
        self.quarantine.admit(call)?;
        let outcome = sandbox.call(call, |store| enter(exports, store, *session));
        self.usage = sandbox.usage();
        let outcome = match outcome {
            Ok(Ok(result)) => {
                verify(result).map_err(|fault| self.error(call, Kind::InvalidOutput, fault))
            }
            Ok(Err(error)) => Err(self.declined(call, &error)),
            Err(failed) => {
                self.live = None;
                Err(failed)
            }
        };
        self.quarantine.record(call, &outcome, &self.events);
        outcome
    }

    /// Refuses a batch with another number of columns than the instance was opened with.
    pub(super) fn check_columns(&self, call: &'static str, batch: &Batch) -> Result<(), CallError> {
        if batch.columns() == self.columns {
            return Ok(());
        }
        let detail = format!(
            "the batch has {} columns, the instance was opened with {}",
            batch.columns(),
            self.columns
        );
        Err(self.error(call, Kind::Refused(Refusal::InvalidInput), detail))
    }

    pub(super) fn error(
        &self,
        call: &'static str,
        kind: Kind,
        detail: impl Into<String>,
    ) -> CallError {
        CallError {
            plugin: self.plugin.to_string(),
            call,
            kind,
            detail: detail.into(),
        }
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    pub(super) fn is_dead(&self) -> bool {
        self.live.is_none()
    }

    fn declined(&self, call: &'static str, error: &types::Error) -> CallError {
        let (kind, detail) = refusal(error);
        self.error(call, kind, detail)
    }
}
