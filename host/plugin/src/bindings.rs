//! Typed access to the interfaces that a component may export, generated from `wit/`.
//!
//! The world below exports all four interfaces, but no component has to: each interface's
//! `GuestIndices` are looked up on their own (see [`super::exports`]), so that optional exports
//! need no world of their own. Lists cross as borrowed slices on the way in and are moved out of
//! the guest once on the way back.

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package fedhost:runtime;
        world every-plugin {
            import fedhost:plugin/host@0.1.0;
            export fedhost:plugin/metadata@0.1.0;
            export fedhost:plugin/preprocessing@0.1.0;
            export fedhost:plugin/training@0.1.0;
            export fedhost:plugin/detection@0.1.0;
        }
    ",
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub(super) use exports::fedhost::plugin::{detection, metadata, preprocessing, training};
pub(super) use fedhost::plugin::{host, types};
