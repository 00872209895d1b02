//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use std::time::Duration;

/// Longest wait that is believed.
const LONGEST: Duration = Duration::from_hours(24);

/// How long to wait from `now`; none where the text is neither seconds nor a date.
///
/// Fractions of a second, which some servers send, are taken; a date that is past is no wait.
pub(super) fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0)
            .then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST));
    }
    let wait = date(text)?.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or_default().min(LONGEST))
}

/// An HTTP date.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_fractions_and_dates_are_waits() {
        let now = date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let cases = [
            ("120", Some(Duration::from_mins(2))),
            (" 0 ", Some(Duration::ZERO)),
            ("1.5", Some(Duration::from_millis(1500))),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(Duration::from_secs(30))),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(Duration::ZERO)),
            ("1e300", Some(LONGEST)),
            ("99999999", Some(LONGEST)),
            ("Fri, 06 Nov 2026 08:49:37 GMT", Some(LONGEST)),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
            ("", None),
        ];
        for (text, wait) in cases {
            assert_eq!(parse(text, now), wait, "{text}");
        }
    }
}
