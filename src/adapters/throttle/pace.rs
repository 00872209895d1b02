//! How fast one app may be asked: as it is configured, and as is learned from what the app says. Pure;
//! the clock and the dice are parameters.
//!
//! Both rates are kept by the same rule, the generic cell rate algorithm: requests are spread over the
//! minute, and a twentieth of them may go at once. In no minute there are more than the rate says.
//!
//! What is learned goes by additive increase and multiplicative decrease, as in TCP: the rate is halved
//! when the app asks to wait, and grows a little with every request that it takes.

use super::fields::Told;
use std::time::Duration;

const SECOND_US: i64 = 1_000_000;
/// Slowest rate that is learned, in requests a minute: what is slower an app asks for in so many words.
const SLOWEST: f64 = 10.0;
/// Fastest that is learned: beyond it nothing need be kept.
const FASTEST: f64 = 6_000.0;
/// By how much the rate grows with a request that goes well: by a fifth in a minute.
const GROWTH: f64 = 0.2;
/// First wait for an app that does not say how long.
const FIRST: Duration = Duration::from_secs(1);
/// Longest such wait.
const LONGEST: Duration = Duration::from_mins(1);
/// Longest wait that an app may ask for.
const LONGEST_WISH: Duration = Duration::from_hours(24);
/// Most requests that may go at once.
const BURST: f64 = 20.0;
/// For how many seconds requests are worked on at the same time.
const AT_ONCE: f64 = 5.0;

/// How requests are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spacing {
    /// From one to the next.
    interval_us: i64,
    /// How much earlier those come that may go at once.
    slack_us: i64,
}

impl Spacing {
    /// Of a rate in requests a minute.
    fn of(per_minute: f64) -> Self {
        let burst = (per_minute / 20.0).floor().clamp(1.0, BURST);
        // Of those that go at once all but one are taken from the others: see the proof in `tests`.
        let spread = (per_minute - burst + 1.0).max(f64::MIN_POSITIVE);
        let interval_us = whole((60e6 / spread).ceil()).max(1);
        Self { interval_us, slack_us: interval_us.saturating_mul(whole(burst) - 1) }
    }
}

/// Saturates.
#[expect(clippy::cast_possible_truncation, reason = "saturates, which is meant")]
const fn whole(number: f64) -> i64 {
    number as i64
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Requests at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Bucket {
    /// When the next would be due, were they spread evenly.
    due_us: i64,
}

impl Bucket {
    /// When the next may go, `ahead` others before it.
    fn opens_us(self, spacing: Spacing, ahead: u32) -> i64 {
        let ahead_us = spacing.interval_us.saturating_mul(i64::from(ahead));
        self.due_us.saturating_sub(spacing.slack_us).saturating_add(ahead_us)
    }

    fn take(&mut self, spacing: Spacing, now_us: i64) {
        self.due_us = self.due_us.max(now_us).saturating_add(spacing.interval_us);
    }
}

/// Requests of the last minute, by second.
#[derive(Debug, Clone)]
struct Sent {
    /// The second since 1970, and how many.
    seconds: [(i64, u32); 60],
}

impl Default for Sent {
    fn default() -> Self {
        Self { seconds: [(0, 0); 60] }
    }
}

impl Sent {
    fn count(&mut self, now_us: i64) {
        let second = now_us.div_euclid(SECOND_US);
        let place = usize::try_from(second.rem_euclid(60)).unwrap_or_default();
        if let Some(slot) = self.seconds.get_mut(place) {
            let before = if slot.0 == second { slot.1 } else { 0 };
            *slot = (second, before.saturating_add(1));
        }
    }

    fn within(&self, seconds: i64, now_us: i64) -> u32 {
        let now = now_us.div_euclid(SECOND_US);
        let is_within = |second: i64| second > now.saturating_sub(seconds) && second <= now;
        self.seconds.iter().filter(|slot| is_within(slot.0)).map(|slot| slot.1).sum()
    }

    /// Requests a minute, by the busier of the last minute and the last ten seconds.
    fn rate(&self, now_us: i64) -> f64 {
        f64::from(self.within(60, now_us)).max(f64::from(self.within(10, now_us)) * 6.0)
    }
}

/// Rates in requests a minute; none: no limit is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// By the app's policy.
    pub configured: Option<u32>,
    /// By what the app said; never above the configured one.
    pub learned: Option<u32>,
}

