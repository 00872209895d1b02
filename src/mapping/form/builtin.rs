//! Functions of expressions, as they are carried out.
//!
//! Without its first argument (no value) a function has no value; one that answers with true or
//! false answers false. Functions of text count characters, not bytes, and know no locale.

use super::datum::{Datum, Text};
use super::fuel::{Fuel, LARGEST, Stopped};
use super::text;
use regex::{Regex, RegexBuilder};

/// Steps that writing a number as text takes at most.
pub(super) const NUMBER: usize = 20;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    Lower,
    Upper,
    Trim,
    Replace,
    Substr,
    Split,
    Join,
    Before,
    After,
    Left,
    Right,
    Pad,
    Slug,
    Transliterate,
    Initials,
    FormatDate,
    Size,
    Contains,
    StartsWith,
    EndsWith,
    String,
    Int,
    Double,
    Bool,
}

/// The name, as it is written.
const fn name(builtin: Builtin) -> &'static str {
    match builtin {
        Builtin::Lower => "lower",
        Builtin::Upper => "upper",
        Builtin::Trim => "trim",
        Builtin::Replace => "replace",
        Builtin::Substr => "substr",
        Builtin::Split => "split",
        Builtin::Join => "join",
        Builtin::Before => "before",
        Builtin::After => "after",
        Builtin::Left => "left",
        Builtin::Right => "right",
        Builtin::Pad => "pad",
        Builtin::Slug => "slug",
        Builtin::Transliterate => "transliterate",
        Builtin::Initials => "initials",
        Builtin::FormatDate => "formatDate",
        Builtin::Size => "size",
        Builtin::Contains => "contains",
        Builtin::StartsWith => "startsWith",
        Builtin::EndsWith => "endsWith",
        Builtin::String => "string",
        Builtin::Int => "int",
        Builtin::Double => "double",
        Builtin::Bool => "bool",
    }
}

/// The arguments of one call.
struct Arguments<'c, 'a> {
    of: &'static str,
    given: &'c [Datum<'a>],
}

impl<'c, 'a> Arguments<'c, 'a> {
    fn get(&self, at: usize) -> &'c Datum<'a> {
        self.given.get(at).unwrap_or(&Datum::Null)
    }

    fn kind(&self, takes: &'static str, given: &Datum<'_>) -> Stopped {
        Stopped::Kind { of: self.of, takes, given: given.noun() }
    }

    /// A text, paid for; none where there is none.
    fn text(&self, at: usize, fuel: &mut Fuel) -> Result<Option<&'c str>, Stopped> {
        match self.get(at) {
            Datum::Null => Ok(None),
            Datum::Text(text) => {
                fuel.read(text.len())?;
                Ok(Some(text))
            }
            other => Err(self.kind("text", other)),
        }
    }

    /// A number of characters; none where there is none.
    fn whole(&self, at: usize) -> Result<Option<i64>, Stopped> {
        match self.get(at) {
            Datum::Null => Ok(None),
            Datum::Int(whole) => Ok(Some(*whole)),
            other => Err(self.kind("a whole number", other)),
        }
    }
}

/// Carries a function out.
pub(super) fn call<'a>(
    builtin: Builtin,
    given: &[Datum<'a>],
    fuel: &mut Fuel,
) -> Result<Datum<'a>, Stopped> {
    let arguments = Arguments { of: name(builtin), given };
    match builtin {
        Builtin::Size => size(&arguments, fuel),
        Builtin::String => string(&arguments, fuel),
        Builtin::Int => int(&arguments, fuel),
        Builtin::Double => double(&arguments, fuel),
        Builtin::Bool => boolean(&arguments, fuel),
        Builtin::Contains | Builtin::StartsWith | Builtin::EndsWith => {
            test(builtin, &arguments, fuel).map(Datum::Bool)
        }
        Builtin::Join => join(&arguments, fuel),
        Builtin::Split => split(&arguments, fuel),
        builtin => of_text(builtin, &arguments, fuel),
    }
}

fn of_text<'a>(
    builtin: Builtin,
    arguments: &Arguments<'_, 'a>,
    fuel: &mut Fuel,
) -> Result<Datum<'a>, Stopped> {
    let Some(subject) = arguments.text(0, fuel)? else { return Ok(Datum::Null) };
    let made = match builtin {
        Builtin::Lower => text::lower(subject, fuel)?,
        Builtin::Upper => text::upper(subject, fuel)?,
        Builtin::Transliterate => text::transliterate(subject, fuel)?,
        Builtin::Slug => text::slug(subject, fuel)?,
        Builtin::Initials => text::initials(subject, fuel)?,
        Builtin::Replace => match (arguments.text(1, fuel)?, arguments.text(2, fuel)?) {
            (Some(from), to) => text::replace(subject, from, to.unwrap_or_default(), fuel)?,
            (None, _) => return Ok(arguments.get(0).clone()),
        },
        Builtin::FormatDate => match arguments.text(1, fuel)? {
            Some(pattern) => text::date(subject, pattern, fuel)?,
            None => return Ok(Datum::Null),
        },
        Builtin::Pad => match arguments.whole(1)? {
            Some(width) => {
                let fill = arguments.text(2, fuel)?.unwrap_or(" ");
                text::pad(subject, width, fill, fuel)?
            }
            None => return Ok(arguments.get(0).clone()),
        },
        cut => match self::cut(cut, subject, arguments, fuel)? {
            Some(part) => {
                fuel.write(part.len())?;
                part.to_owned()
            }
            None => return Ok(Datum::Null),
        },
    };
    Ok(Datum::text(&made))
}

