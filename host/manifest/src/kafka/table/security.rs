//! Who a client is, and whom it trusts.

use crate::kafka::property::Property;

const NO_KERBEROS: &str =
    "Kerberos is not built in; use SCRAM-SHA-512, PLAIN over SASL_SSL, or certificates";
const NO_OAUTH: &str =
    "tokens are not built in; use SCRAM-SHA-512, PLAIN over SASL_SSL, or certificates";

pub(super) static TABLE: &[Property] = &[
    Property::word(
        "security.protocol",
        &["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        "Encryption and the way to sign in.",
    )
    .default("PLAINTEXT"),
    Property::word(
        "sasl.mechanism",
        &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        "How to sign in; required with SASL_PLAINTEXT and SASL_SSL.",
    )
    .also(&["sasl_mechanisms"])
    .refusing(&[("GSSAPI", NO_KERBEROS), ("OAUTHBEARER", NO_OAUTH)]),
    Property::text("sasl.username", "Who signs in.").also(&["sasl_plain_username"]),
    Property::secret(
        "sasl.password",
        "The password; better in a file: sasl_password_file.",
    )
    .also(&["sasl_plain_password"]),
    Property::file(
        "ssl.ca.location",
        "PEM file or directory of the authorities that brokers are trusted by.",
    )
    .also(&["ssl_cafile"]),
    Property::text("ssl.ca.pem", "The authorities themselves, as PEM."),
    Property::file(
        "ssl.certificate.location",
        "PEM file of the client's certificate, for mutual TLS.",
    )
    .also(&["ssl_certfile", "ssl_cert_location"]),
    Property::text(
        "ssl.certificate.pem",
        "The client's certificate itself, as PEM.",
    )
    .also(&["ssl_keystore_certificate_chain"]),
    Property::file("ssl.key.location", "PEM file of the client's private key.")
        .also(&["ssl_keyfile"]),
    Property::secret("ssl.key.pem", "The client's private key itself, as PEM.")
        .also(&["ssl_keystore_key"]),
    Property::secret(
        "ssl.key.password",
        "The private key's password; better in a file: ssl_key_password_file.",
    )
    .also(&["ssl_password"]),
    Property::file(
        "ssl.keystore.location",
        "PKCS#12 file of the client's certificate and key.",
    ),
    Property::secret("ssl.keystore.password", "The PKCS#12 file's password."),
    Property::file("ssl.crl.location", "PEM file of revoked certificates.").also(&["ssl_crlfile"]),
    Property::text(
        "ssl.cipher.suites",
        "Ciphers that may be used, as OpenSSL lists them.",
    )
    .also(&["ssl_ciphers"]),
    Property::text("ssl.curves.list", "Curves that may be used."),
    Property::text("ssl.sigalgs.list", "Signature algorithms that may be used."),
    Property::text("ssl.providers", "OpenSSL providers to load."),
    Property::word(
        "ssl.endpoint.identification.algorithm",
        &["https", "none"],
        "Whether a broker's certificate must carry its name.",
    )
    .also(&["ssl_check_hostname"])
    .meaning(&[("true", "https"), ("false", "none"), ("", "none")])
    .default("https"),
    Property::flag(
        "enable.ssl.certificate.verification",
        "Whether a broker's certificate is verified at all.",
    )
    .default("true"),
];