/// How fast one app may be asked.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    configured: Option<u32>,
    kept: Bucket,
    /// By the app's own account of its limits.
    told: Option<f64>,
    /// By what it took and did not take.
    found: Option<f64>,
    felt: Bucket,
    /// Closed until then, because the app asked for it.
    closed_us: i64,
    /// When the rate was last halved: what was sent before says nothing about the rate of now.
    halved_us: Option<i64>,
    /// How often the app asked to wait since it last took a request.
    in_a_row: u32,
    /// How often it asked in all.
    times: u64,
    sent: Sent,
}

impl Pace {
    /// Sets the most requests in a minute; none: no limit. The same once more changes nothing.
    pub fn configure(&mut self, per_minute: Option<u32>, now_us: i64) {
        if self.configured == per_minute {
            return;
        }
        let is_first = self.sent.within(60, now_us) == 0;
        self.configured = per_minute;
        // What was sent at the other rate counts: this one begins with one request, and not with many.
        let slack_us = self.spacing().map_or(0, |spacing| spacing.slack_us);
        let due_us = now_us.saturating_add(slack_us);
        self.kept = if is_first { Bucket::default() } else { Bucket { due_us } };
    }

    /// Forgets what was learned: the app is another one now.
    pub fn forget(&mut self) {
        (self.told, self.found, self.closed_us) = (None, None, 0);
        (self.halved_us, self.in_a_row) = (None, 0);
    }

    fn spacing(&self) -> Option<Spacing> {
        self.configured.map(|rate| Spacing::of(f64::from(rate)))
    }

    fn learned(&self) -> Option<f64> {
        let found = self.found.unwrap_or(f64::INFINITY);
        Some(found.min(self.told.unwrap_or(f64::INFINITY))).filter(|rate| rate.is_finite())
    }

    /// The slower of both rates.
    fn rate(&self) -> Option<f64> {
        let configured = self.configured.map_or(f64::INFINITY, f64::from);
        Some(configured.min(self.learned().unwrap_or(f64::INFINITY)))
            .filter(|rate| rate.is_finite())
    }

    /// When the next request may go, with so many before it; what is past is at once.
    pub fn opens_us(&self, ahead: u32) -> i64 {
        let kept = self.spacing().map(|spacing| self.kept.opens_us(spacing, ahead));
        let felt = self.learned().map(|rate| self.felt.opens_us(Spacing::of(rate), ahead));
        kept.into_iter().chain(felt).fold(self.closed_us, i64::max)
    }

    /// Forgets what lies further ahead than any rate or wish allows: a clock that has been put back
    /// since noted it, and the app would be left alone for as long.
    pub fn settle(&mut self, now_us: i64) {
        let (kept, felt) = (self.spacing(), self.learned().map(Spacing::of));
        for (bucket, spacing) in [(&mut self.kept, kept), (&mut self.felt, felt)] {
            let most_us = spacing.map_or(0, |one| one.slack_us.saturating_add(one.interval_us));
            bucket.due_us = bucket.due_us.min(now_us.saturating_add(most_us));
        }
        self.closed_us = self.closed_us.min(now_us.saturating_add(micros(LONGEST_WISH)));
        self.halved_us = self.halved_us.map(|halved_us| halved_us.min(now_us));
    }

