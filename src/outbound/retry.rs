//! When to try again: pure; the clock and the dice are parameters.

use std::time::Duration;

/// First wait after a failure.
const FIRST: Duration = Duration::from_secs(1);
/// Longest wait between two tries of one object.
const LONGEST: Duration = Duration::from_mins(15);
/// Longest wait before an app that was away is looked for again.
const LONGEST_GATE: Duration = Duration::from_secs(15);
/// Longest wait that an app may ask for.
const LONGEST_WISH: Duration = Duration::from_hours(24);

/// How long an object waits after its `attempts`-th failure in a row (from 1).
///
/// `wish` is what the app asked for and is honoured up to a day; otherwise the wait doubles from a
/// second to a quarter of an hour, ±20 % by `dice` in 0..=1000.
pub fn object_wait(attempts: u32, wish: Option<Duration>, dice: u64) -> Duration {
    wish.map_or_else(
        || jittered(doubling(attempts, FIRST, LONGEST), dice),
        |wish| wish.min(LONGEST_WISH),
    )
}

/// How long an app is left alone after `failures` objects in a row failed because of it.
pub fn app_wait(failures: u32, wish: Option<Duration>, dice: u64) -> Duration {
    wish.map_or_else(
        || jittered(doubling(failures, Duration::from_millis(500), LONGEST_GATE), dice),
        |wish| wish.min(LONGEST_WISH),
    )
}

fn doubling(times: u32, first: Duration, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX);
    first.checked_mul(factor).map_or(longest, |wait| wait.min(longest))
}

fn jittered(wait: Duration, dice: u64) -> Duration {
    let permille = 800 + dice.min(1_000) * 400 / 1_000;
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis.saturating_mul(permille) / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_double_to_a_limit() {
        let waits: Vec<u64> =
            (1..=12).map(|attempts| object_wait(attempts, None, 500).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    }

    #[test]
    fn what_the_app_asks_for_is_honoured() {
        assert_eq!(object_wait(9, Some(Duration::from_secs(3)), 0), Duration::from_secs(3));
        assert_eq!(app_wait(1, Some(Duration::from_secs(90)), 0), Duration::from_secs(90));
        assert_eq!(object_wait(1, Some(Duration::MAX), 0), LONGEST_WISH);
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(attempts in 0_u32..1_000, dice in 0_u64..=1_000) {
            let middle = object_wait(attempts, None, 500).as_millis();
            let wait = object_wait(attempts, None, dice).as_millis();
            prop_assert!(wait * 10 >= middle * 8 && wait * 10 <= middle * 12);
            prop_assert!(app_wait(attempts, None, dice) <= LONGEST_GATE * 12 / 10);
        }
    }
}