/// Functions that answer with a part of their subject.
fn cut<'s>(
    builtin: Builtin,
    subject: &'s str,
    arguments: &Arguments<'_, '_>,
    fuel: &mut Fuel,
) -> Result<Option<&'s str>, Stopped> {
    Ok(match builtin {
        Builtin::Trim => Some(subject.trim()),
        Builtin::Before | Builtin::After => {
            let Some(mark) = arguments.text(1, fuel)? else { return Ok(None) };
            match (subject.split_once(mark), builtin) {
                (Some((before, _)), Builtin::Before) => Some(before),
                (Some((_, after)), _) => Some(after),
                (None, Builtin::Before) => Some(subject),
                (None, _) => None,
            }
        }
        Builtin::Left => {
            arguments.whole(1)?.map(|count| text::part(subject, 0, Some(count.max(0))))
        }
        Builtin::Right => arguments.whole(1)?.map(|count| {
            if count <= 0 { "" } else { text::part(subject, count.saturating_neg(), None) }
        }),
        _ => {
            let (from, count) = (arguments.whole(1)?, arguments.whole(2)?);
            let missing = arguments.given.len() > 2 && count.is_none();
            from.filter(|_| !missing).map(|from| text::part(subject, from, count))
        }
    })
}

fn test(builtin: Builtin, arguments: &Arguments<'_, '_>, fuel: &mut Fuel) -> Result<bool, Stopped> {
    let (Some(subject), Some(wanted)) = (arguments.text(0, fuel)?, arguments.text(1, fuel)?) else {
        return Ok(false);
    };
    Ok(match builtin {
        Builtin::StartsWith => subject.starts_with(wanted),
        Builtin::EndsWith => subject.ends_with(wanted),
        _ => subject.contains(wanted),
    })
}

fn size<'a>(arguments: &Arguments<'_, 'a>, fuel: &mut Fuel) -> Result<Datum<'a>, Stopped> {
    let size = match arguments.get(0) {
        Datum::Null => 0,
        Datum::Text(text) => {
            fuel.read(text.len())?;
            text.chars().count()
        }
        other => other
            .length()
            .ok_or_else(|| arguments.kind("text, a list or a value with parts", other))?,
    };
    i64::try_from(size).map(Datum::Int).map_err(|_beyond| Stopped::Large)
}

fn join<'a>(arguments: &Arguments<'_, 'a>, fuel: &mut Fuel) -> Result<Datum<'a>, Stopped> {
    let list = arguments.get(0);
    if list.is_null() {
        return Ok(Datum::Null);
    }
    if !list.is_list() {
        return Err(arguments.kind("a list", list));
    }
    let between = arguments.text(1, fuel)?.unwrap_or_default();
    let mut joined = String::new();
    let mut first = true;
    for at in 0..list.length().unwrap_or(0) {
        fuel.spend(1)?;
        let element = list.element(at);
        if element.is_empty() {
            continue;
        }
        let Some(element) = written(&element, fuel)? else {
            return Err(arguments.kind("a list of texts", &element));
        };
        let between = if first { "" } else { between };
        first = false;
        let more = between.len() + element.len();
        if joined.len() + more > LARGEST {
            return Err(Stopped::Large);
        }
        fuel.write(more)?;
        joined.push_str(between);
        joined.push_str(&element);
    }
    Ok(Datum::text(&joined))
}

fn split<'a>(arguments: &Arguments<'_, 'a>, fuel: &mut Fuel) -> Result<Datum<'a>, Stopped> {
    let (Some(subject), Some(mark)) = (arguments.text(0, fuel)?, arguments.text(1, fuel)?) else {
        return Ok(Datum::Null);
    };
    let mut parts = Vec::new();
    let mut add = |part: &str| {
        fuel.push(parts.len())?;
        fuel.write(part.len())?;
        parts.push(Datum::text(part));
        Ok(())
    };
    if mark.is_empty() {
        for (at, letter) in subject.char_indices() {
            add(subject.get(at..at + letter.len_utf8()).unwrap_or_default())?;
        }
    } else {
        for part in subject.split(mark) {
            add(part)?;
        }
    }
    Ok(Datum::list(parts))
}

