//! Readings as senders write them.

use super::*;

fn decoder() -> Decoder {
    Decoder::new(labelled("anomaly"), Vec::new())
}

fn labelled(label: &str) -> Fields {
    Fields {
        labels: vec![label.to_owned()],
        ..Fields::default()
    }
}

fn decode<'a>(
    decoder: &mut Decoder,
    value: &'a [u8],
) -> Result<(Reading<'a>, Vec<f32>), ReadingError> {
    decode_keyed(decoder, value, None)
}

fn decode_keyed<'a>(
    decoder: &mut Decoder,
    value: &'a [u8],
    key: Option<&'a str>,
) -> Result<(Reading<'a>, Vec<f32>), ReadingError> {
    let mut values = vec![7.0];
    let reading = decoder.decode(value, key.map(str::as_bytes), &mut values);
    assert_eq!(values.remove(0), 7.0, "earlier rows stay as they are");
    assert!(reading.is_ok() || values.is_empty());
    reading.map(|reading| (reading, values))
}

#[test]
fn the_order_of_fields_changes_nothing_and_the_last_of_two_values_counts() {
    let mut decoder = decoder();
    let orders: [&[u8]; 4] = [
        br#"{"sensor": "a", "x": 1, "y": 2, "anomaly": 0}"#,
        br#"{"anomaly": false, "y": 2, "x": 1, "sensor": "a"}"#,
        br#"{"x": "warm", "x": 1, "sensor": 3, "y": 2, "sensor": "a", "anomaly": 0}"#,
        br#"{"sensor": "a", "x": 1, "y": 2, "anomaly": 5, "anomaly": 0}"#,
    ];
    for order in orders {
        let (reading, values) = decode(&mut decoder, order).unwrap();
        assert_eq!(values, [1.0, 2.0]);
        assert_eq!((&*reading.sensor, reading.label), ("a", Some(false)));
    }
}

#[test]
fn the_first_reading_fixes_the_columns_in_alphabetical_order() {
    let mut decoder = decoder();
    let first = br#"{"timestamp": 1.5, "node": 1, "sensor": "a", "y": 2, "x": 1, "anomaly": 1}"#;
    let (reading, values) = decode(&mut decoder, first).unwrap();
    assert_eq!(decoder.columns(), ["x", "y"]);
    assert_eq!((values, reading.label), (vec![1.0, 2.0], Some(true)));
}

