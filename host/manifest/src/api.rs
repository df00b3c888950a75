//! `[api]`: where the run answers HTTP requests.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use fedhost_base::secrets::Secret;

/// Where the run answers HTTP requests: whether it is alive, whether it is ready, its figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Api {
    /// Address and port to listen at, port 0 for any free one; without it nothing listens. Example:
    /// `"127.0.0.1:8080"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "address"))]
    pub listen: Option<SocketAddr>,
    /// What a request must carry, as `Authorization: Bearer ...`; required unless `listen` is an
    /// address of this machine alone. Example: `"${FEDHOST_TOKEN}"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub token: Option<Secret>,
}

/// An IP address and a port.
pub(super) fn check_address(text: &str) -> Result<(), String> {
    text.parse::<SocketAddr>()
        .map(drop)
        .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8080".into())
}
