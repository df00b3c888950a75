//! One aggregator, some fog nodes and two durable logs between them. Everything a process holds in
//! memory is in [`Aggregator`] or [`Node`] and is lost when it is killed; what is durable lies in
//! [`World`] itself and changes only in steps that a bus carries out as a whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedhost_domain::dead_letter::Cap;
use fedhost_domain::event::Participant;
use fedhost_domain::fog::schedule::{
    self, Progress, RowsPerRound, Schedule, TrainingJob, WhenBehind,
};
use fedhost_domain::model::{NodeId, PluginId, Sha256Hex, TensorSpec, Weights};
use fedhost_domain::round::{self, Expected, GlobalModel, Input, Machine, Output, Rules, Update};

pub(crate) const ROWS_PER_ROUND: u64 = 40;
const INTERVAL_MS: u64 = 10_000;
const PARAMETERS: usize = 5;
const START_MS: u64 = 1_000_000_000;
const HOUR_MS: u64 = 3_600_000;
const STEPS_MAX: usize = 200_000;
/// Processes die during this many steps; after that the survivors must get to the end.
const DEADLY_STEPS: usize = 20_000;

#[derive(Clone, Copy)]
pub(crate) struct Faults {
    /// Any process may lose its memory before any step.
    pub(crate) kills: bool,
    /// Unlisted nodes send updates, and listed nodes send invalid ones.
    pub(crate) untrusted_senders: bool,
    /// Nodes do nothing for a while, so that rounds close without them.
    pub(crate) absences: bool,
    /// An update is written, but what the node remembers of it is not.
    pub(crate) repeats: bool,
    /// The aggregator does nothing for a while, longer than nodes wait before they repeat.
    pub(crate) aggregator_absences: bool,
    /// The clock is set back, by up to an hour at a time.
    pub(crate) clock_set_back: bool,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self {
            kills: false,
            untrusted_senders: false,
            absences: false,
            repeats: false,
            aggregator_absences: false,
            clock_set_back: false,
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): all the randomness there is.
pub(crate) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// What node `number` makes of `base` when its rows end at `end_row`: a pure function, as training
/// is.
pub(crate) fn local_model(number: u32, base: Option<&Weights>, end_row: u64) -> (Weights, u64) {
    let mut random = Random(u64::from(number) << 32 | end_row);
    let start = base.map_or(vec![0.0; PARAMETERS], |weights| weights.data().to_vec());
    let trained: Vec<f32> = start
        .iter()
        .map(|value| value * 0.75 + (random.below(1_000) as f32 - 500.0) / 300.0)
        .collect();
    (weights(trained), 10 + random.below(500))
}

fn weights(values: Vec<f32>) -> Weights {
    let spec = TensorSpec {
        name: "w".into(),
        shape: vec![u32::try_from(values.len()).unwrap()],
    };
    Weights::new(vec![spec], values).unwrap()
}

struct Aggregator {
    machine: Machine,
    /// Next update to be read.
    position: usize,
    /// Aggregated, not yet durable.
    unpublished: Option<Unpublished>,
    /// Ends the role when too many updates are evidence of broken senders.
    cap: Cap,
}

struct Unpublished {
    model: Arc<GlobalModel>,
    progress: round::Progress,
    participants: Vec<Participation>,
}

struct Participation {
    node: NodeId,
    /// The global model that its update was trained from.
    base_round: u64,
    staleness: u64,
}

struct Node {
    number: u32,
    schedule: Schedule,
    running: Option<TrainingJob>,
    globals_read: usize,
    rows_read: u64,
}

#[derive(Clone)]
struct NodeDurable {
    progress: Progress,
    rows_read: u64,
    absent_until_ms: u64,
}

pub(crate) struct World {
    random: Random,
    faults: Faults,
    rules: Rules,
    now_ms: u64,
    /// How far the clock that all processes read is behind.
    set_back_ms: u64,
    aggregator_absent_until_ms: u64,
    /// Rejections that honest nodes caused.
    honest_rejections: usize,
    updates: Vec<Update>,
    globals: Vec<Arc<GlobalModel>>,
    /// Participants and staleness of each published round.
    participation: Vec<Vec<Participation>>,
    /// Of the aggregator: its machine's progress, and the next update to be read.
    committed: (round::Progress, usize),
    durable: Vec<NodeDurable>,
    aggregator: Aggregator,
    nodes: Vec<Node>,
}

impl World {
    pub(crate) fn new(seed: u64, nodes: u32, rounds: u64, faults: Faults) -> Self {
        let listed: BTreeSet<NodeId> = (1..=nodes).map(NodeId::fog).collect();
        let rules = Rules {
            expected: Expected::Listed(listed),
            min_nodes: if faults.absences { 2 } else { u64::from(nodes) },
            round_interval_ms: INTERVAL_MS,
            max_staleness_rounds: 1,
            max_update_age_ms: 12 * INTERVAL_MS,
            plugin: "model".into(),
            max_weight: 1_000.0,
            max_norm: 1_000.0,
            max_samples: 10_000,
            max_nodes: 16,
            rounds: Some(rounds),
        };
        let durable = NodeDurable {
            progress: Progress::default(),
            rows_read: 0,
            absent_until_ms: 0,
        };
        let durable = vec![durable; nodes as usize];
        let progress = round::Progress {
            opened_ms: START_MS,
            ..round::Progress::default()
        };
        let committed = (progress, 0);
        let aggregator = start_aggregator(&rules, &[], &committed);
        let nodes = (1..=nodes)
            .zip(&durable)
            .map(|(number, durable)| start_node(number, durable, &rules, START_MS))
            .collect();
        Self {
            random: Random(seed),
            faults,
            rules,
            now_ms: START_MS,
            set_back_ms: 0,
            aggregator_absent_until_ms: 0,
            honest_rejections: 0,
            updates: Vec::new(),
            globals: Vec::new(),
            participation: Vec::new(),
            committed,
            durable,
            aggregator,
            nodes,
        }
    }

