use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use fedhost_base::event::{Event, RunEvent, Stamped};
use tempfile::TempDir;

use super::*;
use crate::observe::{Observed, Phase};
use fedhost_base::announce::Listener;
use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_manifest::{ClientRole, Completion, RoleId, Spooling};

/// Keeps what is announced.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Listener for Recorder {
    fn on_event(&self, event: &Stamped) {
        self.0.lock().unwrap().push(event.event.clone());
    }
}

impl Recorder {
    fn restarts(&self) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|event| matches!(event, Event::Run(RunEvent::RoleRestarted { .. })))
            .count()
    }
}

/// A role on an empty log.
struct Scene {
    recorder: Recorder,
    announcer: Announcer,
    observed: Observed,
    stop: CancellationToken,
    buses: Buses,
    _directory: TempDir,
}

impl Scene {
    fn new() -> Self {
        let (directory, recorder) = (tempfile::tempdir().unwrap(), Recorder::default());
        let log = EmbeddedLog::open(Options::new(directory.path())).unwrap();
        let announcer = Announcer::new(vec![Box::new(recorder.clone())]);
        let (observed, stop) = (Observed::new(), CancellationToken::new());
        observed.enter(Phase::Working);
        Self {
            recorder,
            announcer,
            observed,
            stop,
            buses: Buses::Embedded(Arc::new(log)),
            _directory: directory,
        }
    }

    fn role(&self, restart: RestartPolicy, within: Duration) -> Supervised {
        Supervised {
            spec: RoleSpec {
                id: RoleId::FogNode(1),
                name: "fog-node-1".to_owned(),
                clients: ClientRole::FogNode,
                reads: Vec::new(),
                results: Vec::new(),
                keeps_state: true,
                needs_plugins: false,
                spooling: Spooling::No,
                restart,
                completion: Completion::EndsRun,
            },
            buses: self.buses.clone(),
            observer: Arc::new(self.observed.clone()),
            announcer: self.announcer.clone(),
            stop: self.stop.clone(),
            deadline: ShutdownDeadline::new(within),
            backoff: Backoff {
                first: Duration::from_millis(1),
                longest: Duration::from_millis(4),
            },
        }
    }

    /// How a role ends whose tries end like that, and how many there were. The first `begun` of
    /// them begin their work.
    async fn run(
        &self,
        restart: RestartPolicy,
        ends: Vec<Result<(), bus::Error>>,
        begun: u32,
    ) -> (Result<(), Error>, u32) {
        let (ends, tries) = (Mutex::new(ends.into_iter()), AtomicU32::new(0));
        let start = |context: Context| {
            let end = ends
                .lock()
                .unwrap()
                .next()
                .expect("it is not started again");
            if tries.fetch_add(1, Ordering::Relaxed) < begun {
                context.started.send();
            }
            async move { end.map_err(crate::role::on_bus("fog-node-1")) }
        };
        let ended = self.role(restart, Duration::from_secs(60)).run(start).await;
        (ended, tries.load(Ordering::Relaxed))
    }
}

fn lost() -> bus::Error {
    bus::Error::Lost {
        what: "group \"fog-node-1\"".into(),
        reason: "another process reads on".into(),
    }
}

fn missing() -> bus::Error {
    bus::Error::UnknownTopic {
        topic: "global_model".into(),
    }
}

fn refused() -> bus::Error {
    let (bus, action, reason, hint) = (
        "kafka".into(),
        "read".into(),
        "there is no right".into(),
        "grant it".into(),
    );
    bus::Error::Refused {
        bus,
        action,
        reason,
        hint,
    }
}

fn away() -> bus::Error {
    let (bus, action, reason, hint) = (
        "kafka".into(),
        "read".into(),
        "it is away".into(),
        "wait".into(),
    );
    bus::Error::Unreachable {
        bus,
        action,
        reason,
        hint,
    }
}

#[tokio::test]
async fn a_role_that_worked_begins_again_whatever_the_bus_has_against_it() {
    let scene = Scene::new();
    let ends = vec![
        Err(lost()),
        Err(missing()),
        Err(refused()),
        Err(away()),
        Ok(()),
    ];
    let (ended, tries) = scene.run(RestartPolicy::Rejoin, ends, 1).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!((tries, scene.recorder.restarts()), (5, 4));
}

#[tokio::test]
async fn what_only_a_person_can_mend_ends_a_role_that_never_worked() {
    for error in [missing(), refused()] {
        let scene = Scene::new();
        let (ended, tries) = scene.run(RestartPolicy::Rejoin, vec![Err(error)], 0).await;
        assert!(matches!(ended, Err(Error::Bus { .. })), "{ended:?}");
        assert_eq!((tries, scene.recorder.restarts()), (1, 0));
    }
}

#[tokio::test]
async fn a_bus_that_is_away_is_waited_for_from_the_start() {
    let (ended, tries) = Scene::new()
        .run(
            RestartPolicy::Rejoin,
            vec![Err(away()), Err(away()), Ok(())],
            0,
        )
        .await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(tries, 3);
}

