//! Checks that need more than one value: what refers to what, and what goes with what.

mod topics;

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use fedhost_base::globs;

use super::origins::Origins;
use super::problem::{Problem, Problems};
use super::sensor::{CsvSensor, Sensor, SimulatedSensor};
use super::training::RowsPerRound;
use super::{Api, BusKind, DeadLetters, Join, Limits, Manifest, csv_files, kafka};

/// Completes `manifest` (names of sensors, files found) and adds what does not fit together to
/// `problems`.
///
/// A check whose values have a problem of their own is left out: it would only repeat it in other
/// words.
pub(super) fn complete(
    manifest: &mut Manifest,
    path: &Path,
    origins: &Origins,
    problems: &mut Problems,
) {
    let own_directory = path.parent().unwrap_or(Path::new(""));
    let mut checker = Checker { origins, problems };
    checker.name_sensors(&mut manifest.sensor);
    let rows_directory = manifest.data.directory.as_deref().unwrap_or(own_directory);
    for (index, sensor) in manifest.sensor.iter_mut().enumerate() {
        checker.find_rows(index, sensor, rows_directory);
    }
    checker.sensors(manifest);
    checker.federation(manifest);
    checker.training(manifest);
    checker.topics(manifest);
    checker.plugins(manifest);
    checker.fog_nodes(manifest);
    checker.api(&manifest.api);
    checker.dead_letters(&manifest.dead_letters);
    if manifest.bus.kind == BusKind::Kafka {
        kafka::read_files(
            &mut manifest.kafka,
            own_directory,
            origins,
            checker.problems,
        );
        kafka::check(manifest, origins, checker.problems);
    }
}

/// Of Ed25519.
const PUBLIC_KEY_BYTES: usize = 32;

