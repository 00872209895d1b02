//! Whether an app is there: pure; the clock and the dice are parameters.
//!
//! ```text
//!            a failure               the wait is over
//!  closed ─────────────▶ open until ────────────────▶ half-open: exactly one probe
//!    ▲                       ▲                            │            │
//!    │                       └──────── it failed ─────────┘            │
//!    └──────────────────────────────── it succeeded ───────────────────┘
//! ```
//!
//! An app that asks to wait is there: a throttle changes nothing here.

use crate::outbound::engine::micros;
use crate::outbound::retry;
use crate::outbound::worker::Effect;
use std::time::Duration;

/// Failures in a row that are the app's: a single one is an object's as likely.
const AWAY: u32 = 2;

/// What may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Everything.
    Closed,
    /// Nothing until then.
    Open {
        /// When it is looked for again.
        until_us: i64,
    },
    /// One object, to see whether the app is back.
    HalfOpen,
}

/// An app that does not answer, or stumbles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Away {
    /// When it was first away.
    pub(super) since_us: i64,
    /// When it is looked for again.
    pub(super) until_us: i64,
    /// What happened last, in a sentence.
    pub(super) reason: String,
}

/// Stands between a queue and its app.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Failures in a row that were the app's, not an object's.
    failures: u32,
    away: Option<Away>,
}

impl Breaker {
    /// What may be sent now.
    pub(super) fn state(&self, now_us: i64) -> State {
        match &self.away {
            None => State::Closed,
            Some(away) if away.until_us > now_us => State::Open { until_us: away.until_us },
            Some(_) => State::HalfOpen,
        }
    }

    /// How long nothing is sent.
    pub(super) fn wait(&self, now_us: i64) -> Option<Duration> {
        let State::Open { until_us } = self.state(now_us) else { return None };
        u64::try_from(until_us.saturating_sub(now_us)).ok().map(Duration::from_micros)
    }

    /// Whether nothing is sent, or one object at a time.
    pub(super) const fn is_tripped(&self) -> bool {
        self.away.is_some()
    }

    /// Of how many objects at a time, `usual` where all is well.
    pub(super) fn most(&self, now_us: i64, usual: usize) -> usize {
        match self.state(now_us) {
            State::Closed => usual,
            State::Open { .. } => 0,
            State::HalfOpen => 1,
        }
    }

    /// Since when the app is away, and why; none while it may be one object's failure.
    pub(super) fn away(&self) -> Option<&Away> {
        self.away.as_ref().filter(|_| self.failures >= AWAY)
    }

    /// Notes what a push says about the app. Answers whether the app has just come back.
    pub(super) fn note(&mut self, effect: &Effect, now_us: i64, dice: u64) -> bool {
        match effect {
            Effect::Fine => {
                let came_back = self.failures >= AWAY;
                *self = Self::default();
                came_back
            }
            Effect::Stumbled { wish, why } => {
                self.failures = self.failures.saturating_add(1);
                let wait = retry::app_wait(self.failures, *wish, dice);
                let until_us = now_us.saturating_add(micros(wait));
                let before = self.away.take();
                self.away = Some(Away {
                    since_us: before.as_ref().map_or(now_us, |away| away.since_us),
                    until_us: before.map_or(until_us, |away| away.until_us.max(until_us)),
                    reason: why.clone(),
                });
                false
            }
            Effect::Throttled { .. } | Effect::Nothing | Effect::Paused | Effect::Lost => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stumbled() -> Effect {
        Effect::Stumbled { wish: None, why: "No connection.".to_owned() }
    }

    fn wished(seconds: u64) -> Effect {
        Effect::Stumbled { wish: Some(Duration::from_secs(seconds)), why: "Busy.".to_owned() }
    }

    #[test]
    fn one_is_let_through_after_a_failure_and_all_after_a_success() {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.state(0), State::Closed);
        assert!(!breaker.note(&stumbled(), 0, 500));
        assert_eq!(breaker.state(0), State::Open { until_us: 500_000 });
        assert_eq!((breaker.most(0, 9), breaker.wait(0)), (0, Some(Duration::from_millis(500))));
        assert_eq!((breaker.state(500_000), breaker.most(500_000, 9)), (State::HalfOpen, 1));
        assert_eq!(breaker.away(), None, "one failure is an object's as likely");
        assert!(!breaker.note(&Effect::Fine, 2_000_000, 500), "so nothing came back");
        assert_eq!((breaker.state(2_000_000), breaker.most(2_000_000, 9)), (State::Closed, 9));
        breaker.note(&stumbled(), 2_000_000, 500);
        breaker.note(&wished(60), 3_000_000, 500);
        let away = breaker.away().unwrap();
        assert_eq!((away.since_us, away.until_us), (2_000_000, 63_000_000));
        assert_eq!(away.reason, "Busy.");
        assert!(breaker.note(&Effect::Fine, 63_000_000, 500), "it came back");
        assert!(!breaker.note(&Effect::Fine, 63_000_000, 500), "it was not away");
    }

    #[test]
    fn a_throttle_is_no_failure() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            assert!(!breaker.note(&Effect::Throttled { wish: None }, 0, 500));
        }
        assert_eq!((breaker.state(0), breaker.is_tripped()), (State::Closed, false));
        breaker.note(&stumbled(), 0, 500);
        breaker.note(&stumbled(), 0, 500);
        breaker.note(&Effect::Throttled { wish: None }, 0, 500);
        assert!(breaker.away().is_some(), "and no success");
    }

    fn effect() -> impl Strategy<Value = Effect> {
        prop_oneof![
            3 => Just(stumbled()),
            1 => (0..100_u64).prop_map(wished),
            2 => Just(Effect::Fine),
            2 => Just(Effect::Throttled { wish: None }),
            1 => Just(Effect::Nothing),
            1 => Just(Effect::Lost),
        ]
    }

    proptest! {
        /// Whatever comes: after a failure nothing is sent for a while, then one object at a time until
        /// one succeeds; and an app that is back is found within a while.
        #[test]
        fn one_probe_at_a_time(effects in prop::collection::vec((effect(), 0..40_000_000_i64), 1..60)) {
            let (mut breaker, mut now_us, mut failures) = (Breaker::default(), 0, 0);
            for (effect, time_us) in effects {
                now_us += time_us;
                breaker.note(&effect, now_us, 1_000);
                match effect {
                    Effect::Fine => failures = 0,
                    Effect::Stumbled { .. } => failures += 1,
                    _ => {}
                }
                let most = breaker.most(now_us, 9);
                prop_assert_eq!(most > 1, failures == 0);
                prop_assert_eq!(breaker.is_tripped(), failures > 0);
                prop_assert_eq!(breaker.away().is_some(), failures > 1);
                let wait = breaker.wait(now_us).unwrap_or_default();
                prop_assert!(wait <= Duration::from_secs(100), "{:?}", wait);
                prop_assert_eq!(wait.is_zero(), most > 0);
                let later_us = now_us + micros(wait);
                prop_assert_eq!(breaker.most(later_us, 9), if failures > 0 { 1 } else { 9 });
            }
        }
    }
}
