//! What the header of an answer says of the app's limits. Pure; tolerant, because hardly two services
//! write it alike.
//!
//! Read are `RateLimit` and `RateLimit-Policy` as draft-ietf-httpapi-ratelimit-headers has them since
//! its eighth version (`"default";r=50;t=30`) and in its seventh (`limit=100, remaining=50, reset=30`),
//! and the three fields of before, by their three names: `RateLimit-Limit`, `X-RateLimit-Limit` and
//! `X-Rate-Limit-Limit`, each with `-Remaining` and `-Reset`.

use jiff::Timestamp;
use std::time::Duration;

/// Longest wait that is believed.
const LONGEST: Duration = Duration::from_hours(24);
/// Longest window over which requests are spread, in seconds. The quota of a day is not: whoever has
/// something to do in the morning need not wait for the evening.
const LONGEST_WINDOW: f64 = 300.0;
/// A reset of at least so many seconds is an instant. Nobody asks to wait for thirty years.
const INSTANT: f64 = 1e9;
/// The same in milliseconds.
const INSTANT_MS: f64 = 1e11;
/// Fields of before, by what begins their names.
const FAMILIES: [&str; 3] = ["ratelimit", "x-ratelimit", "x-rate-limit"];

/// What an app says of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Told {
    /// Most requests in a minute, greater than 0; none where it does not say so.
    pub per_minute: Option<f64>,
    /// How long no request is left, at most a day; none where some are, or it does not say until when.
    pub exhausted: Option<Duration>,
}

impl Told {
    /// The stricter of both.
    fn and(self, other: Self) -> Self {
        let least = |one: Option<f64>, two: Option<f64>| match (one, two) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self {
            per_minute: least(self.per_minute, other.per_minute),
            exhausted: self.exhausted.max(other.exhausted),
        }
    }
}

/// Reads a header. `field` answers a field's value by its name in small letters, lines of the same
/// name joined by commas; `now_us` is the app's own time, by which resets that are instants are meant.
///
/// What cannot be read says nothing, and neither does a limit of nothing, by which some mean that there
/// is none.
pub fn read(field: impl Fn(&str) -> Option<String>, now_us: i64) -> Told {
    let policies = field("ratelimit-policy").unwrap_or_default();
    let policies: Vec<Item<'_>> = items(&policies).collect();
    let mut told = policies.iter().map(Item::policy).fold(Told::default(), Told::and);
    if let Some(text) = field("ratelimit") {
        let counts_requests = |item: &Item<'_>| {
            let of = policies.iter().find(|policy| policy.name == item.name);
            of.is_none_or(Item::counts_requests)
        };
        for item in items(&text).filter(counts_requests) {
            told = told.and(item.state(now_us));
        }
        told = told.and(dictionary(&text, now_us));
    }
    for family in FAMILIES {
        let one = |what: &str| field(&format!("{family}-{what}"));
        let limit = one("limit").unwrap_or_default();
        let first = items(&limit).next().and_then(|item| number(item.name));
        if first.is_some_and(|limit| limit <= 0.0) {
            continue;
        }
        told = items(&limit).map(|item| item.policy()).fold(told, Told::and);
        let remaining = one("remaining").as_deref().and_then(number);
        told.exhausted = told.exhausted.max(exhausted(remaining, one("reset").as_deref(), now_us));
    }
    told
}