struct Checker<'a> {
    origins: &'a Origins,
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn report(
        &mut self,
        key_path: impl Into<String>,
        message: String,
        hint: impl Into<Option<&'static str>>,
    ) {
        let key_path = key_path.into();
        let origin = self.origins.nearest(&key_path);
        let hint = hint.into().map(str::to_owned);
        self.problems.add(Problem {
            key_path,
            origin,
            message,
            hint,
        });
    }

    fn name_sensors(&mut self, sensors: &mut [Sensor]) {
        let mut names = BTreeSet::new();
        for (index, sensor) in sensors.iter_mut().enumerate() {
            if sensor.name().is_empty() {
                *sensor.name_mut() = format!("sensor-{}", index + 1);
            }
            let path = format!("sensor[{index}].name");
            if !names.insert(sensor.name().to_owned()) && self.problems.spare(&[&path]) {
                self.report(
                    path,
                    format!("another sensor is called {:?} too", sensor.name()),
                    None,
                );
            }
        }
    }

    fn find_rows(&mut self, index: usize, sensor: &mut Sensor, directory: &Path) {
        let path = format!("sensor[{index}]");
        let Sensor::Csv(sensor) = sensor else { return };
        let files = format!("{path}.files");
        if !self
            .problems
            .spare(&["data", &files, &format!("{path}.kind")])
        {
            return;
        }
        if sensor.files.is_empty() {
            self.report(
                files,
                "there must be at least one pattern".into(),
                "for example [\"*.csv\"]",
            );
            return;
        }
        match globs::find(directory, &sensor.files) {
            Ok(found) => {
                let (training, held_out) =
                    found.split_at(csv_files::training_files(found.len(), sensor.hold_out));
                if training.is_empty() && self.problems.spare(&[&format!("{path}.hold_out")]) {
                    let message = format!(
                        "holding out {} of {} files leaves none to train on",
                        sensor.hold_out,
                        found.len()
                    );
                    self.report(
                        format!("{path}.hold_out"),
                        message,
                        "at least one whole file is held out",
                    );
                }
                sensor.training_files = training.to_vec();
                sensor.held_out_files = held_out.to_vec();
                self.find_labels(&path, sensor, found.len(), directory);
            }
            Err((pattern, message)) => {
                let hint = "patterns are relative to data.directory; without it, to the manifest's own directory";
                self.report(format!("{files}[{pattern}]"), message, hint);
            }
        }
    }

    /// Finds the files of labels: one for each file of rows.
    fn find_labels(&mut self, path: &str, sensor: &mut CsvSensor, rows: usize, directory: &Path) {
        let key = format!("{path}.labels_from");
        if sensor.labels_from.is_empty() || !self.problems.spare(&[&key]) {
            return;
        }
        match globs::find(directory, &sensor.labels_from) {
            Ok(found) if found.len() == rows => sensor.label_files = found,
            Ok(found) => {
                let message = format!(
                    "there are {} files of labels for {rows} of rows",
                    found.len()
                );
                let hint = "each file of rows needs one, in the order of their names";
                self.report(key, message, hint);
            }
            Err((pattern, message)) => {
                let hint = "patterns are relative to data.directory; without it, to the manifest's own directory";
                self.report(format!("{key}[{pattern}]"), message, hint);
            }
        }
    }

    fn fog_nodes(&mut self, manifest: &Manifest) {
        if !self.problems.spare(&["fog_node"]) {
            return;
        }
        if manifest.fog_node.is_empty() {
            self.report(
                "fog_node",
                "there is no fog node".into(),
                "add one: [[fog_node]] with id = 1",
            );
        }
        let mut ids = BTreeSet::new();
        for (index, node) in manifest.fog_node.iter().enumerate() {
            if !ids.insert(node.id) {
                let message = format!("another fog node has the id {} too", node.id);
                self.report(format!("fog_node[{index}].id"), message, None);
            }
        }
    }

    fn sensors(&mut self, manifest: &Manifest) {
        let ids = manifest.fog_node_ids();
        for (index, sensor) in manifest.sensor.iter().enumerate() {
            let node = format!("sensor[{index}].node");
            let is_readable =
                self.problems
                    .spare(&["fog_node", &node, &format!("sensor[{index}].kind")]);
            if is_readable && !ids.is_empty() && !ids.contains(&sensor.node()) {
                let message = format!("there is no fog node with the id {}", sensor.node());
                self.report(
                    node,
                    message,
                    "add [[fog_node]] with that id, or give the sensor to one that exists",
                );
            }
            match sensor {
                Sensor::Csv(sensor) => self.columns(index, sensor),
                Sensor::Simulated(sensor) => self.pace(index, sensor),
            }
        }
    }

    fn columns(&mut self, index: usize, sensor: &CsvSensor) {
        for (key, column) in [("time", &sensor.time), ("label", &sensor.label)] {
            if column
                .as_ref()
                .is_some_and(|column| sensor.ignore.contains(column))
            {
                let message =
                    format!("the {key} column is no feature anyway, and must not be listed here");
                self.report(format!("sensor[{index}].ignore"), message, None);
            }
        }
        if sensor.label.is_some() && sensor.time == sensor.label {
            self.report(
                format!("sensor[{index}].label"),
                "this is the time column already".into(),
                None,
            );
        }
    }

    fn pace(&mut self, index: usize, sensor: &SimulatedSensor) {
        let (rate, rows) = (
            format!("sensor[{index}].rate_hz"),
            format!("sensor[{index}].rows"),
        );
        if sensor.rate_hz <= 0.0 && sensor.rows.is_none() && self.problems.spare(&[&rate, &rows]) {
            let message = "rows without end, as fast as they can be taken, would fill the disk";
            self.report(rate, message.into(), "give it `rows`, or a rate above 0");
        }
    }

    fn federation(&mut self, manifest: &Manifest) {
        let federation = &manifest.federation;
        let nodes = manifest.fog_node_ids().len();
        let min_nodes = "federation.min_nodes";
        let is_short = usize::try_from(federation.min_nodes)
            .is_ok_and(|min_nodes| min_nodes > nodes)
            && nodes > 0;
        if is_short
            && federation.join == Join::Listed
            && self
                .problems
                .spare(&["fog_node", "federation.join", min_nodes])
        {
            let message = format!(
                "a round needs {} nodes, but the manifest lists {nodes}",
                federation.min_nodes
            );
            self.report(
                min_nodes,
                message,
                "list more fog nodes, or let others in: federation.join = \"open\"",
            );
        }
        let max_nodes = "federation.max_nodes";
        let least = usize::try_from(federation.min_nodes)
            .unwrap_or(usize::MAX)
            .max(nodes);
        if usize::try_from(federation.max_nodes).is_ok_and(|most| most < least)
            && self.problems.spare(&["fog_node", min_nodes, max_nodes])
        {
            let message = format!(
                "a round must take {least} updates, more than {}",
                federation.max_nodes
            );
            self.report(max_nodes, message, None);
        }
    }

    fn training(&mut self, manifest: &Manifest) {
        let path = "training.rows_per_round";
        if !self.problems.spare(&[path, "training.window_rows"]) {
            return;
        }
        match manifest.training.rows_per_round {
            RowsPerRound::Count(rows) if rows > manifest.training.window_rows => {
                let message = format!(
                    "{rows} rows do not fit the window of {}",
                    manifest.training.window_rows
                );
                self.report(path, message, "raise training.window_rows");
            }
            RowsPerRound::Count(_) => {}
            RowsPerRound::All(_) => self.ends(&manifest.sensor),
        }
    }

    fn ends(&mut self, sensors: &[Sensor]) {
        for (index, sensor) in sensors.iter().enumerate() {
            let path = format!("sensor[{index}]");
            let is_readable = self
                .problems
                .spare(&[&format!("{path}.kind"), &format!("{path}.rows")]);
            if sensor.is_endless() && is_readable {
                let message =
                    "it never ends, and training.rows_per_round = \"all\" waits for its end";
                self.report(
                    path,
                    message.into(),
                    "give it `rows`, or rows_per_round a number",
                );
            }
        }
    }

    fn api(&mut self, api: &Api) {
        let is_open = api
            .listen
            .is_some_and(|address| !address.ip().is_loopback());
        let has_token = api
            .token
            .as_ref()
            .is_some_and(|token| !token.reveal().is_empty());
        if is_open && !has_token && self.problems.spare(&["api"]) {
            let message = "anyone who reaches this machine could ask; it needs api.token";
            self.report(
                "api.listen",
                message.into(),
                "set api.token, or listen at 127.0.0.1 or [::1]",
            );
        }
    }

    fn dead_letters(&mut self, dead_letters: &DeadLetters) {
        let (first, longest) = (dead_letters.retry_first_ms, dead_letters.retry_longest_ms);
        if first > longest && self.problems.spare(&["dead_letters"]) {
            let message =
                format!("the longest pause is {longest} ms, below the {first} of the first");
            self.report("dead_letters.retry_longest_ms", message, None);
        }
    }

    fn plugins(&mut self, manifest: &Manifest) {
        if !self
            .problems
            .spare(&["model.plugin", "preprocess.plugin", "plugins"])
        {
            return;
        }
        let used: Vec<&str> = manifest
            .selectors()
            .map(|selector| selector.name.as_str())
            .collect();
        for name in manifest
            .plugins
            .overrides
            .keys()
            .filter(|name| !used.contains(&name.as_str()))
        {
            let message = format!(
                "no part of this manifest uses a plug-in {name:?}; it uses {}",
                used.join(" and ")
            );
            self.report(format!("plugins.{name}"), message, None);
        }
        for (index, key) in manifest.plugins.trusted_keys.iter().enumerate() {
            if !STANDARD
                .decode(key.trim())
                .is_ok_and(|bytes| bytes.len() == PUBLIC_KEY_BYTES)
            {
                let message = format!("{key:?} is no Ed25519 public key of 32 bytes in base64");
                let hint = "`openssl pkey -in key.pem -pubout -outform DER | tail -c 32 | base64` prints it";
                self.report(format!("plugins.trusted_keys[{index}]"), message, hint);
            }
        }
        if manifest.plugins.require_signature && manifest.plugins.trusted_keys.is_empty() {
            let message = "no signature is taken while plugins.trusted_keys is empty";
            self.report(
                "plugins.require_signature",
                message.into(),
                "add the public keys of those whom you trust",
            );
        }
        let overrides = manifest.plugins.overrides.iter();
        let own = overrides.map(|(name, plugin)| (format!("plugins.{name}.limits"), plugin.limits));
        for (path, limits) in [("plugins.limits".to_owned(), manifest.plugins.limits)]
            .into_iter()
            .chain(own)
        {
            self.quarantine(&path, limits);
        }
    }

    fn quarantine(&mut self, path: &str, limits: Limits) {
        let (first, longest) = (limits.quarantine_first_ms, limits.quarantine_longest_ms);
        if first > longest {
            let message =
                format!("the longest quarantine is {longest} ms, below the {first} of the first");
            self.report(format!("{path}.quarantine_longest_ms"), message, None);
        }
    }
}