    pub(crate) fn globals(&self) -> &[Arc<GlobalModel>] {
        &self.globals
    }

    fn clock_ms(&self) -> u64 {
        self.now_ms - self.set_back_ms
    }

    pub(crate) fn honest_rejections(&self) -> usize {
        self.honest_rejections
    }

    /// Updates that repeat an earlier one to the last bit.
    pub(crate) fn written_twice(&self) -> usize {
        let key = |update: &Update| {
            (
                update.node.clone(),
                update.base_round,
                update.weights.sha256(),
            )
        };
        self.updates.len() - self.updates.iter().map(key).collect::<BTreeSet<_>>().len()
    }

    pub(crate) fn run_to_completion(&mut self) {
        for step in 0..STEPS_MAX {
            if self.aggregator.machine.is_complete() {
                return;
            }
            self.faults.kills &= step < DEADLY_STEPS;
            self.step();
            self.check_after_step();
        }
        panic!(
            "no end after {STEPS_MAX} steps; {} rounds published",
            self.globals.len()
        );
    }

    fn step(&mut self) {
        self.now_ms += self.random.below(20);
        if self.faults.clock_set_back && self.random.one_in(2_000) {
            self.set_back_ms += self.random.below(HOUR_MS);
        }
        let actor = self.random.below(self.nodes.len() as u64 + 1) as usize;
        if self.faults.kills && self.random.one_in(40) {
            self.kill(actor);
        }
        match actor.checked_sub(1) {
            None => self.step_aggregator(),
            Some(index) => self.step_node(index),
        }
        if self.faults.untrusted_senders && self.random.one_in(15) {
            self.send_nonsense();
        }
    }

    fn kill(&mut self, actor: usize) {
        match actor.checked_sub(1) {
            None => self.aggregator = start_aggregator(&self.rules, &self.globals, &self.committed),
            Some(index) => {
                self.nodes[index] = start_node(
                    index as u32 + 1,
                    &self.durable[index],
                    &self.rules,
                    self.now_ms - self.set_back_ms,
                );
            }
        }
    }

    fn step_aggregator(&mut self) {
        if self.faults.aggregator_absences {
            if self.aggregator_absent_until_ms > self.now_ms {
                return;
            }
            if self.random.one_in(1_000) {
                self.aggregator_absent_until_ms = self.now_ms + self.random.below(20 * INTERVAL_MS);
                return self.kill(0);
            }
        }
        let clock_ms = self.clock_ms();
        if let Some(Unpublished {
            model,
            progress,
            participants,
        }) = self.aggregator.unpublished.take()
        {
            // One durable step: the global model, and how far its updates reach.
            self.globals.push(model);
            self.participation.push(participants);
            self.committed = (progress, self.aggregator.position);
            self.aggregator
                .machine
                .handle(clock_ms, Input::Published)
                .unwrap();
            return;
        }
        let outputs = match self.updates.get(self.aggregator.position) {
            Some(update) if self.aggregator.machine.accepts_updates() => {
                self.aggregator.position += 1;
                self.aggregator
                    .machine
                    .handle(clock_ms, Input::Update(Box::new(update.clone())))
                    .unwrap()
            }
            _ => self
                .aggregator
                .machine
                .handle(clock_ms, Input::Tick)
                .unwrap(),
        };
        self.check_cap(&outputs);
        if outputs.contains(&Output::Aggregate) {
            self.aggregate();
        }
    }

