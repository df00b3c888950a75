//! Caches compiled code on disk, so that a component is not compiled at every start.
//!
//! An entry is native code: a user who can write it controls this process. Therefore the directory
//! must belong to this user and be writable by no other; the key names the component, the engine
//! and its settings; and each entry has a digest, which is verified on the same bytes that are
//! mapped. This module must load nothing else, and never accept a precompiled file from the author
//! of a plug-in.

mod age;

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use fedhost_domain::model::Sha256Hex;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

const DIGEST_BYTES: usize = 32;

/// A directory of compiled components.
pub(super) struct Cache {
    directory: PathBuf,
}

/// Why a directory cannot hold compiled code.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(super) enum CacheError {
    #[error("cannot be used: {0}")]
    Io(#[from] io::Error),
    #[error("is a link or a file")]
    #[diagnostic(help("name a directory that does not exist yet"))]
    NotADirectory,
    #[error("belongs to another user")]
    #[diagnostic(help("name a directory of the user who runs this program"))]
    Foreign,
    #[error("can be written by others (mode {0:o})")]
    #[diagnostic(help("chmod go-w it, and delete what is in it"))]
    Open(u32),
    #[error("lies in {}, where any user can replace it (mode {mode:o})", parent.display())]
    #[diagnostic(help("chmod o-w that directory"))]
    Replaceable { parent: PathBuf, mode: u32 },
    #[cfg(not(unix))]
    #[error("cannot be checked for its owner on this system")]
    Unchecked,
}

impl Cache {
    /// Opens the directory; creates it with mode 700 if it is missing. Deletes entries that were
    /// not used for a long time.
    pub(super) fn open(directory: &Path) -> Result<Self, CacheError> {
        check_private(directory)?;
        age::prune(directory);
        Ok(Self {
            directory: directory.to_owned(),
        })
    }

    /// Returns the entry for this component and this engine.
    pub(super) fn entry(&self, engine: &wasmtime::Engine, component: &Sha256Hex) -> Entry {
        let mut settings = DigestHasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut settings);
        let settings = Sha256Hex::of(&settings.0.finalize());
        let key = format!("{component}-{}", settings.short());
        Entry {
            file: self.directory.join(format!("{key}.cwasm")),
            key,
        }
    }
}

/// The entry of one component.
pub(super) struct Entry {
    file: PathBuf,
    key: String,
}

impl Entry {
    /// Loads the compiled component; `None` if there is no entry.
    ///
    /// # Errors
    /// The entry is damaged, and has to be written again.
    pub(super) fn load(&self, engine: &wasmtime::Engine) -> Result<Option<Component>, String> {
        let bytes = match fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let code = self
            .verified(&bytes)
            .ok_or("its digest does not match its content")?;
        let component = deserialize(engine, code).map_err(|error| format!("{error:#}"))?;
        age::touch(&self.file);
        Ok(Some(component))
    }

    /// Writes the entry atomically.
    pub(super) fn write(&self, code: &[u8]) -> io::Result<()> {
        static SEQUENCE: AtomicU64 = AtomicU64::new(0);
        let unique = format!(
            "{}-{}.tmp",
            std::process::id(),
            SEQUENCE.fetch_add(1, Ordering::Relaxed)
        );
        let temporary = self.file.with_extension(unique);
        let written = fs::File::create_new(&temporary).and_then(|mut file| {
            file.write_all(&self.digest(code))?;
            file.write_all(code)?;
            file.sync_all()
        });
        let renamed = written.and_then(|()| fs::rename(&temporary, &self.file));
        if renamed.is_err() {
            // Best effort: the failure of the write is the one to report.
            let _ = fs::remove_file(&temporary);
        }
        renamed
    }

    fn verified<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (digest, code) = bytes.split_at_checked(DIGEST_BYTES)?;
        (digest == self.digest(code)).then_some(code)
    }

    /// Includes the key, so that an entry under the name of another one counts as damaged.
    fn digest(&self, code: &[u8]) -> [u8; DIGEST_BYTES] {
        Sha256::new()
            .chain_update(self.key.as_bytes())
            .chain_update(code)
            .finalize()
            .into()
    }
}

