//! Untrusted bytes on a screen: as text where every byte is printable, else in hexadecimal.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fedhost_base::text::is_hidden;
use serde_json::{Value, json};

const DUMP_WIDTH: usize = 16;

/// As text, when that shows every byte and does nothing to a terminal.
fn as_text<'a>(bytes: &'a [u8], allowed: &[char]) -> Option<&'a str> {
    let harmless = |text: &&str| {
        text.chars()
            .all(|c| allowed.contains(&c) || !(c.is_control() || is_hidden(c)))
    };
    str::from_utf8(bytes).ok().filter(harmless)
}

/// On one line: text, or `0x` and hexadecimal digits.
pub(super) fn line(bytes: &[u8]) -> String {
    match as_text(bytes, &[]) {
        Some(text) => text.to_owned(),
        None => bytes.iter().fold("0x".to_owned(), |mut digits, byte| {
            write!(digits, "{byte:02x}").ok();
            digits
        }),
    }
}

/// On lines of its own: text, or a hex dump.
pub(super) fn block(bytes: &[u8]) -> String {
    match as_text(bytes, &['\n', '\t']) {
        Some(text) => text.to_owned(),
        None => dump(bytes),
    }
}

/// As `hexdump -C` shows it.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(DUMP_WIDTH) * 79);
    for (row, bytes) in bytes.chunks(DUMP_WIDTH).enumerate() {
        write!(text, "{:08x} ", row * DUMP_WIDTH).ok();
        for column in 0..DUMP_WIDTH {
            let gap = if column == DUMP_WIDTH / 2 { " " } else { "" };
            match bytes.get(column) {
                Some(byte) => write!(text, "{gap} {byte:02x}"),
                None => write!(text, "{gap}   "),
            }
            .ok();
        }
        let shown = bytes.iter().map(|&byte| {
            if byte.is_ascii_graphic() || byte == b' ' {
                char::from(byte)
            } else {
                '.'
            }
        });
        writeln!(text, "  |{}|", shown.collect::<String>()).ok();
    }
    text
}

/// `{"text": ..}`, or `{"base64": ..}` for what is no UTF-8.
pub(super) fn document(bytes: &[u8]) -> Value {
    match str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_it_is_and_anything_else_as_bytes() {
        assert_eq!(line("pump 3 – größer".as_bytes()), "pump 3 – größer");
        assert_eq!(line(b"a\xff"), "0x61ff");
        assert_eq!(line(b"two\nlines"), "0x74776f0a6c696e6573");
        assert_eq!(block(b"two\nlines"), "two\nlines");
    }

    #[test]
    fn nothing_reaches_the_terminal_that_would_command_it() {
        for bytes in ["\x1b[2J", "a\rb", "\u{9b}31m", "gnp.\u{202e}exe"] {
            assert!(line(bytes.as_bytes()).starts_with("0x"), "{bytes:?}");
            assert!(
                block(bytes.as_bytes()).starts_with("00000000 "),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn a_dump_looks_as_people_know_it() {
        let bytes: Vec<u8> = (0x2f..0x41).chain([0xff]).collect();
        assert_eq!(
            dump(&bytes),
            "00000000  2f 30 31 32 33 34 35 36  37 38 39 3a 3b 3c 3d 3e  |/0123456789:;<=>|\n\
             00000010  3f 40 ff                                          |?@.|\n"
        );
    }
}
