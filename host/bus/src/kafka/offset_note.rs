//! The note that fedhost stores with a group's offset: which topic the offset belongs to.
//!
//! A topic that is deleted and created again has the same name, and an offset of the earlier one
//! means nothing in it. An offset without a note was stored by another program, such as
//! `kafka-consumer-groups --reset-offsets`.

use crate::TopicId;

const AUTHOR: &str = "fedhost";
const TOPIC: &str = "fedhost topic=";

/// What an offset's note says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// fedhost stored the offset, in the topic of that id if the cluster has ids.
    Own(Option<TopicId>),
    /// Another program stored the offset.
    Foreign,
}

impl Note {
    /// The text to store with an offset of the topic of that id.
    pub(super) fn text(topic: Option<&TopicId>) -> String {
        match topic {
            Some(id) => format!("{TOPIC}{id}"),
            None => AUTHOR.to_owned(),
        }
    }

    pub(super) fn read(text: &str) -> Self {
        match text.strip_prefix(TOPIC) {
            Some(id) => Self::Own(Some(TopicId::new(id))),
            None if text == AUTHOR => Self::Own(None),
            None => Self::Foreign,
        }
    }

    /// Whether the offset belongs to an earlier topic of the same name.
    pub(super) fn is_outdated(&self, current: Option<&TopicId>) -> bool {
        matches!((self, current), (Self::Own(Some(noted)), Some(current)) if noted != current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back() {
        let id = TopicId::new("0af3");
        for topic in [Some(id.clone()), None] {
            let read = Note::read(&Note::text(topic.as_ref()));
            assert_eq!(read, Note::Own(topic));
        }
        for text in ["", "fedhosts", "someone else"] {
            assert_eq!(Note::read(text), Note::Foreign);
        }
    }

    #[test]
    fn only_another_id_makes_an_offset_outdated() {
        let (one, other) = (TopicId::new("1"), TopicId::new("2"));
        let noted = Note::Own(Some(one.clone()));
        assert!(noted.is_outdated(Some(&other)));
        assert!(!noted.is_outdated(Some(&one)) && !noted.is_outdated(None));
        assert!(!Note::Own(None).is_outdated(Some(&other)));
        assert!(!Note::Foreign.is_outdated(Some(&other)));
    }
}
