//! One export macro per kind of plug-in. It goes into the plug-in's `lib.rs`, behind
//! `#[cfg(target_family = "wasm")]`.

/// Makes the crate a component of world `preprocessor-plugin`, from a type that implements
/// [`Preprocessor`](crate::Preprocessor).
#[macro_export]
macro_rules! export_preprocessor {
    ($preprocessor:ty) => {
        $crate::__export!(PREPROCESSOR, $crate::export::PreprocessorPlugin<$preprocessor>, {
            metadata: __export_fedhost_plugin_metadata_0_1_0_cabi,
            preprocessing: __export_fedhost_plugin_preprocessing_0_1_0_cabi,
        });
    };
}

/// Makes the crate a component of world `model-plugin`, from a type that implements
/// [`Trainer`](crate::Trainer) and [`Detector`](crate::Detector), or one type for each; two types
/// must give the same `describe`.
#[macro_export]
macro_rules! export_model {
    ($model:ty) => {
        $crate::export_model!($model, $model);
    };
    ($trainer:ty, $detector:ty) => {
        $crate::__export!(MODEL, $crate::export::ModelPlugin<$trainer, $detector>, {
            metadata: __export_fedhost_plugin_metadata_0_1_0_cabi,
            training: __export_fedhost_plugin_training_0_1_0_cabi,
            detection: __export_fedhost_plugin_detection_0_1_0_cabi,
        });
    };
}

/// Makes the crate a component of world `detector-plugin`, from a type that implements
/// [`Detector`](crate::Detector) and needs no training.
#[macro_export]
macro_rules! export_detector {
    ($detector:ty) => {
        $crate::__export!(DETECTOR, $crate::export::DetectorPlugin<$detector>, {
            metadata: __export_fedhost_plugin_metadata_0_1_0_cabi,
            detection: __export_fedhost_plugin_detection_0_1_0_cabi,
        });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($world:ident, $plugin:ty, { $($interface:ident: $export:ident,)+ }) => {
        #[expect(unsafe_code, reason = "the exported functions take raw arguments")]
        mod fedhost_export {
            use super::*;

            // Not a name that an author would choose: the author's own names are in scope here.
            type __FedhostPlugin = $plugin;
            $($crate::$export!(__FedhostPlugin with_types_in $crate::export::bindings::exports::fedhost::plugin::$interface);)+

            #[unsafe(link_section = "component-type:fedhost")]
            static WORLD: [u8; $crate::export::worlds::$world.len()] =
                $crate::export::worlds::section($crate::export::worlds::$world);
        }
    };
}
