use super::*;
use futures_util::FutureExt as _;

/// 2024-07-01T00:00:00Z.
const NOW: i64 = 1_719_792_000_000_000;

fn throttle() -> (Clock, CancellationToken, Throttle) {
    let (clock, stop) = (Clock::held_at(NOW), CancellationToken::new());
    let throttle = Throttle::new(clock.clone(), stop.clone());
    (clock, stop, throttle)
}

fn too_much(wait: Option<Duration>) -> Heard {
    Heard { is_too_much: true, wait, ..Heard::default() }
}

#[tokio::test]
async fn who_comes_first_goes_first_and_in_time() {
    let (clock, _stop, throttle) = throttle();
    throttle.configure(Some(6));
    assert_eq!(throttle.turn().await, Ok(NOW));
    let mut first = Box::pin(throttle.turn());
    assert!((&mut first).now_or_never().is_none());
    assert_eq!(throttle.wait(), Duration::from_secs(20), "behind the one who waits");
    let mut second = Box::pin(throttle.turn());
    assert!((&mut second).now_or_never().is_none());
    clock.advance(Duration::from_secs(10));
    assert_eq!(first.await, Ok(NOW + 10_000_000));
    assert!((&mut second).now_or_never().is_none(), "its turn is ten seconds later");
    clock.advance(Duration::from_secs(10));
    assert_eq!(second.await, Ok(NOW + 20_000_000));
    assert_eq!((throttle.measure().sent, throttle.wait()), (3, Duration::from_secs(10)));
}

#[tokio::test]
async fn nobody_waits_for_an_app_that_asks_for_long() {
    let (clock, _stop, throttle) = throttle();
    let sent_us = throttle.turn().await.unwrap();
    throttle.heard(sent_us, &too_much(Some(Duration::from_mins(1))));
    let after = Some(Duration::from_mins(1));
    assert_eq!(throttle.turn().await, Err(Failure::Throttled { after }), "nothing is sent");
    assert_eq!(throttle.measure().sent, 1);
    throttle.close(Some(Duration::from_secs(90)));
    assert_eq!(throttle.closed(), Duration::from_mins(1), "it is closed already");
    clock.advance(Duration::from_secs(57));
    let mut patient = Box::pin(throttle.turn());
    assert!((&mut patient).now_or_never().is_none(), "a few seconds are waited for");
    clock.advance(Duration::from_secs(3));
    assert_eq!(patient.await, Ok(NOW + 60_000_000));
    throttle.heard(NOW + 60_000_000, &Heard::default());
    assert_eq!((throttle.measure().closed_us, throttle.times()), (None, 1));
}

#[tokio::test]
async fn nobody_waits_when_the_process_ends() {
    let (_clock, stop, throttle) = throttle();
    throttle.configure(Some(1));
    throttle.turn().await.unwrap();
    let mut next = Box::pin(throttle.turn());
    assert!((&mut next).now_or_never().is_none());
    stop.cancel();
    assert_eq!(next.await, Err(Failure::Throttled { after: Some(Duration::from_mins(1)) }));
    assert!(throttle.is_stopped());
}

#[tokio::test]
async fn an_app_in_maintenance_is_left_alone_and_no_slower_afterwards() {
    let (_clock, _stop, throttle) = throttle();
    let sent_us = throttle.turn().await.unwrap();
    throttle.heard(sent_us, &Heard { wait: Some(Duration::from_secs(30)), ..Heard::default() });
    assert_eq!(throttle.closed(), Duration::from_secs(30));
    assert_eq!((throttle.measure().rates, throttle.times()), (Rates::default(), 0));
}
