//! Writes that will never arrive are kept as files beside the spool's log, for a person to look at:
//! lines of JSON, a write each, with keys, values and state in base64.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::batch::Taken;
use super::local::off_the_workers;
use crate::{Error, NewRecord};

/// Their folder, in the spool's directory.
const FOLDER: &str = "set-aside";

/// Keeps the writes in one file, which is on the disk when this returns. The same writes make the
/// same file again.
///
/// # Errors
/// [`Error::Storage`]: the disk refused.
pub(super) async fn keep(directory: &str, taken: &[Taken], reason: &str) -> Result<PathBuf, Error> {
    let folder = Path::new(directory).join(FOLDER);
    let name = taken
        .first()
        .map(|first| format!("{:032x}-{}.jsonl", first.stamp.generation, first.offset));
    let lines: String = taken
        .iter()
        .map(|taken| format!("{}\n", line(taken, reason)))
        .collect();
    let file = folder.join(name.unwrap_or_default());
    let written = {
        let file = file.clone();
        off_the_workers(move || store(&folder, &file, lines.as_bytes())).await?
    };
    let refused = |error: io::Error| Error::Storage {
        directory: directory.to_owned(),
        action: "set a write aside".to_owned(),
        reason: error.to_string(),
    };
    written.map(|()| file).map_err(refused)
}

fn store(folder: &Path, file: &Path, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let draft = file.with_extension("draft");
    let mut open = File::create(&draft)?;
    open.write_all(content)?;
    open.sync_all()?;
    fs::rename(&draft, file)?;
    File::open(folder)?.sync_all()
}

fn line(
    Taken {
        entry, accepted_ms, ..
    }: &Taken,
    reason: &str,
) -> Value {
    let offsets = entry.moves.iter().map(|step| {
        let to = &step.to;
        json!({ "group": to.group, "topic": &*to.topic, "partition": to.partition, "next": to.next })
    });
    let state = entry
        .state
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": base64(value.as_ref()) }));
    json!({
        "reason": reason,
        "accepted_ms": accepted_ms,
        "records": entry.records.iter().map(record).collect::<Vec<_>>(),
        "offsets": offsets.collect::<Vec<_>>(),
        "state": state.collect::<Vec<_>>(),
    })
}

fn record(record: &NewRecord) -> Value {
    let NewRecord {
        topic,
        partition,
        timestamp_ms,
        key,
        value,
        headers,
    } = record;
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| json!([name, base64(Some(value))]))
        .collect();
    json!({
        "topic": &**topic,
        "partition": partition,
        "timestamp_ms": timestamp_ms,
        "key": base64(key.as_ref()),
        "value": base64(Some(value)),
        "headers": headers,
    })
}

fn base64(bytes: Option<&Bytes>) -> Option<String> {
    bytes.map(|bytes| STANDARD.encode(bytes))
}
