//! The parts of a run log: the file itself, and the older files `NAME.1` to `NAME.7` that it was
//! renamed to when it was full. Part 1 is the newest of them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

/// How large a run log becomes.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Bytes of a part.
    pub part_bytes: u64,
    /// Older parts that are kept beside the file.
    pub older_parts: u32,
}

impl Default for Capacity {
    /// 512 MiB in all.
    fn default() -> Self {
        Self {
            part_bytes: 64 << 20,
            older_parts: 7,
        }
    }
}

/// Renames the file to part 1, and each part to the next; returns the number of lines of the oldest
/// part, which is deleted.
pub(super) fn shift(log: &Path, older_parts: u32) -> io::Result<u64> {
    let oldest = part(log, older_parts);
    let deleted_lines = match lines(&oldest) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        counted => counted?,
    };
    for number in (0..older_parts).rev() {
        match fs::rename(part(log, number), part(log, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(deleted_lines)
}

/// Opens all parts that exist, the oldest first.
///
/// # Errors
/// The file itself does not exist, or a part cannot be read.
pub(super) fn open_all(log: &Path) -> io::Result<Vec<File>> {
    let mut files = vec![File::open(log)?];
    for number in 1.. {
        match File::open(part(log, number)) {
            Ok(file) => files.push(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    files.reverse();
    Ok(files)
}

/// The file of a part; part 0 is the log itself.
fn part(log: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return log.to_owned();
    }
    let mut name = OsString::from(log);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn lines(file: &Path) -> io::Result<u64> {
    let mut reader = BufReader::new(File::open(file)?);
    let mut lines = 0;
    while reader.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(lines)
}
