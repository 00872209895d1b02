//! Whether a value is what an app's field takes.
//!
//! Values are converted only where nothing is lost: a number becomes its digits, the text `true`
//! becomes a boolean, `"42"` becomes a whole number. Anything else is a [`Misfit`], never a guess.

use super::super::document::Normaliser;
use super::super::field::{AppField, FieldType};
use super::super::record::Misfit;
use crate::scim::schema::Type;
use crate::scim::value::fold;
use serde_json::{Number, Value};

/// Largest whole number that every JSON reader keeps exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The value after all normalisers; none where nothing is left of a text.
pub(super) fn normalised(normalisers: &[Normaliser], value: Value) -> Option<Value> {
    let Value::String(mut text) = value else { return Some(value) };
    for normaliser in normalisers {
        text = match normaliser {
            Normaliser::Trim => text.trim().to_owned(),
            Normaliser::Lower => text.to_lowercase(),
            Normaliser::Upper => text.to_uppercase(),
        };
    }
    (!text.is_empty()).then_some(Value::String(text))
}

/// The value as the field takes it.
pub(super) fn fit(field: &AppField, value: Value) -> Result<Value, Misfit> {
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
        FieldType::DateTime => "a date and time",
    }
}

/// Whether no value of a profile field's type can ever fit.
pub(super) const fn never_fits(profile: Type, field: FieldType) -> bool {
    match field {
        FieldType::Text => matches!(profile, Type::Complex),
        FieldType::Boolean => !matches!(profile, Type::Boolean | Type::String),
        FieldType::Integer => !matches!(profile, Type::Integer | Type::Decimal | Type::String),
        FieldType::DateTime => !matches!(profile, Type::DateTime | Type::String),
    }
}
