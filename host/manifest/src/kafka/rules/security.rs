//! What is missing, or does not go together, in who a client is and whom it trusts.

use std::path::Path;

use super::Clash;
use crate::kafka::Kafka;
use crate::kafka::effective::Effective;
use crate::kafka::property::{Kind, key_of};
use crate::kafka::table;

pub(super) fn clashes(kafka: &Kafka, effective: &Effective) -> Vec<Clash> {
    let mut clashes: Vec<Clash> = [mechanism, credentials, key_pair, keystore, brokers]
        .iter()
        .filter_map(|rule| rule(effective))
        .collect();
    clashes.extend(unused(effective));
    clashes.extend(twice(effective));
    clashes.extend(unverified(kafka, effective));
    clashes.extend(files(effective));
    clashes
}

fn uses_sasl(effective: &Effective) -> bool {
    effective.text("security.protocol").starts_with("SASL_")
}

fn uses_tls(effective: &Effective) -> bool {
    effective.text("security.protocol").ends_with("SSL")
}

/// librdkafka would take Kerberos, which is not built in.
fn mechanism(effective: &Effective) -> Option<Clash> {
    let message = || {
        format!(
            "{} needs sasl_mechanism",
            effective.text("security.protocol")
        )
    };
    (uses_sasl(effective) && !effective.has("sasl.mechanism")).then(|| {
        Clash::new(
            &["sasl.mechanism", "security.protocol"],
            message(),
            "one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
        )
    })
}

fn credentials(effective: &Effective) -> Option<Clash> {
    let missing: Vec<String> = ["sasl.username", "sasl.password"]
        .into_iter()
        .filter(|name| !effective.has(name))
        .map(key_of)
        .collect();
    let message = || {
        format!(
            "{} needs {}",
            effective.text("security.protocol"),
            missing.join(" and ")
        )
    };
    (uses_sasl(effective) && !missing.is_empty()).then(|| {
        let hint = "give both; the password may lie in a file: sasl_password_file";
        Clash::new(
            &[
                "sasl.username",
                "sasl.password",
                "sasl.mechanism",
                "security.protocol",
            ],
            message(),
            hint,
        )
    })
}

fn key_pair(effective: &Effective) -> Option<Clash> {
    let has = |names: [&str; 2]| names.iter().any(|name| effective.has(name));
    let certificate = has(["ssl.certificate.location", "ssl.certificate.pem"]);
    let key = has(["ssl.key.location", "ssl.key.pem"]);
    let (given, missing) = if certificate {
        ("a certificate", "ssl_key_location")
    } else {
        ("a key", "ssl_certificate_location")
    };
    (certificate != key).then(|| {
        let names = [
            "ssl.certificate.location",
            "ssl.certificate.pem",
            "ssl.key.location",
            "ssl.key.pem",
        ];
        Clash::new(
            &names,
            format!("{given} alone proves nothing to a broker"),
            format!("give {missing} too"),
        )
    })
}

fn keystore(effective: &Effective) -> Option<Clash> {
    const NAME: &str = "ssl.keystore.location";
    let store = effective.text(NAME);
    if store.is_empty() {
        return None;
    }
    if Path::new(store)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("jks"))
    {
        let hint = "`keytool -importkeystore -deststoretype PKCS12` writes one that it reads";
        return Some(Clash::new(
            &[NAME],
            "librdkafka reads no Java key stores",
            hint,
        ));
    }
    (!effective.has("ssl.keystore.password"))
        .then(|| Clash::new(&[NAME], "it needs ssl_keystore_password", "give both"))
}

fn brokers(effective: &Effective) -> Option<Clash> {
    const NAME: &str = "bootstrap.servers";
    let bad = effective
        .text(NAME)
        .split(',')
        .map(str::trim)
        .find(|server| !is_server(server))?;
    let message = format!("expected host:port, found {bad:?}");
    Some(Clash::new(
        &[NAME],
        message,
        "for example \"localhost:9092\", or a list of such",
    ))
}

fn is_server(server: &str) -> bool {
    let address = server
        .rsplit_once("://")
        .map_or(server, |(_, address)| address);
    let (host, port) = address
        .rsplit_once(':')
        .filter(|_| !address.ends_with(']'))
        .unwrap_or((address, "9092"));
    !host.is_empty()
        && !host.contains(char::is_whitespace)
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A user who gives a password or a certificate expects it to be used.
fn unused(effective: &Effective) -> Option<Clash> {
    let find =
        |names: &[&'static str]| names.iter().copied().find(|name| effective.is_chosen(name));
    let protocol = effective.text("security.protocol");
    let sasl = find(&["sasl.mechanism", "sasl.username", "sasl.password"])
        .filter(|_| !uses_sasl(effective));
    let tls = find(&[
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.certificate.pem",
        "ssl.keystore.location",
    ])
    .filter(|_| !uses_tls(effective));
    let (name, protocols) = match (sasl, tls) {
        (Some(name), _) => (name, "SASL_SSL or SASL_PLAINTEXT"),
        (None, Some(name)) => (name, "SSL or SASL_SSL"),
        (None, None) => return None,
    };
    let message = format!("it has no effect with security_protocol = {protocol}");
    Some(Clash::new(
        &[name],
        message,
        format!("set security_protocol to {protocols}"),
    ))
}

/// The same thing as a file and as text.
fn twice(effective: &Effective) -> impl Iterator<Item = Clash> {
    let pairs = [
        ("ssl.ca.location", "ssl.ca.pem"),
        ("ssl.certificate.location", "ssl.certificate.pem"),
        ("ssl.key.location", "ssl.key.pem"),
    ];
    pairs
        .into_iter()
        .filter(|(file, text)| effective.has(file) && effective.has(text))
        .map(|(file, text)| {
            let message = format!("{} says the same", key_of(file));
            Clash::new(&[text, file], message, "give one of the two")
        })
}

fn unverified(kafka: &Kafka, effective: &Effective) -> impl Iterator<Item = Clash> {
    let switches = [
        (
            "ssl.endpoint.identification.algorithm",
            "none",
            "any certificate of a trusted authority passes for the broker's",
        ),
        (
            "enable.ssl.certificate.verification",
            "false",
            "anyone on the way to the broker can read and change everything",
        ),
    ];
    let off = switches
        .into_iter()
        .filter(|(name, value, _)| !kafka.insecure && effective.is(name, value));
    off.map(|(name, _, danger)| {
        Clash::new(
            &[name],
            format!("without it {danger}"),
            "leave it out, or accept that with kafka.insecure = true",
        )
    })
}

fn files(effective: &Effective) -> impl Iterator<Item = Clash> {
    let files = effective.iter().filter(|(name, setting)| {
        let is_file =
            table::named(name).is_some_and(|property| matches!(property.kind, Kind::File));
        // librdkafka's word for "look in the usual places".
        is_file && setting.value != "probe" && !Path::new(&setting.value).exists()
    });
    files.map(|(name, setting)| {
        let message = format!("there is no {:?}", setting.value);
        Clash::new(
            &[name],
            message,
            "the path is relative to the working directory",
        )
    })
}
