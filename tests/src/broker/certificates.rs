//! Certificates made for one test run, as PEM files.

use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

const DAY_S: i64 = 24 * 60 * 60;

/// The certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerCertificate {
    /// For `localhost` and `127.0.0.1`, valid for a year.
    Sound,
    /// Was valid until yesterday.
    Expired,
    /// Valid for 10 more days.
    ExpiresSoon,
    /// Signed by an authority that no client knows.
    OtherAuthority,
    /// For `elsewhere.example`.
    OtherHost,
}

impl ServerCertificate {
    const ALL: [Self; 5] = [
        Self::Sound,
        Self::Expired,
        Self::ExpiresSoon,
        Self::OtherAuthority,
        Self::OtherHost,
    ];

    fn days(self) -> i64 {
        match self {
            Self::Expired => -1,
            Self::ExpiresSoon => 10,
            Self::Sound | Self::OtherAuthority | Self::OtherHost => 365,
        }
    }

    fn host(self) -> &'static str {
        if self == Self::OtherHost {
            "elsewhere.example"
        } else {
            "localhost"
        }
    }
}

/// Files in a folder; keys are EC keys without a password.
#[derive(Clone, Debug)]
pub struct Certificates {
    folder: PathBuf,
}

/// Who signs.
struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

impl Certificates {
    /// The common name of the client certificate.
    pub const CLIENT: &'static str = "fedhost-client";

    /// Makes all of them.
    #[must_use]
    pub fn make(folder: &Path) -> Self {
        let certificates = Self {
            folder: folder.to_owned(),
        };
        let (authority, other) = (
            Authority::new("fedhost-tests"),
            Authority::new("untrusted-authority"),
        );
        write(
            &certificates.authority(),
            &authority.certificate.to_pem().unwrap(),
        );
        write(
            &certificates.other_authority(),
            &other.certificate.to_pem().unwrap(),
        );
        for kind in ServerCertificate::ALL {
            let signer = if kind == ServerCertificate::OtherAuthority {
                &other
            } else {
                &authority
            };
            let (certificate, key) = signer.sign_server(kind);
            let both = [
                key.private_key_to_pem_pkcs8().unwrap(),
                certificate.to_pem().unwrap(),
            ]
            .concat();
            write(&certificates.server(kind), &both);
        }
        let (certificate, key) = authority.sign_client(Self::CLIENT);
        write(
            &certificates.client_certificate(),
            &certificate.to_pem().unwrap(),
        );
        write(
            &certificates.client_key(),
            &key.private_key_to_pem_pkcs8().unwrap(),
        );
        certificates
    }

    /// The certificate of the authority that clients and the broker trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// The certificate of an untrusted authority.
    #[must_use]
    pub fn other_authority(&self) -> PathBuf {
        self.folder.join("other-authority.pem")
    }

    /// A server's key and certificate in one file.
    #[must_use]
    pub fn server(&self, kind: ServerCertificate) -> PathBuf {
        self.folder
            .join(format!("server-{kind:?}.pem").to_lowercase())
    }

    /// The client's certificate.
    #[must_use]
    pub fn client_certificate(&self) -> PathBuf {
        self.folder.join("client.pem")
    }

    /// The client's key.
    #[must_use]
    pub fn client_key(&self) -> PathBuf {
        self.folder.join("client-key.pem")
    }
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = new_key();
        let mut builder = begin(name, name, &key, 365);
        builder
            .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
        builder
            .append_extension(
                KeyUsage::new()
                    .critical()
                    .key_cert_sign()
                    .crl_sign()
                    .build()
                    .unwrap(),
            )
            .unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self {
            certificate: builder.build(),
            key,
        }
    }

    fn name(&self) -> String {
        let name = self
            .certificate
            .subject_name()
            .entries_by_nid(Nid::COMMONNAME)
            .next()
            .unwrap();
        String::from_utf8(name.data().as_slice().to_vec()).unwrap()
    }

    fn sign_server(&self, kind: ServerCertificate) -> (X509, PKey<Private>) {
        let key = new_key();
        let mut builder = begin(kind.host(), &self.name(), &key, kind.days());
        let mut names = SubjectAlternativeName::new();
        names.dns(kind.host());
        if kind.host() == "localhost" {
            names.ip("127.0.0.1");
        }
        let names = names
            .build(&builder.x509v3_context(Some(&self.certificate), None))
            .unwrap();
        builder.append_extension(names).unwrap();
        builder
            .append_extension(ExtendedKeyUsage::new().server_auth().build().unwrap())
            .unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        (builder.build(), key)
    }

    fn sign_client(&self, name: &str) -> (X509, PKey<Private>) {
        let key = new_key();
        let mut builder = begin(name, &self.name(), &key, 365);
        builder
            .append_extension(ExtendedKeyUsage::new().client_auth().build().unwrap())
            .unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        (builder.build(), key)
    }
}

/// A certificate that became valid a month ago and is valid for this number of days more.
fn begin(subject: &str, issuer: &str, key: &PKey<Private>, days: i64) -> X509Builder {
    let name = |text: &str| {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, text).unwrap();
        name.build()
    };
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::MAYBE_ZERO, false).unwrap();
    let now_s = i64::try_from(fedhost_base::clock::now_ms() / 1_000).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    builder.set_subject_name(&name(subject)).unwrap();
    builder.set_issuer_name(&name(issuer)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder
        .set_not_before(&Asn1Time::from_unix(now_s - 30 * DAY_S).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::from_unix(now_s + days * DAY_S).unwrap())
        .unwrap();
    builder
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn write(path: &Path, pem: &[u8]) {
    std::fs::write(path, pem).unwrap();
}