    /// No honest behaviour ends the aggregator, whatever the faults.
    fn check_cap(&mut self, outputs: &[Output]) {
        for output in outputs {
            let used = match output {
                Output::Accepted(_) => true,
                Output::Rejected { rejection, .. } if rejection.is_honest() => {
                    self.honest_rejections += 1;
                    continue;
                }
                Output::Rejected { .. } => false,
                _ => continue,
            };
            let counted = self.aggregator.cap.record(used);
            assert!(
                counted.is_ok() || self.faults.untrusted_senders,
                "honest nodes end the aggregator: {output:?}"
            );
        }
    }

    fn aggregate(&mut self) {
        let clock_ms = self.clock_ms();
        let outputs = self
            .aggregator
            .machine
            .handle(clock_ms, Input::Aggregate)
            .unwrap();
        let [
            Output::Publish {
                model,
                summary,
                progress,
            },
        ] = &outputs[..]
        else {
            panic!("{outputs:?}")
        };
        let participation = |one: &Participant| Participation {
            node: one.node.clone(),
            base_round: summary.round - 1 - one.staleness,
            staleness: one.staleness,
        };
        let participants = summary.participants.iter().map(participation).collect();
        assert_eq!(
            summary.samples,
            summary
                .participants
                .iter()
                .map(|node| node.samples)
                .sum::<u64>()
        );
        self.aggregator.unpublished = Some(Unpublished {
            model: Arc::clone(model),
            progress: progress.clone(),
            participants,
        });
    }

    fn step_node(&mut self, index: usize) {
        if self.faults.absences && self.durable[index].absent_until_ms > self.now_ms {
            return;
        }
        if self.faults.absences && self.random.one_in(60) {
            self.durable[index].absent_until_ms = self.now_ms + self.random.below(3 * INTERVAL_MS);
        }
        let choice = self.random.below(3);
        let node = &mut self.nodes[index];
        let input = match (choice, node.running) {
            (0, Some(training)) => return self.finish_training(index, training),
            (1, _) if node.globals_read < self.globals.len() => {
                let round = self.globals[node.globals_read].round;
                node.globals_read += 1;
                schedule::Input::Global { round }
            }
            (2, _) if !node.schedule.must_wait() => {
                let rows = 1 + self.random.below(30);
                node.rows_read += rows;
                self.durable[index].rows_read = node.rows_read;
                schedule::Input::Rows(rows)
            }
            _ => schedule::Input::Tick,
        };
        self.tell_node(index, input);
    }

    fn tell_node(&mut self, index: usize, input: schedule::Input) {
        let clock_ms = self.clock_ms();
        let node = &mut self.nodes[index];
        for output in node.schedule.handle(clock_ms, input) {
            match output {
                schedule::Output::Train(training) => node.running = Some(training),
                schedule::Output::Skipped { .. } => panic!("a node that waits skipped rows"),
            }
        }
    }

    fn finish_training(&mut self, index: usize, training: TrainingJob) {
        let node = &mut self.nodes[index];
        node.running = None;
        let base = training
            .base_round
            .checked_sub(1)
            .map(|round| self.globals[round as usize].weights.as_ref());
        let (weights, samples) = local_model(node.number, base, training.end_row);
        self.updates.push(update(
            NodeId::fog(node.number),
            training.base_round,
            self.now_ms - self.set_back_ms,
            samples,
            weights,
        ));
        if self.faults.repeats && self.random.one_in(3) {
            return self.kill(index + 1);
        }
        self.durable[index].progress = Schedule::progress_after(training);
        self.tell_node(index, schedule::Input::Trained(training));
    }

