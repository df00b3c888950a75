//! Compiled code is kept, verified, and never taken from a place that others can write.

use std::fs;
use std::path::{Path, PathBuf};

use fedhost_base::event::{Event, RunEvent};
use fedhost_plugin::{Loader, Plugin};

use crate::harness::{ENGINE, Recorder, component};

fn load(cache: &Path, recorder: &Recorder) -> Plugin {
    Loader::new(&ENGINE, recorder.sink())
        .with_cache(cache)
        .load(&component("standard-scaler"))
        .unwrap()
}

fn only_entry(cache: &Path) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

/// As if a file had not been used for `days`.
fn age(file: &Path, days: u64) {
    let then = std::time::UNIX_EPOCH
        + std::time::Duration::from_millis(fedhost_base::clock::now_ms() - days * 24 * 3_600_000);
    fs::File::open(file).unwrap().set_modified(then).unwrap();
}

#[test]
fn code_that_nobody_has_asked_for_in_a_long_time_is_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("cache");
    let recorder = Recorder::default();
    load(&cache, &recorder);
    age(&only_entry(&cache), 60);
    assert!(
        load(&cache, &recorder).was_cached(),
        "two months are not long, and now it has been used"
    );
    let (old, foreign) = (cache.join("old.cwasm"), cache.join("notes.txt"));
    for file in [&old, &foreign] {
        fs::write(file, "x").unwrap();
        age(file, 100);
    }
    assert!(load(&cache, &recorder).was_cached());
    assert!(!old.exists() && foreign.exists());
}

fn complaints(recorder: &Recorder) -> Vec<String> {
    let complaint = |event| match event {
        Event::Run(RunEvent::Warned { detail, .. }) => Some(detail),
        _ => None,
    };
    recorder.heard().into_iter().filter_map(complaint).collect()
}

#[test]
fn a_component_is_compiled_once() {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("deep/cache");
    let recorder = Recorder::default();
    assert!(!load(&cache, &recorder).was_cached());
    only_entry(&cache);
    assert!(load(&cache, &recorder).was_cached());
    assert_eq!(complaints(&recorder), Vec::<String>::new());
}

#[test]
fn a_damaged_entry_is_announced_and_made_again() {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("cache");
    let recorder = Recorder::default();
    load(&cache, &recorder);
    let entry = only_entry(&cache);
    let whole = fs::read(&entry).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for (count, damaged) in [flipped.as_slice(), &whole[..whole.len() / 2], b""]
        .into_iter()
        .enumerate()
    {
        fs::write(&entry, damaged).unwrap();
        assert!(!load(&cache, &recorder).was_cached());
        assert_eq!(complaints(&recorder).len(), count + 1);
        assert_eq!(fs::read(&entry).unwrap().len(), whole.len());
        assert!(load(&cache, &recorder).was_cached());
    }
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_can_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("cache");
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    let recorder = Recorder::default();
    load(&cache, &recorder);
    assert!(!load(&cache, &recorder).was_cached());
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
    assert!(
        complaints(&recorder)[0].contains("can be written by others"),
        "{:?}",
        complaints(&recorder)
    );
}
