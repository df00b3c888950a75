//! What is accepted, what is refused, and what both report.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fedhost_base::event::{Event, PluginEvent, RunEvent};
use fedhost_base::hint;
use fedhost_domain::model::{PluginSelector, Sha256Hex};
use fedhost_plugin::{
    ComponentVerdict, Context, FindError, Kind, Limits, Loader, Parameters, Reason, Registry,
};

use crate::harness::{ENGINE, Recorder, columns, component, loader, opening};

/// A component without code that imports empty interfaces of these names.
fn component_importing(names: &[&str]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend([7, 3, 1, 0x42, 0]);
    let mut imports = vec![u8::try_from(names.len()).unwrap()];
    for name in names {
        imports.extend([0, u8::try_from(name.len()).unwrap()]);
        imports.extend(name.as_bytes());
        imports.extend([5, 0]);
    }
    assert!(imports.len() < 128, "lengths here have one byte");
    bytes.extend([10, u8::try_from(imports.len()).unwrap()]);
    bytes.extend(imports);
    bytes
}

fn refusal(bytes: &[u8]) -> Reason {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("downloaded.wasm");
    fs::write(&file, bytes).unwrap();
    let Err(refused) = loader(Limits::default(), &Recorder::default()).load(&file) else {
        panic!("it was accepted")
    };
    refused.reason
}

#[test]
fn a_component_that_asks_for_wasi_is_refused_with_everything_it_asks_for() {
    let asked = [
        "wasi:io/poll@0.2.9",
        "fedhost:plugin/host@0.1.0",
        "wasi:clocks/wall-clock@0.2.9",
    ];
    let reason = refusal(&component_importing(&asked));
    assert_eq!(
        reason,
        Reason::Imports(vec![asked[0].into(), asked[2].into()])
    );
    assert!(
        hint::explain(&reason).contains("wasm32-unknown-unknown"),
        "{reason}"
    );
}

#[test]
fn files_that_are_no_plugins_are_told_apart() {
    let scaler = fs::read(component("standard-scaler")).unwrap();
    let module = b"\0asm\x01\0\0\0";
    assert_eq!(refusal(module), Reason::CoreModule);
    assert_eq!(refusal(b"#!/bin/sh"), Reason::NotWasm);
    assert_eq!(refusal(b""), Reason::NotWasm);
    assert!(matches!(
        refusal(&component_importing(&[])),
        Reason::NotAPlugin { .. }
    ));
    let newer = refusal(&component_importing(&["fedhost:plugin/host@0.2.0"]));
    assert_eq!(
        newer,
        Reason::OtherVersion(vec!["fedhost:plugin/host@0.2.0".into()])
    );
    let silent = refusal(&component_importing(&["fedhost:plugin/types@0.1.0"]));
    assert!(
        matches!(&silent, Reason::Interface(words) if words.contains("fedhost:plugin/metadata")),
        "{silent}"
    );
    for length in [9, 100, scaler.len() / 2, scaler.len() - 1] {
        let reason = refusal(&scaler[..length]);
        assert!(
            matches!(reason, Reason::Damaged(_)),
            "cut to {length} bytes: {reason}"
        );
    }
}

