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
            assert!(!accepts(&message), "byte {position}: {original:#04x} became {damaged:#04x}");
        }
        message[position] = original;
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
        gzip in any::<bool>(),
        hits in vec((any::<prop::sample::Index>(), 1_u8..), 32),
    ) {
        let compression = if gzip { Compression::Gzip } else { Compression::None };
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
        let unpacked = decompress(&noise, Compression::Gzip, 100);
        prop_assert!(!accepts(&noise) && file.is_err() && unpacked.is_err());
    }
}
