//! A TLS handshake that looks at the certificate whether it is good or not: a client only says that
//! it is not.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{
    HandshakeError, SslConnector, SslConnectorBuilder, SslMethod, SslStream, SslVerifyMode,
};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509NameRef, X509Ref};

use super::address::Address;
use crate::checkup::{Finding, Outcome};
use crate::kafka::Properties;
use fedhost_base::clock;

const PATIENCE: Duration = Duration::from_secs(5);
const DAYS_LEFT_MIN: i32 = 30;

/// Numbers that OpenSSL gives to what can be wrong with a certificate (`x509_vfy.h`).
mod wrong {
    pub(super) const NOT_YET_VALID: i32 = 9;
    pub(super) const EXPIRED: i32 = 10;
    /// Self-signed, alone or at the end of a chain; no issuer to be found; only one certificate,
    /// and it is not known.
    pub(super) const UNKNOWN_AUTHORITY: [i32; 4] = [18, 19, 20, 21];
    /// Another host name, another address.
    pub(super) const OTHER_HOST: [i32; 2] = [62, 64];
}

/// Whether the server speaks TLS at all.
pub(super) fn is_spoken(address: &Address, patience: Duration) -> bool {
    let (_, connection) = address.reach("", patience);
    let Some(connection) = connection else {
        return false;
    };
    let Ok(mut builder) = SslConnector::builder(SslMethod::tls()) else {
        return false;
    };
    builder.set_verify(SslVerifyMode::NONE);
    shake(builder, address, connection, false).is_ok()
}

/// Shakes hands over the connection and looks at what the server shows.
pub(super) fn examine(
    address: &Address,
    connection: TcpStream,
    properties: &Properties,
) -> Vec<Finding> {
    let subject = format!("TLS of {address}");
    let objections: Arc<Mutex<Vec<i32>>> = Arc::default();
    let builder = match connector(properties, Arc::clone(&objections)) {
        Ok(builder) => builder,
        Err(finding) => return vec![finding],
    };
    let checks_host = properties.get("ssl.endpoint.identification.algorithm") != Some("none");
    let stream = match shake(builder, address, connection, checks_host) {
        Ok(stream) => stream,
        Err(reason) => {
            let hint = "check that the port is that of a TLS listener; one that asks for a client certificate needs \
                        ssl_certificate_location and ssl_key_location";
            return vec![Finding::failed(subject, reason, hint)];
        }
    };
    let objections = objections
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let Some(certificate) = stream.ssl().peer_certificate() else {
        return vec![Finding::failed(
            subject,
            "the server shows no certificate",
            "give the listener an ssl.keystore",
        )];
    };
    let unchecked = properties.get("enable.ssl.certificate.verification") == Some("false");
    let mut findings = complaints(&subject, address, &certificate, &objections, unchecked);
    if findings.is_empty() {
        findings.push(expiry(&subject, stream.ssl().version_str(), &certificate));
    }
    findings.extend(own_certificate(properties));
    findings
}

/// A connector as the manifest sets up clients, that continues when the certificate is
/// wrong, and remembers why.
fn connector(
    properties: &Properties,
    objections: Arc<Mutex<Vec<i32>>>,
) -> Result<SslConnectorBuilder, Finding> {
    let bad = |setting: &str, error: String| {
        let hint = format!("name a readable file in PEM with {setting}");
        Finding::failed(
            "TLS",
            format!("what {setting} names cannot be used: {error}"),
            hint,
        )
    };
    let mut builder = SslConnector::builder(SslMethod::tls())
        .map_err(|error| bad("the TLS library", error.to_string()))?;
    authorities(&mut builder, properties).map_err(|error| bad("ssl_ca_location", error))?;
    identity(&mut builder, properties)
        .map_err(|error| bad("ssl_certificate_location or ssl_key_location", error))?;
    builder.set_verify_callback(SslVerifyMode::PEER, move |ok, context| {
        if !ok {
            objections
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(context.error().as_raw());
        }
        true
    });
    Ok(builder)
}

