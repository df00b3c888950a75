//! Every bus keeps the same promises.

#[cfg(test)]
#[path = "bus/conformance.rs"]
mod conformance;

#[cfg(test)]
mod buses {
    use std::sync::Arc;

    use fedhost::bus::embedded::{EmbeddedLog, Options};

    use crate::conformance::{Case, conformance};

    pub(super) async fn embedded() -> Case {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = EmbeddedLog::open(Options::new(directory.path())).expect("an empty log opens");
        Case { bus: Arc::new(log), prefix: String::new(), _keep: Box::new(directory) }
    }

    conformance!(embedded_log, super::embedded);
}
