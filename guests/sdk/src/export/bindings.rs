//! What `wit-bindgen` makes of `wit/plugin.wit`.

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package fedhost:sdk;
        world all {
            import fedhost:plugin/host@0.1.0;
            export fedhost:plugin/metadata@0.1.0;
            export fedhost:plugin/preprocessing@0.1.0;
            export fedhost:plugin/training@0.1.0;
            export fedhost:plugin/detection@0.1.0;
        }
    ",
    world: "fedhost:sdk/all",
    pub_export_macro: true,
    default_bindings_module: "fedhost_guest::export::bindings",
    with: { "fedhost:plugin/types@0.1.0": crate::types, "fedhost:plugin/host@0.1.0": generate },
});
