//! Runs guests on the blocking pool; they must never run on a thread that polls the bus.

use std::panic::resume_unwind;

use tokio::task;

/// Runs work that blocks, such as opening an instance or compiling a component, and waits for it
/// without blocking.
///
/// If the future is dropped, the work still finishes and its result is dropped. A panic of `work`
/// continues in the caller. If the runtime shuts down before the work has begun, the future never
/// resolves, like every other future of that runtime.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(lost) => match lost.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_cancelled) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_reaches_the_caller() {
        let panicking = tokio::spawn(run(|| panic!("boom")));
        assert!(panicking.await.unwrap_err().is_panic());
    }

    #[tokio::test]
    async fn a_guest_never_runs_on_the_thread_that_waits_for_it() {
        let here = std::thread::current().id();
        assert_ne!(run(|| std::thread::current().id()).await, here);
    }
}
