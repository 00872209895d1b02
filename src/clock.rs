//! The only place that asks what time it is.

use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// A source of instants, cheap to clone.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that a test moves, in microseconds since the epoch.
    Held(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still at `micros` until it is moved.
    pub fn held_at(micros: i64) -> Self {
        Self::Held(Arc::new(AtomicI64::new(micros)))
    }

    /// Now, in microseconds since the epoch, UTC: the unit of every `_us` column.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn now_us(&self) -> i64 {
        match self {
            Self::System => Timestamp::now().as_microsecond(),
            Self::Held(micros) => micros.load(Ordering::SeqCst),
        }
    }

    /// Waits so long. By a held clock nothing takes any time: whoever moves it decides.
    pub async fn sleep(&self, time: Duration) {
        match self {
            Self::System => tokio::time::sleep(time).await,
            Self::Held(_) => tokio::task::yield_now().await,
        }
    }

    /// Waits until then. A held clock is looked at until somebody has moved it so far.
    pub async fn until(&self, at_us: i64) {
        loop {
            let left_us = at_us.saturating_sub(self.now_us());
            let Some(left) = u64::try_from(left_us).ok().filter(|left| *left > 0) else { return };
            let look = match self {
                Self::System => Duration::from_micros(left),
                Self::Held(_) => Duration::from_millis(1),
            };
            tokio::time::sleep(look).await;
        }
    }

    /// Moves a held clock on; the machine's clock is not moved.
    pub fn advance(&self, by: Duration) {
        if let Self::Held(micros) = self {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Time since the start in microseconds, as columns hold it.
    pub fn elapsed_us(&self) -> i64 {
        i64::try_from(self.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

/// Reads an instant with its offset, as RFC 3339 writes it; in microseconds since the epoch.
pub fn instant(text: &str) -> Option<i64> {
    text.trim().parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

/// An instant as SCIM writes it: RFC 3339, UTC, milliseconds.
pub fn rfc3339(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .map_or_else(|_| "1970-01-01T00:00:00.000Z".into(), |at| format!("{at:.3}"))
}
