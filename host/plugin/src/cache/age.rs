//! Forgets compiled code that nobody asks for any more: of components that were replaced, and of
//! earlier engines.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An entry that was not loaded for so long is taken for one of something that is gone. Making it
/// again costs a moment.
const UNUSED_MOST: Duration = Duration::from_hours(90 * 24);

/// Notes that an entry is in use. One that cannot be touched is merely made again one day.
pub(super) fn touch(entry: &Path) {
    let _ = fs::File::open(entry).and_then(|file| file.set_modified(now()));
}

/// Deletes what was not touched for long, what a killed process left half written included.
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
            // Another process may have been faster.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(fedhost_base::clock::now_ms())
}
