//! Components are compiled in a process of its own, within limits, and only when they are vouched
//! for.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use fedhost_base::hint::explain;
use fedhost_plugin::{ComponentVerdict, Limits, Loader, Plugin, Reason, Refused, Registry, Trust};

use super::harness::{ENGINE, Recorder, Scene, columns, component, opening, pairs};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fedhost");

fn load(program: &str, limits: Limits, name: &str) -> Result<Plugin, Refused> {
    let loader =
        Loader::new(&ENGINE, Recorder::default().sink()).with_limits(Arc::new(move |_| limits));
    loader.compiled_by(program.into()).load(&component(name))
}

fn refusal(program: &str, limits: Limits) -> String {
    explain(&load(program, limits, "standard-scaler").err().unwrap())
}

#[test]
fn what_a_child_has_compiled_runs() {
    for fuel_per_call in [None, Some(1_000_000)] {
        let limits = Limits {
            fuel_per_call,
            ..Limits::default()
        };
        let plugin = load(PROGRAM, limits, "misbehaving").unwrap();
        let scene = Scene::new("none", limits);
        let open = |opening: fedhost_plugin::Opening<'_>| plugin.open_detector(opening);
        let detector = opening(
            &plugin,
            &columns(2),
            &Default::default(),
            scene.context.clone(),
            open,
        );
        assert_eq!(
            detector.unwrap().score(&pairs(&[[1.0, 2.0]])).unwrap(),
            [3.0]
        );
    }
}

#[cfg(unix)]
#[test]
fn a_compiler_that_wants_too_much_is_stopped_and_its_component_refused() {
    let memory = refusal(
        PROGRAM,
        Limits {
            compile_memory_bytes: 48 << 20,
            ..Limits::default()
        },
    );
    assert!(
        memory.contains("needed more than 50331648 bytes of memory"),
        "{memory}"
    );
    assert!(memory.contains("limits.compile_memory_bytes"), "{memory}");
    let time = refusal(
        PROGRAM,
        Limits {
            compile_ms: 1,
            ..Limits::default()
        },
    );
    assert!(
        time.contains("took longer than 1 ms") && time.contains("limits.compile_ms"),
        "{time}"
    );
}

#[test]
fn a_child_tells_what_is_wrong_with_a_component() {
    let home = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(component("standard-scaler")).unwrap();
    let loader = |compiled: bool| {
        let loader = Loader::new(&ENGINE, Recorder::default().sink());
        if compiled {
            loader.compiled_by(PROGRAM.into())
        } else {
            loader
        }
    };
    // Somewhere in the code, where only the compiler looks.
    let at = bytes.len() / 4;
    bytes[at..at + 64].fill(0xff);
    let file = home.path().join("standard-scaler.wasm");
    fs::write(&file, &bytes).unwrap();
    let reasons = [true, false].map(|compiled| loader(compiled).load(&file).err().unwrap().reason);
    assert!(matches!(reasons[0], Reason::Invalid(_)), "{:?}", reasons[0]);
    assert_eq!(reasons[0], reasons[1]);
}

#[cfg(unix)]
#[test]
fn an_answer_that_is_no_code_is_not_run() {
    assert!(refusal("/bin/true", Limits::default()).contains("output is damaged"));
    assert!(refusal("/nowhere/fedhost", Limits::default()).contains("cannot be started"));
}

#[test]
fn a_component_is_run_for_whom_it_is_vouched() {
    let home = tempfile::tempdir().unwrap();
    let file: PathBuf = home.path().join("standard-scaler.wasm");
    fs::copy(component("standard-scaler"), &file).unwrap();
    let signer = SigningKey::from_bytes(&[7; 32]);
    let key = STANDARD.encode(signer.verifying_key().as_bytes());
    let loader = Loader::new(&ENGINE, Recorder::default().sink())
        .trusting(Trust::new(&[key], true).unwrap());
    assert!(matches!(
        loader.load(&file).err().unwrap().reason,
        Reason::Signature { .. }
    ));
    let signature = signer.sign(&fs::read(&file).unwrap()).to_bytes();
    fs::write(home.path().join("standard-scaler.wasm.sig"), signature).unwrap();
    assert_eq!(loader.load(&file).unwrap().id().name, "standard-scaler");
}

#[test]
fn an_unsigned_file_does_not_take_the_place_of_a_signed_one() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("standard-scaler.wasm");
    fs::copy(component("standard-scaler"), &file).unwrap();
    let signer = SigningKey::from_bytes(&[7; 32]);
    let signature = signer.sign(&fs::read(&file).unwrap()).to_bytes();
    let key = STANDARD.encode(signer.verifying_key().as_bytes());
    let loader = Loader::new(&ENGINE, Recorder::default().sink())
        .trusting(Trust::new(&[key], false).unwrap());
    let copy = home.path().join("a-copy.wasm");
    fs::copy(&file, &copy).unwrap();
    let found = || {
        let registry = Registry::open(home.path(), &loader).unwrap();
        let plugin = registry.find(&"standard-scaler".parse().unwrap()).unwrap();
        plugin.file().to_owned()
    };
    assert_eq!(found(), copy, "of equal versions, the first file");
    fs::write(home.path().join("standard-scaler.wasm.sig"), signature).unwrap();
    assert_eq!(found(), file);
}

#[test]
fn a_file_of_a_million_names_is_scanned_in_the_child_and_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("names.wasm");
    // A section of one million imports of an empty instance type.
    let import = |number: u32| [&[0, 6][..], format!("a{number:05x}").as_bytes(), &[5, 0]].concat();
    let imports: Vec<u8> = (0..1_000_000).flat_map(import).collect();
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend([7, 3, 1, 0x42, 0]);
    let count = leb128(1_000_000);
    bytes.push(10);
    bytes.extend(leb128(count.len() + imports.len()));
    bytes.extend(count);
    bytes.extend(imports);
    fs::write(&file, bytes).unwrap();
    let loader = Loader::new(&ENGINE, Recorder::default().sink()).compiled_by(PROGRAM.into());
    let inspected = loader.inspect(&file).unwrap();
    assert!(inspected.imports.is_empty());
    let ComponentVerdict::Refused { reason } = inspected.verdict else {
        panic!("it was accepted")
    };
    assert!(reason.contains("more than 1000 names"), "{reason}");
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