/// `name;key=value;key=value`, as structured fields (RFC 9651 §3.1) write a list's members.
struct Item<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl Item<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        let same = |(key, _): &&(&str, &str)| key.eq_ignore_ascii_case(name);
        self.parameters.iter().find(same).map(|(_, value)| *value)
    }

    /// A quota may be one of bytes; without a word it is one of requests.
    fn counts_requests(&self) -> bool {
        self.parameter("qu").is_none_or(|unit| unit.eq_ignore_ascii_case("requests"))
    }

    /// `"default";q=100;w=60`, or before it `100;w=60`.
    fn policy(&self) -> Told {
        let quota = self.parameter("q").and_then(number).or_else(|| number(self.name));
        let window = self.parameter("w").and_then(number);
        let per_minute = quota
            .zip(window)
            .filter(|(_, window)| *window > 0.0 && *window <= LONGEST_WINDOW)
            .map(|(quota, window)| quota * 60.0 / window)
            .filter(|rate| self.counts_requests() && rate.is_normal() && *rate > 0.0);
        Told { per_minute, exhausted: None }
    }

    /// `"default";r=50;t=30`.
    fn state(&self, now_us: i64) -> Told {
        let remaining = self.parameter("r").and_then(number);
        let exhausted = exhausted(remaining, self.parameter("t"), now_us);
        Told { per_minute: None, exhausted }
    }
}

/// `limit=100, remaining=50, reset=30`.
fn dictionary(text: &str, now_us: i64) -> Told {
    let member = |wanted: &str| {
        split(text, ',')
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| key.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, value)| unquoted(value))
    };
    if member("limit").and_then(number).is_some_and(|limit| limit <= 0.0) {
        return Told::default();
    }
    let remaining = member("remaining").and_then(number);
    Told { per_minute: None, exhausted: exhausted(remaining, member("reset"), now_us) }
}

fn exhausted(remaining: Option<f64>, reset: Option<&str>, now_us: i64) -> Option<Duration> {
    // A quota below nothing is no quota.
    if remaining.is_none_or(|left| !(0.0..1.0).contains(&left)) {
        return None;
    }
    until(reset?, now_us)
}

/// How long until a reset: seconds, or an instant in seconds or milliseconds since 1970, or as
/// RFC 3339 writes it.
fn until(reset: &str, now_us: i64) -> Option<Duration> {
    let instant = |at_us: f64| (at_us - as_float(now_us)).max(0.0) / 1e6;
    let seconds = match number(reset) {
        Some(at) if at >= INSTANT_MS => instant(at * 1e3),
        Some(at) if at >= INSTANT => instant(at * 1e6),
        Some(seconds) if seconds >= 0.0 => seconds,
        Some(_) => return None,
        None => {
            let at: Timestamp = unquoted(reset).parse().ok()?;
            instant(as_float(at.as_microsecond()))
        }
    };
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST))
}

#[expect(clippy::cast_precision_loss, reason = "exact to a microsecond until the year 2255")]
const fn as_float(micros: i64) -> f64 {
    micros as f64
}

/// The first number of a text; `60, 60` is what two proxies make of one.
fn number(text: &str) -> Option<f64> {
    let text = text.split([',', ';']).next().unwrap_or_default();
    unquoted(text).parse().ok().filter(|number: &f64| number.is_finite())
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"').trim()
}

fn items(text: &str) -> impl Iterator<Item = Item<'_>> {
    split(text, ',').filter(|part| !part.trim().is_empty()).map(|part| {
        let mut pieces = split(part, ';');
        let name = pieces.next().map(unquoted).unwrap_or_default();
        let parameters = pieces
            .filter_map(|piece| piece.split_once('='))
            .map(|(key, value)| (key.trim(), unquoted(value)))
            .collect();
        Item { name, parameters }
    })
}

