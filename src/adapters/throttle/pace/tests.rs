use super::*;
use proptest::prelude::*;

/// 2024-07-01T00:00:00Z.
const NOW: i64 = 1_719_792_000_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;

fn configured(rate: u32) -> Pace {
    let mut pace = Pace::default();
    pace.configure(Some(rate), NOW);
    pace
}

/// Sends as fast as it may for so long; when every request went.
fn hurried(pace: &mut Pace, from_us: i64, time_us: i64) -> Vec<i64> {
    let (mut now_us, mut sent) = (from_us, Vec::new());
    while now_us < from_us + time_us {
        match pace.take(now_us) {
            Ok(()) => sent.push(now_us),
            Err(opens_us) => now_us = opens_us,
        }
    }
    sent
}

/// Most of them in any minute.
fn busiest(sent: &[i64]) -> usize {
    let within =
        |from: &i64| sent.iter().filter(|at| *at >= from && **at < from + MINUTE_US).count();
    sent.iter().map(within).max().unwrap_or_default()
}

#[test]
fn without_a_rate_nobody_waits() {
    let mut pace = Pace::default();
    for _ in 0..10_000 {
        assert_eq!(pace.take(NOW), Ok(()));
    }
    assert_eq!((pace.sent(NOW), pace.at_once()), (10_000, usize::MAX));
    assert_eq!((pace.sent(NOW + MINUTE_US), pace.rates()), (0, Rates::default()));
}

#[test]
fn a_rate_is_kept_and_used() {
    for rate in [1, 2, 19, 20, 60, 100, 600, 5_000] {
        let mut pace = configured(rate);
        let sent = hurried(&mut pace, NOW, 5 * MINUTE_US);
        let most = usize::try_from(rate).unwrap();
        assert_eq!(busiest(&sent), most, "{rate}: never more, and as many as may be");
        assert!(sent.len() * 100 >= most * 5 * 95, "{rate}: {} in five minutes", sent.len());
    }
}

/// An hour that a clock was ahead was waited for once it was put right.
#[test]
fn a_clock_that_is_put_back_stops_nothing() {
    let ahead = NOW + 60 * MINUTE_US;
    let mut pace = configured(60);
    pace.told(Told { per_minute: Some(30.0), exhausted: None }, ahead);
    for _ in 0..5 {
        let opens_us = pace.opens_us(0).max(ahead);
        pace.take(opens_us).unwrap();
    }
    let opens_us = pace.take(NOW).unwrap_err();
    assert!(opens_us <= NOW + 3 * SECOND_US, "{}", opens_us - NOW);
    assert_eq!(pace.take(opens_us), Ok(()));
    pace.told(Told { per_minute: None, exhausted: Some(Duration::MAX) }, ahead);
    let longest = NOW + 24 * 60 * MINUTE_US;
    assert_eq!(
        pace.take(NOW),
        Err(longest),
        "and what an app asked for is no longer than it may be"
    );
}

#[test]
fn a_few_may_go_at_once_and_the_next_is_told_when() {
    let mut pace = configured(60);
    for _ in 0..3 {
        assert_eq!(pace.take(NOW), Ok(()));
    }
    let opens_us = pace.take(NOW).unwrap_err();
    assert!(opens_us > NOW && opens_us <= NOW + 2 * SECOND_US, "{opens_us}");
    assert_eq!(pace.opens_us(0), opens_us);
    assert!(pace.opens_us(4) >= opens_us + 4 * SECOND_US);
    assert_eq!(pace.take(opens_us), Ok(()));
    assert_eq!((configured(60).at_once(), configured(6).at_once()), (5, 1));
}

#[test]
fn another_rate_begins_with_one_request() {
    let mut pace = configured(600);
    hurried(&mut pace, NOW, MINUTE_US / 2);
    pace.configure(Some(60), NOW + MINUTE_US / 2);
    let sent = hurried(&mut pace, NOW + MINUTE_US / 2, MINUTE_US);
    assert!(sent.len() <= 60);
    assert!(sent[1] > sent[0]);
    let before = pace.opens_us(0);
    pace.configure(Some(60), NOW + 2 * MINUTE_US);
    assert_eq!(pace.opens_us(0), before, "the same once more changes nothing");
}

