//! Looks at a log without a run: who has it open, and whether it has been damaged.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::damage::Damages;
use super::recovery::recover;
use super::store::{self, files, topics, unreadable};
use crate::Error;
use crate::checkup::{Finding, Tell};
use fedhost_base::event::Damage;
use fedhost_base::hint::hint;

const SUBJECT: &str = "log";

/// Examines the log in `directory`. Reads all of it, so it blocks for a while where there is much.
pub fn examine(directory: &Path, tell: &mut Tell<'_>) {
    if !store::is_there(directory) {
        tell(Finding::ok(SUBJECT, "empty: the first run makes it"));
        return;
    }
    match is_in_use(&directory.join("lock")) {
        Err(error) => {
            let detail = format!("its lock cannot be tried: {error}");
            tell(Finding::failed(
                SUBJECT,
                detail,
                "see that this user may read and write the directory",
            ));
        }
        Ok(true) => {
            let by = holder(&directory.join("lock"))
                .map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
            tell(Finding::ok(SUBJECT, format!("in use by {by}")));
            tell(Finding::unknown(
                "damage",
                "not looked for while the log is in use",
            ));
        }
        Ok(false) => look_for_damage(directory, tell),
    }
}

/// The lock is the system's, so trying it is the only test.
fn is_in_use(lock: &Path) -> std::io::Result<bool> {
    let file = match File::open(lock) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A process and what it was started as.
struct Holder {
    process: u32,
    command: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "process {} ({})", self.process, self.command)
    }
}

/// The holder of the lock, if the system shows it (Linux does).
fn holder(lock: &Path) -> Option<Holder> {
    let inode = fs::metadata(lock).ok()?.ino();
    let process = process_of(&fs::read_to_string("/proc/locks").ok()?, inode)?;
    let command = fs::read_to_string(format!("/proc/{process}/cmdline")).ok()?;
    Some(Holder {
        process,
        command: command.trim_end_matches('\0').replace('\0', " "),
    })
}

/// Looks into lines such as `3: FLOCK  ADVISORY  WRITE 4711 fe:01:1837 0 EOF`.
fn process_of(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", process, file, ..] = words.as_slice() else {
            return None;
        };
        (file.rsplit(':').next()?.parse() == Ok(inode)).then(|| process.parse().ok())?
    })
}

/// Only reads: what is damaged is left as it is, for the next run to report too.
fn look_for_damage(directory: &Path, tell: &mut Tell<'_>) {
    const HINT: &str = "restore the directory from a copy, or run on: everything else is sound, and the run reports what is lost";
    let found = match damage(directory) {
        Ok(found) => found,
        Err(error) => {
            let hint =
                hint(&error).unwrap_or_else(|| "look at the directory and its disk".to_owned());
            tell(Finding::failed(SUBJECT, error.to_string(), hint));
            return;
        }
    };
    for damage in &found {
        tell(Finding::warning("damage", damage.to_string(), HINT));
    }
    tell(Finding::ok(SUBJECT, "free to be opened"));
    if found.is_empty() {
        tell(Finding::ok("damage", "none"));
    }
}

/// What opening the log and reading all of it would report.
fn damage(directory: &Path) -> Result<Vec<Damage>, Error> {
    let found: Arc<Mutex<Vec<Damage>>> = Arc::default();
    let collected = Arc::clone(&found);
    let on_damage = move |damage| {
        let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
        collected.push(damage);
    };
    let damages = Damages::new(Arc::new(on_damage), Arc::new(|_| {}));
    let files = files(directory)?;
    let recovered = recover(&files).map_err(|reason| unreadable(directory, reason))?;
    let topics = topics(&files, &recovered).map_err(|reason| unreadable(directory, reason))?;
    recovered
        .cuts
        .iter()
        .for_each(|cut| damages.announce_cut(cut));
    damages.announce_gaps(&topics);
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkup::Outcome;
    use crate::embedded::{EmbeddedLog, Options};

    fn examined(directory: &Path) -> Vec<Finding> {
        let mut findings = Vec::new();
        examine(directory, &mut |finding| findings.push(finding));
        findings
    }

    #[test]
    fn the_process_that_has_a_lock_is_found_by_the_file() {
        let locks = "1: POSIX  ADVISORY  WRITE 100 fe:01:7 0 EOF\n2: FLOCK  ADVISORY  WRITE 200 fe:01:77 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 300 fe:01:7 0 EOF\n";
        assert_eq!(process_of(locks, 7), Some(300));
        assert_eq!(process_of(locks, 77), Some(200));
        assert_eq!(process_of(locks, 777), None);
    }

    #[test]
    fn a_log_that_is_open_is_said_to_be_with_the_process_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(Options::new(folder.path())).unwrap();
        let findings = examined(folder.path());
        assert!(
            findings[0]
                .detail
                .contains(&format!("process {}", std::process::id())),
            "{findings:?}"
        );
        assert_eq!(findings[1].outcome, Outcome::Unknown);
        log.close();
        let findings = examined(folder.path());
        assert!(
            findings
                .iter()
                .all(|finding| finding.outcome == Outcome::Ok),
            "{findings:?}"
        );
    }

    #[test]
    fn a_log_that_nobody_made_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            examined(folder.path()),
            [Finding::ok(SUBJECT, "empty: the first run makes it")]
        );
        assert!(!folder.path().join("lock").exists());
    }
}
