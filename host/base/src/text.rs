//! Shows text of unknown origin: names of files, columns, topics and plug-ins, and what any of them
//! say. A terminal must not take it for commands, and a reader must see what is there.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character is invisible, or changes how the text around it is shown: control characters
/// but for line breaks and tabs, marks of direction, and characters without width.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => character.is_control(),
    }
}

/// Returns the text with each hidden character written out, such as `\u{202e}`. Terminals, pages
/// and tables all use this one function.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |shown, character| {
        // Writing to a string cannot fail.
        let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
    })
}

/// Returns JSON with each hidden character written as JSON does; the document stays the same.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    escaped(json, |shown, character| {
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            let _ = write!(shown, "\\u{unit:04x}");
        }
    })
}

fn escaped(text: &str, write: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hidden(character) {
            write(&mut shown, character);
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_terminals_and_marks_of_direction_are_written_out() {
        assert_eq!(
            visible("a\u{1b}[2J\u{202e}b\r\u{9b}"),
            "a\\u{1b}[2J\\u{202e}b\\u{d}\\u{9b}"
        );
        assert!(matches!(visible("Größe 5\n\t°C 温度"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_stays_the_same_document() {
        for text in ["\u{202e}\u{1b}", "\u{e0041}tag", "plain"] {
            let json = serde_json::to_string(text).unwrap();
            let shown = visible_json(&json);
            assert!(!shown.contains(is_hidden));
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
