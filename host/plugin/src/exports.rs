//! Finds which of the four interfaces a component exports.

use std::fmt;

use serde::Serialize;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Result, Store};

use super::bindings::{detection, metadata, preprocessing, training};
use super::sandbox::StoreData;

/// What a plug-in can be opened as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// As a preprocessor.
    pub preprocessing: bool,
    /// As a trainer.
    pub training: bool,
    /// As a detector.
    pub detection: bool,
}

impl fmt::Display for Abilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.preprocessing, "preprocessing"),
            (self.training, "training"),
            (self.detection, "detection"),
        ];
        let words: Vec<&str> = all
            .into_iter()
            .filter_map(|(can, word)| can.then_some(word))
            .collect();
        f.pad(&if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        })
    }
}

/// The exports of one component.
pub(super) struct Exports {
    pub(super) metadata: metadata::GuestIndices,
    pub(super) preprocessing: Option<preprocessing::GuestIndices>,
    pub(super) training: Option<training::GuestIndices>,
    pub(super) detection: Option<detection::GuestIndices>,
}

impl Exports {
    /// Finds the exports. An interface may be missing, but not incomplete.
    pub(super) fn find(pre: &InstancePre<StoreData>) -> Result<Self> {
        let has = |interface: &str| {
            pre.component()
                .get_export_index(None, format!("fedhost:plugin/{interface}@0.1.0"))
                .is_some()
        };
        Ok(Self {
            metadata: metadata::GuestIndices::new(pre)?,
            preprocessing: has("preprocessing")
                .then(|| preprocessing::GuestIndices::new(pre))
                .transpose()?,
            training: has("training")
                .then(|| training::GuestIndices::new(pre))
                .transpose()?,
            detection: has("detection")
                .then(|| detection::GuestIndices::new(pre))
                .transpose()?,
        })
    }

    pub(super) fn abilities(&self) -> Abilities {
        Abilities {
            preprocessing: self.preprocessing.is_some(),
            training: self.training.is_some(),
            detection: self.detection.is_some(),
        }
    }

    /// Checks the types of all exports, so that opening an instance cannot fail because of them.
    pub(super) fn check_types(
        &self,
        store: &mut Store<StoreData>,
        instance: &Instance,
    ) -> Result<()> {
        if let Some(indices) = &self.preprocessing {
            indices.load(&mut *store, instance)?;
        }
        if let Some(indices) = &self.training {
            indices.load(&mut *store, instance)?;
        }
        if let Some(indices) = &self.detection {
            indices.load(&mut *store, instance)?;
        }
        Ok(())
    }
}
