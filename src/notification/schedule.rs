//! What an answer of a receiver means, and when a message is tried again.

use std::time::Duration;

/// Waits after each try that failed, as Standard Webhooks recommends: a little more than a day in all.
const WAITS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(10),
];
/// Longest wait that a receiver may ask for.
const LONGEST_WISH: Duration = Duration::from_hours(24);

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// With a status, and how long it asks to wait.
    Status(u16, Option<Duration>),
    /// Not at all, and why.
    None(String),
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived.
    Delivered,
    /// It is tried again after a wait.
    Again(Duration),
    /// It is not tried again.
    GaveUp,
    /// It is not tried again, and the receiver wants no more messages.
    Gone,
}

/// What becomes of a message after its `attempts`-th try (from 1). Waits are those of the schedule or
/// what the receiver asks for, whichever is longer, at most a day; the schedule's are ±20 % by `dice` in
/// 0..=1000.
pub fn outcome(answer: &Answer, attempts: u32, dice: u64) -> Outcome {
    let wish = match answer {
        Answer::Status(200..=299, _) => return Outcome::Delivered,
        Answer::Status(410, _) => return Outcome::Gone,
        Answer::Status(_, wish) => wish.unwrap_or_default().min(LONGEST_WISH),
        Answer::None(_) => Duration::ZERO,
    };
    let tried = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    match WAITS.get(tried) {
        Some(wait) => Outcome::Again(jittered(*wait, dice).max(wish)),
        None => Outcome::GaveUp,
    }
}

/// Why it has not arrived, in a sentence; none when it has.
pub fn cause(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Status(200..=299, _) => None,
        Answer::Status(410, _) => {
            Some("The receiver answered 410: it wants no more messages.".to_owned())
        }
        Answer::Status(status @ 300..=399, _) => Some(format!(
            "The receiver answered {status}; redirects are not followed: give the address to which it \
             leads."
        )),
        Answer::Status(status, _) => Some(format!("The receiver answered {status}.")),
        Answer::None(sentence) => Some(sentence.clone()),
    }
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

    const DOWN: Answer = Answer::Status(500, None);

    #[test]
    fn it_is_tried_for_about_a_day() {
        let mut waited = Duration::ZERO;
        let mut tries = 1;
        while let Outcome::Again(wait) = outcome(&DOWN, tries, 500) {
            waited += wait;
            tries += 1;
        }
        assert_eq!(tries, 8);
        let hours = waited.as_secs() / 3_600;
        assert!((24..30).contains(&hours), "{hours}");
        assert_eq!(outcome(&DOWN, u32::MAX, 0), Outcome::GaveUp);
    }

    #[test]
    fn an_answer_says_what_becomes_of_it() {
        for status in [200, 202, 204, 299] {
            let answer = Answer::Status(status, None);
            assert_eq!(outcome(&answer, 1, 0), Outcome::Delivered);
            assert_eq!(cause(&answer), None);
        }
        assert_eq!(outcome(&Answer::Status(410, None), 1, 0), Outcome::Gone);
        for status in [100, 301, 400, 401, 404, 429, 500, 503] {
            let answer = Answer::Status(status, None);
            assert!(matches!(outcome(&answer, 1, 0), Outcome::Again(_)), "{status}");
            assert!(cause(&answer).unwrap().contains(&status.to_string()));
        }
        let none = Answer::None("It did not answer in time.".to_owned());
        assert!(matches!(outcome(&none, 1, 0), Outcome::Again(_)));
        assert_eq!(cause(&none).unwrap(), "It did not answer in time.");
    }

    #[test]
    fn who_asks_to_wait_is_left_alone_that_long() {
        let asks = |seconds| Answer::Status(429, Some(Duration::from_secs(seconds)));
        assert_eq!(outcome(&asks(90), 1, 500), Outcome::Again(Duration::from_secs(90)));
        assert_eq!(outcome(&asks(1), 2, 500), Outcome::Again(Duration::from_mins(5)));
        assert_eq!(outcome(&asks(u64::MAX), 1, 500), Outcome::Again(LONGEST_WISH));
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(attempts in 1_u32..=7, dice in 0_u64..=1_000) {
            let Outcome::Again(middle) = outcome(&DOWN, attempts, 500) else { panic!("gave up") };
            let Outcome::Again(wait) = outcome(&DOWN, attempts, dice) else { panic!("gave up") };
            prop_assert!(wait * 10 >= middle * 8 && wait * 10 <= middle * 12);
        }
    }
}
