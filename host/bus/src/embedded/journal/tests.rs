use super::*;

/// A frame as the store writes it, with one item a value.
fn encode(sequence: u64, values: &[&[u8]]) -> Vec<u8> {
    let mut items = Vec::new();
    for value in values {
        let length = u32::try_from(value.len()).unwrap().to_le_bytes();
        items.extend([ITEM, 0, 0]);
        items.extend(7_u64.to_le_bytes());
        items.extend(3_u16.to_le_bytes());
        items.extend([length, length].concat());
        items.extend(b"key");
        items.extend(*value);
    }
    let mut frame = vec![START];
    frame.extend(u32::try_from(values.len()).unwrap().to_le_bytes());
    frame.extend(sequence.to_le_bytes());
    frame.extend(&items);
    frame.push(END);
    frame.extend(xxh3_64(&items).to_le_bytes());
    frame.extend(MAGIC);
    frame
}

fn journal() -> (Vec<u8>, Vec<Range<usize>>) {
    let (mut content, mut frames) = (Vec::new(), Vec::new());
    for sequence in 0..5_u8 {
        let start = content.len();
        content.extend(encode(10 + u64::from(sequence), &[&[sequence; 40], b""]));
        frames.push(start..content.len());
    }
    (content, frames)
}

/// What that journal holds once it is mended, and what was cut.
fn mend_content(content: &[u8]) -> (Vec<u8>, Vec<Range<usize>>) {
    match diagnose(content, &mut Some(3)) {
        Diagnosis::Sound { end } => (content[..end].to_vec(), vec![]),
        Diagnosis::Damaged { mended, cuts } => (mended, cuts),
    }
}

#[test]
fn a_sound_journal_is_left_as_it_is() {
    let (content, _) = journal();
    assert_eq!(mend_content(&content), (content, vec![]));
}

#[test]
fn an_unfinished_end_goes_silently() {
    // Given a journal that a kill cut at any place, in a file made of zeros beforehand
    let (content, frames) = journal();
    for end in 0..content.len() {
        let mut cut = content[..end].to_vec();
        cut.resize(end + 100, 0);
        // When it is mended, then its whole frames stay, and nothing counts as damage
        let whole = frames
            .iter()
            .take_while(|frame| frame.end <= end)
            .last()
            .map_or(0, |frame| frame.end);
        assert_eq!(
            mend_content(&cut),
            (content[..whole].to_vec(), vec![]),
            "cut at {end}"
        );
    }
}

#[test]
fn whatever_byte_changes_only_its_own_frame_is_lost() {
    let (content, frames) = journal();
    for at in 0..content.len() {
        for change in [1, 0x80, 0xff] {
            // Given one changed byte
            let mut damaged = content.clone();
            damaged[at] ^= change;
            // When the journal is mended
            let (mended, cuts) = mend_content(&damaged);
            // Then every other frame is there as it was, and the loss is told
            let hit = frames.iter().find(|frame| frame.contains(&at)).unwrap();
            let others = [&content[..hit.start], &content[hit.end..]].concat();
            let sequence = hit.start + SEQUENCE_AT..hit.start + START_BYTES;
            if sequence.contains(&at) {
                // Its place in the order proves a frame whose number alone was changed.
                let numbers: Vec<u64> = Survey::of(&mended)
                    .frames
                    .iter()
                    .map(|frame| frame.sequence)
                    .collect();
                assert!(
                    numbers.is_sorted() && numbers.len() == frames.len(),
                    "byte {at} ^ {change}: {numbers:?}"
                );
            } else {
                assert_eq!(
                    (mended, cuts),
                    (others, vec![hit.clone()]),
                    "byte {at} ^ {change}"
                );
            }
        }
    }
}

#[test]
fn what_was_damaged_is_kept_aside() {
    // Given a journal with a damaged frame
    let directory = tempfile::tempdir().unwrap();
    let (mut content, frames) = journal();
    content[frames[2].start + 30] ^= 1;
    fs::write(directory.path().join("version"), MAGIC).unwrap();
    fs::write(directory.path().join("0.jnl"), &content).unwrap();
    // When it is mended
    let cuts = mend(directory.path()).unwrap();
    // Then the cut names the place, and the file as it was is there for whoever wants to look
    assert_eq!(
        cuts,
        [Cut {
            file: directory.path().join("0.jnl"),
            bytes: frames[2].clone()
        }]
    );
    assert_eq!(
        fs::read(directory.path().join("0.damaged")).unwrap(),
        content
    );
}

#[test]
fn journals_of_another_version_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("version"), b"FJL\x04").unwrap();
    fs::write(directory.path().join("0.jnl"), b"who knows").unwrap();
    assert_eq!(mend(directory.path()).unwrap(), []);
    assert_eq!(
        fs::read(directory.path().join("0.jnl")).unwrap(),
        b"who knows"
    );
}

#[test]
fn a_mended_journal_takes_the_old_one_s_place_and_is_then_sound() {
    // Given a journal with a damaged frame and one with an unfinished end
    let directory = tempfile::tempdir().unwrap();
    let (content, frames) = journal();
    let mut damaged = content.clone();
    damaged[frames[1].start + 30] ^= 1;
    fs::write(directory.path().join("version"), MAGIC).unwrap();
    fs::write(directory.path().join("9.jnl"), &damaged).unwrap();
    let mut later = encode(20, &[b"later"]);
    later.extend(&content[..50]);
    fs::write(directory.path().join("10.jnl"), &later).unwrap();
    // When they are mended
    let cuts = mend(directory.path()).unwrap();
    // Then only the damage is told, and mending again finds nothing to do
    assert_eq!(
        cuts.iter().map(|cut| cut.bytes.clone()).collect::<Vec<_>>(),
        [frames[1].clone()]
    );
    assert_eq!(
        fs::read(directory.path().join("10.jnl")).unwrap(),
        encode(20, &[b"later"])
    );
    assert_eq!(mend(directory.path()).unwrap(), []);
}