/// One value as text; none for lists and the like.
fn written<'a>(value: &Datum<'a>, fuel: &mut Fuel) -> Result<Option<Text<'a>>, Stopped> {
    Ok(match value {
        Datum::Text(text) => Some(text.clone()),
        Datum::Bool(truth) => Some(Text::Borrowed(if *truth { "true" } else { "false" })),
        Datum::Int(whole) => {
            fuel.spend(NUMBER)?;
            Some(Text::Made(whole.to_string().into()))
        }
        Datum::Double(number) => {
            fuel.spend(NUMBER)?;
            Some(Text::Made(number.to_string().into()))
        }
        _ => None,
    })
}

fn string<'a>(arguments: &Arguments<'_, 'a>, fuel: &mut Fuel) -> Result<Datum<'a>, Stopped> {
    let value = arguments.get(0);
    if value.is_null() {
        return Ok(Datum::Null);
    }
    match written(value, fuel)? {
        Some(text) => Ok(Datum::Text(text)),
        None => Err(arguments.kind("one value", value)),
    }
}

fn int<'a>(arguments: &Arguments<'_, 'a>, fuel: &mut Fuel) -> Result<Datum<'a>, Stopped> {
    match arguments.get(0) {
        Datum::Null => Ok(Datum::Null),
        Datum::Int(whole) => Ok(Datum::Int(*whole)),
        Datum::Double(number) => {
            const BEYOND: f64 = 9_223_372_036_854_775_808.0;
            if !(number.is_finite() && *number > -BEYOND && *number < BEYOND) {
                return Err(Stopped::Overflow("int"));
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "within 64 bits; the fraction goes"
            )]
            Ok(Datum::Int(*number as i64))
        }
        Datum::Text(text) => {
            fuel.read(text.len())?;
            let wanted = "a whole number";
            text.trim()
                .parse()
                .map(Datum::Int)
                .map_err(|_other| Stopped::Unreadable { of: "int", wanted })
        }
        other => Err(arguments.kind("a number or text", other)),
    }
}

fn double<'a>(arguments: &Arguments<'_, 'a>, fuel: &mut Fuel) -> Result<Datum<'a>, Stopped> {
    match arguments.get(0) {
        Datum::Null => Ok(Datum::Null),
        Datum::Double(number) => Ok(Datum::Double(*number)),
        #[expect(clippy::cast_precision_loss, reason = "asked for")]
        Datum::Int(whole) => Ok(Datum::Double(*whole as f64)),
        Datum::Text(text) => {
            // Many digits are put together in a slower way.
            fuel.spend(text.len().saturating_add(NUMBER))?;
            match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Datum::Double(number)),
                _ => Err(Stopped::Unreadable { of: "double", wanted: "a number" }),
            }
        }
        other => Err(arguments.kind("a number or text", other)),
    }
}

fn boolean<'a>(arguments: &Arguments<'_, 'a>, fuel: &mut Fuel) -> Result<Datum<'a>, Stopped> {
    match arguments.get(0) {
        Datum::Null => Ok(Datum::Null),
        Datum::Bool(truth) => Ok(Datum::Bool(*truth)),
        Datum::Text(text) => {
            fuel.read(text.len())?;
            let text = text.trim();
            if text.eq_ignore_ascii_case("true") {
                Ok(Datum::Bool(true))
            } else if text.eq_ignore_ascii_case("false") {
                Ok(Datum::Bool(false))
            } else {
                Err(Stopped::Unreadable { of: "bool", wanted: "true or false" })
            }
        }
        other => Err(arguments.kind("true, false or text", other)),
    }
}

/// A pattern of `matches`, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: Regex,
    /// What it may cost per byte: its size in KiB, rounded up to a power of two.
    weight: usize,
}

impl Pattern {
    /// Largest compiled pattern in KiB. `\w`, which knows the letters of every alphabet, has room.
    const LARGEST: usize = 128;

    /// Compiles a pattern; the error says what is wrong with it, without a remedy.
    pub(crate) fn compile(pattern: &str) -> Result<Self, String> {
        let mut weight = 1;
        loop {
            let built = RegexBuilder::new(pattern)
                .size_limit(weight * 1_024)
                .dfa_size_limit(256 * 1_024)
                .nest_limit(32)
                .build();
            match built {
                Ok(regex) => return Ok(Self { regex, weight }),
                Err(regex::Error::CompiledTooBig(_)) if weight < Self::LARGEST => weight *= 2,
                Err(regex::Error::CompiledTooBig(_)) => {
                    return Err("it describes too much; use smaller repetitions".to_owned());
                }
                Err(error) => {
                    let told = error.to_string();
                    let last = told.lines().last().unwrap_or_default();
                    return Err(last.trim_start_matches("error: ").to_owned());
                }
            }
        }
    }

    /// Whether a text has what it describes.
    pub(super) fn is_in(&self, text: &Datum<'_>, fuel: &mut Fuel) -> Result<bool, Stopped> {
        match text {
            Datum::Null => Ok(false),
            Datum::Text(text) => {
                // At worst every byte is tried with every state of the pattern, and a KiB holds
                // some thirty of them.
                fuel.spend(text.len().saturating_mul(self.weight))?;
                Ok(self.regex.is_match(text))
            }
            other => Err(Stopped::Kind { of: "matches", takes: "text", given: other.noun() }),
        }
    }
}
