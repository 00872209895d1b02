//! Whether a value is what an app's field takes.
//!
//! Values are converted only where nothing is lost: a number becomes its digits, the text `true`
//! becomes a boolean, `"42"` becomes a whole number. Anything else is a [`Misfit`], never a guess.

use super::super::document::Normaliser;
use super::super::field::{AppField, FieldType};
use super::super::form::Shape;
use super::super::record::Misfit;
use crate::scim::schema::Type;
use crate::scim::value::fold;
use serde_json::{Number, Value};

/// Largest whole number that every JSON reader keeps exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The value after all normalisers, element by element; none where nothing is left of it.
pub(super) fn normalised(normalisers: &[Normaliser], value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => {
            let text = normalisers.iter().fold(text, |text, one| normalise(one, text));
            (!text.is_empty()).then_some(Value::String(text))
        }
        Value::Array(elements) => {
            let left: Vec<Value> =
                elements.into_iter().filter_map(|one| normalised(normalisers, one)).collect();
            (!left.is_empty()).then_some(Value::Array(left))
        }
        value => Some(value),
    }
}

fn normalise(normaliser: &Normaliser, text: String) -> String {
    match normaliser {
        Normaliser::Trim => text.trim().to_owned(),
        Normaliser::Collapse => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Normaliser::Lower => text.to_lowercase(),
        Normaliser::Upper => text.to_uppercase(),
        Normaliser::Transliterate => deunicode::deunicode(&text),
        // What is no number stays as it is: the app decides about it, and nothing is lost.
        Normaliser::E164(country) => e164(country, &text).unwrap_or(text),
    }
}

/// A country by its ISO 3166 code.
pub(super) fn country(code: &str) -> Option<phonenumber::country::Id> {
    code.to_uppercase().parse().ok()
}

fn e164(code: &str, text: &str) -> Option<String> {
    // `00` is how people write what `+` means.
    let text = text.trim();
    let international = text.strip_prefix("00").map(|rest| format!("+{rest}"));
    let number =
        phonenumber::parse(country(code), international.as_deref().unwrap_or(text)).ok()?;
    number.is_valid().then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// The value as the field takes it: one value, or a list of different ones in the order of their
/// source.
pub(super) fn fit(field: &AppField, value: Value) -> Result<Value, Misfit> {
    let elements = match value {
        Value::Array(elements) if field.multi_valued => elements,
        Value::Array(_) => {
            return Err(misfit(
                field,
                "takes one value, and there is a list",
                "Choose one of them, or join them to a text.",
            ));
        }
        value if field.multi_valued => vec![value],
        value => return fit_one(field, value),
    };
    // A table may turn one value into several.
    let elements = elements.into_iter().flat_map(|element| match element {
        Value::Array(inner) => inner,
        element => vec![element],
    });
    let mut fitted: Vec<Value> = Vec::new();
    for element in elements {
        let element = fit_one(field, element)?;
        if !fitted.contains(&element) {
            fitted.push(element);
        }
    }
    Ok(Value::Array(fitted))
}

fn fit_one(field: &AppField, value: Value) -> Result<Value, Misfit> {
    let value = match converted(field.kind, value) {
        Ok(value) => value,
        Err(remedy) => {
            return Err(misfit(
                field,
                &format!("takes {}, and the value is none", noun(field.kind)),
                &remedy,
            ));
        }
    };
    let Value::String(text) = &value else { return Ok(value) };
    let length = text.chars().count();
    if let Some(longest) = field.max_length.filter(|longest| length > *longest) {
        return Err(misfit(
            field,
            &format!("takes at most {longest} characters, and the value has {length}"),
            "Shorten the value, or map another field.",
        ));
    }
    if field.choices.is_empty() || field.choices.contains(text) {
        return Ok(value);
    }
    let folded = fold(text);
    // The app's own spelling, where only the case differs.
    if let Some(choice) = field.choices.iter().find(|choice| fold(choice) == folded) {
        return Ok(Value::String(choice.clone()));
    }
    Err(misfit(
        field,
        &format!("takes only {}", choices(field)),
        "Translate the value with a table.",
    ))
}

fn misfit(field: &AppField, what: &str, remedy: &str) -> Misfit {
    Misfit {
        field: field.name.clone(),
        detail: format!("{} {what}.", field.name),
        remedy: remedy.to_owned(),
    }
}

fn choices(field: &AppField) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> =
        field.choices.iter().take(SHOWN).map(|choice| format!("{choice:?}")).collect();
    let more = field.choices.len().saturating_sub(SHOWN);
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The value in the type, or what to do.
fn converted(kind: FieldType, value: Value) -> Result<Value, String> {
    match (kind, value) {
        (FieldType::Text, Value::String(text)) => Ok(Value::String(text)),
        (FieldType::Text, Value::Bool(flag)) => Ok(Value::String(flag.to_string())),
        (FieldType::Text, Value::Number(number)) => Ok(Value::String(digits(&number))),
        (FieldType::Boolean, Value::Bool(flag)) => Ok(Value::Bool(flag)),
        (FieldType::Boolean, Value::String(text)) => match text.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("Use a field that holds true or false, or translate it with a table.".into()),
        },
        (FieldType::Integer, Value::Number(number)) => whole(&number)
            .map(Value::Number)
            .ok_or_else(|| "Use a field with whole numbers.".into()),
        (FieldType::Integer, Value::String(text)) => text
            .trim()
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_not_a_number| "Use a field with whole numbers.".into()),
        (FieldType::Decimal, Value::Number(number)) => Ok(Value::Number(number)),
        (FieldType::Decimal, Value::String(text)) => text
            .trim()
            .parse::<f64>()
            .ok()
            .and_then(Number::from_f64)
            .map(|number| Value::Number(whole(&number).unwrap_or(number)))
            .ok_or_else(|| "Use a field with numbers.".into()),
        (FieldType::Date, Value::String(text)) => {
            day(&text).map(Value::String).ok_or_else(|| "Write it as in 2026-01-31.".into())
        }
        (FieldType::DateTime, Value::String(text)) if is_instant(&text) => Ok(Value::String(text)),
        (FieldType::DateTime, Value::String(_)) => {
            Err("Write it as in 2026-01-31T12:00:00Z.".into())
        }
        _ => Err("Map a field of another type.".into()),
    }
}

