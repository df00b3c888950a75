//! Which partition a key belongs to: the same one as in Apache Kafka's default partitioner, so that
//! a record lands in the same partition on every bus.

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const R: u32 = 24;

/// The partition of `key` out of `partitions`, which must be at least 1.
pub(crate) fn partition(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions
}

/// `org.apache.kafka.common.utils.Utils.murmur2`, which is MurmurHash2 with Kafka's seed.
fn murmur2(data: &[u8]) -> u32 {
    let (words, tail) = data.as_chunks::<4>();
    // Kafka's lengths are 32-bit: the hash of anything longer is not defined by it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "keys are shorter than 4 GiB, as the log checks"
    )]
    let mut hash = words.iter().fold(SEED ^ data.len() as u32, |hash, word| {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash.wrapping_mul(M) ^ k.wrapping_mul(M)
    });
    if !tail.is_empty() {
        hash ^= tail
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hash_as_in_kafka() {
        // Given the vectors of Kafka's own UtilsTest
        let vectors: [(&[u8], i32); 6] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (
                b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            (b"abc", 479_470_107),
        ];
        for (key, expected) in vectors {
            assert_eq!(murmur2(key).cast_signed(), expected, "{key:?}");
        }
    }

    #[test]
    fn a_partition_is_never_out_of_range() {
        for partitions in 1..20 {
            for key in 0..100_u32 {
                assert!(partition(&key.to_le_bytes(), partitions) < partitions);
            }
        }
    }
}
