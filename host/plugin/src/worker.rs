//! The async side: guests run on the blocking pool, never on a thread that polls the bus.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task;

/// Runs work that blocks, such as opening an instance or compiling a component, and waits for it
/// without blocking.
///
/// Dropping the future lets the work finish unheard. A panic of `work` goes on in the caller. When
/// the runtime shuts down before the work has begun, this never resolves, like everything else on
/// that runtime.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(lost) => match lost.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_cancelled) => std::future::pending().await,
        },
    }
}

/// An open instance that is called from async code, one call at a time.
pub struct Hosted<T>(Arc<Mutex<T>>);

impl<T> Clone for Hosted<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Hosted<T> {
    /// Hosts an instance that is already open.
    #[must_use]
    pub fn new(instance: T) -> Self {
        Self(Arc::new(Mutex::new(instance)))
    }

    /// Opens an instance on the blocking pool.
    ///
    /// # Errors
    /// As `open` says.
    pub async fn open<E: Send + 'static>(
        open: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<Self, E> {
        run(open).await.map(Self::new)
    }

    /// Makes a call on the blocking pool, after those that were begun before it.
    ///
    /// Dropping the future loses the answer, never the instance: a call that has begun goes on to
    /// its end or its deadline, and the next one waits for it.
    pub async fn call<R: Send + 'static>(
        &self,
        call: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> R {
        let mut instance = Arc::clone(&self.0).lock_owned().await;
        run(move || call(&mut instance)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn an_instance_survives_a_call_whose_caller_went_away() {
        let hosted = Hosted::new(0);
        let (go_on, may_go_on) = mpsc::sync_channel(16);
        let mut call = Box::pin(hosted.call(move |count| {
            may_go_on.recv().unwrap();
            *count += 1;
        }));
        tokio::select! {
            biased;
            () = &mut call => panic!("it returned before it was allowed to"),
            () = std::future::ready(()) => {}
        }
        drop(call);
        let next = tokio::spawn({
            let hosted = hosted.clone();
            async move { hosted.call(|count| *count).await }
        });
        go_on.send(()).unwrap();
        assert_eq!(next.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_panic_reaches_the_caller_and_locks_nobody_out() {
        let hosted = Hosted::new(7);
        let panicking = tokio::spawn({
            let hosted = hosted.clone();
            async move { hosted.call(|_| panic!("boom")).await }
        });
        assert!(panicking.await.unwrap_err().is_panic());
        assert_eq!(hosted.call(|value| *value).await, 7);
    }

    #[tokio::test]
    async fn a_guest_never_runs_on_the_thread_that_waits_for_it() {
        let here = std::thread::current().id();
        assert_ne!(run(|| std::thread::current().id()).await, here);
    }
}
