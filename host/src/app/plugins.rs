//! Looks after the folder of components while a run is going on: what is new or has changed there,
//! and is what the manifest asks for, is offered to the roles.
//!
//! A component that cannot be used is refused with its reason, and the one in use stays; so it does
//! when its file is gone.

use std::sync::Arc;
use std::time::Duration;

use fedhost_base::event::PluginEvent;
use fedhost_domain::model::PluginId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::components;
use crate::role::engine::plugins::{Configured, Lineup};
use crate::role::models::check_line;
use fedhost_base::announce::Announcer;
use fedhost_base::hint::{explain_report, with_hint};
use fedhost_manifest::Manifest;
use fedhost_plugin::{Loader, Registry};

/// The components in use, for those who run them.
pub(super) struct PluginProvider {
    lineup: watch::Receiver<Lineup>,
    model: watch::Receiver<PluginId>,
}

impl PluginProvider {
    pub(super) fn lineup(&self) -> watch::Receiver<Lineup> {
        self.lineup.clone()
    }

    /// The component whose weights are averaged.
    pub(super) fn model(&self) -> watch::Receiver<PluginId> {
        self.model.clone()
    }

    pub(super) fn ids(&self) -> Vec<PluginId> {
        let lineup = self.lineup.borrow();
        let configured = lineup.preprocess.iter().chain([&lineup.model]);
        configured
            .map(|configured| configured.plugin.id().clone())
            .collect()
    }
}

/// Watches the folder.
pub(super) struct PluginWatcher {
    manifest: Arc<Manifest>,
    loader: Loader,
    registry: Registry,
    announcer: Announcer,
    lineup: watch::Sender<Lineup>,
    model: watch::Sender<PluginId>,
}

/// Finds the components of the manifest. Compiles what is not in the cache, so it blocks.
///
/// # Errors
/// One of them is not there, or cannot be used.
pub(super) fn open(
    manifest: &Arc<Manifest>,
    announcer: &Announcer,
) -> Result<(PluginProvider, PluginWatcher), miette::Report> {
    let (loader, registry) = components::registry(manifest, announcer)?;
    let preprocess = components::preprocessor(manifest, &registry).transpose()?;
    let model = components::model(manifest, &registry)?;
    for configured in preprocess.iter().chain([&model]) {
        announcer.announce(configured.plugin.loaded());
    }
    let (model_sender, model_receiver) = watch::channel(model.plugin.id().clone());
    let (sender, receiver) = watch::channel(Lineup { preprocess, model });
    let (manifest, announcer) = (Arc::clone(manifest), announcer.clone());
    let watcher = PluginWatcher {
        manifest,
        loader,
        registry,
        announcer,
        lineup: sender,
        model: model_sender,
    };
    Ok((
        PluginProvider {
            lineup: receiver,
            model: model_receiver,
        },
        watcher,
    ))
}

impl PluginWatcher {
    /// Looks at the folder again and again until it is stopped. What is compiled meanwhile is
    /// left behind.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let period = Duration::from_millis(self.manifest.plugins.watch_ms);
        while !period.is_zero() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(period) => {}
            }
            let looking = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            let Ok(watcher) = looking.await else { return };
            self = watcher;
        }
    }

    fn look(&mut self) {
        match self.registry.refresh(&self.loader) {
            Ok(false) => {}
            Ok(true) => self.renew(),
            // The folder may be away for a moment while it is replaced.
            Err(_) => {}
        }
    }

    fn renew(&self) {
        let current = self.lineup.borrow().clone();
        let preprocess = components::preprocessor(&self.manifest, &self.registry);
        let preprocess = preprocess
            .zip(current.preprocess.as_ref())
            .and_then(|(found, current)| self.newer(found, current));
        let model = self.newer(
            components::model(&self.manifest, &self.registry),
            &current.model,
        );
        let model = model.filter(|model| self.is_of_the_same_line(model, &current.model));
        if preprocess.is_none() && model.is_none() {
            return;
        }
        for configured in preprocess.iter().chain(&model) {
            self.announcer.announce(configured.plugin.loaded());
        }
        if let Some(model) = &model {
            self.model.send_replace(model.plugin.id().clone());
        }
        let preprocess = preprocess.or(current.preprocess);
        self.lineup.send_replace(Lineup {
            preprocess,
            model: model.unwrap_or(current.model),
        });
    }

    /// What was found, if it is another component than the current one.
    fn newer(
        &self,
        found: Result<Configured, miette::Report>,
        current: &Configured,
    ) -> Option<Configured> {
        match found {
            Ok(found) => (!found.is(current)).then_some(found),
            Err(error) => {
                self.refuse(current.plugin.id(), &explain_report(&error));
                None
            }
        }
    }

    /// The federation continues with what it has learnt, so the new component must be able to.
    fn is_of_the_same_line(&self, found: &Configured, current: &Configured) -> bool {
        let line = check_line(current.plugin.id(), found.plugin.id());
        if let Err(refused) = &line {
            const HINT: &str =
                "begin a new federation with it, in another bus.directory or with other topics";
            self.refuse(current.plugin.id(), &with_hint(refused, Some(HINT)));
        }
        line.is_ok()
    }

    fn refuse(&self, current: &PluginId, reason: &str) {
        self.announcer.announce(PluginEvent::PluginFailed {
            plugin: current.name.clone(),
            call: "swap".to_owned(),
            kind: "refused".to_owned(),
            detail: format!("{current} stays in use: {reason}"),
        });
    }
}
