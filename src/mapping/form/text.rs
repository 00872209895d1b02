//! What functions do with text: by character, in bounds, without locale.

use super::fuel::{Fuel, LARGEST, Stopped};
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz::TimeZone};
use std::fmt::Write;

/// Pushes what a character becomes, within bounds.
fn made(
    text: &str,
    fuel: &mut Fuel,
    mut push: impl FnMut(&mut String, char),
) -> Result<String, Stopped> {
    // Tables are looked up for every character that is not ASCII.
    fuel.read(text.len().saturating_mul(2))?;
    let mut made = String::with_capacity(text.len().min(LARGEST));
    for letter in text.chars() {
        push(&mut made, letter);
        if made.len() > LARGEST {
            return Err(Stopped::Large);
        }
    }
    fuel.write(made.len())?;
    Ok(made)
}

pub(super) fn lower(text: &str, fuel: &mut Fuel) -> Result<String, Stopped> {
    // Not by character: a sigma at the end of a word has a lower case of its own.
    fuel.read(text.len().saturating_mul(2))?;
    // A letter takes up to half again as much.
    fuel.write((text.len() / 2).saturating_mul(3).min(LARGEST))?;
    let made = text.to_lowercase();
    if made.len() > LARGEST { Err(Stopped::Large) } else { Ok(made) }
}

pub(super) fn upper(text: &str, fuel: &mut Fuel) -> Result<String, Stopped> {
    made(text, fuel, |made, letter| made.extend(letter.to_uppercase()))
}

/// Letters of any alphabet as ASCII. A character that has no likeness is left out.
pub(super) fn transliterate(text: &str, fuel: &mut Fuel) -> Result<String, Stopped> {
    made(text, fuel, |made, letter| {
        if letter.is_ascii() {
            made.push(letter);
        } else if let Some(likeness) = deunicode::deunicode_char(letter) {
            made.push_str(likeness);
        }
    })
    // Likenesses of whole words (`北京`) end in a space that keeps them apart.
    .map(|mut made| {
        if made.ends_with(' ') && !text.ends_with(' ') {
            made.truncate(made.trim_end().len());
        }
        made
    })
}

/// For names of files, mailboxes and the like: `Jörg van der Berg` is `jorg-van-der-berg`.
pub(super) fn slug(text: &str, fuel: &mut Fuel) -> Result<String, Stopped> {
    let plain = transliterate(text, fuel)?;
    fuel.write(plain.len())?;
    let mut slug = String::with_capacity(plain.len());
    for letter in plain.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') && letter != '\'' {
            slug.push('-');
        }
    }
    if slug.ends_with('-') {
        slug.pop();
    }
    Ok(slug)
}

/// First letters of the words, as capitals.
pub(super) fn initials(text: &str, fuel: &mut Fuel) -> Result<String, Stopped> {
    let mut before = ' ';
    made(text, fuel, |made, letter| {
        let begins = before.is_whitespace() || before == '-';
        if begins && letter.is_alphanumeric() {
            made.extend(letter.to_uppercase());
        }
        before = letter;
    })
}

pub(super) fn replace(
    text: &str,
    from: &str,
    to: &str,
    fuel: &mut Fuel,
) -> Result<String, Stopped> {
    if from.is_empty() {
        fuel.write(text.len())?;
        return Ok(text.to_owned());
    }
    let count = text.matches(from).count();
    // Exact, and known before anything is made.
    let length = (text.len() - count * from.len()).saturating_add(count.saturating_mul(to.len()));
    fuel.write(length)?;
    Ok(text.replace(from, to))
}

/// So many characters from a place on, counted from the end where that is negative.
pub(super) fn part(text: &str, from: i64, count: Option<i64>) -> &str {
    let start = if from < 0 {
        let back = usize::try_from(from.unsigned_abs()).unwrap_or(usize::MAX);
        text.char_indices().rev().nth(back - 1).map_or(0, |(at, _)| at)
    } else {
        place(text, from)
    };
    let rest = text.get(start..).unwrap_or_default();
    match count {
        None => rest,
        Some(count) => rest.get(..place(rest, count.max(0))).unwrap_or_default(),
    }
}

/// Where a character begins, in bytes.
fn place(text: &str, character: i64) -> usize {
    let character = usize::try_from(character).unwrap_or(usize::MAX);
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// Filled at its left to so many characters.
pub(super) fn pad(text: &str, width: i64, fill: &str, fuel: &mut Fuel) -> Result<String, Stopped> {
    let length = text.chars().count();
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(length);
    // A character has at least one byte, so this many do not fit whatever they are.
    if missing > LARGEST && !fill.is_empty() {
        return Err(Stopped::Large);
    }
    let letters = fill.chars().count();
    let (times, rest) = match letters {
        0 => (0, 0),
        letters => (missing / letters, missing % letters),
    };
    let rest = fill.get(..place(fill, i64::try_from(rest).unwrap_or(0))).unwrap_or_default();
    let length = times.saturating_mul(fill.len()).saturating_add(rest.len() + text.len());
    fuel.write(length)?;
    let mut made = String::with_capacity(length);
    for _ in 0..times {
        made.push_str(fill);
    }
    made.push_str(rest);
    made.push_str(text);
    Ok(made)
}

/// Longest text that is a time, with a zone by name.
const LONGEST_TIME: usize = 128;

/// A date, or a date and time, written by a pattern of `yyyy MM dd HH mm ss`.
///
/// A time with an offset is written in UTC, as it is kept.
pub(super) fn date(text: &str, pattern: &str, fuel: &mut Fuel) -> Result<String, Stopped> {
    // Each letter of the pattern is held against every token, and becomes about one letter.
    fuel.spend(pattern.len().saturating_add(20))?;
    fuel.write(pattern.len())?;
    let wanted = "a date like 2026-01-31 or a time like 2026-01-31T12:00:00Z";
    let time = moment(text.trim()).ok_or(Stopped::Unreadable { of: "formatDate", wanted })?;
    let mut made = String::new();
    let mut rest = pattern;
    'pattern: while let Some(letter) = rest.chars().next() {
        let fields: [(&str, i64, usize); 6] = [
            ("yyyy", time.year().into(), 4),
            ("MM", time.month().into(), 2),
            ("dd", time.day().into(), 2),
            ("HH", time.hour().into(), 2),
            ("mm", time.minute().into(), 2),
            ("ss", time.second().into(), 2),
        ];
        for (token, value, width) in fields {
            if let Some(after) = rest.strip_prefix(token) {
                // Writing to a text never fails.
                let _ = write!(made, "{value:0width$}");
                rest = after;
                continue 'pattern;
            }
        }
        made.push(letter);
        rest = rest.strip_prefix(letter).unwrap_or_default();
    }
    if made.len() > LARGEST { Err(Stopped::Large) } else { Ok(made) }
}

fn moment(text: &str) -> Option<DateTime> {
    if text.len() > LONGEST_TIME {
        return None;
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(TimeZone::UTC.to_datetime(instant));
    }
    // A time in a zone that is named, not given, would need a table of zones.
    if text.len() > 40 || text.contains('[') {
        return None;
    }
    if text.contains(['T', 't', ' ']) {
        return text.parse::<DateTime>().ok();
    }
    text.parse::<Date>().ok().map(Date::into)
}
