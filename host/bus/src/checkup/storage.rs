//! A directory that a run writes to.

use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::{Finding, Tell};

/// Below this, journals and compiled plug-ins alone may fill what is left.
const FREE_BYTES_MIN: u64 = 128 << 20;
/// Below this, a busy day may.
const FREE_BYTES_WARN: u64 = 1 << 30;

/// Tells whether the directory is there or can be made, can be written to, and has room. Changes
/// nothing.
pub fn examine(subject: &str, directory: &Path, tell: &mut Tell<'_>) {
    // Every relative path leads to the working directory in the end.
    let existing = directory
        .ancestors()
        .find(|path| path.exists())
        .filter(|path| !path.as_os_str().is_empty());
    let existing = existing.unwrap_or(Path::new("."));
    let shown = directory.display();
    if !existing.is_dir() {
        let detail = format!("{shown}: {} is a file", existing.display());
        tell(Finding::failed(
            subject,
            detail,
            "name another directory, or move that file away",
        ));
        return;
    }
    if let Err(error) = access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        let detail = format!("{shown} cannot be written to: {error}");
        let hint = format!(
            "run it as a user who may write to {}, or name another directory",
            existing.display()
        );
        tell(Finding::failed(subject, detail, hint));
        return;
    }
    let made = if existing == directory {
        ""
    } else {
        ", made by the first run"
    };
    tell(room(subject, &format!("{shown}{made}"), existing));
}

fn room(subject: &str, shown: &str, existing: &Path) -> Finding {
    let free = match statvfs(existing) {
        Ok(system) => system.f_bavail.saturating_mul(system.f_frsize),
        Err(error) => {
            return Finding::unknown(
                subject,
                format!("{shown}; free space cannot be told: {error}"),
            );
        }
    };
    let detail = format!("{shown}; {} MiB free", free >> 20);
    if free < FREE_BYTES_MIN {
        return Finding::failed(
            subject,
            detail,
            "make room, or name a directory on another disk",
        );
    }
    if free < FREE_BYTES_WARN {
        let hint = "make room, or let less lie there: retention_ms and retention_bytes of topics, spool.max_bytes";
        return Finding::warning(subject, detail, hint);
    }
    Finding::ok(subject, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkup::Outcome;

    fn examined(directory: &Path) -> Finding {
        let mut findings = Vec::new();
        examine("directory", directory, &mut |finding| {
            findings.push(finding)
        });
        assert_eq!(findings.len(), 1);
        findings.remove(0)
    }

    #[test]
    fn a_directory_that_is_there_or_can_be_made_is_fine_and_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert_ne!(examined(folder.path()).outcome, Outcome::Unknown);
        let missing = folder.path().join("a/b");
        assert!(examined(&missing).detail.contains("made by the first run"));
        assert!(!missing.exists());
        assert!(
            examined(Path::new("not-there-either"))
                .detail
                .contains("made by the first run")
        );
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let finding = examined(&file.join("log"));
        assert!(
            finding.outcome == Outcome::Failed && finding.detail.contains("file is a file"),
            "{finding:?}"
        );
    }
}
