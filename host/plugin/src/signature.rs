//! Verifies the signature of a component: an Ed25519 signature of its bytes in the file
//! `NAME.wasm.sig` beside it, by a key that the manifest trusts.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, Signature, VerifyingKey};

use super::refusal::Reason;
use super::regular;

/// The most bytes that are read of a signature file; in base64, a signature has 88 and a line
/// break.
const FILE_MAX_BYTES: u64 = 1024;

/// The keys that are trusted, and whether a signature is required.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    keys: Vec<VerifyingKey>,
    required: bool,
}

/// A text is no key.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("{0:?} is no Ed25519 public key")]
#[diagnostic(help(
    "32 bytes in base64, as `openssl pkey -pubout -outform DER | tail -c 32 | base64` prints"
))]
pub struct NotAKey(String);

impl Trust {
    /// Creates it from `keys` in base64. Without `required`, a component may have no signature; one
    /// with an invalid signature is always refused.
    ///
    /// # Errors
    /// The first text that is no key.
    pub fn new(keys: &[String], required: bool) -> Result<Self, NotAKey> {
        let keys = keys
            .iter()
            .map(|text| key(text).ok_or_else(|| NotAKey(text.clone())))
            .collect::<Result<_, _>>()?;
        Ok(Self { keys, required })
    }

    /// Checks that these bytes, which were read from `file`, may be run. Without any key,
    /// signatures are ignored. Returns whether a trusted key has signed them.
    pub(super) fn check(&self, file: &Path, bytes: &[u8]) -> Result<bool, Reason> {
        if self.keys.is_empty() && !self.required {
            return Ok(false);
        }
        let beside = signature_of(file);
        match read(&beside) {
            Ok(text) => self.verify(bytes, &text).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.unsigned(&beside),
            Err(error) => Err(faulty(
                format!("its signature {} cannot be read: {error}", beside.display()),
                None,
            )),
        }
    }

    fn unsigned(&self, beside: &Path) -> Result<bool, Reason> {
        if !self.required {
            return Ok(false);
        }
        Err(faulty(
            format!("it has no signature in {}", beside.display()),
            Some("have it signed, or set plugins.require_signature = false"),
        ))
    }

    fn verify(&self, bytes: &[u8], text: &[u8]) -> Result<(), Reason> {
        let signature = signature(text).ok_or_else(|| {
            faulty(
                "its signature is invalid: 64 bytes, or these in base64, are expected".to_owned(),
                None,
            )
        })?;
        // The strict form accepts exactly one signature and one encoding of the key.
        if self
            .keys
            .iter()
            .any(|key| key.verify_strict(bytes, &signature).is_ok())
        {
            return Ok(());
        }
        Err(faulty(
            "its signature does not match this file and a trusted key".to_owned(),
            Some(
                "add the key to plugins.trusted_keys if you trust its owner; otherwise do not run it",
            ),
        ))
    }
}

fn faulty(reason: String, hint: Option<&'static str>) -> Reason {
    Reason::Signature { reason, hint }
}

/// Returns the path of a component's signature.
pub(super) fn signature_of(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".sig");
    PathBuf::from(name)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    regular::open(file)?
        .take(FILE_MAX_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn key(text: &str) -> Option<VerifyingKey> {
    let bytes: [u8; PUBLIC_KEY_LENGTH] = STANDARD.decode(text.trim()).ok()?.try_into().ok()?;
    VerifyingKey::from_bytes(&bytes)
        .ok()
        .filter(|key| !key.is_weak())
}

/// Parses a signature as `openssl pkeyutl` writes it, or in base64.
fn signature(text: &[u8]) -> Option<Signature> {
    let raw = <[u8; SIGNATURE_LENGTH]>::try_from(text).ok();
    let encoded = || STANDARD.decode(text.trim_ascii()).ok()?.try_into().ok();
    raw.or_else(encoded)
        .map(|bytes| Signature::from_bytes(&bytes))
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    const COMPONENT: &[u8] = b"\0asm and so on";

    fn signer(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn trusting(signers: &[SigningKey], required: bool) -> Trust {
        let keys: Vec<String> = signers
            .iter()
            .map(|one| STANDARD.encode(one.verifying_key().as_bytes()))
            .collect();
        Trust::new(&keys, required).unwrap()
    }

    /// Checks a component with that signature beside it, if any.
    fn check(trust: &Trust, signature: Option<&[u8]>) -> Result<(), String> {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("p.wasm");
        if let Some(signature) = signature {
            std::fs::write(home.path().join("p.wasm.sig"), signature).unwrap();
        }
        trust
            .check(&file, COMPONENT)
            .map(drop)
            .map_err(|reason| reason.to_string())
    }

    #[test]
    fn a_component_with_a_trusted_signature_is_accepted() {
        let ours = signer(1).sign(COMPONENT).to_bytes();
        let theirs = signer(2).sign(COMPONENT).to_bytes();
        let of_another_file = signer(1).sign(b"\0asm").to_bytes();
        let encoded = format!("{}\n", STANDARD.encode(ours));
        let (required, optional) = (
            trusting(&[signer(3), signer(1)], true),
            trusting(&[signer(1)], false),
        );
        // The trust, the signature, and why the component is refused.
        type Case<'a> = (&'a Trust, Option<&'a [u8]>, Option<&'a str>);
        let cases: [Case<'_>; 9] = [
            (&required, Some(&ours), None),
            (&required, Some(encoded.as_bytes()), None),
            (&required, None, Some("no signature")),
            (&required, Some(&theirs), Some("trusted key")),
            (&required, Some(&of_another_file), Some("trusted key")),
            (&required, Some(b"?"), Some("64 bytes")),
            (&optional, None, None),
            (&optional, Some(&theirs), Some("trusted key")),
            (&Trust::default(), Some(b"?"), None),
        ];
        for (index, (trust, signature, refused)) in cases.into_iter().enumerate() {
            let found = check(trust, signature);
            match refused {
                None => assert_eq!(found, Ok(()), "case {index}"),
                Some(words) => {
                    assert!(
                        found.as_ref().is_err_and(|found| found.contains(words)),
                        "case {index}: {found:?}"
                    )
                }
            }
        }
    }

    #[test]
    fn an_invalid_key_is_refused() {
        for bad in ["", "AAAA", "not base64 at all", &STANDARD.encode([0; 32])] {
            assert!(Trust::new(&[bad.to_owned()], false).is_err(), "{bad:?}");
        }
    }
}
