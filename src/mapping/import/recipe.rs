//! The simplest kind of rule that has the meaning of a term.

use super::term::{Obstacle, Term, text};
use crate::mapping::document::{Normaliser, OnEmpty, Source};
use crate::scim::urn::ENTERPRISE_USER;
use serde_json::{Number, Value};
use std::collections::BTreeMap;

/// Longest expression a rule may have, in characters.
const LONGEST: usize = 1_000;

/// What a rule is made of.
#[derive(Debug, PartialEq)]
pub(super) struct Recipe {
    pub(super) source: Source,
    pub(super) on_empty: OnEmpty,
    pub(super) normalise: Vec<Normaliser>,
}

/// The recipe for a term, where `on_empty` is what happens without a value.
pub(super) fn recipe(term: &Term, on_empty: OnEmpty) -> Result<Recipe, Obstacle> {
    let (base, normalise) = bare(term);
    if let Some((source, otherwise)) = simple(base)? {
        let on_empty = otherwise.map_or_else(|| on_empty.clone(), OnEmpty::Default);
        // The value for an empty source would be normalised too.
        let changed = matches!(&on_empty, OnEmpty::Default(value) if changes(&normalise, value));
        if !changed {
            return Ok(Recipe { source, on_empty, normalise });
        }
    }
    let expression = text::expression(term)?;
    let length = expression.chars().count();
    if length > LONGEST {
        return Err(Obstacle::new(
            format!("As an expression it has {length} characters, and {LONGEST} is the limit."),
            "Make a profile field that holds the value, and map that field.",
        ));
    }
    Ok(Recipe { source: Source::Expression { expression }, on_empty, normalise: Vec::new() })
}

/// A term without the normalisers around it, and these in the order in which they apply.
fn bare(term: &Term) -> (&Term, Vec<Normaliser>) {
    let mut base = term;
    let mut outermost = Vec::new();
    while let Term::Call(name, arguments) = base {
        let normaliser = match *name {
            "lower" => Normaliser::Lower,
            "upper" => Normaliser::Upper,
            "trim" => Normaliser::Trim,
            "transliterate" => Normaliser::Transliterate,
            _ => break,
        };
        let [inner] = arguments.as_slice() else { break };
        outermost.push(normaliser);
        base = inner;
    }
    outermost.reverse();
    (base, outermost)
}

fn changes(normalise: &[Normaliser], value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    normalise.iter().any(|normaliser| match normaliser {
        Normaliser::Lower => text.to_lowercase() != text,
        Normaliser::Upper => text.to_uppercase() != text,
        Normaliser::Trim => text.trim() != text,
        _ => !text.is_ascii(),
    })
}

/// A source that is no expression, and what it has instead of no value; none where only an
/// expression will do.
fn simple(term: &Term) -> Result<Option<(Source, Option<Value>)>, Obstacle> {
    let path = |path: &str| path.to_owned();
    let source = match term {
        Term::Field(field) => Source::Profile { path: path(field) },
        Term::Manager => Source::Reference { path: format!("{ENTERPRISE_USER}:manager.value") },
        Term::Assignment => Source::Assignment,
        Term::First(parts) => return Ok(first(parts)),
        Term::Sum(parts) => return Ok(template(parts).map(|source| (source, None))),
        Term::Join(separator, parts) if separator == " " => {
            let fields: Option<Vec<String>> = parts
                .iter()
                .map(|part| match part {
                    Term::Field(field) => Some(format!("{{{field}}}")),
                    _ => None,
                })
                .collect();
            return Ok(fields.map(|fields| (Source::Join { template: fields.join(" ") }, None)));
        }
        Term::Table { key, entries, default } => {
            return Ok(table(key, entries, default).map(|source| (source, None)));
        }
        term => match literal(term) {
            Some(value) => Source::Constant { value },
            None if matches!(term, Term::Null | Term::Text(_)) => {
                return Err(Obstacle::new(
                    "It never has a value.",
                    "Leave the field unmapped, or give it a hardcoded value.",
                ));
            }
            None => return Ok(None),
        },
    };
    Ok(Some((source, None)))
}

/// Profile fields, and perhaps a value that is known beforehand after them.
fn first(parts: &[Term]) -> Option<(Source, Option<Value>)> {
    let (fields, otherwise) = match parts.split_last() {
        Some((last, before)) if literal(last).is_some() => (before, literal(last)),
        _ => (parts, None),
    };
    let mut paths: Vec<String> = fields
        .iter()
        .map(|part| match part {
            Term::Field(field) => Some((*field).to_owned()),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let source = match (paths.pop(), paths.is_empty()) {
        (None, _) => return None,
        (Some(path), true) => Source::Profile { path },
        (Some(last), false) => {
            paths.push(last);
            Source::First { paths }
        }
    };
    Some((source, otherwise))
}

/// A template, where the white space that templates drop is none that the texts have.
fn template(parts: &[Term]) -> Option<Source> {
    let mut template = String::new();
    let mut fields = 0_usize;
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.iter().enumerate() {
        match part {
            Term::Field(field) => {
                fields += 1;
                template.push('{');
                template.push_str(field);
                template.push('}');
            }
            Term::Text(text) => {
                let dropped = text.contains("  ")
                    || text.chars().any(|letter| letter.is_whitespace() && letter != ' ')
                    || (at == 0 && text.starts_with(' '))
                    || (at == last && text.ends_with(' '));
                if dropped {
                    return None;
                }
                template.push_str(&text.replace('{', "{{").replace('}', "}}"));
            }
            _ => return None,
        }
    }
    (fields > 0).then_some(Source::Join { template })
}

fn table(key: &Term, entries: &[(String, Term)], default: &Term) -> Option<Source> {
    let Term::Field(path) = key else { return None };
    let default = match default {
        Term::Null => None,
        Term::Text(text) if text.is_empty() => None,
        default => Some(literal(default)?),
    };
    let mut known = BTreeMap::new();
    for (from, to) in entries {
        match literal(to) {
            Some(value) => {
                known.insert(from.clone(), value);
            }
            // A key without a value is as good as no key, unless others have one by default.
            None if default.is_none() && matches!(to, Term::Null | Term::Text(_)) => {}
            None => return None,
        }
    }
    let path = (*path).to_owned();
    (!known.is_empty()).then_some(Source::Table { path, entries: known, default })
}

/// A value that is known beforehand.
fn literal(term: &Term) -> Option<Value> {
    match term {
        Term::Text(text) if text.is_empty() => None,
        Term::Text(text) => Some(Value::from(text.as_str())),
        Term::Boolean(value) => Some(Value::from(*value)),
        Term::Number(digits) => match digits.parse::<i64>() {
            Ok(whole) => Some(Value::from(whole)),
            Err(_) => digits.parse().ok().and_then(Number::from_f64).map(Value::Number),
        },
        _ => None,
    }
}
