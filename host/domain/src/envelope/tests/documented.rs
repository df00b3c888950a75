//! `docs/message-format.md` shows what is written.

use super::*;

const PAGE: &str = include_str!("../../../../../docs/message-format.md");

/// The content of a code block below a heading, counted from 0.
fn block(heading: &str, number: usize) -> &'static str {
    let (_, section) = PAGE.split_once(&format!("### {heading}\n")).unwrap();
    let fenced = section.split("```").skip(1).step_by(2).nth(number).unwrap();
    let (_language, content) = fenced.split_once('\n').unwrap();
    content.strip_suffix('\n').unwrap()
}

fn documented() -> Envelope {
    let weights = Weights::new(
        vec![spec("weight", &[2]), spec("bias", &[1])],
        vec![0.5, -0.25, 0.125],
    );
    let mut update = update(weights.unwrap());
    update.header.message_id = "5f0c7a52-3a55-4c0e-9d0e-0d5a1c1f7b11".into();
    update.metadata.model_version = 4;
    update.metadata.plugin.name = "logistic-regression".into();
    update.metadata.metrics = BTreeMap::from([("loss".into(), 0.3125)]);
    update
}

#[test]
fn the_example_of_the_text_form_is_what_is_written_and_read() {
    let shown = block("Example, text form", 0);
    let written = documented().encode(Compression::None).unwrap();
    assert_eq!(shown, str::from_utf8(&written).unwrap());
    assert_eq!(
        Envelope::decode(shown.as_bytes(), &LIMITS).unwrap(),
        documented()
    );
}

#[test]
fn the_example_of_the_binary_form_is_what_is_written_and_read() {
    let envelope = block("Example, binary form", 0);
    let payload: String = block("Example, binary form", 1).split('\n').collect();
    let written = documented().encode_binary(Compression::None).unwrap();
    assert_eq!(envelope, str::from_utf8(&written.envelope).unwrap());
    let hex: String = written
        .payload
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(payload, hex);
    let read = Envelope::decode_binary(envelope.as_bytes(), &written.payload, &LIMITS);
    assert_eq!(read.unwrap(), documented());
}