#[test]
fn a_flipped_bit_is_refused_or_changes_the_digest_but_never_harms() {
    let good = fs::read(component("standard-scaler")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("standard-scaler.wasm");
    let loader = Loader::new(&ENGINE, Recorder::default().sink());
    let mut refused = 0;
    for index in (8..good.len()).step_by(good.len() / 24) {
        let mut flipped = good.clone();
        flipped[index] ^= 0x10;
        fs::write(&file, &flipped).unwrap();
        match loader.load(&file) {
            Ok(plugin) => assert_eq!(plugin.id().sha256, Sha256Hex::of(&flipped)),
            Err(reason) => {
                assert!(!reason.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
}

/// A directory with a good plug-in, a damaged one and something else.
fn mixed_directory() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().to_owned();
    fs::copy(
        component("standard-scaler"),
        directory.join("standard-scaler.wasm"),
    )
    .unwrap();
    fs::write(directory.join("pca-t2q.wasm"), b"\0asm\x01\0\0\0").unwrap();
    fs::write(directory.join("README.md"), "not a component").unwrap();
    (home, directory)
}

fn open(directory: &Path, recorder: &Recorder) -> Registry {
    Registry::open(directory, &loader(Limits::default(), recorder)).unwrap()
}

fn selector(text: &str) -> PluginSelector {
    text.parse().unwrap()
}

#[test]
fn a_refused_file_is_announced_and_does_not_stop_the_others() {
    let (_home, directory) = mixed_directory();
    let recorder = Recorder::default();
    let registry = open(&directory, &recorder);
    assert_eq!((registry.plugins().len(), registry.refused().len()), (1, 1));
    let loaded = registry.find(&selector("standard-scaler@^0.1")).unwrap();
    assert_eq!(
        loaded.id().sha256,
        Sha256Hex::of(&fs::read(component("standard-scaler")).unwrap())
    );
    let events = recorder.heard();
    assert!(
        matches!(&events[0], Event::Plugin(PluginEvent::PluginFailed { plugin, call, kind, detail })
        if plugin == "pca-t2q" && call == "load" && kind == "refused" && detail.contains("core module"))
    );
    assert_eq!(events.len(), 1);
    assert!(
        matches!(loaded.loaded(), Event::Plugin(PluginEvent::PluginLoaded { plugin, .. }) if plugin == *loaded.id())
    );
}

#[test]
fn a_plugin_that_is_not_found_is_answered_with_what_is_there() {
    let (_home, directory) = mixed_directory();
    let registry = open(&directory, &Recorder::default());
    let why = |selector: &PluginSelector| registry.find(selector).map(drop).unwrap_err();
    let misspelt = why(&selector("standard-scalar"));
    assert!(
        matches!(&misspelt, FindError::Unknown { nearest: Some(name), .. } if name == "standard-scaler")
    );
    assert!(
        why(&selector("pca-t2q"))
            .to_string()
            .contains("core module")
    );
    let newer = why(&selector("standard-scaler@^7")).to_string();
    assert!(
        newer.contains("is not version ^7; there is standard-scaler@0.1.0"),
        "{newer}"
    );
    let pinned = PluginSelector {
        sha256: Some(Sha256Hex::of(b"")),
        ..selector("standard-scaler")
    };
    assert!(why(&pinned).to_string().contains("is not sha256 e3b0c442"));
    let nowhere = Registry::open(
        &directory.join("nowhere"),
        &loader(Limits::default(), &Recorder::default()),
    );
    assert!(hint::hint(&nowhere.err().unwrap()).is_some());
}

/// The component as a later version of itself.
fn newer_scaler() -> Vec<u8> {
    let mut newer = fs::read(component("standard-scaler")).unwrap();
    let at = newer
        .windows(5)
        .rposition(|window| window == b"0.1.0")
        .unwrap();
    for at in (0..=at)
        .filter(|&at| &newer[at..at + 5] == b"0.1.0")
        .collect::<Vec<_>>()
    {
        // Only the text that `describe` returns is a version alone; interface names keep theirs.
        if at == 0 || newer[at - 1] != b'@' {
            newer[at..at + 5].copy_from_slice(b"0.1.9");
        }
    }
    newer
}

#[test]
fn of_two_files_with_one_name_the_highest_version_wins() {
    let (_home, directory) = mixed_directory();
    fs::write(directory.join("a-newer.wasm"), newer_scaler()).unwrap();
    let registry = open(&directory, &Recorder::default());
    assert_eq!(
        registry
            .find(&selector("standard-scaler"))
            .unwrap()
            .id()
            .version,
        "0.1.9"
    );
    assert_eq!(
        registry
            .find(&selector("standard-scaler@=0.1.0"))
            .unwrap()
            .id()
            .version,
        "0.1.0"
    );
}

#[test]
fn a_changed_file_is_loaded_once_it_stays_the_same() {
    let (_home, directory) = mixed_directory();
    let (recorder, file) = (Recorder::default(), directory.join("standard-scaler.wasm"));
    let loader = loader(Limits::default(), &recorder);
    let mut registry = Registry::open(&directory, &loader).unwrap();
    let found = |registry: &Registry| {
        registry
            .find(&selector("standard-scaler"))
            .map(|plugin| plugin.id().clone())
    };
    let first = found(&registry).unwrap();
    assert!(!registry.refresh(&loader).unwrap(), "nothing has changed");
    // A file that is being written to is left in peace.
    fs::write(&file, &newer_scaler()[..1000]).unwrap();
    assert!(!registry.refresh(&loader).unwrap());
    fs::write(&file, newer_scaler()).unwrap();
    assert!(!registry.refresh(&loader).unwrap());
    assert_eq!(found(&registry).unwrap(), first);
    assert!(registry.refresh(&loader).unwrap());
    assert_eq!(found(&registry).unwrap().version, "0.1.9");
    // A broken one is refused, and the last good one stays.
    fs::write(&file, b"\0asm").unwrap();
    registry.refresh(&loader).unwrap();
    assert!(registry.refresh(&loader).unwrap());
    assert_eq!(found(&registry).unwrap().version, "0.1.9");
    assert!(
        registry
            .refused()
            .iter()
            .any(|refused| refused.file == file)
    );
    // One that is gone is gone.
    fs::remove_file(&file).unwrap();
    assert!(registry.refresh(&loader).unwrap());
    assert!(found(&registry).is_err());
    assert!(
        registry
            .refused()
            .iter()
            .all(|refused| refused.file != file)
    );
}

#[test]
fn a_plugin_that_needs_more_memory_than_it_may_have_is_refused_for_that() {
    let recorder = Recorder::default();
    let tight = loader(
        Limits {
            memory_bytes: 65_536,
            ..Limits::default()
        },
        &recorder,
    );
    let Err(refused) = tight.load(&component("standard-scaler")) else {
        panic!("it was accepted")
    };
    assert!(
        hint::explain(&refused).contains("limits.memory_bytes"),
        "{refused}"
    );
}

#[test]
fn a_plugin_of_more_parts_than_it_may_have_is_refused_for_that() {
    let few = [
        Limits {
            instances: 0,
            ..Limits::default()
        },
        Limits {
            table_elements: 0,
            ..Limits::default()
        },
    ];
    let reasons = few.map(|limits| {
        loader(limits, &Recorder::default())
            .load(&component("standard-scaler"))
            .err()
            .unwrap()
    });
    for (refused, hint) in reasons
        .iter()
        .zip(["limits.instances", "limits.table_elements"])
    {
        assert!(hint::explain(refused).contains(hint), "{refused}");
    }
}

#[test]
fn limits_are_those_of_the_name_that_a_component_gives_itself() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("another-name.wasm");
    fs::copy(component("misbehaving"), &file).unwrap();
    let limits_for = |name: &str| match name {
        "misbehaving" => Limits {
            fuel_per_call: Some(1),
            ..Limits::default()
        },
        _ => Limits::default(),
    };
    let loader = Loader::new(&ENGINE, Recorder::default().sink()).with_limits(Arc::new(limits_for));
    let plugin = loader.load(&file).unwrap();
    let context = Context::new("test", Recorder::default().sink());
    let opened = opening(
        &plugin,
        &columns(2),
        &Parameters::new(),
        context,
        |opening| plugin.open_detector(opening),
    );
    assert_eq!(opened.err().unwrap().kind, Kind::Fuel);
}

#[test]
fn a_file_that_is_larger_than_it_may_be_is_not_compiled() {
    let small = loader(
        Limits {
            component_bytes: 2000,
            ..Limits::default()
        },
        &Recorder::default(),
    );
    let refused = small.load(&component("standard-scaler")).err().unwrap();
    assert_eq!(refused.reason, Reason::TooLarge { max: 2000 });
}

#[test]
fn an_inspection_tells_everything_of_a_good_file_and_the_reason_of_a_bad_one() {
    let inspector = loader(Limits::default(), &Recorder::default());
    let good = inspector.inspect(&component("standard-scaler")).unwrap();
    assert_eq!(good.verdict, ComponentVerdict::Accepted);
    let descriptor = good.descriptor.as_ref().unwrap();
    assert_eq!(descriptor.name, "standard-scaler");
    assert!(
        good.exports
            .iter()
            .any(|name| name == "fedhost:plugin/preprocessing@0.1.0"),
        "{good:?}"
    );
    assert!(
        good.initial_memory_bytes
            .is_some_and(|bytes| bytes >= 65_536)
    );
    assert!(
        good.producers
            .iter()
            .any(|producer| producer.name == "Rust"),
        "{:?}",
        good.producers
    );

    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("wasi.wasm");
    fs::write(
        &file,
        component_importing(&["wasi:io/poll@0.2.9", "fedhost:plugin/host@0.1.0"]),
    )
    .unwrap();
    let bad = inspector.inspect(&file).unwrap();
    assert_eq!(bad.imports.len(), 2);
    assert!(
        matches!(&bad.verdict, ComponentVerdict::Refused { reason } if reason.contains("wasi:io/poll"))
    );
    let json = serde_json::to_value(&bad).unwrap();
    assert_eq!(json["verdict"]["verdict"], "refused");
}

#[test]
fn only_the_files_of_the_wanted_plugins_are_loaded_first() {
    let (_home, directory) = mixed_directory();
    let recorder = Recorder::default();
    let loader = loader(Limits::default(), &recorder);
    let wanted = [selector("standard-scaler")];
    let mut registry = Registry::open_named(&directory, &loader, &wanted).unwrap();
    assert_eq!((registry.plugins().len(), registry.refused().len()), (1, 0));
    assert!(registry.refresh(&loader).unwrap());
    assert_eq!((registry.plugins().len(), registry.refused().len()), (1, 1));
    assert!(!registry.refresh(&loader).unwrap());

    fs::rename(
        directory.join("standard-scaler.wasm"),
        directory.join("other.wasm"),
    )
    .unwrap();
    let registry = Registry::open_named(&directory, &loader, &wanted).unwrap();
    assert_eq!(
        registry.plugins().len(),
        1,
        "a plug-in in a file of another name is found"
    );
}

#[test]
fn files_with_one_name_are_announced_once() {
    let (_home, directory) = mixed_directory();
    fs::write(directory.join("a-newer\u{202e}.wasm"), newer_scaler()).unwrap();
    let recorder = Recorder::default();
    let loader = loader(Limits::default(), &recorder);
    let mut registry = Registry::open(&directory, &loader).unwrap();
    registry.refresh(&loader).unwrap();
    let warnings: Vec<String> = recorder
        .heard()
        .into_iter()
        .filter_map(|event| match event {
            Event::Run(RunEvent::Warned { detail, .. }) => Some(detail),
            _ => None,
        })
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in [
        "a-newer\\u{202e}.wasm (0.1.9)",
        "standard-scaler.wasm (0.1.0)",
        "hint: pin the plug-in",
    ] {
        assert!(
            warnings[0].contains(part),
            "{part:?} is not in {warnings:?}"
        );
    }
}
