//! Values: type checks, case folding and the order-preserving text of indexes and comparisons.

use super::schema::{Attribute, Type};
use jiff::SignedDuration;
use jiff::civil;
use jiff::tz::Offset;
use serde_json::{Number, Value};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Text whose byte order is the value's order, folded where case does not matter.
///
/// Strings: NFC, lower-cased when `case_exact` is false. Booleans: `false`, `true`. Dates:
/// fixed-width UTC with nanoseconds. Numbers: fixed-width, so that byte order is numeric order.
/// None where the value is not of the attribute's type.
pub fn sort_key(attribute: &Attribute, value: &Value) -> Option<String> {
    key(attribute.kind, attribute.case_exact, value)
}

/// [`sort_key`] for callers that hold a type and a case rule instead of a definition.
pub fn key(kind: Type, case_exact: bool, value: &Value) -> Option<String> {
    match (kind, value) {
        (Type::String | Type::Reference, Value::String(text)) => {
            if text.contains('\0') {
                None
            } else if case_exact {
                Some(normal(text))
            } else {
                Some(fold(text))
            }
        }
        (Type::Binary, Value::String(text)) => (!text.contains('\0')).then(|| text.clone()),
        (Type::Boolean, Value::Bool(truth)) => Some(truth.to_string()),
        (Type::DateTime, Value::String(text)) => instant(text),
        (Type::Integer | Type::Decimal, Value::Number(number)) => ordered_number(number),
        _ => None,
    }
}

/// Folds text for comparison without case: PRECIS-like (`UsernameCaseMapped` of RFC 8265 for what
/// it can be here): NFKC width mapping, lower case, NFC.
///
/// Independent of locale and context (a final sigma is a sigma), and idempotent.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = fold_once(text);
    // Lower-casing can leave text that NFKC changes again. Three rounds settle every assigned
    // character; the bound is there so that no future table can make this loop for ever.
    for _ in 0..4 {
        let again = fold_once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn fold_once(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .map(|letter| if letter == 'ς' { 'σ' } else { letter })
        .nfc()
        .collect()
}

fn normal(text: &str) -> String {
    if is_nfc(text) { text.to_owned() } else { text.nfc().collect() }
}

/// An `xsd:dateTime` as fixed-width UTC text; none where it is no such thing.
///
/// Text without an offset is UTC. Fractions finer than nanoseconds are cut.
pub fn instant(text: &str) -> Option<String> {
    let (date_time, rest) = text.split_at_checked(19)?;
    let shape = date_time.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    if !shape {
        return None;
    }
    let number = |from: usize, to: usize| date_time.get(from..to)?.parse::<i16>().ok();
    let small = |from: usize| number(from, from + 2).and_then(|n| i8::try_from(n).ok());
    let (nanoseconds, zone) = fraction(rest)?;
    let local = civil::DateTime::new(
        number(0, 4)?,
        small(5)?,
        small(8)?,
        small(11)?,
        small(14)?,
        small(17)?,
        nanoseconds,
    )
    .ok()?;
    let east = SignedDuration::from_secs(offset(zone)?.seconds().into());
    let utc = local.checked_sub(east).ok()?;
    if utc.year() < 0 {
        return None;
    }
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z",
        utc.year(),
        utc.month(),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.subsec_nanosecond()
    ))
}

/// Nanoseconds of `.123…`, and what follows it.
fn fraction(text: &str) -> Option<(i32, &str)> {
    let Some(text) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    let nanoseconds = digits
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    Some((nanoseconds, rest))
}

/// The offset of `Z`, `+02:00`, or nothing.
fn offset(text: &str) -> Option<Offset> {
    let (sign, text) = match text.chars().next() {
        None => return Some(Offset::UTC),
        Some('Z') if text.len() == 1 => return Some(Offset::UTC),
        Some('+') => (1, text.get(1..)?),
        Some('-') => (-1, text.get(1..)?),
        Some(_) => return None,
    };
    let (hours, minutes) = text.split_once(':')?;
    let two = |part: &str| -> Option<i32> {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    // xsd:dateTime allows fourteen hours either way.
    (minutes < 60 && hours * 60 + minutes <= 14 * 60)
        .then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok())?
}

/// Digits that a mantissa has room for: `u64::MAX` has twenty.
const MANTISSA: usize = 20;
/// Keeps exponents of floating-point numbers positive.
const EXPONENT: i64 = 5_000;

