//! Opens files that other users put into a directory: regular files only, without ever waiting.
//!
//! Opening a named pipe waits for a writer, and reading a device may never end.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a regular file for reading.
///
/// # Errors
/// There is no such file, it cannot be read, or it is a pipe, a device, a socket or a directory.
pub(super) fn open(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    never_wait(&mut options);
    let opened = options.open(file)?;
    if opened.metadata()?.is_file() {
        return Ok(opened);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is no regular file",
    ))
}

#[cfg(unix)]
fn never_wait(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
}

#[cfg(not(unix))]
fn never_wait(_options: &mut OpenOptions) {}

#[cfg(all(test, unix))]
mod tests {
    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[test]
    fn pipes_devices_and_directories_are_refused_at_once() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("pipe.wasm");
        mkfifoat(CWD, &pipe, Mode::RWXU).unwrap();
        let linked = home.path().join("linked.wasm");
        std::os::unix::fs::symlink(&pipe, &linked).unwrap();
        for path in [&pipe, &linked, home.path(), Path::new("/dev/zero")] {
            let error = open(path).unwrap_err();
            assert_eq!(error.to_string(), "it is no regular file", "{path:?}");
        }
    }

    #[test]
    fn a_regular_file_and_a_link_to_one_are_opened() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a.wasm");
        std::fs::write(&file, "content").unwrap();
        let linked = home.path().join("b.wasm");
        std::os::unix::fs::symlink(&file, &linked).unwrap();
        for path in [&file, &linked] {
            assert_eq!(io::read_to_string(open(path).unwrap()).unwrap(), "content");
        }
    }
}
