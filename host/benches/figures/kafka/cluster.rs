//! A broker as a manifest reaches it: the bus, and the same settings for bare clients.

use std::collections::BTreeMap;
use std::sync::Arc;

use fedhost::app::buses;
use fedhost_base::observer::{NoObserver, Observer};
use fedhost_bus::{Bus, TopicSpec};
use fedhost_manifest::{self as manifest, ClientRole, Loaded};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::PATIENCE;
use super::broker::root;
pub(crate) use manifest::Delivery;

/// Topics of one figure on a broker; they are deleted when it is dropped.
pub(crate) struct Cluster<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) manifest: Loaded,
    prefix: String,
    _folder: TempDir,
}

impl<'a> Cluster<'a> {
    /// `further` are lines of the manifest behind its `[kafka]` section.
    pub(crate) fn new(
        runtime: &'a Runtime,
        servers: &str,
        delivery: Delivery,
        profile: &str,
        further: &str,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let prefix = format!("bench-{:08x}-", rand::random::<u32>());
        let delivery = match delivery {
            Delivery::AtLeastOnce => "at-least-once",
            Delivery::ExactlyOnce => "exactly-once",
        };
        let (plugins, data) = (root().join("plugins"), folder.path());
        let text = format!(
            "[bus]\nkind = \"kafka\"\ndirectory = {data:?}\n[plugins]\ndirectory = {plugins:?}\n\
             [topics]\nprefix = \"{prefix}\"\n\
             [model]\nplugin = \"logistic-regression\"\n[[fog_node]]\nid = 1\n\
             [kafka]\nbootstrap_servers = [\"{servers}\"]\nprofile = \"{profile}\"\ndelivery = \"{delivery}\"\n\
             transactional_id_prefix = \"{prefix}\"\ngroup_prefix = \"{prefix}\"\n{further}"
        );
        let path = folder.path().join("manifest.toml");
        std::fs::write(&path, text).unwrap();
        let manifest =
            manifest::load(&path, [], &[]).unwrap_or_else(|problems| panic!("{problems}"));
        Self {
            runtime,
            manifest,
            prefix,
            _folder: folder,
        }
    }

    /// A way to the broker beside those of the roles, which it must not interrupt; and the topic of
    /// their state.
    pub(crate) fn bus(&self) -> Arc<dyn Bus> {
        self.bus_heard_by(Arc::new(NoObserver))
    }

    /// The same, with an observer.
    pub(crate) fn bus_heard_by(&self, observer: Arc<impl Observer + 'static>) -> Arc<dyn Bus> {
        let mut manifest = self.manifest.clone();
        manifest.manifest.kafka.transactional_id_prefix = Some(new_group());
        let state = manifest.manifest.topics.state().name;
        self.runtime.block_on(async {
            let bus = buses::open(&manifest, observer).await.unwrap();
            bus.create_topic(spec(&state)).await.unwrap();
            bus
        })
    }

    /// A topic of that name, as it is called on the broker.
    pub(crate) fn topic(&self, bus: &Arc<dyn Bus>, name: &str) -> Arc<str> {
        let name = format!("{}{name}", self.prefix);
        self.runtime
            .block_on(bus.create_topic(spec(&name)))
            .unwrap();
        name.into()
    }

    /// What the manifest gives to clients that write.
    pub(crate) fn producer(&self) -> ClientConfig {
        config(
            self.manifest
                .manifest
                .kafka_clients(ClientRole::Admin)
                .producer,
        )
    }

    /// What the manifest gives to clients that read, in a group of their own.
    pub(crate) fn consumer(&self) -> ClientConfig {
        let mut consumer = config(
            self.manifest
                .manifest
                .kafka_clients(ClientRole::Admin)
                .consumer,
        );
        consumer
            .set("group.id", new_group())
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest");
        consumer
    }
}

pub(crate) fn new_group() -> String {
    format!("bench-{:016x}", rand::random::<u64>())
}

fn config(properties: BTreeMap<String, String>) -> ClientConfig {
    properties.into_iter().collect()
}

pub(crate) fn spec(name: &str) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions: 1,
        max_message_bytes: 16 << 20,
        ..TopicSpec::default()
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        let Ok(admin) = self
            .producer()
            .create::<AdminClient<DefaultClientContext>>()
        else {
            return;
        };
        let Ok(found) = admin.inner().fetch_metadata(None, PATIENCE) else {
            return;
        };
        let own: Vec<&str> = found
            .topics()
            .iter()
            .map(|topic| topic.name())
            .filter(|name| name.starts_with(&self.prefix))
            .collect();
        drop(
            self.runtime
                .block_on(admin.delete_topics(&own, &AdminOptions::new())),
        );
    }
}
