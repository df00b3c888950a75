//! Checks the store's lists of tables before the store opens them.
//!
//! fjall 3 stores a checksum of each list and does not compare it. A damaged list can make it ask
//! for more memory than there is, which ends the process, or take tables for left-overs and delete
//! them. So a damaged list is refused here.
//!
//! ```text
//! current: number of the list u64 | xxh3-128 of the list u128 | 0u8
//! tables:  ... | contents | "SFA!" 1u8 0u8 | checksum u128 | place of the contents u64 | their length u64
//! contents: "TOC!" | entries u32 | ...
//! ```

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Buf;
use xxhash_rust::xxh3::xxh3_128;

/// # Errors
/// What is damaged.
pub(super) fn check(store: &Path) -> Result<(), String> {
    let keyspaces = store.join("keyspaces");
    for keyspace in list(&keyspaces)? {
        if keyspace.is_dir() {
            check_keyspace(&keyspace)?;
        }
    }
    if !keyspaces.join("0").join("current").exists() {
        return Err("its list of keyspaces is missing".to_owned());
    }
    Ok(())
}

fn check_keyspace(keyspace: &Path) -> Result<(), String> {
    let current = keyspace.join("current");
    let tables = list(&keyspace.join("tables"))?;
    // A keyspace has no list until it is complete, and no tables either.
    if !current.exists() && tables.is_empty() {
        return Ok(());
    }
    let damaged = |file: &Path| format!("{} is damaged", file.display());
    let content = fs::read(&current).map_err(|error| format!("{}: {error}", current.display()))?;
    let mut fields = content.as_slice();
    let (Ok(number), Ok(checksum)) = (fields.try_get_u64_le(), fields.try_get_u128_le()) else {
        return Err(damaged(&current));
    };
    let list = keyspace.join(format!("v{number}"));
    let content = fs::read(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    if xxh3_128(&content) != checksum {
        return Err(format!("{}, or {}", damaged(&list), current.display()));
    }
    tables
        .iter()
        .find(|table| !contents_are_plausible(table).unwrap_or(true))
        .map_or(Ok(()), |table| Err(damaged(table)))
}

/// Whether the number of entries in a table's contents is one that the file has room for. Whatever
/// else is wrong with a table, the store finds out by itself.
fn contents_are_plausible(table: &Path) -> io::Result<bool> {
    let mut table = File::open(table)?;
    let bytes = table.metadata()?.len();
    let mut trailer = [0; 16];
    table.seek(SeekFrom::Start(bytes.saturating_sub(trailer.len() as u64)))?;
    table.read_exact(&mut trailer)?;
    let place = trailer.as_slice().get_u64_le();
    let mut contents = [0; 8];
    table.seek(SeekFrom::Start(place))?;
    table.read_exact(&mut contents)?;
    let entries = contents
        .strip_prefix(b"TOC!")
        .map_or(0, |mut entries| entries.get_u32_le());
    Ok(u64::from(entries) <= bytes.saturating_sub(place))
}

/// The files in a directory; none when it does not exist.
fn list(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let read = || {
        fs::read_dir(directory)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(|error| format!("{}: {error}", directory.display())),
    }
}