fn is_instant(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
}

/// The day of a date, or of a date and time as it is written there.
fn day(text: &str) -> Option<String> {
    let date = if is_instant(text) { text.get(..10)? } else { text };
    date.parse::<jiff::civil::Date>().ok().map(|date| date.to_string())
}

/// A number as people write it: `3.0` is `3`.
fn digits(number: &Number) -> String {
    whole(number).as_ref().unwrap_or(number).to_string()
}

fn whole(number: &Number) -> Option<Number> {
    if number.is_i64() || number.is_u64() {
        return Some(number.clone());
    }
    let float = number.as_f64()?;
    if float.fract() != 0.0 || float.abs() > EXACT {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53")]
    Some(Number::from(float as i64))
}

/// A type with its article.
pub(super) const fn noun(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Text => "text",
        FieldType::Boolean => "true or false",
        FieldType::Integer => "a whole number",
        FieldType::Decimal => "a number",
        FieldType::DateTime => "a date and time",
        FieldType::Date => "a date",
    }
}

/// Whether nothing that an expression can come to ever fits.
pub(super) fn never_comes_of(shape: &Shape, field: &AppField) -> bool {
    match shape {
        Shape::Unknown | Shape::Nothing => false,
        Shape::Value(kind) => never_fits(*kind, field.kind),
        Shape::List(element) => !field.multi_valued || never_comes_of(element, field),
        Shape::Object => true,
    }
}

/// Whether no value of a profile field's type can ever fit.
pub(super) const fn never_fits(profile: Type, field: FieldType) -> bool {
    match field {
        FieldType::Text => matches!(profile, Type::Complex),
        FieldType::Boolean => !matches!(profile, Type::Boolean | Type::String),
        FieldType::Integer | FieldType::Decimal => {
            !matches!(profile, Type::Integer | Type::Decimal | Type::String)
        }
        FieldType::DateTime | FieldType::Date => !matches!(profile, Type::DateTime | Type::String),
    }
}
