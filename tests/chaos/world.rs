//! A federation of processes on a cluster, and its progress.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fedhost::app::topics;
use fedhost_base::clock::Stopwatch;
use fedhost_e2e::Scene;
use fedhost_manifest as manifest;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::client::{Client, Content, Counter, Entry};
use crate::cluster::{Cluster, MOCK_BROKERS};
use crate::faults::{REQUESTS, Topic};
use crate::manifest::{Delivery, Load, NODES, on_kafka};
use crate::moment::Moment;
use crate::process::{self, Part, Process};
use crate::timeline::Timeline;

/// For the federation to get over anything that is done to it.
const PATIENCE: Duration = Duration::from_secs(240);
const GLANCE: Duration = Duration::from_millis(20);

/// Everything that a case acts on. Processes are killed when it is dropped.
pub(crate) struct World {
    pub(crate) timeline: Timeline,
    pub(crate) delivery: Delivery,
    pub(crate) load: Load,
    /// Bad records, and where they were put.
    pub(crate) injected: Vec<(Topic, Entry)>,
    prefix: String,
    parts: BTreeMap<Part, Process>,
    counter: Counter,
    readings: u64,
    client: Client,
    scene: Scene,
    cluster: Cluster,
}

impl World {
    /// Nothing is started yet; its names are used by no other case.
    pub(crate) fn new(cluster: Cluster, load: Load, delivery: Delivery, settings: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("chaos-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let scene = Scene::new();
        let text = on_kafka(load, delivery, &cluster.bootstrap(), &prefix);
        scene.write("run.toml", format!("{text}{settings}"));
        make_topics(&scene, &cluster);
        let client = Client::new(&cluster.bootstrap());
        let readings = NODES.map(|node| format!("{prefix}.{}", Topic::Readings(node).name()));
        Self {
            timeline: Timeline::new(),
            delivery,
            load,
            injected: Vec::new(),
            parts: BTreeMap::new(),
            counter: client.count(&readings),
            client,
            readings: 0,
            prefix,
            scene,
            cluster,
        }
    }

    /// Starts every part.
    pub(crate) fn start(&mut self) {
        Part::ALL
            .into_iter()
            .for_each(|part| self.part(part).start());
        self.timeline.done("all parts are started");
    }

    pub(crate) fn part(&mut self, part: Part) -> &mut Process {
        let scene = &self.scene;
        self.parts
            .entry(part)
            .or_insert_with(|| Process::new(part, &scene.path("")))
    }

    pub(crate) fn cluster(&mut self) -> &mut Cluster {
        &mut self.cluster
    }

    pub(crate) fn mock(&self) -> &MockCluster<'static, DefaultProducerContext> {
        self.cluster.mock()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// A topic as it is called in this case.
    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// In front of the names of this case's groups.
    pub(crate) fn group_prefix(&self) -> String {
        format!("{}.", self.prefix)
    }

    pub(crate) fn put(&mut self, topic: Topic, content: Content) {
        let entry = self.client.put(&self.topic(&topic.name()), content);
        self.injected.push((topic, entry));
    }

    pub(crate) fn wait_for(&mut self, moment: &Moment) {
        let watch = Stopwatch::start();
        self.wait_until(&moment.to_string(), |world| world.is_at(moment, watch));
    }

    /// Waits until every part has done its work.
    pub(crate) fn wait_for_the_end(&mut self) {
        self.wait_until("every part has ended", |world| {
            !world.parts.values().any(Process::is_running)
        });
        self.timeline.done("every part has ended");
        self.calm();
    }

    /// The cluster, for the next case.
    pub(crate) fn into_cluster(self) -> Option<Cluster> {
        Some(self.cluster)
    }

    fn is_at(&mut self, moment: &Moment, since: Stopwatch) -> bool {
        match *moment {
            Moment::Readings(readings) => self.readings >= readings,
            Moment::Rounds(rounds) => {
                self.part(Part::Aggregator).said("round_closed") as u64 >= rounds
            }
            Moment::Said { part, event, times } => self.part(part).said(event) >= times,
            Moment::Logged { part, text } => self
                .part(part)
                .events()
                .iter()
                .any(|event| event.to_string().contains(text)),
            Moment::Later(ms) => since.elapsed() >= Duration::from_millis(ms),
        }
    }

    fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let watch = Stopwatch::start();
        loop {
            self.look_around();
            if is_so(self) {
                return;
            }
            let running: Vec<String> = self.running().map(ToString::to_string).collect();
            assert!(
                !running.is_empty(),
                "every part has ended, and it never came to this: {what}"
            );
            let waited = watch.elapsed();
            assert!(
                waited < PATIENCE,
                "waited {} s for: {what}; still at work: {}",
                waited.as_secs(),
                running.join(", ")
            );
            std::thread::sleep(GLANCE);
        }
    }

    fn running(&self) -> impl Iterator<Item = &Part> {
        self.parts
            .iter()
            .filter(|(_, process)| process.is_running())
            .map(|(part, _)| part)
    }

    /// Updates the counts and events, and fails when a part has ended by itself.
    fn look_around(&mut self) {
        self.readings = self.counter.records();
        for (part, process) in &mut self.parts {
            for event in process.listen() {
                self.timeline.heard(&part.to_string(), event);
            }
            if let Some(status) = process.ended().filter(|status| !status.success()) {
                panic!(
                    "{part} ended by itself with {status}; its last words:\n{}",
                    process.last_words()
                );
            }
        }
    }

    /// Leaves nothing behind that would disturb the checker.
    fn calm(&self) {
        if let Cluster::Mock(mock) = &self.cluster {
            REQUESTS
                .into_iter()
                .for_each(|request| mock.clear_request_errors(request));
            (1..=MOCK_BROKERS)
                .for_each(|broker| mock.broker_round_trip_time(broker, Duration::ZERO).unwrap());
        }
    }
}

/// Before anything reads them. Clients cannot ask a mock for topics.
fn make_topics(scene: &Scene, cluster: &Cluster) {
    let Cluster::Mock(mock) = cluster else {
        let made = process::fedhost(&scene.path(""))
            .args(["topics", "create", "run.toml"])
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "no topics: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        return;
    };
    let loaded = manifest::load(&scene.path("run.toml"), [], &[]).unwrap();
    for asked in topics::asked(&loaded.manifest) {
        let partitions = i32::try_from(asked.spec.partitions).unwrap();
        mock.create_topic(&asked.spec.name, partitions, MOCK_BROKERS)
            .unwrap();
    }
}
