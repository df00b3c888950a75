//! Makes a guest's text safe for a terminal, a log line and a page.

use fedhost_base::text::is_hidden;

/// Returns one line of at most `max_bytes` bytes: line breaks and tabs become spaces, other control
/// characters and those that hide or reverse text are dropped, and a longer text is cut and marked
/// with `…`.
pub(super) fn plain(text: &str, max_bytes: usize) -> String {
    const CUT: char = '…';
    let mut line = String::with_capacity(text.len().min(max_bytes));
    for character in text.chars().filter_map(plain_character) {
        if line.len() + character.len_utf8() > max_bytes {
            while line.len() + CUT.len_utf8() > max_bytes && line.pop().is_some() {}
            if CUT.len_utf8() <= max_bytes {
                line.push(CUT);
            }
            break;
        }
        line.push(character);
    }
    line.truncate(line.trim_end().len());
    line
}

fn plain_character(character: char) -> Option<char> {
    match character {
        '\n' | '\t' => Some(' '),
        _ if is_hidden(character) => None,
        _ => Some(character),
    }
}

/// Whether a text is a valid name: not empty, not too long, without hidden characters.
pub(super) fn is_name(text: &str, max_bytes: usize) -> bool {
    (1..=max_bytes).contains(&text.len())
        && text
            .chars()
            .all(|character| plain_character(character) == Some(character))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_and_hidden_characters_are_dropped() {
        assert_eq!(
            plain("a\u{1b}[31mred\u{202e}\nb\t\u{0}c\n", 100),
            "a[31mred b c"
        );
    }

    #[test]
    fn a_cut_is_marked() {
        assert_eq!(plain("abcdefgh", 7), "abcd…");
        assert_eq!(plain("ééé", 5), "é…");
        assert_eq!(plain("abc", 2), "ab"[..0].to_owned());
    }

    #[test]
    fn a_name_has_no_hidden_characters() {
        assert!(is_name("weight.0", 10));
        for bad in ["", "a\nb", "a\u{202e}", "eleven bytes"] {
            assert!(!is_name(bad, 10), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_longer_than_allowed(text in ".{0,64}", max_bytes in 0_usize..64) {
            let line = plain(&text, max_bytes);
            prop_assert!(line.len() <= max_bytes);
            prop_assert!(line.chars().all(|character| plain_character(character) == Some(character)));
        }
    }
}
