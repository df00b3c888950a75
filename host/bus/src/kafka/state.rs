//! The newest value of each name in the state topic.

mod tail;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::options::Options;
use crate::Error;
use fedhost_base::clock;

pub(super) use tail::Tail;

/// Prefix of the names under which writers store the marks of their transactions.
pub(super) const MARKS: &str = "transaction/";

/// Reads state. Caches the newest value of each name, and reads only the records since the last
/// call.
pub(super) struct StateReader(Arc<Mutex<Inner>>);

struct Inner {
    options: Options,
    tail: Tail,
    values: HashMap<String, Bytes>,
}

/// An open transaction hides all values that were committed after its start, also those of other
/// writers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// Committed values count, so the reader waits for them.
    Awaited,
    /// A has_no_role that only reads can do without them.
    LeftOut,
}

impl StateReader {
    pub(super) fn new(options: Options) -> Self {
        let tail = Tail::new(&options, 0);
        Self(Arc::new(Mutex::new(Inner {
            options,
            tail,
            values: HashMap::new(),
        })))
    }

    /// The newest committed value; hidden values may be left out.
    ///
    /// # Errors
    /// The topic does not exist, or its end was not reached within the time of one request.
    pub(super) async fn get(&self, name: &str, hidden: Hidden) -> Result<Option<Bytes>, Error> {
        let (inner, name) = (Arc::clone(&self.0), name.to_owned());
        let reading = tokio::task::spawn_blocking(move || {
            let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.catch_up(hidden)?;
            Ok(inner.values.get(&name).cloned())
        });
        reading.await.map_err(|_| Error::Closed)?
    }
}

impl Inner {
    fn catch_up(&mut self, hidden: Hidden) -> Result<(), Error> {
        let Self {
            options,
            tail,
            values,
        } = self;
        let settled = match hidden {
            Hidden::Awaited => tail.await_commits(clock::now() + options.request),
            Hidden::LeftOut => Ok(()),
        };
        let read = settled.and_then(|()| {
            tail.catch_up(options.request, |name, value| match value {
                _ if name.starts_with(MARKS) => {}
                Some(value) => drop(values.insert(name.to_owned(), Bytes::copy_from_slice(value))),
                None => drop(values.remove(name)),
            })
        });
        read.map_err(|diagnosis| {
            diagnosis.into_error(&options.bus_name(), "read the state of the roles")
        })
    }
}
