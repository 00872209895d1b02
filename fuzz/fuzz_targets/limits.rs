//! What an app says of its limits, a field a line: nothing panics, a rate is more than nothing, a wait
//! is a day at most, and a line more never makes the rate greater.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollcall_fuzz::throttle::fields::read;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3_600);

fuzz_target!(|input: (i64, &str)| {
    let (now_us, text) = input;
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(':')).collect();
    let told = |lines: &[(&str, &str)]| {
        let field = |name: &str| {
            let same: Vec<&str> = lines
                .iter()
                .filter(|(key, _)| key.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
                .collect();
            (!same.is_empty()).then(|| same.join(", "))
        };
        read(field, now_us)
    };
    let all = told(&lines);
    assert!(all.per_minute.is_none_or(|rate| rate.is_normal() && rate > 0.0));
    assert!(all.exhausted.is_none_or(|wait| wait <= DAY));
    assert_eq!(told(&[]), Default::default());
    // A policy is a limit more.
    let policies: Vec<(&str, &str)> = lines
        .iter()
        .copied()
        .filter(|(key, _)| key.trim().eq_ignore_ascii_case("ratelimit-policy"))
        .collect();
    if let Some(rate) = told(&policies).per_minute {
        assert!(all.per_minute.is_some_and(|both| both <= rate));
    }
});
