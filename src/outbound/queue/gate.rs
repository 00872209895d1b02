//! Whether an app may be talked to: pure; the clock is a parameter.

use crate::id;
use crate::outbound::engine::micros;
use crate::outbound::retry;
use crate::outbound::worker::Effect;
use std::time::Duration;

/// Whether an app may be talked to, and how carefully.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Failures in a row that were the app's, not an object's.
    failures: u32,
    /// Closed until then.
    until_us: i64,
}

impl Gate {
    pub(super) fn is_closed(&self, now_us: i64) -> bool {
        self.until_us > now_us
    }

    /// How long it stays closed.
    pub(super) fn wait(&self, now_us: i64) -> Option<Duration> {
        let wait = u64::try_from(self.until_us - now_us).ok()?;
        (wait > 0).then(|| Duration::from_micros(wait))
    }

    /// Whether only one object may be tried: after a failure, until it succeeds.
    pub(super) fn is_careful(&self) -> bool {
        self.failures > 0
    }

    /// Notes what a push says about the app. Answers whether the app has just come back.
    pub(super) fn note(&mut self, effect: &Effect, now_us: i64) -> bool {
        match effect {
            Effect::Fine => {
                // One failure is an object's as likely as the app's; two in a row are the app's.
                let came_back = self.failures > 1;
                *self = Self::default();
                came_back
            }
            Effect::Stumbled { wish } => {
                self.failures = self.failures.saturating_add(1);
                let wait = retry::app_wait(self.failures, *wish, id::below(1_001));
                self.until_us = self.until_us.max(now_us.saturating_add(micros(wait)));
                false
            }
            Effect::Throttled { wish } => {
                let wait = retry::app_wait(1, *wish, id::below(1_001));
                self.until_us = self.until_us.max(now_us.saturating_add(micros(wait)));
                false
            }
            Effect::Nothing | Effect::Paused | Effect::Lost => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_lets_one_through_after_a_failure_and_all_after_a_success() {
        let mut gate = Gate::default();
        assert!(!gate.is_careful());
        assert!(!gate.note(&Effect::Stumbled { wish: None }, 0));
        assert!(gate.is_closed(0) && !gate.is_closed(2_000_000));
        assert!(gate.is_careful());
        assert!(!gate.note(&Effect::Fine, 2_000_000), "one failure is not an app that is away");
        assert!(!gate.is_careful());
        gate.note(&Effect::Stumbled { wish: None }, 2_000_000);
        gate.note(&Effect::Stumbled { wish: None }, 3_000_000);
        assert!(gate.note(&Effect::Fine, 5_000_000), "it came back");
        assert!(!gate.note(&Effect::Fine, 5_000_000), "it was not away");
    }

    #[test]
    fn a_throttle_is_no_failure() {
        let mut gate = Gate::default();
        gate.note(&Effect::Throttled { wish: Some(Duration::from_secs(7)) }, 0);
        assert!(gate.is_closed(6_999_999) && !gate.is_closed(7_000_000));
        assert!(!gate.is_careful());
    }
}
