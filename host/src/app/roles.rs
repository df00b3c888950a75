//! The roles that run in this process, and what each is given.

use std::path::PathBuf;
use std::sync::Arc;

use fedhost_domain::model::{NodeId, PluginId};
use fedhost_domain::round::Rules;

use super::options::Options;
use super::plugins::PluginProvider;
use super::{sensor_files, settings};
use crate::role::engine::plugins::Plugins;
use crate::role::fog_node::TrainingNodes;
use crate::role::{Context, Error, aggregator, fog_node, sensor};
use crate::run_log::last_round;
use fedhost_manifest::{Extent, Manifest, RoleId, RoleSpec, Sensor};

/// The roles of a manifest that run in this process.
pub(super) struct LocalRoles {
    pub(super) manifest: Arc<Manifest>,
    pub(super) options: Options,
    pub(super) rules: Rules,
    /// Absent when no role here needs plug-ins.
    pub(super) plugins: Option<PluginProvider>,
    pub(super) run_log: PathBuf,
    /// Shared by all fog nodes.
    pub(super) training_nodes: Arc<TrainingNodes>,
}

impl LocalRoles {
    /// Their entries in the table of roles.
    pub(super) fn specs(&self) -> Vec<RoleSpec> {
        self.options.select(self.manifest.roles())
    }

    /// The components in use.
    pub(super) fn plugin_ids(&self) -> Vec<PluginId> {
        self.plugins
            .as_ref()
            .map_or_else(Vec::new, PluginProvider::ids)
    }

    /// Runs a role until its work is done or it is stopped.
    ///
    /// # Errors
    /// The role's own.
    pub(super) async fn run(&self, spec: &RoleSpec, context: Context) -> Result<(), Error> {
        match &spec.id {
            RoleId::Aggregator => self.aggregator(spec, context)?.run().await,
            RoleId::FogNode(number) => self.fog_node(spec, *number, context)?.run().await,
            RoleId::Sensor { node, name } => {
                let is_meant = |sensor: &&Sensor| sensor.node() == *node && sensor.name() == name;
                let sensor = self.manifest.sensor.iter().find(is_meant);
                let sensor =
                    sensor.ok_or_else(|| defect(spec, "the manifest has no such sensor"))?;
                self.sensor(spec, sensor, context).run().await
            }
        }
    }

    fn aggregator(&self, spec: &RoleSpec, context: Context) -> Result<aggregator::Service, Error> {
        Ok(aggregator::Service {
            context,
            topics: settings::topics(&self.manifest),
            rules: self.rules.clone(),
            plugin: self.provider(spec)?.model(),
            rounds_logged: last_round(&self.run_log).ok().flatten().unwrap_or(0),
            dead_letters: settings::dead_letters(&self.manifest),
        })
    }

    fn fog_node(
        &self,
        spec: &RoleSpec,
        number: u32,
        context: Context,
    ) -> Result<fog_node::Service, Error> {
        let mut wanted = self.provider(spec)?.lineup();
        let lineup = wanted.borrow_and_update().clone();
        let manifest = &self.manifest;
        let training = &manifest.training;
        let batch_rows = usize::try_from(training.batch_rows).unwrap_or(usize::MAX);
        let models_group = spec
            .reads
            .iter()
            .find(|read| read.extent == Extent::FromNewest);
        let models_group = models_group.ok_or_else(|| defect(spec, "it reads no global models"))?;
        Ok(fog_node::Service {
            number,
            topics: settings::topics(manifest),
            readings: settings::readings(manifest, number, batch_rows),
            global_models: fog_node::GlobalModels {
                group: models_group.group.clone(),
                is_keeper: manifest.fog_node_ids().first() == Some(&number),
            },
            plugins: Arc::new(Plugins {
                node: NodeId::fog(number),
                lineup,
                seed: manifest.model.seed,
                batch_rows,
                announcer: context.announcer.clone(),
                cancel: context.stop.child_token(),
            }),
            lineup: wanted,
            training: fog_node::Training {
                schedule: settings::schedule(manifest, &self.options),
                epochs: manifest.model.local_epochs,
                window_rows: usize::try_from(training.window_rows).unwrap_or(usize::MAX),
                held_out_rows: usize::try_from(training.held_out_rows).unwrap_or(usize::MAX),
                has_labels: settings::has_labels(manifest, number),
            },
            training_nodes: Arc::clone(&self.training_nodes),
            dead_letters: settings::dead_letters(manifest),
            context,
        })
    }

    fn sensor(&self, spec: &RoleSpec, sensor: &Sensor, context: Context) -> sensor::Service {
        sensor::Service {
            context,
            role: spec.name.clone(),
            config: sensor_config(sensor),
            topic: self
                .manifest
                .topics
                .sensor_data_of(sensor.node())
                .name
                .into(),
        }
    }

    fn provider(&self, spec: &RoleSpec) -> Result<&PluginProvider, Error> {
        self.plugins
            .as_ref()
            .ok_or_else(|| defect(spec, "its plug-ins were not opened"))
    }
}

fn defect(spec: &RoleSpec, reason: &str) -> Error {
    Error::Defect {
        role: spec.name.clone(),
        reason: reason.to_owned(),
    }
}

fn sensor_config(sensor: &Sensor) -> sensor::SensorConfig {
    let (rate_hz, rows) = match sensor {
        Sensor::Simulated(simulated) => {
            let rows = sensor::SimulatedRows {
                seed: simulated.seed,
                anomaly_rate: simulated.anomaly_rate,
                hold_out: simulated.hold_out,
                rows: simulated.rows,
            };
            (simulated.rate_hz, sensor::RowSource::Simulated(rows))
        }
        Sensor::Csv(csv) => (
            csv.rate_hz,
            sensor::RowSource::Files(sensor_files::row_files(csv, sensor.label())),
        ),
    };
    sensor::SensorConfig {
        name: sensor.name().to_owned(),
        node: sensor.node(),
        rate_hz,
        rows,
    }
}