    fn send_nonsense(&mut self) {
        let newest = self.globals.len() as u64;
        let node = NodeId::fog(1 + self.random.below(8) as u32);
        let base_round = match self.random.below(3) {
            0 => newest + 1 + self.random.below(3),
            _ => newest.saturating_sub(2 + self.random.below(3)),
        };
        let untrusted = NodeId::try_from("untrusted".to_owned()).unwrap();
        let huge = weights(vec![1e6; PARAMETERS]);
        let update = match self.random.below(4) {
            0 => update(
                untrusted,
                newest,
                self.now_ms,
                1,
                weights(vec![1.0; PARAMETERS]),
            ),
            1 => update(node, newest, self.now_ms, 0, weights(vec![1.0; PARAMETERS])),
            2 => update(node, newest, self.now_ms, 1, huge),
            _ if base_round.abs_diff(newest) > 1 => update(
                node,
                base_round,
                self.now_ms,
                1,
                weights(vec![1.0; PARAMETERS]),
            ),
            _ => update(
                node,
                newest,
                self.now_ms,
                1,
                weights(vec![1.0; PARAMETERS + 1]),
            ),
        };
        // The very first update fixes the shape, so nonsense of another shape waits until there is
        // a model.
        if newest > 0 || update.weights.data().len() == PARAMETERS {
            self.updates.push(update);
        }
    }

    fn check_after_step(&self) {
        for (expected, model) in (1..).zip(&self.globals) {
            assert_eq!(
                model.round, expected,
                "rounds are published in order, each once"
            );
        }
        let (progress, committed) = &self.committed;
        assert!(
            (*committed..=self.updates.len()).contains(&self.aggregator.position),
            "the aggregator is never before the committed offset, nor past the last update"
        );
        assert_eq!(
            progress.published,
            self.globals.len() as u64,
            "a global model and the committed progress are stored together"
        );
        assert!(
            self.aggregator.machine.answered() <= self.nodes.len(),
            "only listed nodes count"
        );
        for durable in &self.durable {
            assert!(
                durable.progress.trained_rows <= durable.rows_read,
                "nothing is trained on before it is read"
            );
        }
    }

    pub(crate) fn check_participation(&self) {
        let mut counted = BTreeSet::new();
        for participants in &self.participation {
            assert!(participants.len() as u64 >= self.rules.min_nodes);
            let nodes: BTreeSet<_> = participants.iter().map(|one| &one.node).collect();
            assert_eq!(
                nodes.len(),
                participants.len(),
                "a node counts once a round"
            );
            for one in participants {
                assert!(one.staleness <= self.rules.max_staleness_rounds);
                let first = counted.insert((&one.node, one.base_round));
                assert!(
                    first,
                    "{} counts twice for global model {}",
                    one.node, one.base_round
                );
            }
        }
    }
}

fn start_aggregator(
    rules: &Rules,
    globals: &[Arc<GlobalModel>],
    committed: &(round::Progress, usize),
) -> Aggregator {
    let (progress, position) = committed.clone();
    let global = globals.last().map(|model| Arc::clone(&model.weights));
    Aggregator {
        machine: Machine::new(rules.clone(), progress, global),
        position,
        unpublished: None,
        // Checked from the first record on, and without any room.
        cap: Cap::new(1, 0.0),
    }
}

fn start_node(number: u32, durable: &NodeDurable, rules: &Rules, now_ms: u64) -> Node {
    let config = schedule::Config {
        rows_per_round: RowsPerRound::Rows(ROWS_PER_ROUND),
        backlog_rows: 200,
        when_behind: WhenBehind::Wait,
        rounds: rules.rounds,
        // Only with absent nodes may an answer be given twice for one global model.
        retry_after_ms: if rules.min_nodes == 2 {
            2 * INTERVAL_MS
        } else {
            u64::MAX
        },
    };
    let schedule = Schedule::new(
        config,
        durable.progress.clone(),
        durable.rows_read,
        0,
        now_ms,
    );
    Node {
        number,
        schedule,
        running: None,
        globals_read: 0,
        rows_read: durable.rows_read,
    }
}

fn update(
    node: NodeId,
    base_round: u64,
    timestamp_ms: u64,
    samples: u64,
    weights: Weights,
) -> Update {
    let plugin = PluginId {
        name: "model".into(),
        version: "0.1.0".into(),
        sha256: Sha256Hex::of(b"model"),
    };
    Update {
        node,
        base_round,
        timestamp_ms,
        samples,
        weights,
        plugin,
        loss: 0.5,
        train_ms: None,
        metrics: Vec::new(),
    }
}