#[test]
fn a_throttle_halves_the_rate_and_what_goes_well_makes_it_grow() {
    let mut pace = Pace::default();
    for _ in 0..100 {
        pace.take(NOW).unwrap();
    }
    let later = NOW + SECOND_US;
    pace.throttled(NOW, later, Some(Duration::from_secs(7)), 500);
    assert_eq!(pace.rates().learned, Some(300), "half of what was sent in ten seconds");
    assert_eq!(pace.closed_us(), later + 7 * SECOND_US);
    assert_eq!(pace.take(later + 7 * SECOND_US - 1), Err(later + 7 * SECOND_US));
    // The others that were on their way.
    pace.throttled(NOW, later + 1, None, 500);
    pace.throttled(NOW + 5, later + 2, None, 500);
    assert_eq!((pace.rates().learned, pace.times()), (Some(300), 1));
    pace.went_well(NOW);
    assert_eq!(pace.rates().learned, Some(300), "what was sent before says nothing");
    let again = later + 7 * SECOND_US;
    pace.take(again).unwrap();
    for _ in 0..6 {
        pace.went_well(again);
    }
    assert_eq!(pace.rates().learned, Some(301));
    for _ in 0..40 {
        let now_us = pace.opens_us(0);
        pace.take(now_us).unwrap();
        pace.throttled(now_us, now_us + 1, None, 500);
    }
    assert_eq!(pace.rates().learned, Some(10), "slower than that nothing is learned");
    let waits = pace.closed_us() - pace.halved_us.unwrap();
    assert_eq!(waits, MINUTE_US, "and no wait is longer than a minute");
    // All that went well in the end makes it forget that there was a limit.
    for _ in 0..30_000 {
        pace.went_well(i64::MAX);
    }
    assert_eq!(pace.rates().learned, None);
}

#[test]
fn what_is_learned_never_passes_what_is_configured() {
    let mut pace = configured(30);
    pace.told(Told { per_minute: Some(1_000.0), exhausted: None }, NOW);
    assert_eq!(pace.rates(), Rates { configured: Some(30), learned: Some(30) });
    pace.told(Told { per_minute: Some(20.0), exhausted: None }, NOW);
    assert_eq!(pace.rates().learned, Some(20));
    assert_eq!(busiest(&hurried(&mut pace, NOW, 3 * MINUTE_US)), 20);
    pace.forget();
    assert_eq!(pace.rates(), Rates { configured: Some(30), learned: None });
}

#[test]
fn an_exhausted_limit_closes_until_its_reset() {
    let mut pace = Pace::default();
    let exhausted = Some(Duration::from_secs(30));
    pace.told(Told { per_minute: None, exhausted }, NOW);
    assert_eq!(pace.take(NOW), Err(NOW + 30 * SECOND_US));
    pace.told(Told { per_minute: None, exhausted: Some(Duration::ZERO) }, NOW);
    assert_eq!(pace.take(NOW + 30 * SECOND_US), Ok(()), "a shorter wish does not shorten it");
    pace.told(Told { per_minute: None, exhausted: Some(Duration::MAX) }, NOW);
    pace.forget();
    assert_eq!(pace.take(NOW), Ok(()), "another app is another limit");
}

#[derive(Debug, Clone)]
enum Event {
    Pass(i64),
    Send,
    Throttle(Option<u64>),
    Fine,
    Told(f64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (0..20 * SECOND_US).prop_map(Event::Pass),
        8 => Just(Event::Send),
        1 => prop::option::of(0..90_u64).prop_map(Event::Throttle),
        4 => Just(Event::Fine),
        1 => (0.5..2_000.0).prop_map(Event::Told),
    ]
}

proptest! {
    /// Whatever the app says, in no minute there are more requests than are configured; and when it
    /// says nothing more, requests go on.
    #[test]
    fn no_minute_has_more_than_is_configured(
        rate in 1_u32..200,
        events in prop::collection::vec(event(), 0..400),
    ) {
        let mut pace = configured(rate);
        let (mut now_us, mut sent) = (NOW, Vec::new());
        for event in events {
            match event {
                Event::Pass(time_us) => now_us += time_us,
                Event::Send => match pace.take(now_us) {
                    Ok(()) => sent.push(now_us),
                    Err(opens_us) => prop_assert!(opens_us > now_us),
                },
                Event::Throttle(wish) => {
                    pace.throttled(now_us, now_us, wish.map(Duration::from_secs), 700);
                }
                Event::Fine => pace.went_well(now_us),
                Event::Told(per_minute) => {
                    pace.told(Told { per_minute: Some(per_minute), exhausted: None }, now_us);
                }
            }
            let learned = pace.rates().learned;
            prop_assert!(learned.is_none_or(|learned| learned >= 1 && learned <= rate));
        }
        let opens_us = pace.opens_us(0).max(now_us);
        prop_assert!(opens_us <= now_us + 150 * SECOND_US, "a wish, or a minute at the slowest");
        sent.extend(hurried(&mut pace, opens_us, 3 * MINUTE_US));
        prop_assert!(busiest(&sent) <= usize::try_from(rate).unwrap());
        prop_assert!(sent.last().is_some_and(|last| *last >= opens_us));
    }

    /// A learned rate recovers: after a throttle and as many that go well it is what it was.
    #[test]
    fn a_learned_rate_grows_back(rate in 20_u32..500) {
        let mut pace = Pace::default();
        pace.told(Told { per_minute: Some(f64::from(rate)), exhausted: None }, NOW);
        pace.throttled(NOW, NOW, Some(Duration::ZERO), 0);
        let slow = pace.rates().learned.unwrap();
        prop_assert!(slow <= rate / 2 + 1);
        for _ in 0..rate * 5 {
            pace.went_well(NOW + 1);
        }
        prop_assert_eq!(pace.rates().learned, Some(rate));
    }
}
