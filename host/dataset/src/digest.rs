//! Digests of files, taken beside the reading, while the bytes are still near.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use fedhost_domain::model::Sha256Hex;
use sha2::{Digest as _, Sha256};

const CHUNK_BYTES: usize = 1 << 18;

/// A file that is digested up to a given length.
pub(super) struct FileDigest {
    file: File,
    hasher: Sha256,
    bytes: u64,
    chunk: Vec<u8>,
}

impl FileDigest {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            hasher: Sha256::new(),
            bytes: 0,
            chunk: vec![0; CHUNK_BYTES],
        })
    }

    /// Goes on until at least `position` bytes are digested, or the file ends.
    pub(super) fn advance_to(&mut self, position: u64) -> io::Result<()> {
        while self.bytes < position {
            match self.file.read(&mut self.chunk) {
                Ok(0) => break,
                Ok(read) => {
                    self.hasher
                        .update(self.chunk.get(..read).unwrap_or_default());
                    self.bytes += read as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Goes on to the end; the digest of all bytes, and how many they are.
    pub(super) fn finish(mut self) -> io::Result<(Sha256Hex, u64)> {
        self.advance_to(u64::MAX)?;
        Ok((Sha256Hex::finish(self.hasher), self.bytes))
    }
}

/// One digest for several files, which knows where each of them ends: that of a text with a line
/// `<sha256 of the file> <its bytes>\n` for each file in order.
pub(super) fn of_files<'a>(files: impl Iterator<Item = (&'a Sha256Hex, u64)>) -> Sha256Hex {
    let text: String = files
        .map(|(sha256, bytes)| format!("{sha256} {bytes}\n"))
        .collect();
    Sha256Hex::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_digested_as_sha256sum_does() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'a'; 1_000_000]).unwrap();
        let mut digest = FileDigest::open(file.path()).unwrap();
        for position in [0, 1, 300_000, 200_000, 2_000_000] {
            digest.advance_to(position).unwrap();
        }
        let (sha256, bytes) = digest.finish().unwrap();
        // From FIPS 180-2, appendix B.3.
        assert_eq!(
            sha256.as_str(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
        assert_eq!(bytes, 1_000_000);
    }

    #[test]
    fn the_digest_of_files_is_that_of_a_text_about_them() {
        let (one, other) = (Sha256Hex::of(b"ab"), Sha256Hex::of(b""));
        let text = format!("{one} 2\n{other} 0\n");
        assert_eq!(
            of_files([(&one, 2), (&other, 0)].into_iter()),
            Sha256Hex::of(text.as_bytes())
        );
    }
}