/// Splits where the mark stands outside of quotes.
fn split(text: &str, mark: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |letter| {
        quoted ^= letter == '"';
        letter == mark && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2024-07-01T00:00:00Z.
    const NOW: i64 = 1_719_792_000_000_000;

    fn told(lines: &[(&str, &str)]) -> Told {
        let field = |name: &str| {
            lines.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        read(field, NOW)
    }

    fn rate(per_minute: f64) -> Told {
        Told { per_minute: Some(per_minute), exhausted: None }
    }

    fn wait(seconds: u64) -> Told {
        Told { per_minute: None, exhausted: Some(Duration::from_secs(seconds)) }
    }

    #[test]
    fn policies_are_rates() {
        let cases = [
            (r#""default";q=100;w=60"#, rate(100.0)),
            (r#""burst";q=10;w=1, "default";q=300;w=60"#, rate(300.0)),
            (r#""a,b;c";q=5;w=30;pk=:c2FtcGxl:"#, rate(10.0)),
            ("100;w=60, 5000;w=86400", rate(100.0)),
            (r#""day";q=10000;w=86400"#, Told::default()),
            (r#""size";q=1000;w=60;qu="content-bytes""#, Told::default()),
            (r#""default";q=100"#, Told::default()),
            (r#""default";q=0;w=60"#, Told::default()),
            (r#""default";q=100;w=0"#, Told::default()),
            (r#""default";q=NaN;w=inf"#, Told::default()),
            ("\"unclosed;q=1;w=1", Told::default()),
            (",,;;==", Told::default()),
        ];
        for (text, expected) in cases {
            assert_eq!(told(&[("ratelimit-policy", text)]), expected, "{text}");
        }
    }

    #[test]
    fn a_limit_that_is_exhausted_says_until_when() {
        let cases = [
            (r#""default";r=0;t=30"#, wait(30)),
            (r#""default";r=50;t=30"#, Told::default()),
            (r#""one";r=0;t=5, "two";r=0;t=60"#, wait(60)),
            ("limit=100, remaining=0, reset=7", wait(7)),
            ("limit=100, remaining=3, reset=7", Told::default()),
            ("limit=0, remaining=0, reset=7", Told::default()),
            (r#""default";r=0"#, Told::default()),
            (r#""default";r=-1;t=30"#, Told::default()),
        ];
        for (text, expected) in cases {
            assert_eq!(told(&[("ratelimit", text)]), expected, "{text}");
        }
        let bytes = [
            ("ratelimit-policy", r#""size";q=1000;w=60;qu="content-bytes""#),
            ("ratelimit", r#""size";r=0;t=30"#),
        ];
        assert_eq!(told(&bytes), Told::default(), "what is exhausted are bytes");
    }

    #[test]
    fn the_fields_of_before_are_read_by_every_name() {
        for family in FAMILIES {
            let read = |limit: &str, remaining: &str, reset: &str| {
                told(&[
                    (format!("{family}-limit").as_str(), limit),
                    (format!("{family}-remaining").as_str(), remaining),
                    (format!("{family}-reset").as_str(), reset),
                ])
            };
            assert_eq!(read("100", "0", "30"), wait(30), "seconds");
            assert_eq!(read("100", "0", "1719792030"), wait(30), "an instant in seconds");
            assert_eq!(read("100", "0", "1719792030000"), wait(30), "in milliseconds");
            assert_eq!(read("100", "0", "2024-07-01T00:00:30Z"), wait(30), "in words");
            assert_eq!(read("100", "0", "1719791000"), wait(0), "one that is past");
            assert_eq!(read("100", "0", "1e300"), wait(24 * 3_600), "a day at most");
            assert_eq!(read("100", "1", "30"), Told::default(), "one is left");
            assert_eq!(read("100", "0", "soon"), Told::default());
            assert_eq!(read("0", "0", "30"), Told::default(), "no limit at all");
            assert_eq!(read("-1", "-1", "0"), Told::default(), "no limit at all");
            assert_eq!(read("100, 100;w=60", "4", "30"), rate(100.0), "with its window");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_says_something_sensible(text in "[-\"a-z0-9=;,. ]{0,60}", now_us: i64) {
            for name in ["ratelimit", "ratelimit-policy", "ratelimit-limit", "x-ratelimit-reset"] {
                let field = |wanted: &str| match wanted {
                    "x-ratelimit-remaining" => Some("0".to_owned()),
                    wanted => (wanted == name).then(|| text.clone()),
                };
                let told = read(field, now_us);
                prop_assert!(told.per_minute.is_none_or(|rate| rate.is_normal() && rate > 0.0));
                prop_assert!(told.exhausted.is_none_or(|wait| wait <= LONGEST));
            }
        }
    }
}
