//! Tries a call into a plug-in again, with pauses, up to a limit.

use std::time::Duration;

use fedhost_domain::dead_letter::Retries;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use fedhost_plugin::{CallError, Kind};

/// How often a call is tried again, and what ends that early. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RetryPolicy {
    retries: Retries,
    stop: CancellationToken,
    runtime: Handle,
}

/// Why there is no answer.
#[derive(Debug, PartialEq)]
pub(super) enum GaveUp {
    /// Every try failed.
    Failed(Failed),
    /// The plug-in has an open circuit breaker; the remaining tries are for later.
    Paused,
    /// The role is to stop, and nothing is settled.
    Stopped,
}

/// The last of several tries that failed.
#[derive(Debug, PartialEq)]
pub(super) struct Failed {
    pub(super) error: CallError,
    /// How often it was tried.
    pub(super) attempts: u32,
}

/// The role is to stop.
#[derive(Debug)]
pub(crate) struct Stopped;

impl RetryPolicy {
    /// To be made inside the runtime, and used on its guest threads.
    pub(crate) fn new(retries: Retries, stop: CancellationToken) -> Self {
        Self {
            retries,
            stop,
            runtime: Handle::current(),
        }
    }

    /// Calls until there is an answer or the tries are used up; every failure goes to `failures`.
    /// `attempts` begins with those made before a pause, and is 0 again once the matter is settled.
    /// Blocks.
    pub(super) fn call<T>(
        &self,
        attempts: &mut u32,
        failures: &mut Vec<CallError>,
        mut call: impl FnMut() -> Result<T, CallError>,
    ) -> Result<T, GaveUp> {
        loop {
            let error = match call() {
                Ok(answer) => {
                    *attempts = 0;
                    return Ok(answer);
                }
                Err(error) if error.kind == Kind::Quarantined => return Err(GaveUp::Paused),
                Err(error) => error,
            };
            *attempts += 1;
            failures.push(error.clone());
            let Some(pause_ms) = self.retries.pause_ms(*attempts, rand::random()) else {
                return Err(GaveUp::Failed(Failed {
                    error,
                    attempts: std::mem::take(attempts),
                }));
            };
            self.wait(Duration::from_millis(pause_ms))?;
        }
    }

    /// Ends at once when the role is to stop.
    fn wait(&self, pause: Duration) -> Result<(), GaveUp> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(GaveUp::Stopped),
                () = tokio::time::sleep(pause) => Ok(()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_base::clock::Stopwatch;

    const HOUR_MS: u64 = 3_600_000;

    fn failure(number: u32) -> CallError {
        CallError {
            plugin: "p".into(),
            call: "detector.score",
            kind: Kind::Trap,
            detail: number.to_string(),
        }
    }

    /// The answer to a call that fails `failing` times, and how many failures were noted.
    async fn call(policy: RetryPolicy, failing: u32) -> (Result<&'static str, GaveUp>, usize) {
        let calling = tokio::task::spawn_blocking(move || {
            let (mut failures, mut calls) = (Vec::new(), 0);
            let answer = policy.call(&mut 0, &mut failures, || {
                calls += 1;
                if calls > failing {
                    Ok("answer")
                } else {
                    Err(failure(calls))
                }
            });
            (answer, failures.len())
        });
        calling.await.unwrap()
    }

    #[tokio::test]
    async fn a_call_is_tried_as_often_as_allowed_and_no_more() {
        let policy = |retries| {
            RetryPolicy::new(
                Retries {
                    retries,
                    first_ms: 1,
                    longest_ms: 2,
                },
                CancellationToken::new(),
            )
        };
        assert_eq!(call(policy(2), 0).await, (Ok("answer"), 0));
        assert_eq!(call(policy(2), 2).await, (Ok("answer"), 2));
        let given_up = |attempts| {
            Err(GaveUp::Failed(Failed {
                error: failure(attempts),
                attempts,
            }))
        };
        assert_eq!(call(policy(2), 9).await, (given_up(3), 3));
        assert_eq!(call(policy(0), 9).await, (given_up(1), 1));
    }

    #[tokio::test]
    async fn tries_are_not_used_up_while_a_circuit_breaker_is_open() {
        let policy = RetryPolicy::new(
            Retries {
                retries: 1,
                first_ms: 1,
                longest_ms: 2,
            },
            CancellationToken::new(),
        );
        let calling = tokio::task::spawn_blocking(move || {
            let (mut attempts, mut failures) = (0, Vec::new());
            let mut kinds =
                [Kind::Trap, Kind::Quarantined, Kind::Quarantined, Kind::Trap].into_iter();
            let mut fail = || {
                Err::<(), _>(CallError {
                    kind: kinds.next().unwrap(),
                    ..failure(1)
                })
            };
            let paused = [(); 2].map(|()| policy.call(&mut attempts, &mut failures, &mut fail));
            assert_eq!(
                (paused, attempts),
                ([Err(GaveUp::Paused), Err(GaveUp::Paused)], 1)
            );
            let given_up = policy.call(&mut attempts, &mut failures, &mut fail);
            assert_eq!(
                given_up,
                Err(GaveUp::Failed(Failed {
                    error: failure(1),
                    attempts: 2
                }))
            );
            assert_eq!((attempts, failures.len()), (0, 2));
        });
        calling.await.unwrap();
    }

    #[tokio::test]
    async fn a_stop_ends_the_wait_at_once() {
        let stop = CancellationToken::new();
        let policy = RetryPolicy::new(
            Retries {
                retries: 1,
                first_ms: HOUR_MS,
                longest_ms: HOUR_MS,
            },
            stop.clone(),
        );
        let watch = Stopwatch::start();
        let calling = tokio::spawn(call(policy, 1));
        stop.cancel();
        assert_eq!(calling.await.unwrap(), (Err(GaveUp::Stopped), 1));
        assert!(watch.elapsed() < Duration::from_secs(60));
    }
}
