//! Where a broker is, and whether it can be reached.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use crate::checkup::{Finding, Outcome};
use fedhost_base::clock::Stopwatch;

const KAFKA_PORT: u16 = 9092;

/// A host and a port, as announced to clients.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// Of `host`, `host:port`, `[::1]:port`, each with `PROTOCOL://` in front or not.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.split_once("://").map_or(text, |(_, address)| address);
        // An IPv6 address has colons of its own, and stands in brackets when a port follows.
        let has_port = |host: &str| !host.contains(':') || host.ends_with(']');
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if has_port(host) => (host, port.parse().ok()?),
            _ => (text, KAFKA_PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Looks up the name and connects to every address that it stands for. Gives the connection to
    /// the first that answers.
    pub(super) fn reach(&self, subject: &str, patience: Duration) -> (Finding, Option<TcpStream>) {
        let found = match (self.host.as_str(), self.port).to_socket_addrs() {
            Ok(found) => found.collect::<Vec<_>>(),
            Err(error) => {
                let detail = format!("the name {} cannot be resolved: {error}", self.host);
                return (
                    Finding::failed(
                        subject,
                        detail,
                        "check its spelling, and the name service of this machine",
                    ),
                    None,
                );
            }
        };
        let mut tries: Vec<Try> = found
            .into_iter()
            .map(|address| Try::of(address, patience))
            .collect();
        let finding = judge(subject, &tries);
        let connection = tries
            .iter_mut()
            .find_map(|attempt| attempt.result.as_mut().ok()?.1.take());
        (finding, connection)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// What came of connecting to one address.
struct Try {
    address: SocketAddr,
    /// Milliseconds it took, and the connection.
    result: io::Result<(f64, Option<TcpStream>)>,
}

impl Try {
    fn of(address: SocketAddr, patience: Duration) -> Self {
        let begun = Stopwatch::start();
        let result = TcpStream::connect_timeout(&address, patience);
        Self {
            address,
            result: result.map(|stream| (begun.milliseconds(), Some(stream))),
        }
    }

    fn words(&self) -> String {
        match &self.result {
            Ok((took_ms, _)) => format!("{} answers in {took_ms:.1} ms", self.address),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                format!("{} does not answer", self.address)
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                format!("nothing listens at {}", self.address)
            }
            Err(error) => format!("{} cannot be reached: {error}", self.address),
        }
    }

    fn hint(&self) -> &'static str {
        match self.result.as_ref().map_err(io::Error::kind) {
            Err(io::ErrorKind::ConnectionRefused) => "start the broker, or correct the port",
            _ => "check the port, the network, and whether a firewall is in between",
        }
    }
}

fn judge(subject: &str, tries: &[Try]) -> Finding {
    let detail = tries.iter().map(Try::words).collect::<Vec<_>>().join("; ");
    let failed = || tries.iter().find(|attempt| attempt.result.is_err());
    let answered = tries.iter().any(|attempt| attempt.result.is_ok());
    match failed() {
        None if answered => Finding::ok(subject, detail),
        None => Finding::failed(
            subject,
            "the name stands for no address",
            "check its spelling",
        ),
        // `localhost` stands for two addresses and most servers listen at one; clients try both.
        Some(_)
            if answered
                && tries
                    .iter()
                    .all(|attempt| attempt.address.ip().is_loopback()) =>
        {
            Finding::ok(subject, detail)
        }
        Some(attempt) => {
            let outcome = if answered {
                Outcome::Warning
            } else {
                Outcome::Failed
            };
            Finding {
                outcome,
                ..Finding::failed(subject, detail, attempt.hint())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn addresses_are_read_as_clients_read_them() {
        let read = |text: &str| Address::parse(text).map(|address| address.to_string());
        assert_eq!(read("broker-1:9093").as_deref(), Some("broker-1:9093"));
        assert_eq!(
            read(" SASL_SSL://broker-1:9093").as_deref(),
            Some("broker-1:9093")
        );
        assert_eq!(read("broker-1").as_deref(), Some("broker-1:9092"));
        assert_eq!(read("[::1]:9093").as_deref(), Some("[::1]:9093"));
        assert_eq!(read("::1").as_deref(), Some("[::1]:9092"));
        assert_eq!(read("broker:port"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_server_that_listens_is_reached_and_one_that_does_not_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = Address {
            host: "127.0.0.1".to_owned(),
            port,
        };
        let (finding, connection) = address.reach("server", Duration::from_secs(1));
        assert!(
            finding.outcome == Outcome::Ok && connection.is_some(),
            "{finding:?}"
        );

        drop(listener);
        let (finding, connection) = address.reach("server", Duration::from_secs(1));
        assert!(
            finding.outcome == Outcome::Failed && connection.is_none(),
            "{finding:?}"
        );
        assert!(
            finding
                .detail
                .contains(&format!("nothing listens at 127.0.0.1:{port}")),
            "{finding:?}"
        );
    }

    #[test]
    fn a_name_that_stands_for_nothing_is_named() {
        let address = Address {
            host: "no-such-host.invalid".to_owned(),
            port: 9092,
        };
        let (finding, _) = address.reach("server", Duration::from_secs(1));
        assert!(
            finding.outcome == Outcome::Failed && finding.detail.contains("no-such-host.invalid"),
            "{finding:?}"
        );
    }
}