/// Maps code that [`super::compiler`] has compiled or an [`Entry`] has verified. It must not be
/// called with other bytes.
#[expect(
    unsafe_code,
    reason = "mapping compiled code is unsafe by nature; see SAFETY"
)]
pub(super) fn deserialize(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` must come from `Engine::precompile_component`. Either it just has, in this
    // program or in a child process of it whose digest of it was verified; or `Entry::write` put it
    // into a directory that only this user can write (`check_private`), and the digest over exactly
    // these bytes, in our own memory, has just been verified. The engine itself refuses code of
    // another version or of other settings.
    unsafe { Component::deserialize(engine, code) }
}

struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0
            .clone()
            .finalize()
            .iter()
            .take(8)
            .fold(0, |hash, &byte| (hash << 8) | u64::from(byte))
    }
}

#[cfg(unix)]
fn check_private(directory: &Path) -> Result<(), CacheError> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    const WRITABLE_BY_OTHERS: u32 = 0o022;

    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let found = fs::symlink_metadata(directory)?;
    if !found.is_dir() {
        return Err(CacheError::NotADirectory);
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(CacheError::Foreign);
    }
    if found.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(CacheError::Open(found.mode() & 0o7777));
    }
    directory
        .canonicalize()?
        .ancestors()
        .skip(1)
        .try_for_each(check_parent)
}

/// Refuses a parent directory in which any user can rename the cache. In a sticky directory, such
/// as `/tmp`, only the owner can.
#[cfg(unix)]
fn check_parent(parent: &Path) -> Result<(), CacheError> {
    use std::os::unix::fs::MetadataExt as _;
    const WRITABLE_BY_ANYBODY: u32 = 0o002;
    const STICKY: u32 = 0o1000;

    let mode = fs::metadata(parent)?.mode() & 0o7777;
    if mode & WRITABLE_BY_ANYBODY != 0 && mode & STICKY == 0 {
        return Err(CacheError::Replaceable {
            parent: parent.to_owned(),
            mode,
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_directory: &Path) -> Result<(), CacheError> {
    Err(CacheError::Unchecked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(directory: &Path, component: &[u8]) -> Entry {
        let engine = wasmtime::Engine::default();
        Cache::open(directory)
            .unwrap()
            .entry(&engine, &Sha256Hex::of(component))
    }

    #[test]
    fn a_changed_entry_is_not_verified() {
        let home = tempfile::tempdir().unwrap();
        let entry = entry(&home.path().join("cache"), b"a");
        entry.write(b"code").unwrap();
        let mut bytes = fs::read(&entry.file).unwrap();
        assert_eq!(entry.verified(&bytes), Some(b"code".as_slice()));
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            assert_eq!(entry.verified(&bytes), None, "byte {index}");
            bytes[index] ^= 1;
        }
        assert_eq!(entry.verified(&bytes[..DIGEST_BYTES - 1]), None);
    }

    #[test]
    fn an_entry_under_another_components_name_is_not_taken() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("cache");
        let (one, other) = (entry(&directory, b"a"), entry(&directory, b"b"));
        one.write(b"code").unwrap();
        fs::rename(&one.file, &other.file).unwrap();
        assert_eq!(other.verified(&fs::read(&other.file).unwrap()), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_can_write_or_a_link_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let open = home.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(Cache::open(&open), Err(CacheError::Open(0o777))));
        assert!(matches!(
            Cache::open(&open.join("ours")),
            Err(CacheError::Replaceable { mode: 0o777, .. })
        ));
        fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(Cache::open(&open.join("ours")).is_ok(), "as in /tmp");
        let link = home.path().join("link");
        std::os::unix::fs::symlink(home.path(), &link).unwrap();
        assert!(matches!(Cache::open(&link), Err(CacheError::NotADirectory)));
    }
}
