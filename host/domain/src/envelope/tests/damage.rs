//! Nothing that was changed on its way is accepted.

use super::*;

fn accepts(message: &[u8]) -> bool {
    Envelope::decode(message, &LIMITS).is_ok()
}

#[test]
fn no_single_damaged_byte_is_accepted() {
    let mut message = update(weights()).encode(Compression::Gzip).unwrap();
    assert!(accepts(&message));
    for position in 0..message.len() {
        let original = message[position];
        for damaged in (0..=u8::MAX).filter(|&byte| byte != original) {
            message[position] = damaged;
            assert!(
                !accepts(&message),
                "byte {position}: {original:#04x} became {damaged:#04x}"
            );
        }
        message[position] = original;
    }
}

#[test]
fn no_damaged_byte_of_the_binary_form_is_accepted() {
    for compression in ALL {
        let Binary { envelope, payload } = update(weights()).encode_binary(compression).unwrap();
        let accepts = |envelope: &[u8], payload: &[u8]| {
            Envelope::decode_binary(envelope, payload, &LIMITS).is_ok()
        };
        assert!(accepts(&envelope, &payload));
        let flipped = |bytes: &[u8], position: usize| {
            let mut bytes = bytes.to_vec();
            bytes[position] ^= 4;
            bytes
        };
        assert!(
            (0..envelope.len()).all(|position| !accepts(&flipped(&envelope, position), &payload))
        );
        assert!(
            (0..payload.len()).all(|position| !accepts(&envelope, &flipped(&payload, position)))
        );
        assert!(
            !accepts(&envelope, &payload[1..])
                && !accepts(&envelope[..envelope.len() - 1], &payload)
        );
        // Neither form passes for the other
        assert!(Envelope::decode(&envelope, &LIMITS).is_err());
        assert!(!accepts(
            &update(weights()).encode(compression).unwrap(),
            &payload
        ));
    }
}

#[test]
fn no_truncated_message_is_accepted() {
    let message = update(weights()).encode(Compression::Gzip).unwrap();
    for length in 0..message.len() {
        assert!(!accepts(&message[..length]), "the first {length} bytes");
    }
}

proptest! {
    #[test]
    fn no_damaged_byte_of_any_message_is_accepted(
        envelope in any_envelope(),
        compression in prop::sample::select(&ALL[..]),
        hits in vec((any::<prop::sample::Index>(), 1_u8..), 32),
    ) {
        let mut message = envelope.encode(compression).unwrap();
        for (index, change) in hits {
            let position = index.index(message.len());
            message[position] ^= change;
            prop_assert!(!accepts(&message), "byte {position} changed by {change:#04x}");
            message[position] ^= change;
        }
    }

    #[test]
    fn noise_is_refused_and_never_panics(noise in vec(any::<u8>(), 0..200)) {
        let file = from_safetensors(&noise);
        prop_assert!(!accepts(&noise) && file.is_err());
        for compression in [Compression::Gzip, Compression::Zstd, Compression::Lz4] {
            prop_assert!(decompress(&noise, compression, 100).map_or(true, |file| file.is_empty()));
        }
    }
}