#[test]
fn a_missing_column_is_a_missing_value() {
    let mut decoder = decoder();
    decode(&mut decoder, br#"{"sensor": "a", "x": 1, "y": 2}"#).unwrap();
    for sparse in [
        br#"{"sensor": "a", "y": 2}"#.as_slice(),
        br#"{"sensor": "a", "x": null, "y": 2}"#,
    ] {
        let (reading, values) = decode(&mut decoder, sparse).unwrap();
        assert!(values[0].is_nan() && values[1] == 2.0);
        assert_eq!(reading.label, None);
    }
}

#[test]
fn every_fault_of_a_reading_is_named() {
    let cases: [(&[u8], &str); 8] = [
        (b"\xff", "undecodable"),
        (b"[1]", "undecodable"),
        (br#"{"x": 1}"#, "missing_field"),
        (br#"{"sensor": 3, "x": 1}"#, "missing_field"),
        (br#"{"sensor": "a", "x": "warm"}"#, "not_a_number"),
        (br#"{"sensor": "a", "x": 1e300}"#, "not_a_number"),
        (br#"{"sensor": "a", "x": 1, "anomaly": 2}"#, "bad_label"),
        (br#"{"sensor": "a", "anomaly": 1}"#, "no_columns"),
    ];
    for (bytes, code) in cases {
        let mut decoder = decoder();
        assert_eq!(decode(&mut decoder, bytes).unwrap_err().code(), code);
        assert!(
            decoder.columns().is_empty(),
            "a refused reading fixes no columns"
        );
    }
    let mut decoder = decoder();
    decode(&mut decoder, br#"{"sensor": "a", "x": 1}"#).unwrap();
    assert_eq!(
        decode(&mut decoder, br#"{"sensor": "a", "z": 1}"#)
            .unwrap_err()
            .code(),
        "unknown_column"
    );
    assert!(
        decode(&mut decoder, br#"{"sensor": "a", "x": 1}"#).is_ok(),
        "the columns stay as they were"
    );
}

#[test]
fn the_columns_are_the_union_over_the_first_readings() {
    let mut decoder = decoder();
    let first: [&[u8]; 4] = [
        br#"{"sensor": "a", "y": 2}"#,
        br#"{"sensor": "b", "x": 1, "anomaly": 0}"#,
        br#"{"sensor": "b", "text": "no number"}"#,
        b"no reading",
    ];
    decoder.fix_columns(first.into_iter().map(|value| (value, None)));
    assert_eq!(decoder.columns(), ["x", "y"]);
    let (_, values) = decode(&mut decoder, first[0]).unwrap();
    assert!(values[0].is_nan() && values[1] == 2.0);
    decoder.fix_columns([(br#"{"sensor": "a", "z": 2}"#.as_slice(), None)].into_iter());
    assert_eq!(decoder.columns(), ["x", "y"], "they are fixed");
}

#[test]
fn given_columns_are_the_columns_whatever_comes_first() {
    let mut decoder = Decoder::new(labelled("anomaly"), vec!["y".into(), "x".into()]);
    let (_, values) = decode(&mut decoder, br#"{"sensor": "a", "y": 2}"#).unwrap();
    assert!(values[0].is_nan() && values[1] == 2.0);
    let error = decode(&mut decoder, br#"{"sensor": "a", "z": 2}"#).unwrap_err();
    assert_eq!(error.code(), "unknown_column");
    let mut node = Decoder::new(Fields::default(), vec!["node".into()]);
    let (_, values) = decode(&mut node, br#"{"sensor": "a", "node": 2}"#).unwrap();
    assert_eq!(values, [2.0], "a field that is listed is a column");
}

#[test]
fn ignored_fields_are_not_looked_at() {
    let mut decoder = Decoder::new(
        Fields {
            ignored: ["state".to_owned(), "z".to_owned()].into(),
            ..labelled("label")
        },
        Vec::new(),
    );
    let value = br#"{"sensor": "a", "x": 1, "z": 1e300, "state": {"on": [1]}, "label": 1}"#;
    let (reading, values) = decode(&mut decoder, value).unwrap();
    assert_eq!((values, reading.label), (vec![1.0], Some(true)));
    assert_eq!(decoder.columns(), ["x"]);
}

/// The field that names sensors, a reading, its record's key, and the name expected.
type KeyCase<'a> = (Option<&'a str>, &'a [u8], Option<&'a str>, Option<&'a str>);

#[test]
fn a_sensor_is_named_by_its_field_or_by_the_key_of_the_record() {
    let cases: [KeyCase; 8] = [
        (None, br#"{"x": 1}"#, Some("pump"), Some("pump")),
        (None, br#"{"sensor": "a", "x": 1}"#, Some("pump"), Some("a")),
        (
            None,
            br#"{"sensor": null, "x": 1}"#,
            Some("pump"),
            Some("pump"),
        ),
        (None, br#"{"sensor": 3, "x": 1}"#, Some("pump"), None),
        (None, br#"{"x": 1}"#, Some(""), None),
        (
            Some("id"),
            br#"{"id": "m", "x": 1}"#,
            Some("pump"),
            Some("m"),
        ),
        (Some("id"), br#"{"id": 7, "x": 1}"#, None, Some("7")),
        (Some("id"), br#"{"x": 1}"#, Some("pump"), None),
    ];
    for (field, value, key, expected) in cases {
        let fields = Fields {
            sensor: field.map(str::to_owned),
            ..Fields::default()
        };
        let mut decoder = Decoder::new(fields, vec!["x".into()]);
        let found = decode_keyed(&mut decoder, value, key).map(|(reading, _)| reading.sensor);
        match expected {
            Some(name) => assert_eq!(found.unwrap(), name),
            None => assert_eq!(found.unwrap_err().code(), "missing_field"),
        }
    }
}

#[test]
fn a_timestamp_stays_as_it_was_written() {
    let mut decoder = decoder();
    for (text, expected) in [
        ("1.5", "1.5"),
        (r#""2024""#, r#""2024""#),
        ("null", "null"),
        ("[1]", "[1]"),
    ] {
        let value = format!(r#"{{"timestamp": {text}, "sensor": "a\u0062", "x": 1}}"#);
        let (reading, _) = decode(&mut decoder, value.as_bytes()).unwrap();
        assert_eq!(reading.timestamp.to_string(), expected);
        assert_eq!(reading.sensor, "ab");
    }
}
