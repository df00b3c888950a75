//! A reader that is fenced together with the spool of its group.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use super::status::Status;
use crate::{Beginning, Error, Record, Source};

pub(super) struct SpooledSource {
    pub(super) inner: Box<dyn Source>,
    /// With the writes that an earlier process had left.
    pub(super) beginnings: BTreeMap<(Arc<str>, u32), Beginning>,
    pub(super) status: watch::Receiver<Status>,
}

#[async_trait]
impl Source for SpooledSource {
    async fn read(&mut self, max: usize) -> Result<Vec<Record>, Error> {
        tokio::select! {
            biased;
            ended = self.status.wait_for(|status| status.end.is_some()) => {
                Err(ended.ok().and_then(|status| status.refusal()).unwrap_or(Error::Closed))
            }
            records = self.inner.read(max) => records,
        }
    }

    fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64> {
        self.inner.positions()
    }

    fn beginnings(&self) -> BTreeMap<(Arc<str>, u32), Beginning> {
        self.beginnings.clone()
    }

    fn seek(&mut self, topic: &str, partition: u32, next: u64) {
        self.inner.seek(topic, partition, next);
    }
}