/// A number as sign, exponent and mantissa in decimal, each of fixed width.
///
/// It is exact for every number that JSON text becomes here, so `1` and `1.0` are one key, and
/// large integers keep the order that floating point would lose.
fn ordered_number(number: &Number) -> Option<String> {
    let text = number.to_string();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.as_str()),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{decimals}");
    let leading = all.bytes().take_while(|byte| *byte == b'0').count();
    let digits = all.trim_matches('0');
    if digits.is_empty() {
        return Some(format!("1{:04}{}", 0, "0".repeat(MANTISSA)));
    }
    // The value is 0.DIGITS × 10^scale.
    let scale = exponent + i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
    let scale = scale + EXPONENT;
    if !(1..=9_999).contains(&scale) || digits.len() > MANTISSA {
        return None;
    }
    let magnitude = format!("{scale:04}{digits:0<MANTISSA$}");
    if negative {
        let complement = magnitude.bytes().map(|byte| char::from(b'9' - (byte - b'0')));
        Some(std::iter::once('0').chain(complement).collect())
    } else {
        Some(format!("1{magnitude}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn dates_become_one_width_in_utc() {
        for (text, expected) in [
            ("2011-05-13T04:42:34Z", Some("2011-05-13T04:42:34.000000000Z")),
            ("2011-05-13T06:42:34+02:00", Some("2011-05-13T04:42:34.000000000Z")),
            ("2011-05-12T20:12:34.5-08:30", Some("2011-05-13T04:42:34.500000000Z")),
            ("2011-05-13T04:42:34.1234567891Z", Some("2011-05-13T04:42:34.123456789Z")),
            ("2011-05-13T04:42:34", Some("2011-05-13T04:42:34.000000000Z")),
            ("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00.000000000Z")),
            ("9999-12-31T23:59:59.999Z", Some("9999-12-31T23:59:59.999000000Z")),
            ("9999-12-31T23:59:59-01:00", None),
            ("0000-01-01T00:00:00Z", Some("0000-01-01T00:00:00.000000000Z")),
            ("0000-01-01T00:00:00+01:00", None),
            ("2023-02-29T00:00:00Z", None),
            ("2011-05-13", None),
            ("2011-05-13 04:42:34Z", None),
            ("2011-05-13t04:42:34z", None),
            ("2011-05-13T04:42:34.Z", None),
            ("2011-05-13T04:42:34+2:00", None),
            ("2011-05-13T04:42:34+15:00", None),
            ("2011-05-13T04:42:34+02:00[Europe/Paris]", None),
            ("2011-05-13T25:42:34Z", None),
            ("2011-05-13T04:42:é4Z", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(instant(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn folding_forgets_case_width_and_composition() {
        for (a, b) in [
            ("BJensen", "bjensen"),
            ("Ｂｊｅｎｓｅｎ", "bjensen"),
            ("Jose\u{301}", "JOSÉ"),
            ("ΟΔΟΣ", "οδος"),
            ("ﬁ", "FI"),
            ("ÅNGSTRÖM", "\u{212b}ngström"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        assert_ne!(fold("i"), fold("ı"), "no locale makes a dotless i an i");
        assert_ne!(fold("strasse"), fold("straße"));
    }

    #[test]
    fn keys_go_by_type() {
        let of = |kind, case_exact, value| key(kind, case_exact, &value);
        assert_eq!(of(Type::String, false, json!("A")).as_deref(), Some("a"));
        assert_eq!(of(Type::String, true, json!("A")).as_deref(), Some("A"));
        assert_eq!(of(Type::String, true, json!("e\u{301}")).as_deref(), Some("é"));
        assert_eq!(of(Type::Boolean, false, json!(true)).as_deref(), Some("true"));
        assert_eq!(of(Type::Binary, false, json!("QUJD")).as_deref(), Some("QUJD"));
        for (kind, value) in [
            (Type::String, json!(1)),
            (Type::String, json!("a\u{0}")),
            (Type::Boolean, json!("true")),
            (Type::Integer, json!("1")),
            (Type::DateTime, json!("x")),
            (Type::Complex, json!({})),
            (Type::String, Value::Null),
        ] {
            assert_eq!(of(kind, false, value.clone()), None, "{value}");
        }
    }

    #[test]
    fn numbers_are_one_key_however_written() {
        let of = |text: &str| {
            let number: Number = serde_json::from_str(text).unwrap();
            ordered_number(&number).unwrap()
        };
        for (a, b) in
            [("1", "1.0"), ("0", "-0.0"), ("100", "1e2"), ("0.5", "5e-1"), ("-7", "-7.00")]
        {
            assert_eq!(of(a), of(b), "{a} {b}");
        }
        let rising = [
            "-1e300",
            "-18",
            "-9.5",
            "-9",
            "-1e-300",
            "0",
            "5e-324",
            "0.1",
            "0.11",
            "1",
            "1.5",
            "2",
            "10",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "1e300",
        ];
        for pair in rising.windows(2) {
            assert!(of(pair[0]) < of(pair[1]), "{pair:?}");
        }
        let width = of("0").len();
        assert!(rising.iter().all(|text| of(text).len() == width));
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn number_keys_keep_order(a in any::<f64>(), b in any::<i64>(), c in any::<f32>()) {
            let numbers: Vec<(f64, Option<String>)> = [a, f64::from(c)]
                .into_iter()
                .filter(|number| number.is_finite())
                .map(|number| (number, Number::from_f64(number).and_then(|n| ordered_number(&n))))
                .collect();
            for (x, x_key) in &numbers {
                prop_assert!(x_key.is_some());
                for (y, y_key) in &numbers {
                    prop_assert_eq!(x.partial_cmp(y), Some(x_key.cmp(y_key)));
                }
            }
            prop_assert_eq!(b.cmp(&0), ordered_number(&b.into()).cmp(&ordered_number(&0.into())));
        }

        #[test]
        fn integer_keys_keep_order(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(a.cmp(&b), ordered_number(&a.into()).cmp(&ordered_number(&b.into())));
        }

        #[test]
        fn dates_never_panic(text in "[0-9T:.Z+-]{0,40}") {
            if let Some(key) = instant(&text) {
                prop_assert_eq!(instant(&key), Some(key.clone()));
                prop_assert_eq!(key.len(), 30);
            }
        }
    }

    #[test]
    fn every_character_folds_to_a_fixed_point() {
        for letter in '\0'..=char::MAX {
            let once = fold(&letter.to_string());
            assert_eq!(fold(&once), once, "U+{:04X}", u32::from(letter));
        }
    }
}
