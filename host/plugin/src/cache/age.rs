//! Deletes compiled code that is no longer used: of replaced components and of earlier engines.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An entry is deleted if it was not loaded for this time. Compiling it again takes a moment.
const UNUSED_MOST: Duration = Duration::from_hours(90 * 24);

/// Marks an entry as used. An entry that cannot be marked is deleted too early, and compiled again.
pub(super) fn touch(entry: &Path) {
    let _ = fs::File::open(entry).and_then(|file| file.set_modified(now()));
}

/// Deletes entries that were not used for a long time, and partial files of killed processes.
pub(super) fn prune(directory: &Path) {
    let Some(oldest) = now().checked_sub(UNUSED_MOST) else {
        return;
    };
    let entries = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let is_ours = |path: &Path| {
        path.extension()
            .is_some_and(|extension| extension == "cwasm" || extension == "tmp")
    };
    for entry in entries.filter(|entry| is_ours(&entry.path())) {
        let touched = entry.metadata().and_then(|found| found.modified());
        if touched.is_ok_and(|touched| touched < oldest) {
            // Another process may have deleted it already.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(fedhost_base::clock::now_ms())
}
