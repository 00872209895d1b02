//! The turnstile before one app: every request of its adapter takes a turn, and tells what the answer
//! said of the app's limits.
//!
//! One per app and process. Adapters come and go with the app's mapping and policy; what is learned
//! here stays.

pub mod fields;
pub mod pace;

use super::adapter::Failure;
use crate::clock::Clock;
use crate::id;
use fields::Told;
use pace::{Pace, Rates};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest time that a request waits for an app that asked to be left alone. Whoever has it then puts
/// it back and does something else.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How often one that waits looks whether something has changed.
const LOOK_US: i64 = 500_000;

/// What an answer says of the app's limits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Heard {
    /// In so many words, or in fields of its header.
    pub told: Told,
    /// Whether too much was asked of it.
    pub is_too_much: bool,
    /// How long it asks to wait.
    pub wait: Option<Duration>,
}

/// What is known of the pace at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// Requests a minute.
    pub rates: Rates,
    /// Requests that were sent within the last minute.
    pub sent: u32,
    /// Until when the app asked to be left alone; none where it does not.
    pub closed_us: Option<i64>,
}

/// The turnstile before one app.
#[derive(Debug)]
pub struct Throttle {
    clock: Clock,
    pace: Mutex<Pace>,
    /// Who comes first goes first.
    line: tokio::sync::Mutex<()>,
    waiting: AtomicU32,
    stop: CancellationToken,
}

impl Throttle {
    /// One that lets everybody through until it is told more. Once `stop` is called nobody waits at it
    /// any more.
    pub fn new(clock: Clock, stop: CancellationToken) -> Self {
        Self {
            clock,
            pace: Mutex::default(),
            line: tokio::sync::Mutex::default(),
            waiting: AtomicU32::new(0),
            stop,
        }
    }

    /// Waits for the turn of one request; answers when it was given, for [`Throttle::heard`].
    ///
    /// # Errors
    /// [`Failure::Throttled`] when the app asked to be left alone for longer than [`PATIENCE`], or when
    /// this process ends. Nothing was sent then.
    pub async fn turn(&self) -> Result<i64, Failure> {
        let _waiting = Waiting::at(&self.waiting);
        let _turn = self.line.lock().await;
        loop {
            let now_us = self.clock.now_us();
            let opens_us = {
                let mut pace = self.pace.lock();
                let Err(opens_us) = pace.take(now_us) else { return Ok(now_us) };
                let left = between(now_us, pace.closed_us());
                // At a slow rate the next turn is as far away as that by itself.
                if left > PATIENCE.max(pace.interval()) {
                    return Err(Failure::Throttled { after: Some(left) });
                }
                opens_us
            };
            tokio::select! {
                () = self.clock.until(opens_us.min(now_us.saturating_add(LOOK_US))) => {}
                () = self.stop.cancelled() => {
                    return Err(Failure::Throttled { after: Some(between(now_us, opens_us)) });
                }
            }
        }
    }

    /// Learns from the answer to a request whose turn was at `sent_us`.
    pub fn heard(&self, sent_us: i64, heard: &Heard) {
        let now_us = self.clock.now_us();
        let mut pace = self.pace.lock();
        pace.told(heard.told, now_us);
        if heard.is_too_much {
            // A limit that says when it is filled again says how long to wait.
            let wish = heard.wait.or(heard.told.exhausted);
            pace.throttled(sent_us, now_us, wish, id::below(1_001));
        } else if heard.wait.is_some() {
            pace.close(now_us, heard.wait, 0);
        } else {
            pace.went_well(sent_us);
        }
    }

    /// An adapter says that the app asks to wait. What [`Throttle::heard`] has heard already is not
    /// counted twice.
    pub fn close(&self, wish: Option<Duration>) {
        let now_us = self.clock.now_us();
        let mut pace = self.pace.lock();
        if pace.closed_us() <= now_us {
            pace.close(now_us, wish, id::below(1_001));
        }
    }

    /// Sets the most requests in a minute; none: no limit.
    pub fn configure(&self, per_minute: Option<u32>) {
        self.pace.lock().configure(per_minute, self.clock.now_us());
    }

    /// Forgets what was learned: the app is another one now.
    pub fn forget(&self) {
        self.pace.lock().forget();
    }

    /// How long a request that came now would wait for its turn.
    pub fn wait(&self) -> Duration {
        let ahead = self.waiting.load(Ordering::Relaxed);
        let (now_us, mut pace) = (self.clock.now_us(), self.pace.lock());
        pace.settle(now_us);
        between(now_us, pace.opens_us(ahead))
    }

    /// How long the app asked to be left alone.
    pub fn closed(&self) -> Duration {
        let (now_us, mut pace) = (self.clock.now_us(), self.pace.lock());
        pace.settle(now_us);
        between(now_us, pace.closed_us())
    }

    /// How many objects are worth working on at the same time; at least one.
    pub fn at_once(&self) -> usize {
        self.pace.lock().at_once()
    }

    /// How often the app asked to wait since this process knows it.
    pub fn times(&self) -> u64 {
        self.pace.lock().times()
    }

    /// What is known at present.
    pub fn measure(&self) -> Measure {
        let now_us = self.clock.now_us();
        let mut pace = self.pace.lock();
        pace.settle(now_us);
        let closed_us = Some(pace.closed_us()).filter(|closed_us| *closed_us > now_us);
        Measure { rates: pace.rates(), sent: pace.sent(now_us), closed_us }
    }

    /// Whether this process ends, and nobody waits any more.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}

fn between(now_us: i64, then_us: i64) -> Duration {
    Duration::from_micros(u64::try_from(then_us.saturating_sub(now_us)).unwrap_or_default())
}

/// One who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn at(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
