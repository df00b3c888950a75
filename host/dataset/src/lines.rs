//! The lines of a text file, without their ends: line feed, carriage return, or both.

use std::ops::Range;

use memchr::memchr2;

use super::fault::Fault;
use super::input::Input;

/// What a line may hold; beyond it the file is hardly one of rows.
const LINE_MAX_BYTES: usize = 16 << 20;
const CHUNK_BYTES: usize = 1 << 18;

/// A window over the file, as long as its longest line so far.
pub(super) struct Lines {
    input: Input,
    window: Vec<u8>,
    /// What of the window has not been given out.
    from: usize,
    to: usize,
    /// The line that was given out last.
    given: Range<usize>,
    number: u64,
    has_ended: bool,
    /// The last line ended in a carriage return, whose line feed may be the next byte.
    is_after_return: bool,
}

impl Lines {
    pub(super) fn new(input: Input) -> Self {
        let window = vec![0; CHUNK_BYTES];
        Self {
            input,
            window,
            from: 0,
            to: 0,
            given: 0..0,
            number: 0,
            has_ended: false,
            is_after_return: false,
        }
    }

    /// The number of the line that was given out last, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of the file that have been read.
    pub(super) fn position(&self) -> u64 {
        self.input.position()
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Fault> {
        let mut searched = 0;
        loop {
            let rest = self.window.get(self.from..self.to).unwrap_or_default();
            if self.is_after_return && !rest.is_empty() {
                self.is_after_return = false;
                self.from += usize::from(rest.starts_with(b"\n"));
                continue;
            }
            let unsearched = rest.get(searched..).unwrap_or_default();
            if let Some(end) = memchr2(b'\n', b'\r', unsearched) {
                self.is_after_return = unsearched.get(end) == Some(&b'\r');
                return Ok(Some(self.give(searched + end, 1)));
            }
            searched = rest.len();
            if self.has_ended {
                return Ok(if searched == 0 {
                    None
                } else {
                    Some(self.give(searched, 0))
                });
            }
            self.fill()?;
        }
    }

    /// The next line that holds anything but whitespace; `None` at the end.
    pub(super) fn next_not_blank(&mut self) -> Result<Option<&[u8]>, Fault> {
        while let Some(line) = self.next()? {
            if !line.trim_ascii().is_empty() {
                return Ok(self.window.get(self.given.clone()));
            }
        }
        Ok(None)
    }

    /// Gives out the next `length` bytes, and leaves out `end` more.
    fn give(&mut self, length: usize, end: usize) -> &[u8] {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        let start = self.from;
        self.from += length + end;
        self.number += 1;
        self.given = start..start + length;
        let line = self.window.get(self.given.clone()).unwrap_or_default();
        if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            self.given.start += BYTE_ORDER_MARK.len();
        }
        self.window.get(self.given.clone()).unwrap_or_default()
    }

    fn fill(&mut self) -> Result<(), Fault> {
        self.window.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        if self.to == self.window.len() {
            if self.to >= LINE_MAX_BYTES {
                self.number += 1;
                return Err(Fault::LongLine {
                    max_bytes: LINE_MAX_BYTES,
                });
            }
            self.window.resize(self.to * 2, 0);
        }
        let read = self
            .input
            .read(self.window.get_mut(self.to..).unwrap_or_default())?;
        self.to += read;
        self.has_ended = read == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn lines(content: &[u8]) -> Vec<Vec<u8>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let mut lines = Lines::new(Input::open(file.path()).unwrap());
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(line.to_vec());
        }
        assert_eq!(lines.number(), found.len() as u64);
        found
    }

    #[test]
    fn lines_end_in_any_way() {
        for content in [
            "a\nb\n\nc",
            "a\r\nb\r\n\r\nc\r\n",
            "a\rb\r\rc\r",
            "\u{feff}a\nb\n\nc\n",
        ] {
            assert_eq!(
                lines(content.as_bytes()),
                [&b"a"[..], b"b", b"", b"c"],
                "{content:?}"
            );
        }
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn a_line_may_be_longer_than_the_window_but_not_endless() {
        let long = vec![b'7'; 3 * CHUNK_BYTES];
        assert_eq!(
            lines(&[b"x\n", &long[..], b"\ny"].concat()),
            [&b"x"[..], &long, b"y"]
        );
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'7'; LINE_MAX_BYTES + 1]).unwrap();
        let mut lines = Lines::new(Input::open(file.path()).unwrap());
        let fault = lines.next().unwrap_err().to_string();
        assert_eq!(fault, "the line is longer than 16 MiB");
        assert_eq!(lines.number(), 1);
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_standard_library_wherever_the_window_ends(
            texts in proptest::collection::vec("[a-z]{0,9}", 1..40), before in CHUNK_BYTES - 60..CHUNK_BYTES,
        ) {
            let content = format!("{}\r\n{}\r\n", "x".repeat(before), texts.join("\r\n"));
            let expected: Vec<Vec<u8>> = content.lines().map(|line| line.as_bytes().to_vec()).collect();
            prop_assert_eq!(lines(content.as_bytes()), expected);
        }
    }
}
