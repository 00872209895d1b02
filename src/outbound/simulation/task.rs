//! Work that goes on one await at a time, polled by hand.

use super::scene::{Scene, Side};
use crate::clock::Stopwatch;
use crate::id::ResourceId;
use crate::outbound::queue::Claimed;
use crate::outbound::worker::Effect;
use crate::store::{self, probe};
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

/// Longest time for which the store is waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// Rings when the store has answered.
pub(super) struct Bell {
    thread: Thread,
    rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Bell {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { thread: std::thread::current(), rung: AtomicBool::new(false) })
    }

    fn wait(&self) {
        let watch = Stopwatch::start();
        while !self.rung.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_secs(1));
            assert!(watch.elapsed() < PATIENCE, "the store does not answer");
        }
    }
}

/// Where a piece of work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At its beginning.
    Start,
    /// At a gate of an app.
    Gate(Side),
    /// The store has answered, which it does not know yet.
    Answered,
}

/// What a piece of work came to.
pub(super) enum Ended {
    Pushed(Effect),
    Claimed(Claimed),
    Dispatched(store::Result<usize>),
    Synced(store::Result<()>),
}

/// A piece of work of an instance.
pub(super) struct Task {
    pub(super) actor: usize,
    pub(super) instance: usize,
    pub(super) app: usize,
    pub(super) place: Place,
    /// Whose job it is, where it is one.
    pub(super) resource: Option<ResourceId>,
    /// By which of its claims.
    pub(super) fence: i64,
    /// How often it went on since somebody else was given the same job.
    pub(super) overtaken: Option<u32>,
    bell: Arc<Bell>,
    future: Pin<Box<dyn Future<Output = Ended>>>,
}

impl Task {
    pub(super) fn new(
        (actor, instance, app): (usize, usize, usize),
        future: impl Future<Output = Ended> + 'static,
    ) -> Self {
        let (bell, future) = (Bell::new(), Box::pin(future));
        let place = Place::Start;
        Self {
            actor,
            instance,
            app,
            place,
            resource: None,
            fence: 0,
            overtaken: None,
            bell,
            future,
        }
    }

    /// Goes on to the next await. A call of the store is waited for, and its answer kept back until
    /// the next step.
    pub(super) fn step(&mut self, scene: &Mutex<Scene>) -> Option<Ended> {
        {
            let mut scene = scene.lock();
            scene.actor = self.actor;
            scene.side = None;
        }
        if let Some(times) = &mut self.overtaken {
            *times += 1;
        }
        probe::step(true);
        loop {
            let ended = poll(self.future.as_mut(), &self.bell);
            if let Poll::Ready(ended) = ended {
                return Some(ended);
            }
            if let Some(side) = scene.lock().side.take() {
                self.place = Place::Gate(side);
                return None;
            }
            if probe::stands() {
                self.place = Place::Answered;
                return None;
            }
            self.bell.wait();
        }
    }
}

fn poll<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>, bell: &Arc<Bell>) -> Poll<T> {
    bell.rung.store(false, Ordering::SeqCst);
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(bell))))
}

/// Work that nothing comes between.
pub(super) fn complete<T>(future: impl Future<Output = T>) -> T {
    probe::step(false);
    let mut future = Box::pin(future);
    let bell = Bell::new();
    loop {
        if let Poll::Ready(done) = poll(future.as_mut(), &bell) {
            return done;
        }
        bell.wait();
    }
}