#[tokio::test]
async fn a_role_that_stands_in_no_line_does_not_cut_others_off_again() {
    let (ended, tries) = Scene::new()
        .run(RestartPolicy::Never, vec![Err(refused()), Err(lost())], 2)
        .await;
    assert!(
        matches!(&ended, Err(Error::Bus { error, .. }) if matches!(**error, bus::Error::Lost { .. })),
        "{ended:?}"
    );
    assert_eq!(tries, 2);
}

#[tokio::test]
async fn what_is_wrong_with_this_machine_ends_a_role() {
    let (directory, action, reason) = ("data".into(), "write".into(), "no space".into());
    let full = bus::Error::Storage {
        directory,
        action,
        reason,
    };
    let (ended, tries) = Scene::new()
        .run(RestartPolicy::Rejoin, vec![Err(full)], 1)
        .await;
    assert!(ended.is_err());
    assert_eq!(tries, 1);
}

#[tokio::test]
async fn the_same_reason_is_announced_once_until_the_role_has_worked() {
    // Given a role that worked once, and then finds its topic gone again and again
    let scene = Scene::new();
    let ends = vec![
        Err(lost()),
        Err(missing()),
        Err(missing()),
        Err(missing()),
        Err(refused()),
        Ok(()),
    ];
    let (ended, tries) = scene.run(RestartPolicy::Rejoin, ends, 1).await;
    assert!(ended.is_ok(), "{ended:?}");
    // Then each reason is reported once
    assert_eq!((tries, scene.recorder.restarts()), (6, 3));
    // And when it works in between, then again
    let (_, tries) = scene
        .run(
            RestartPolicy::Rejoin,
            vec![Err(missing()), Err(missing()), Ok(())],
            3,
        )
        .await;
    assert_eq!((tries, scene.recorder.restarts()), (3, 5));
}

#[tokio::test]
async fn the_process_is_not_ready_from_the_failure_until_the_role_works_again() {
    let scene = Scene::new();
    let (observed, tries) = (scene.observed.clone(), AtomicU32::new(0));
    let troubles = || {
        observed
            .troubles()
            .into_iter()
            .map(|trouble| trouble.reason)
            .collect::<Vec<_>>()
    };
    let start = |context: Context| {
        let attempt = tries.fetch_add(1, Ordering::Relaxed);
        if attempt == 1 {
            assert_eq!(troubles(), ["topic \"global_model\" does not exist"]);
        } else {
            context.started.send();
            assert_eq!(troubles(), [""; 0], "it works");
        }
        async move {
            if attempt == 2 {
                Ok(())
            } else {
                Err(missing()).map_err(crate::role::on_bus("fog-node-1"))
            }
        }
    };
    scene
        .role(RestartPolicy::Rejoin, Duration::from_secs(60))
        .run(start)
        .await
        .unwrap();
    assert_eq!(tries.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_role_that_is_cut_off_while_it_is_to_stop_has_not_failed() {
    let scene = Scene::new();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let begun = Mutex::new(Some(begun));
    let start = |context: Context| {
        begun
            .lock()
            .unwrap()
            .take()
            .expect("it is not started again")
            .send(())
            .unwrap();
        async move {
            context.stop.cancelled().await;
            Err(lost()).map_err(crate::role::on_bus("fog-node-1"))
        }
    };
    let running = scene
        .role(RestartPolicy::Rejoin, Duration::from_secs(60))
        .run(start);
    let stopping = async {
        has_begun.await.unwrap();
        scene.stop.cancel();
    };
    tokio::join!(running, stopping).0.unwrap();
    assert_eq!(scene.recorder.restarts(), 0);
}

#[tokio::test]
async fn a_role_that_does_not_stop_is_left_behind_at_the_deadline() {
    let scene = Scene::new();
    let role = scene.role(RestartPolicy::Rejoin, Duration::from_millis(50));
    let (deadline, stop) = (role.deadline.clone(), scene.stop.clone());
    let start = |_| {
        deadline.begin();
        stop.cancel();
        std::future::pending()
    };
    tokio::time::timeout(Duration::from_secs(30), role.run(start))
        .await
        .expect("it is left behind")
        .unwrap();
}

#[tokio::test]
async fn a_role_that_waits_to_begin_again_stops_at_once() {
    let scene = Scene::new();
    let hour = Duration::from_secs(3_600);
    let backoff = Backoff {
        first: hour,
        longest: hour,
    };
    let role = Supervised {
        backoff,
        ..scene.role(RestartPolicy::Rejoin, hour)
    };
    let running = role.run(|_| async { Err(away()).map_err(crate::role::on_bus("fog-node-1")) });
    let stopping = async {
        while scene.recorder.restarts() == 0 {
            tokio::task::yield_now().await;
        }
        scene.stop.cancel();
    };
    let both = async { tokio::join!(running, stopping).0 };
    tokio::time::timeout(Duration::from_secs(30), both)
        .await
        .expect("it stops")
        .unwrap();
}