    /// Takes the turn of one request that is sent now.
    ///
    /// # Errors
    /// When it may go, where that is not yet.
    pub fn take(&mut self, now_us: i64) -> Result<(), i64> {
        self.settle(now_us);
        let opens_us = self.opens_us(0);
        if opens_us > now_us {
            return Err(opens_us);
        }
        if let Some(spacing) = self.spacing() {
            self.kept.take(spacing, now_us);
        }
        if let Some(rate) = self.learned() {
            self.felt.take(Spacing::of(rate), now_us);
        }
        self.sent.count(now_us);
        Ok(())
    }

    /// The app asks to wait, as an answer to a request of `sent_us`: so long, or until its next try
    /// comes to something. Several requests that were on their way together are one event.
    pub fn throttled(&mut self, sent_us: i64, now_us: i64, wish: Option<Duration>, dice: u64) {
        if self.halved_us.is_none_or(|halved_us| sent_us > halved_us) {
            let before = self.rate().unwrap_or_else(|| self.sent.rate(now_us));
            self.found = Some((before / 2.0).max(SLOWEST));
            self.halved_us = Some(now_us);
            self.in_a_row = self.in_a_row.saturating_add(1);
            self.times = self.times.wrapping_add(1);
        }
        self.close(now_us, wish, dice);
    }

    /// Nothing is sent for so long; without a wish for longer every time.
    pub fn close(&mut self, now_us: i64, wish: Option<Duration>, dice: u64) {
        let wait = wish.map_or_else(
            || {
                let factor = 1_u32.checked_shl(self.in_a_row.saturating_sub(1)).unwrap_or(u32::MAX);
                let wait = FIRST.saturating_mul(factor).min(LONGEST);
                let permille =
                    800 + u32::try_from(dice.min(1_000)).unwrap_or_default() * 400 / 1_000;
                wait.saturating_mul(permille) / 1_000
            },
            |wish| wish.min(LONGEST_WISH),
        );
        self.closed_us = self.closed_us.max(now_us.saturating_add(micros(wait)));
    }

    /// The app took a request of `sent_us`.
    pub fn went_well(&mut self, sent_us: i64) {
        if self.halved_us.is_some_and(|halved_us| sent_us <= halved_us) {
            return;
        }
        self.in_a_row = 0;
        self.found = self.found.map(|rate| rate + GROWTH).filter(|rate| *rate < FASTEST);
    }

    /// The app says something of its limits.
    pub fn told(&mut self, told: Told, now_us: i64) {
        if let Some(rate) = told.per_minute {
            self.told = (rate < FASTEST).then_some(rate);
        }
        if let Some(wait) = told.exhausted {
            self.close(now_us, Some(wait), 0);
        }
    }

    /// Until when the app asked to be left alone; what is past is not at all.
    pub const fn closed_us(&self) -> i64 {
        self.closed_us
    }

    /// From one request to the next at present.
    pub fn interval(&self) -> Duration {
        let interval = self.rate().map_or(0, |rate| Spacing::of(rate).interval_us);
        Duration::from_micros(u64::try_from(interval).unwrap_or_default())
    }

    /// How many objects are worth working on at the same time: more would only wait for their turns, and
    /// nobody could overtake them.
    pub fn at_once(&self) -> usize {
        let few = self.rate().map(|rate| whole((rate * AT_ONCE / 60.0).ceil()).max(1));
        few.and_then(|few| usize::try_from(few).ok()).unwrap_or(usize::MAX)
    }

    /// How often the app asked to wait since this process knows it.
    pub const fn times(&self) -> u64 {
        self.times
    }

    /// Requests that were sent within the last minute.
    pub fn sent(&self, now_us: i64) -> u32 {
        self.sent.within(60, now_us)
    }

    /// Both rates.
    pub fn rates(&self) -> Rates {
        let learned = self.learned().map(|rate| {
            let rate = u32::try_from(whole(rate)).unwrap_or(u32::MAX).max(1);
            self.configured.map_or(rate, |configured| rate.min(configured))
        });
        Rates { configured: self.configured, learned }
    }
}

#[cfg(test)]
mod tests;
