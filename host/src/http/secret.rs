//! A value that is compared, and never shown.

use std::fmt;

use openssl::memcmp;
use openssl::sha::sha256;

/// A value that is compared, and never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Whether the candidate is the secret. How long that takes tells nothing about either: digests
    /// are compared.
    #[must_use]
    pub fn is(&self, candidate: &[u8]) -> bool {
        memcmp::eq(&sha256(self.0.as_bytes()), &sha256(candidate))
    }

    /// Whether a client could show it in a header.
    pub(super) fn is_usable(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_itself_is_the_secret() {
        let secret = Secret::from("s3cret".to_owned());
        assert!(secret.is(b"s3cret"));
        for other in [b"".as_slice(), b"s3cre", b"s3cret ", b"S3cret"] {
            assert!(!secret.is(other), "{other:?}");
        }
        assert_eq!(format!("{secret:?}"), "***");
    }

    #[test]
    fn a_secret_that_no_header_carries_is_of_no_use() {
        for (secret, usable) in [
            ("s3cret", true),
            ("", false),
            ("two words", false),
            ("line\n", false),
            ("ä", false),
        ] {
            assert_eq!(
                Secret::from(secret.to_owned()).is_usable(),
                usable,
                "{secret:?}"
            );
        }
    }
}
