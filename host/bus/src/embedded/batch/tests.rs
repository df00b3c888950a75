use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

fn record() -> impl Strategy<Value = NewRecord> {
    let headers = vec(("[a-z.]{0,12}", bytes(20)), 0..3);
    (
        any::<u64>(),
        proptest::option::of(bytes(20)),
        bytes(200),
        headers,
    )
        .prop_map(|(timestamp_ms, key, value, headers)| NewRecord {
            topic: "t".into(),
            partition: None,
            timestamp_ms,
            key,
            value,
            headers,
        })
}

fn build(records: &[NewRecord], base: u64) -> Vec<u8> {
    let mut builder = Builder::default();
    records.iter().for_each(|record| builder.push(record));
    builder.finish(base, 77).expect("not empty").1
}

fn read(mut batch: Batch) -> Vec<Record> {
    let topic = "t".into();
    std::iter::from_fn(|| batch.next(&topic, 0).expect("readable")).collect()
}

proptest! {
    #[test]
    fn what_went_in_comes_out(records in vec(record(), 1..20), base in 0..u64::MAX / 2, skip in 0..20_u64) {
        // Given a stored batch
        let value = build(&records, base);
        // When it is read from some record on
        let mut batch = Batch::open(value).expect("sound");
        prop_assert_eq!(batch.head().end(), base + records.len() as u64);
        batch.skip_to(base + skip).expect("readable");
        let read = read(batch);
        // Then every later record is there, under its offset
        let expected = records.iter().enumerate().skip(usize::try_from(skip).unwrap());
        prop_assert_eq!(read.len(), expected.len());
        for (record, (index, new)) in read.iter().zip(expected) {
            prop_assert_eq!(record.position.offset, base + index as u64);
            prop_assert_eq!(record.timestamp_ms, new.timestamp_ms);
            prop_assert_eq!(&record.key, &new.key);
            prop_assert_eq!(&record.value, &new.value);
            prop_assert_eq!(&record.headers, &new.headers);
        }
    }

    #[test]
    fn one_changed_byte_is_always_seen(records in vec(record(), 1..5), at in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let mut value = build(&records, 5);
        let at = at.index(value.len());
        value[at] ^= change;
        prop_assert!(Batch::open(value).is_err());
    }

    #[test]
    fn a_cut_batch_is_always_seen(records in vec(record(), 1..5), at in any::<prop::sample::Index>()) {
        let mut value = build(&records, 5);
        value.truncate(at.index(value.len()));
        prop_assert!(Batch::open(value).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(content in vec(any::<u8>(), 0..100)) {
        // Given bytes that no writer encoded, under a right checksum
        let mut value = vec![VERSION];
        value.put_u64_le(xxh3_64(&content));
        value.extend(&content);
        // When they are read, then this ends, with records or a reason
        if let Ok(mut batch) = Batch::open(value) {
            while let Ok(Some(_)) = batch.next(&"t".into(), 0) {}
        }
    }
}

#[test]
fn a_batch_of_a_later_format_is_told_apart_from_damage() {
    assert_eq!(
        Batch::open(vec![9; 100]).expect_err("unknown"),
        Broken::Version(9)
    );
}