fn authorities(builder: &mut SslConnectorBuilder, properties: &Properties) -> Result<(), String> {
    let Some(pem) = pem(properties, "ssl.ca")? else {
        return builder
            .set_default_verify_paths()
            .map_err(|error| error.to_string());
    };
    let store = || {
        let mut store = X509StoreBuilder::new()?;
        let certificates = X509::stack_from_pem(&pem)?;
        certificates
            .into_iter()
            .try_for_each(|certificate| store.add_cert(certificate))?;
        Ok(store.build())
    };
    let store = store().map_err(|error: ErrorStack| error.to_string())?;
    builder.set_cert_store(store);
    Ok(())
}

fn identity(builder: &mut SslConnectorBuilder, properties: &Properties) -> Result<(), String> {
    let (Some(certificate), Some(key)) = (
        pem(properties, "ssl.certificate")?,
        pem(properties, "ssl.key")?,
    ) else {
        return Ok(());
    };
    let password = properties.get("ssl.key.password").unwrap_or_default();
    let mut set = || {
        let mut chain = X509::stack_from_pem(&certificate)?.into_iter();
        if let Some(own) = chain.next() {
            builder.set_certificate(&own)?;
        }
        chain.try_for_each(|above| builder.add_extra_chain_cert(above))?;
        builder.set_private_key(&*PKey::private_key_from_pem_passphrase(
            &key,
            password.as_bytes(),
        )?)?;
        builder.check_private_key()
    };
    set().map_err(|error: ErrorStack| error.to_string())
}

/// What `NAME.pem` holds, or else the file that `NAME.location` names.
fn pem(properties: &Properties, name: &str) -> Result<Option<Vec<u8>>, String> {
    if let Some(text) = properties.get(&format!("{name}.pem")) {
        return Ok(Some(text.as_bytes().to_vec()));
    }
    match properties.get(&format!("{name}.location")) {
        // librdkafka's word for the places where systems keep them.
        None | Some("probe") => Ok(None),
        Some(path) => std::fs::read(path)
            .map(Some)
            .map_err(|error| format!("{path}: {error}")),
    }
}

fn shake(
    builder: SslConnectorBuilder,
    address: &Address,
    connection: TcpStream,
    checks_host: bool,
) -> Result<SslStream<TcpStream>, String> {
    connection
        .set_read_timeout(Some(PATIENCE))
        .map_err(|error| error.to_string())?;
    connection
        .set_write_timeout(Some(PATIENCE))
        .map_err(|error| error.to_string())?;
    let mut configuration = builder
        .build()
        .configure()
        .map_err(|error| error.to_string())?;
    configuration.set_verify_hostname(checks_host);
    configuration.connect(&address.host, connection).map_err(|error| match error {
        HandshakeError::Failure(failure) if failure.error().ssl_error().is_some() => {
            format!("the handshake failed: {}", failure.error())
        }
        HandshakeError::SetupFailure(error) => format!("the handshake could not begin: {error}"),
        HandshakeError::Failure(_) => {
            format!("{address} ended the connection during the handshake: it seems to be a listener without TLS")
        }
        HandshakeError::WouldBlock(_) => format!("{address} does not answer the handshake"),
    })
}

