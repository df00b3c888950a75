//! The bytes of a text file, unpacked when it is a gzip file.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::fault::Fault;
use super::format;

/// A file that is read from its beginning to its end.
pub(super) enum Input {
    Plain(Counted),
    Gzip(Box<MultiGzDecoder<BufReader<Counted>>>),
}

/// Knows how far it has been read.
pub(super) struct Counted {
    file: File,
    bytes: u64,
}

impl Input {
    /// Whether a file is packed follows from how it begins, not from its name.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        const PACKED_BYTES: usize = 1 << 16;
        let file = File::open(path).map_err(Fault::Unreadable)?;
        let is_packed = format::beginning(&file)
            .map_err(Fault::Unreadable)?
            .starts_with(format::GZIP);
        let counted = Counted { file, bytes: 0 };
        if !is_packed {
            return Ok(Self::Plain(counted));
        }
        let reader = BufReader::with_capacity(PACKED_BYTES, counted);
        Ok(Self::Gzip(Box::new(MultiGzDecoder::new(reader))))
    }

    /// Some of the next bytes; 0 at the end.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        loop {
            let read = match self {
                Self::Plain(file) => file.read(into),
                Self::Gzip(packed) => packed.read(into),
            };
            match read {
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault(error)),
            }
        }
    }

    fn fault(&self, error: io::Error) -> Fault {
        let is_damage = matches!(
            error.kind(),
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof
        );
        match self {
            Self::Gzip(_) if is_damage => Fault::Damaged {
                what: "the gzip file",
                reason: error.to_string(),
            },
            _ => Fault::Unreadable(error),
        }
    }

    /// Bytes of the file that have been read.
    pub(super) fn position(&self) -> u64 {
        match self {
            Self::Plain(file) => file.bytes,
            Self::Gzip(packed) => packed.get_ref().get_ref().bytes,
        }
    }
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.bytes += read as u64;
        Ok(read)
    }
}
