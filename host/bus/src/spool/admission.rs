//! A write that can never arrive is refused before it is taken in, by the rules of the bus itself.

use tokio::sync::watch;

use super::status::{Contact, Status, until};
use crate::{Bus, Error, Write};

/// Asks the bus again for its topics before it refuses. While that is out of reach, a topic that is
/// not known is believed.
pub(super) async fn check(
    write: &Write,
    remote: &dyn Bus,
    status: &watch::Sender<Status>,
) -> Result<(), Error> {
    let Err(error) = remote.check(write).await else {
        return Ok(());
    };
    let asked = |status: &Status| status.contact != Contact::Unknown || status.refusal().is_some();
    if until(status, asked).await.contact == Contact::Well && remote.topics().await.is_ok() {
        return remote.check(write).await;
    }
    if matches!(error, Error::TooLarge { .. }) {
        Err(error)
    } else {
        Ok(())
    }
}