/// What is wrong with the certificate, as clients would see it.
fn complaints(
    subject: &str,
    address: &Address,
    certificate: &X509Ref,
    objections: &[i32],
    unchecked: bool,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for &objection in objections {
        let (detail, hint) = complaint(address, certificate, objection);
        let outcome = if unchecked {
            Outcome::Warning
        } else {
            Outcome::Failed
        };
        let finding = Finding {
            outcome,
            ..Finding::failed(subject, detail, hint)
        };
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

fn complaint(address: &Address, certificate: &X509Ref, objection: i32) -> (String, &'static str) {
    let (subject, issuer) = (
        name(certificate.subject_name()),
        name(certificate.issuer_name()),
    );
    match objection {
        wrong::EXPIRED => (
            format!(
                "the certificate of {subject} expired on {}",
                certificate.not_after()
            ),
            "give the broker a new certificate",
        ),
        wrong::NOT_YET_VALID => (
            format!(
                "the certificate of {subject} is not valid before {}",
                certificate.not_before()
            ),
            "check the clock of this machine, or give the broker another certificate",
        ),
        number if wrong::OTHER_HOST.contains(&number) => (
            format!(
                "the certificate is for {}, and not for {}",
                hosts(certificate),
                address.host
            ),
            "name the broker in bootstrap_servers as its certificate does, or give it a certificate for this name",
        ),
        number if wrong::UNKNOWN_AUTHORITY.contains(&number) => (
            format!(
                "the certificate of {subject} is signed by {issuer}, whom ssl_ca_location does not name"
            ),
            "put the certificate of that authority into the file that ssl_ca_location names",
        ),
        number => (
            format!("the certificate of {subject} cannot be verified: OpenSSL's error {number}"),
            "give the broker another certificate",
        ),
    }
}

fn expiry(subject: &str, version: &str, certificate: &X509Ref) -> Finding {
    let (owner, issuer) = (
        name(certificate.subject_name()),
        name(certificate.issuer_name()),
    );
    let days = days_left(certificate.not_after());
    let left = days.map_or_else(String::new, |days| format!(", valid for {days} more days"));
    let detail = format!("{version}; certificate of {owner}, signed by {issuer}{left}");
    match days {
        Some(days) if days < DAYS_LEFT_MIN => {
            Finding::warning(subject, detail, "give the broker a new certificate in time")
        }
        _ => Finding::ok(subject, detail),
    }
}

/// The client's own certificate runs out as well.
fn own_certificate(properties: &Properties) -> Option<Finding> {
    let pem = pem(properties, "ssl.certificate").ok()??;
    let certificate = X509::from_pem(&pem).ok()?;
    let days = days_left(certificate.not_after())?;
    let owner = name(certificate.subject_name());
    let hint =
        "have a new one made, and name it with ssl_certificate_location and ssl_key_location";
    Some(if days < 0 {
        Finding::failed(
            "client certificate",
            format!("that of {owner} has expired"),
            hint,
        )
    } else if days < DAYS_LEFT_MIN {
        Finding::warning(
            "client certificate",
            format!("that of {owner} is valid for {days} more days"),
            hint,
        )
    } else {
        Finding::ok(
            "client certificate",
            format!("{owner}, valid for {days} more days"),
        )
    })
}

fn days_left(not_after: &Asn1TimeRef) -> Option<i32> {
    let now = Asn1Time::from_unix(i64::try_from(clock::now_ms() / 1000).ok()?).ok()?;
    let left = now.diff(not_after).ok()?;
    // Less than a day ago is in the past as well.
    Some(if left.secs < 0 {
        left.days - 1
    } else {
        left.days
    })
}

/// Such as `CN=localhost, O=Plant 7`.
fn name(name: &X509NameRef) -> String {
    let entries = name.entries().map(|entry| {
        let key = entry.object().nid().short_name().unwrap_or("?");
        format!("{key}={}", String::from_utf8_lossy(entry.data().as_slice()))
    });
    let entries = entries.collect::<Vec<_>>().join(", ");
    if entries.is_empty() {
        "no name".to_owned()
    } else {
        entries
    }
}

/// The hosts that a certificate is for.
fn hosts(certificate: &X509Ref) -> String {
    let names: Vec<String> = certificate
        .subject_alt_names()
        .into_iter()
        .flatten()
        .filter_map(|name| {
            let address = || {
                name.ipaddress().and_then(|bytes| match bytes.len() {
                    4 => Some(std::net::IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string()),
                    _ => {
                        Some(std::net::IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string())
                    }
                })
            };
            name.dnsname().map(str::to_owned).or_else(address)
        })
        .collect();
    if !names.is_empty() {
        return names.join(" and ");
    }
    let common = certificate
        .subject_name()
        .entries_by_nid(Nid::COMMONNAME)
        .next();
    common.map_or("no host".to_owned(), |entry| {
        String::from_utf8_lossy(entry.data().as_slice()).into_owned()
    })
}
